/** What the kit can't know: heartbeats, codes, floods, ends of a WebSocket. On virtual time, over memory. */
import { type CloseReason, type StreamTransport } from '@async/core'
import { memoryPair, VirtualClock } from '@async/core/testing'
import { line } from '@async/protocol-chunk'
import { describe, expect, it } from 'vitest'
import { acceptWebSocket, messagesAsStream, openWebSocket, webSocketClose, type WebSocketOptions, type WebSocketTransport } from '../src/index.ts'
import { deferred, Recorder, turns, until } from './support.ts'
import { readRequest } from './upgrade.ts'

interface Ends {
  readonly client: WebSocketTransport
  readonly server: WebSocketTransport
  readonly atClient: Recorder
  readonly atServer: Recorder
}

/** Both ends ours, started. */
async function pair(serverOptions: WebSocketOptions = {}, clientOptions: WebSocketOptions = serverOptions): Promise<Ends> {
  const { a, b } = memoryPair(serverOptions)
  const opening = openWebSocket(a, clientOptions)
  const server = await acceptWebSocket(await readRequest(b), serverOptions)
  const client = await opening
  const [atClient, atServer] = [new Recorder(), new Recorder()]
  client.start(atClient)
  server.start(atServer)
  return { client, server, atClient, atServer }
}

interface Raw {
  readonly server: WebSocketTransport
  readonly atServer: Recorder
  readonly peer: StreamTransport
  /** What came behind the answer to the handshake. */
  readonly came: () => Buffer
}

/** Our server, and a client that speaks bytes. */
async function rawClient(options: WebSocketOptions = {}): Promise<Raw> {
  const { a, b } = memoryPair(options)
  let came = Buffer.alloc(0)
  a.start({
    dataReceived(data) {
      came = Buffer.concat([came, data])
    },
    eofReceived() {},
  })
  a.write('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n')
  const server = await acceptWebSocket(await readRequest(b), options)
  await until(() => came.includes('\r\n\r\n'))
  const atServer = new Recorder()
  server.start(atServer)
  return { server, atServer, peer: a, came: () => came.subarray(came.indexOf('\r\n\r\n') + 4) }
}

/** A client's frame, with a mask of zeros. */
const masked = (first: number, ...payload: number[]): Uint8Array => Uint8Array.from([first, 0x80 | payload.length, 0, 0, 0, 0, ...payload])

describe('the heartbeat', () => {
  it('asks a silent peer, and takes its answer', async () => {
    const clock = new VirtualClock()
    const { server, peer, came } = await rawClient({ clock, heartbeatMs: 1000, heartbeatTimeoutMs: 500 })
    clock.advance(999)
    await turns()
    expect(came().toString('hex')).toBe('')
    clock.advance(1)
    await until(() => came().length > 0)
    expect(came().toString('hex')).toBe('8900')
    peer.write(masked(0x8a))
    await turns()
    clock.advance(500)
    await turns()
    expect(server.queuedBytes).toBe(0)
    server.abort()
    await server.closed
    expect(clock.pendingCount).toBe(0)
  })

  it('does not ask who talks', async () => {
    const clock = new VirtualClock()
    const { server, peer, came } = await rawClient({ clock, heartbeatMs: 1000, heartbeatTimeoutMs: 500 })
    for (let i = 0; i < 5; i++) {
      peer.write(masked(0x81, 0x61))
      await turns()
      clock.advance(1000)
      await turns()
    }
    expect(came().length).toBe(0)
    server.abort()
  })

  it('ends with kind timeout when nothing answers, and the peer sees a reset', async () => {
    const clock = new VirtualClock()
    const { server, atServer, peer } = await rawClient({ clock, heartbeatMs: 1000, heartbeatTimeoutMs: 500 })
    clock.advance(1000)
    await turns()
    clock.advance(499)
    await turns()
    expect(() => server.write('still here')).not.toThrow()
    clock.advance(1)
    expect(await atServer.lost).toMatchObject({ kind: 'timeout', error: { code: 'ERR_HEARTBEAT_TIMEOUT' } })
    expect((await peer.closed).kind).toBe('reset')
  })

  it('takes what leaves a queue that is kept full for a sign of life, and what goes into an empty buffer for none', async () => {
    const clock = new VirtualClock()
    const { server, atServer, peer } = await rawClient({ clock, heartbeatMs: 1000, heartbeatTimeoutMs: 500 })
    peer.start({ dataReceived: () => peer.pause('read'), eofReceived() {} })
    server.write(new Uint8Array(500_000))
    await turns()
    for (let i = 0; i < 10; i++) {
      const before = server.queuedBytes
      await until(() => (peer.resume('read'), server.queuedBytes < before))
      expect(server.queuedBytes).toBeGreaterThan(0)
      server.write(new Uint8Array(before - server.queuedBytes))
      clock.advance(500)
    }
    expect(server.queuedBytes).toBeGreaterThan(0)
    peer.start({ dataReceived() {}, eofReceived() {} })
    peer.resume('read')
    await until(() => server.queuedBytes === 0)
    const speak = async (): Promise<never> => {
      for (;;) {
        server.write('unheard')
        await turns()
        clock.advance(500)
      }
    }
    await expect(speak()).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect((await atServer.lost).kind).toBe('timeout')
  })

  it('leaves no timer, also when the protocol ends it at once', async () => {
    for (const how of ['abort', 'close'] as const) {
      const clock = new VirtualClock()
      const { a, b } = memoryPair({ clock })
      const opening = openWebSocket(a, { clock })
      const server = await acceptWebSocket(await readRequest(b), { clock })
      const client = await opening
      client.start(new Recorder())
      server.start({ connectionMade: (transport) => transport[how](), dataReceived() {} })
      await Promise.all([server.closed, client.closed])
      await turns()
      expect(clock.pendingCount).toBe(0)
    }
  })

  it('stands while paused, for nobody would hear the answer', async () => {
    const clock = new VirtualClock()
    const { server, atServer, peer, came } = await rawClient({ clock, heartbeatMs: 1000, heartbeatTimeoutMs: 500 })
    server.pause('read')
    for (let i = 0; i < 5; i++) {
      clock.advance(1000)
      await turns()
    }
    expect(came().length).toBe(0)
    peer.write(masked(0x81, 0x61))
    server.resume('read')
    await atServer.received(1)
    server.abort()
  })
})

describe('pings of the peer', () => {
  it('are answered with their payload, ahead of nothing that was written before', async () => {
    const { server, peer, came } = await rawClient()
    server.write('x')
    peer.write(masked(0x89, 0x01, 0x02))
    await until(() => came().length >= 7)
    expect(came().toString('hex')).toBe('8101788a020102')
    server.abort()
  })

  it('cost nothing when it does not read: the latest is answered once there is room', async () => {
    const { server, peer, came } = await rawClient()
    peer.pause('read')
    server.write(new Uint8Array(200_000))
    await turns()
    const before = server.queuedBytes
    expect(before).toBeGreaterThan(65_536)
    for (let i = 0; i < 2000; i++) peer.write(masked(0x89, i >> 8, i & 255))
    await turns()
    expect(server.queuedBytes).toBe(before)
    peer.resume('read')
    const whole = 10 + 200_000 + 4
    await until(() => came().length >= whole)
    await turns()
    expect(came().subarray(10 + 200_000).toString('hex')).toBe('8a0207cf')
    server.abort()
  })
})

describe('closing', () => {
  it('sends a Close, waits for the other, and then ends what is below', async () => {
    const { server, atServer, peer, came } = await rawClient()
    server.write('last')
    server.close({ code: 4001, text: 'bye' })
    await until(() => came().length >= 13)
    expect(came().toString('hex')).toBe('81046c61737488050fa1627965')
    let ended = false
    void peer.closed.then(() => (ended = true))
    await turns()
    expect(ended).toBe(false)
    peer.write(masked(0x81, 0x61))
    peer.write(masked(0x88, 0x0f, 0xa1))
    peer.close()
    expect(await atServer.lost).toMatchObject({ kind: 'closed', by: 'local', unsentBytes: 0, unreadBytes: 1, below: { kind: 'closed' } })
  })

  it('of a peer that does not read takes as long as it may, and no longer', async () => {
    const clock = new VirtualClock()
    const { server, atServer, peer } = await rawClient({ clock, lingerMs: 5000 })
    peer.pause('read')
    server.close()
    await turns()
    // The Close is in what the memory pair has on its way: sent.
    clock.advance(5000)
    await turns()
    clock.advance(5000)
    expect(await atServer.lost).toMatchObject({ kind: 'closed', by: 'local', unsentBytes: 0 })
    expect(clock.pendingCount).toBe(0)
  })

  it('has its Close wait for room where the queue is full', async () => {
    const { server, atServer, client, atClient } = await pair({ maxQueuedBytes: 100_000 })
    client.pause('read')
    let written = 0
    const fill = (bytes: number): void => {
      try {
        for (;;) {
          server.write(new Uint8Array(bytes))
          written++
        }
      } catch {
        // Full, for messages of that size.
      }
    }
    fill(40_000)
    await turns()
    for (const bytes of [40_000, 1000, 0]) fill(bytes)
    expect(server.queuedBytes).toBeGreaterThan(99_998)
    server.close({ code: 3000, text: 'full' })
    client.resume('read')
    expect(webSocketClose(await atClient.lost)).toEqual({ code: 3000, text: 'full' })
    expect(atClient.messages.length).toBe(written)
    expect((await atServer.lost).kind).toBe('closed')
  })

  it('answers the peer’s code, and tells it through the layers above', async () => {
    const { server, peer, came } = await rawClient()
    const lost = deferred<CloseReason>()
    line()(messagesAsStream()(server)).start({ dataReceived() {}, connectionLost: lost.resolve })
    peer.write(masked(0x88, 0x03, 0xf3, 0x6e, 0x6f))
    await until(() => came().length >= 4)
    expect(came().toString('hex')).toBe('880203f3')
    peer.close()
    const reason = await lost.promise
    expect(reason.kind).toBe('reset')
    expect(webSocketClose(reason)).toEqual({ code: 1011, text: 'no' })
  })

  it('takes a Close without a code for an end in order', async () => {
    const { atServer, peer, came } = await rawClient()
    peer.write(masked(0x88))
    await until(() => came().length >= 2)
    expect(came().toString('hex')).toBe('8800')
    peer.close()
    expect(await atServer.lost).toMatchObject({ kind: 'closed', by: 'peer' })
  })

  it('lets what was written before the peer’s Close go out', async () => {
    const { client, server, atClient, atServer } = await pair()
    atServer.onMessage = () => server.write('answer')
    client.write('question')
    client.close()
    expect(await atServer.lost).toMatchObject({ kind: 'closed', by: 'peer', unsentBytes: 0 })
    expect(await atClient.lost).toMatchObject({ kind: 'closed', by: 'local', unreadBytes: 6 })
  })

  it.each([[999], [1004], [1005], [1006], [1015], [2999], [5000], [1000.5]])('refuses the code %s', async (code) => {
    const { server, client } = await pair()
    expect(() => server.close({ code })).toThrowError(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    expect(() => server.close({ text: 'é'.repeat(62) })).toThrowError(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    server.write('unharmed')
    server.abort()
    client.abort()
  })

  it('a peer that says nothing is truncated, one that drops the connection a reset', async () => {
    const first = await rawClient()
    first.peer.close()
    expect(await first.atServer.lost).toMatchObject({ kind: 'truncated', error: { code: 'ERR_TRUNCATED' } })
    const second = await rawClient()
    second.peer.abort()
    expect(await second.atServer.lost).toMatchObject({ kind: 'reset' })
    const third = await rawClient()
    third.peer.write(masked(0x81, 0x61).subarray(0, 4))
    third.peer.close()
    expect(await third.atServer.lost).toMatchObject({ kind: 'truncated' })
  })
})

describe('what comes', () => {
  it('has as many bytes as maxMessageBytes, and no more; as many fragments as maxFragments', async () => {
    const { server, client, atServer, atClient } = await pair({ maxMessageBytes: 100 })
    client.write(new Uint8Array(100))
    await atServer.received(1)
    server.write('é'.repeat(51))
    expect(await atClient.lost).toMatchObject({ kind: 'limit', error: { code: 'ERR_WEBSOCKET_MESSAGE_TOO_LONG', limit: 'maxMessageBytes', allowed: 100 } })
    expect(webSocketClose(await atServer.lost)).toEqual({ code: 1009, text: '' })
    const raw = await rawClient({ maxFragments: 2 })
    raw.peer.write(masked(0x01, 0x61))
    raw.peer.write(masked(0x80, 0x62))
    await raw.atServer.received(1)
    expect(raw.atServer.messages).toEqual(['ab'])
    for (const first of [0x01, 0x00, 0x80]) raw.peer.write(masked(first, 0x61))
    await until(() => raw.came().length >= 4)
    raw.peer.close()
    expect(await raw.atServer.lost).toMatchObject({ kind: 'limit', error: { code: 'ERR_WEBSOCKET_TOO_MANY_FRAGMENTS' } })
    expect(raw.came().toString('hex')).toBe('880203f0')
  })

  it('is refused behind what was right: the messages before it are delivered', async () => {
    const raw = await rawClient()
    raw.peer.writeSequence([masked(0x81, 0x61), masked(0x81, 0xff), masked(0x81, 0x62)])
    await until(() => raw.came().length >= 4)
    raw.peer.close()
    expect(await raw.atServer.lost).toMatchObject({ kind: 'protocol', error: { code: 'ERR_WEBSOCKET_INVALID_DATA', side: 'remote' } })
    expect([raw.atServer.messages, raw.came().toString('hex')]).toEqual([['a'], '880203ef'])
  })

  it('is refused compressed as it is not: a bomb, bits that are none, and more than was agreed', async () => {
    const { server, client, atServer, atClient } = await pair({ deflate: true, maxMessageBytes: 10_000 }, { deflate: true, maxMessageBytes: 1_000_000 })
    client.write(new Uint8Array(10_001))
    expect(await atServer.lost).toMatchObject({ kind: 'limit' })
    expect(webSocketClose(await atClient.lost)).toEqual({ code: 1009, text: '' })
    expect([server.info.compresses, client.info.compresses]).toEqual([true, true])
    const raw = await rawClient({ deflate: true })
    raw.peer.write(masked(0xc1, 0xff, 0xff, 0xff))
    await until(() => raw.came().length >= 4)
    raw.peer.close()
    expect(await raw.atServer.lost).toMatchObject({ kind: 'protocol' })
  })
})

describe('messagesAsStream', () => {
  it('makes one message of what is written in a turn, cut at maxMessageBytes', async () => {
    const { client, atServer } = await pair()
    const stream = messagesAsStream({ maxMessageBytes: 5 })(client)
    stream.start({ dataReceived() {} })
    stream.write('ab')
    stream.write(Uint8Array.of(0x63))
    stream.write('')
    queueMicrotask(() => stream.write('de'))
    await atServer.received(1)
    stream.write('fghijkl')
    await atServer.received(3)
    expect(atServer.messages.map(String)).toEqual(['97,98,99,100,101', '102,103,104,105,106', '107,108'].map((list) => Buffer.from(list.split(',').map(Number)).toString()))
    stream.abort()
  })

  it('delivers the bytes of any message, and nothing of an empty one', async () => {
    const { client, server } = await pair()
    const came: number[] = []
    messagesAsStream()(server).start({ dataReceived: (data) => came.push(data.length) })
    for (const data of ['', 'é', new Uint8Array(0), new Uint8Array(65_537)]) client.write(data)
    await until(() => came.reduce((sum, length) => sum + length, 0) === 65_539)
    expect(came).toEqual([2, 65_536, 1])
    client.abort()
  })

  it('has the reason of the WebSocket below', async () => {
    const { client, server } = await pair()
    const stream = messagesAsStream()(server)
    const lost = deferred<CloseReason>()
    stream.start({ dataReceived() {}, connectionLost: lost.resolve })
    client.close({ code: 4999, text: 'x' })
    expect(await lost.promise).toMatchObject({ kind: 'reset', below: { kind: 'reset', below: { kind: 'closed' } } })
  })
})
