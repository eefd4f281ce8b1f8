/** The kit with TLS over the other stream transports: a Unix socket, a WebSocket as a stream, a serial line. */
import type { Stream, Transport } from '@async/core'
import { type Subject, transportSuite } from '@async/core/testing'
import { type TransportOptions, WrappedTransport } from '@async/core/base'
import { describe, it } from 'vitest'
import { serialPair, unixPair, webSocketPair } from './pairs.ts'
import { probeSettled } from '../src/probe.ts'
import { type Below, overTls } from './subjects.ts'

async function hidden(options?: TransportOptions): Promise<Below> {
  const { a, b, dispose } = await unixPair(options)
  const wrap = (below: Transport<Stream>): Transport<Stream> => new WrappedTransport<Stream>(below)
  return { a: wrap(a), b: wrap(b), dispose: () => dispose?.() }
}

const partial = { 'C8 abort() sends no more to a peer that reads': 'Node does not tell how much of a write in progress the OS has: such bytes count as unsent' }
const noHalfClose = { 'C4 when the wait is over, a peer that still sends is told that it was reset': 'without half-close below, the end of it is all that the peer can be told' }

const suite = (subject: Subject, pass: number, notApplicable: number, skipped = 0): void =>
  transportSuite({ describe, it }, subject, { filter: ({ name }) => !/1,000 connections/.test(name), watchdogMs: 120_000, counts: { pass, notApplicable, skipped, fail: 0 } })

suite(overTls('TLS over a Unix socket as any transport', hidden), 147, 57)
suite(overTls('TLS on a Unix socket', async (options) => (await probeSettled(), unixPair(options)), { skip: partial }), 146, 57, 1)
suite(overTls('TLS over a stream over WebSocket over TCP', webSocketPair, { skip: noHalfClose }), 157, 46, 1)
suite(overTls('TLS over a serial line', serialPair, { skip: noHalfClose }), 147, 56, 1)
