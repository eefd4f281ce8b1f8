/** 2,000 connections for each way to end, and what they leave behind. */
import type { Transport } from '@async/core'
import { soak, type SoakSubject } from '@async/core/testing'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { counters, heapBytes } from '../../core/test/soak-on-node.ts'
import { WebSocket } from 'undici'
import { connectWebSocket, listenWebSocket, messagesAsStream, type WebSocketListener, type WebSocketTransport } from '../src/index.ts'
import { connectWebSocket as connectBuiltIn } from '../src/web/index.ts'

let listener: WebSocketListener
let accept: (transport: WebSocketTransport) => void
beforeAll(async () => {
  listener = await listenWebSocket({ deflate: true }, (transport) => accept(transport))
})
afterAll(() => listener.closeConnections())

/** A connection by `connect`, and its accepted end. */
async function makePair(connect: (url: string) => Promise<WebSocketTransport>): Promise<{ a: WebSocketTransport; b: WebSocketTransport }> {
  const accepting = new Promise<WebSocketTransport>((resolve) => {
    accept = resolve
  })
  const a = await connect(`ws://127.0.0.1:${listener.port}/`)
  return { a, b: await accepting }
}

/** What a WebSocket runs over. */
const below = (transport: Transport): Transport => (transport as unknown as { readonly below: Transport }).below

const subject = (connect: (url: string) => Promise<WebSocketTransport>): SoakSubject => ({
  makePair: () => makePair(connect),
  heapBytes,
  counters,
  ends: {
    'the peer’s close': ({ b }) => b.close(),
    'a code of the peer’s': ({ b }) => (b as WebSocketTransport).close({ code: 4000, text: 'enough' }),
    'an end without a Close': ({ b }) => below(b).close(),
    'a frame that is none': ({ a }) => below(a).write(Uint8Array.of(0xff, 0xff)),
  },
})

describe('2,000 WebSockets over TCP', () => {
  const plain = subject((url) => connectWebSocket({ url }))
  it.each(['close', 'abort', 'peer aborts', 'the peer’s close', 'a code of the peer’s', 'an end without a Close', 'a frame that is none'])('ended by %s leave nothing behind', async (way) => {
    await soak(plain, way)
  })

  it('that compress leave nothing behind', async () => {
    await soak(subject((url) => connectWebSocket({ url, deflate: { thresholdBytes: 0 } })), 'close')
  })

  it('with a stream over them leave nothing behind', async () => {
    const streams: SoakSubject = {
      makePair: async () => {
        const { a, b } = await makePair((url) => connectWebSocket({ url }))
        const asStream = messagesAsStream()
        return { a: asStream(a), b: asStream(b) }
      },
      heapBytes,
      counters,
    }
    await soak(streams, 'close')
    await soak(streams, 'abort')
  })
})

describe('2,000 WebSockets of undici’s', () => {
  it.each(['close', 'the peer’s close', 'peer aborts'])('ended by %s leave nothing behind', async (way) => {
    await soak(subject((url) => connectBuiltIn({ url, WebSocket })), way)
  })
})
