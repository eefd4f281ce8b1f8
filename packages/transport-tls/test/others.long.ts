/** The kit with TLS over the other stream transports: a Unix socket, a WebSocket as a stream, a serial line. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Stream, StreamTransport, Transport } from '@async/core'
import { type Subject, transportSuite } from '@async/core/testing'
import { type TransportOptions, WrappedTransport } from '@async/core/base'
import { connectUnix, listenUnix } from '@async/transport-pipe'
import { connectSerial } from '@async/transport-serial'
import { connectWebSocket, listenWebSocket, messagesAsStream, type WebSocketTransport } from '@async/transport-websocket'
import { SimulatedSerial } from '../../transport-serial/src/testing/index.ts'
import { afterAll, describe, it } from 'vitest'
import { probeSettled } from '../src/probe.ts'
import { type Below, overTls } from './subjects.ts'

const folder = mkdtempSync(join(tmpdir(), 'async-tls-unix-'))
afterAll(() => rmSync(folder, { recursive: true }))
let made = 0

async function unixPair(options?: TransportOptions): Promise<Below> {
  const path = join(folder, `${made++}.sock`)
  let accept!: (transport: StreamTransport) => void
  const accepting = new Promise<StreamTransport>((resolve) => {
    accept = resolve
  })
  const listener = await listenUnix({ ...options, path, startTimeoutMs: Infinity }, accept)
  const a = await connectUnix({ ...options, path })
  return { a, b: await accepting, dispose: () => listener.close() }
}

async function webSocketPair(options?: TransportOptions): Promise<Below> {
  // Cases let hours of virtual time pass in one go: nobody could answer a ping.
  const how = { ...options, heartbeatMs: Infinity, maxMessageBytes: 32 * 1024 * 1024 }
  let accept!: (transport: WebSocketTransport) => void
  const accepting = new Promise<WebSocketTransport>((resolve) => {
    accept = resolve
  })
  const listener = await listenWebSocket({ ...how, startTimeoutMs: Infinity }, accept)
  const a = await connectWebSocket({ ...how, url: `ws://127.0.0.1:${listener.port}/` })
  const asStream = messagesAsStream(options)
  return { a: asStream(a), b: asStream(await accepting), dispose: () => listener.close() }
}

async function hidden(options?: TransportOptions): Promise<Below> {
  const { a, b, dispose } = await unixPair(options)
  const wrap = (below: Transport<Stream>): Transport<Stream> => new WrappedTransport<Stream>(below)
  return { a: wrap(a), b: wrap(b), dispose: () => dispose?.() }
}

/** A simulated null-modem cable, on which bytes take no time: the kit's clock stands still. */
async function serialPair(options?: TransportOptions): Promise<Below> {
  const binding = new SimulatedSerial({ ...options, pacing: false, bufferBytes: 65_536 })
  binding.plugCable({ path: 'one' }, { path: 'other' })
  const common = { ...options, binding, baudRate: 115_200, rtscts: true, hangUpOn: 'dsr' } as const
  return { a: await connectSerial({ ...common, path: 'one' }), b: await connectSerial({ ...common, path: 'other' }) }
}

const partial = { 'C8 abort() sends no more to a peer that reads': 'Node does not tell how much of a write in progress the OS has: such bytes count as unsent' }
const noHalfClose = { 'C4 when the wait is over, a peer that still sends is told that it was reset': 'without half-close below, the end of it is all that the peer can be told' }

const suite = (subject: Subject, pass: number, notApplicable: number, skipped = 0): void =>
  transportSuite({ describe, it }, subject, { filter: ({ name }) => !/1,000 connections/.test(name), watchdogMs: 120_000, counts: { pass, notApplicable, skipped, fail: 0 } })

suite(overTls('TLS over a Unix socket as any transport', hidden), 146, 57)
suite(overTls('TLS on a Unix socket', async (options) => (await probeSettled(), unixPair(options)), { skip: partial }), 145, 57, 1)
suite(overTls('TLS over a stream over WebSocket over TCP', webSocketPair, { skip: noHalfClose }), 156, 46, 1)
suite(overTls('TLS over a serial line', serialPair, { skip: noHalfClose }), 146, 56, 1)
