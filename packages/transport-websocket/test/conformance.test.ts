import type { StreamTransport } from '@async/core'
import { memoryPair, type Pair, type Subject, transportSuite } from '@async/core/testing'
import type { TransportOptions } from '@async/core/base'
import { describe, it } from 'vitest'
import { acceptWebSocket, messagesAsStream, openWebSocket, type WebSocketOptions, type WebSocketTransport } from '../src/index.ts'
import { readRequest } from './upgrade.ts'

/** Cases write 16 MiB at once, and let hours of virtual time pass in one go: nobody could answer a ping. */
const kit: WebSocketOptions = { maxMessageBytes: 32 * 1024 * 1024, heartbeatMs: Infinity, handshakeTimeoutMs: Infinity }

async function webSocketOver({ a, b }: { a: StreamTransport; b: StreamTransport }, options: WebSocketOptions): Promise<{ client: WebSocketTransport; server: WebSocketTransport }> {
  const opening = openWebSocket(a, options)
  const server = await acceptWebSocket(await readRequest(b), options)
  return { client: await opening, server }
}

const overMemory = (name: string, more: WebSocketOptions, swap = false): Subject => ({
  name,
  carries: 'message',
  makePair: async (options?: TransportOptions): Promise<Pair> => {
    const { client, server } = await webSocketOver(memoryPair(options), { ...options, ...kit, ...more })
    return swap ? { a: server, b: client } : { a: client, b: server }
  },
})

const streamOverMemory: Subject = {
  name: 'a stream over WebSocket over memory',
  carries: 'stream',
  makePair: async (options?: TransportOptions): Promise<Pair> => {
    const { client, server } = await webSocketOver(memoryPair(options), { ...options, ...kit })
    const asStream = messagesAsStream(options)
    return { a: asStream(client), b: asStream(server) }
  },
}

transportSuite({ describe, it }, overMemory('WebSocket over memory, client to server', {}))
transportSuite({ describe, it }, overMemory('WebSocket over memory, server to client', {}, true))
transportSuite({ describe, it }, overMemory('WebSocket over memory, compressed', { deflate: true }))
transportSuite({ describe, it }, streamOverMemory)
