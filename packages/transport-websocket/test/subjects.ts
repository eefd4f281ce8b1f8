import { once } from 'node:events'
import { createServer } from 'node:net'
import type { Stream, StreamTransport, Transport } from '@async/core'
import { lengthPrefix } from '@async/protocol-chunk'
import { tls, tlsServer } from '@async/transport-tls'
import { authority, server as certificate } from '../../transport-tls/test/certificates.ts'
import { type ListenerUnderTest, memoryPair, type Pair, type Subject } from '@async/core/testing'
import type { TransportOptions } from '@async/core/base'
import { acceptWebSocket, connectWebSocket, listenWebSocket, messagesAsStream, openWebSocket, type WebSocketOptions, type WebSocketTransport } from '../src/index.ts'
import { connectWebSocket as connectBuiltIn, type WebSocketConnectOptions } from '../src/web/index.ts'
import { WebSocket } from 'undici'
import { readRequest } from './upgrade.ts'

/** Cases write 16 MiB at once, and let hours of virtual time pass in one go: nobody could answer a ping. */
const kit: WebSocketOptions = { maxMessageBytes: 32 * 1024 * 1024, heartbeatMs: Infinity, handshakeTimeoutMs: Infinity }

/** Node 20 has no WebSocket: undici's is the one that later ones have. */
export const builtInKit: Partial<WebSocketConnectOptions> = { maxMessageBytes: 32 * 1024 * 1024, WebSocket }

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

async function makeEnds(options?: TransportOptions): Promise<{ client: WebSocketTransport; server: WebSocketTransport; dispose(): void }> {
  let accept!: (transport: WebSocketTransport) => void
  const accepting = new Promise<WebSocketTransport>((resolve) => {
    accept = resolve
  })
  const listener = await listenWebSocket({ ...options, ...kit, startTimeoutMs: Infinity }, accept)
  const client = await connectWebSocket({ ...options, ...kit, url: `ws://127.0.0.1:${listener.port}/` })
  return { client, server: await accepting, dispose: () => listener.close() }
}

async function connectToNobody(): Promise<WebSocketTransport> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return connectWebSocket({ url: `ws://127.0.0.1:${port}/` })
}

export const dialled: Subject = {
  name: 'WebSocket over TCP, client to server',
  carries: 'message',
  makePair: async (options): Promise<Pair> => {
    const { client, server, dispose } = await makeEnds(options)
    return { a: client, b: server, dispose }
  },
  makeListener: async (accept, options): Promise<ListenerUnderTest> => {
    // A client whose handshake is held has no connection yet, which is not what the cases of holding look for.
    const listener = await listenWebSocket({ maxHeldConnections: 0, ...options, ...kit }, accept)
    const counts = () => ({ open: listener.connectionCount, held: listener.heldCount, refused: listener.refusedCount })
    return { listener, counts, connect: (how) => connectWebSocket({ ...options, ...kit, ...how, url: `ws://127.0.0.1:${listener.port}/` }) }
  },
  connectToNobody,
}

export const accepted: Subject = {
  name: 'WebSocket over TCP, server to client',
  carries: 'message',
  makePair: async (options): Promise<Pair> => {
    const { client, server, dispose } = await makeEnds(options)
    return { a: server, b: client, dispose }
  },
}

export const streamOverTcp: Subject = {
  name: 'a stream over WebSocket over TCP',
  carries: 'stream',
  skip: {
    'C14 close() of a transport whose write half broke ends it, with the reason of the break':
      'reading began below only when it was paused again: what the case looks for is still with the system, uncounted',
  },
  makePair: async (options): Promise<Pair> => {
    const { client, server, dispose } = await makeEnds(options)
    const asStream = messagesAsStream(options)
    return { a: asStream(client), b: asStream(server), dispose }
  },
}

const runtimeSends = 'the runtime has what was handed to its WebSocket, and sends it'
const noClog = 'a built-in WebSocket does not hold its peer back: it can have no full queue'

const builtIn = (name: string, swap: boolean, skip: Record<string, string>): Subject => ({
  name,
  skip,
  carries: 'message',
  makePair: async (options): Promise<Pair> => {
    let accept!: (transport: WebSocketTransport) => void
    const accepting = new Promise<WebSocketTransport>((resolve) => {
      accept = resolve
    })
    const listener = await listenWebSocket({ ...options, ...kit, startTimeoutMs: Infinity }, accept)
    const client = await connectBuiltIn({ ...options, ...builtInKit, url: `ws://127.0.0.1:${listener.port}/` })
    const server = await accepting
    return { ...(swap ? { a: server, b: client } : { a: client, b: server }), dispose: () => listener.close() }
  },
})

export const streamOverMemory: Subject = {
  name: 'a stream over WebSocket over memory',
  carries: 'stream',
  makePair: async (options?: TransportOptions): Promise<Pair> => {
    const { client, server } = await webSocketOver(memoryPair(options), { ...options, ...kit })
    const asStream = messagesAsStream(options)
    return { a: asStream(client), b: asStream(server) }
  },
}

export const memoryClient: Subject = overMemory('WebSocket over memory, client to server', {})
export const memoryServer: Subject = overMemory('WebSocket over memory, server to client', {}, true)
export const memoryDeflated: Subject = overMemory('WebSocket over memory, compressed', { deflate: true })
export const builtInClient: Subject = builtIn('the built-in WebSocket to our server', false, {
  'C8 abort() sends nothing of what is queued, and says how much that was, and why': runtimeSends,
})
export const toBuiltIn: Subject = builtIn('our server to the built-in WebSocket', true, {
  'C1 close() inside dataReceived: nothing more is delivered, and what came is counted as unread': 'the runtime drops what comes after close(), uncounted',
  W5: noClog,
  P5: noClog,
  C5: noClog,
  C6: noClog,
  F3: noClog,
  F8: noClog,
  'W4 writeSequence is accepted as a whole or not at all': noClog,
  'C8 abort() sends nothing of what is queued, and says how much that was, and why': noClog,
  'C8 abort() stops a producer, and rejects those who wait for drained()': noClog,
  'C10 abort() while closing ends at once, with kind aborted': noClog,
  'F9 a shared memory budget: over it the largest queue is aborted with kind limit, and its memory is given back': noClog,
})

/** Two ends of a stream over a WebSocket. */
async function streamEnds(options: TransportOptions | undefined): Promise<{ client: Transport<Stream>; server: Transport<Stream> }> {
  const { client, server } = await webSocketOver(memoryPair(options), { ...options, ...kit })
  const asStream = messagesAsStream(options)
  return { client: asStream(client), server: asStream(server) }
}

export const framed: Subject = {
  name: 'messages behind their length, over a stream over WebSocket over memory',
  carries: 'message',
  makePair: async (options): Promise<Pair> => {
    const { client, server } = await streamEnds(options)
    const layer = lengthPrefix({ maxChunkBytes: 64 * 1024 * 1024 })
    return { a: layer(client), b: layer(server) }
  },
}

export const secured: Subject = {
  name: 'TLS over a stream over WebSocket over memory',
  carries: 'stream',
  skip: {
    'C4 when the wait is over, a peer that still sends is told that it was reset': 'TLS lets go of what is below in order, which a WebSocket tells its peer',
  },
  makePair: async (options): Promise<Pair> => {
    const { client, server } = await streamEnds(options)
    const a = tls({ ...options, serverName: 'localhost', ca: authority.cert })(client)
    const b = tlsServer({ ...options, cert: certificate.cert, key: certificate.key })(server)
    await Promise.all([a.handshake(), b.handshake()])
    return { a, b }
  },
}

export const overTls: Subject = {
  name: 'WebSocket over TLS over memory',
  carries: 'message',
  makePair: async (options): Promise<Pair> => {
    const below = memoryPair(options)
    const a = tls({ ...options, serverName: 'localhost', ca: authority.cert })(below.a)
    const b = tlsServer({ ...options, cert: certificate.cert, key: certificate.key })(below.b)
    await Promise.all([a.handshake(), b.handshake()])
    const { client, server } = await webSocketOver({ a, b }, { ...options, ...kit })
    return { a: client, b: server }
  },
}
