/** The kit with TLS over the other stream transports: a Unix socket, a WebSocket as a stream. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Stream, StreamTransport, Transport } from '@async/core'
import { transportSuite } from '@async/core/testing'
import { type TransportOptions, WrappedTransport } from '@async/core/base'
import { connectUnix, listenUnix } from '@async/transport-pipe'
import { connectWebSocket, listenWebSocket, messagesAsStream, type WebSocketTransport } from '@async/transport-websocket'
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

transportSuite({ describe, it }, overTls('TLS over a Unix socket as any transport', hidden), { filter: ({ name }) => !/1,000 connections/.test(name), watchdogMs: 60_000, counts: { pass: 1, notApplicable: 0, skipped: 0, fail: 0 } })
transportSuite({ describe, it }, overTls('TLS on a Unix socket', async (options) => (await probeSettled(), unixPair(options))), { filter: ({ name }) => !/1,000 connections/.test(name), watchdogMs: 60_000, counts: { pass: 1, notApplicable: 0, skipped: 0, fail: 0 } })
transportSuite({ describe, it }, overTls('TLS over a stream over WebSocket over TCP', webSocketPair), { filter: ({ name }) => !/1,000 connections/.test(name), watchdogMs: 60_000, counts: { pass: 1, notApplicable: 0, skipped: 0, fail: 0 } })
