/** The kit with lines over the transports of other packages; over memory it is in the quick tests. */
import type { Stream, StreamTransport, Transport } from '@async/core'
import type { TransportOptions } from '@async/core/base'
import { type Counts, transportSuite } from '@async/core/testing'
import { connectTcp, listenTcp } from '@async/transport-tcp'
import { describe, it } from 'vitest'
import { serialPair, type StreamPair, unixPair, webSocketPair } from '../../transport-tls/test/pairs.ts'
import { overTls } from '../../transport-tls/test/subjects.ts'
import { line } from '../src/index.ts'

/** Letters: what every framing here carries. */
const letters = Array.from('abcdefghijklmnop', (letter) => letter.charCodeAt(0))
const layer = line({ maxChunkBytes: 64 * 1024 * 1024 }) as unknown as (below: Transport<Stream>) => ReturnType<ReturnType<typeof line>>

async function tcpPair(options?: TransportOptions): Promise<StreamPair> {
  let accept!: (transport: StreamTransport) => void
  const accepting = new Promise<StreamTransport>((resolve) => {
    accept = resolve
  })
  const listener = await listenTcp({ ...options, startTimeoutMs: Infinity }, accept)
  const a = await connectTcp({ ...options, port: listener.port, host: '127.0.0.1' })
  return { a, b: await accepting, dispose: () => listener.close() }
}

const partial = { 'C8 abort() sends no more to a peer that reads': 'Node does not tell how much of a write in progress the OS has: such bytes count as unsent' }

const held = { 'C14 close() of a transport whose write half broke ends it, with the reason of the break': 'what was not read is still with the system when the connection breaks: it is not counted' }

function suite(name: string, pair: (options?: TransportOptions) => Promise<StreamPair>, counts: Counts, skip: Readonly<Record<string, string>> = {}): void {
  const subject = {
    name: `lines over ${name}`,
    carries: 'message' as const,
    alphabet: letters,
    skip,
    makePair: async (options?: TransportOptions) => {
      const { a, b, dispose } = await pair(options)
      return { a: layer(a), b: layer(b), ...(dispose === undefined ? {} : { dispose }) }
    },
  }
  transportSuite({ describe, it }, subject, { filter: ({ name: tested }) => !/1,000 connections/.test(tested), watchdogMs: 120_000, counts })
}

suite('TCP', tcpPair, { pass: 150, notApplicable: 54, skipped: 0, fail: 0 })
suite('a Unix socket', unixPair, { pass: 139, notApplicable: 64, skipped: 1, fail: 0 }, partial)
suite('a stream over WebSocket', webSocketPair, { pass: 127, notApplicable: 76, skipped: 1, fail: 0 }, held)
suite('a serial line', serialPair, { pass: 119, notApplicable: 85, skipped: 0, fail: 0 })
suite('TLS over TCP', (options) => overTls('', tcpPair).makePair(options) as Promise<StreamPair>, { pass: 144, notApplicable: 60, skipped: 0, fail: 0 })
