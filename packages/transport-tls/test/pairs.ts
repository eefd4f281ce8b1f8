/** Pairs of stream transports of other packages: what layers are tried on. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Stream, StreamTransport, Transport } from '@async/core'
import type { TransportOptions } from '@async/core/base'
import { connectUnix, listenUnix } from '@async/transport-pipe'
import { connectSerial } from '@async/transport-serial'
import { connectWebSocket, listenWebSocket, messagesAsStream, type WebSocketTransport } from '@async/transport-websocket'
import { afterAll } from 'vitest'
import { SimulatedSerial } from '../../transport-serial/src/testing/index.ts'

/** Two ends, and what else has to go. */
export interface StreamPair {
  readonly a: Transport<Stream>
  readonly b: Transport<Stream>
  readonly dispose?: () => void
}

const folder = mkdtempSync(join(tmpdir(), 'async-tls-unix-'))
afterAll(() => rmSync(folder, { recursive: true }))
let made = 0

/** Unix sockets. */
export async function unixPair(options?: TransportOptions): Promise<StreamPair> {
  const path = join(folder, `${made++}.sock`)
  let accept!: (transport: StreamTransport) => void
  const accepting = new Promise<StreamTransport>((resolve) => {
    accept = resolve
  })
  const listener = await listenUnix({ ...options, path, startTimeoutMs: Infinity }, accept)
  const a = await connectUnix({ ...options, path })
  return { a, b: await accepting, dispose: () => listener.close() }
}

/** Streams over WebSockets over TCP. */
export async function webSocketPair(options?: TransportOptions): Promise<StreamPair> {
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

/** A simulated null-modem cable, on which bytes take no time: the kit's clock stands still. */
export async function serialPair(options?: TransportOptions): Promise<StreamPair> {
  const binding = new SimulatedSerial({ ...options, pacing: false, bufferBytes: 65_536 })
  binding.plugCable({ path: 'one' }, { path: 'other' })
  const common = { ...options, binding, baudRate: 115_200, rtscts: true, hangUpOn: 'dsr' } as const
  return { a: await connectSerial({ ...common, path: 'one' }), b: await connectSerial({ ...common, path: 'other' }) }
}
