/** Peers that we did not write: `ws` in both roles, Python's websockets in both roles. (Chromium is in browser.test.ts.) */
import { once } from 'node:events'
import { createHash, randomBytes } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Data } from '@async/core'
import { describe, expect, it } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { webSocketClose } from '../src/index.ts'
import { cleanup, connect, deferred, echoServer, itNeeds, listen, python, Recorder, runPython, until } from './support.ts'

/** A server of `ws`'s that echoes; ends with the test. */
async function wsServer(options: ConstructorParameters<typeof WebSocketServer>[0] = {}): Promise<{ readonly url: string; readonly sockets: WebSocket[] }> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options })
  const sockets: WebSocket[] = []
  server.on('connection', (socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
  })
  await once(server, 'listening')
  cleanup(() => {
    for (const socket of sockets) socket.terminate()
    server.close()
  })
  return { url: `ws://127.0.0.1:${(server.address() as { port: number }).port}/`, sockets }
}

/** A client of `ws`'s, open. */
async function wsClient(url: string, protocols: string[] = [], options: object = {}): Promise<{ readonly socket: WebSocket; readonly messages: (string | Buffer)[]; readonly closed: Promise<[number, string]> }> {
  const socket = new WebSocket(url, protocols, options)
  const messages: (string | Buffer)[] = []
  socket.on('message', (data: Buffer, isBinary) => messages.push(isBinary ? data : data.toString()))
  socket.on('error', () => {})
  cleanup(() => socket.terminate())
  const closed = once(socket, 'close').then(([code, text]): [number, string] => [code as number, String(text)])
  await once(socket, 'open')
  return { socket, messages, closed }
}

const payloads = ['', 'text', 'é€😀', Buffer.alloc(0), Buffer.from([0, 255]), randomBytes(125), randomBytes(126), randomBytes(65_535), randomBytes(65_536), randomBytes(700_000), 'x'.repeat(300_000)]

/** The socket under a WebSocket of `ws`'s. */
function socketOf(socket: WebSocket): Socket {
  return (socket as unknown as { readonly _socket: Socket })._socket
}

/** A message in short: its type, its length, its hash. Comparing megabytes element by element takes seconds. */
function shown(data: Data): string {
  return `${typeof data === 'string' ? 'text' : 'bytes'} ${data.length} ${createHash('sha256').update(data).digest('hex')}`
}

describe('our server, and the client of ws', () => {
  it.each([false, true])('echoes text and bytes of every kind of length, perMessageDeflate: %s', async (deflate) => {
    const { url, reasons, accepted } = await echoServer({ deflate })
    const { socket, messages, closed } = await wsClient(url, [], { perMessageDeflate: deflate })
    expect(socket.extensions.startsWith('permessage-deflate')).toBe(deflate)
    for (const payload of payloads) socket.send(payload)
    await until(() => messages.length === payloads.length)
    expect(messages.map(shown)).toEqual(payloads.map(shown))
    expect(accepted[0]!.info.compresses).toBe(deflate)
    socket.close(1000)
    expect(await closed).toEqual([1000, ''])
    await until(() => reasons.length === 1)
    expect(reasons[0]).toMatchObject({ kind: 'closed', by: 'peer', unsentBytes: 0, unreadBytes: 0 })
  })

  it('tells codes and texts of a close, both ways', async () => {
    const lost: Recorder[] = []
    const { port } = await listen({}, (transport) => {
      const recorder = new Recorder()
      lost.push(recorder)
      transport.start(recorder)
      recorder.onMessage = () => transport.close({ code: 4321, text: 'enough' })
    })
    const closing: [code: number | undefined, expected: object][] = [
      [1000, { kind: 'closed', by: 'peer' }],
      [undefined, { kind: 'closed', by: 'peer' }],
      [1001, { kind: 'gone' }],
      [1011, { kind: 'reset' }],
      [4000, { kind: 'reset' }],
    ]
    for (const [code, expected] of closing) {
      const { socket, closed } = await wsClient(`ws://127.0.0.1:${port}/`)
      await until(() => lost.length > 0)
      if (code === undefined) socket.close()
      else socket.close(code, 'because')
      expect((await closed)[0]).toBe(code ?? 1005)
      const reason = await lost.pop()!.lost
      expect(reason).toMatchObject(expected)
      const said = code === undefined || code === 1000 ? undefined : { code, text: 'because' }
      expect(webSocketClose(reason)).toEqual(said)
    }
    const { socket, closed } = await wsClient(`ws://127.0.0.1:${port}/`)
    socket.send('x')
    expect(await closed).toEqual([4321, 'enough'])
    expect(await lost.pop()!.lost).toMatchObject({ kind: 'closed', by: 'local' })
  })

  it('answers pings, and agrees upon a subprotocol', async () => {
    const { url, accepted } = await echoServer({ protocols: ['b', 'c'] })
    const { socket } = await wsClient(url, ['a', 'c', 'b'])
    expect([socket.protocol, accepted[0]!.info.subprotocol]).toEqual(['b', 'b'])
    socket.ping('are you there?')
    const [payload] = (await once(socket, 'pong')) as [Buffer]
    expect(payload.toString()).toBe('are you there?')
  })

  it('tells an end without a Close from a clean one', async () => {
    const { url, reasons } = await echoServer()
    const { socket } = await wsClient(url)
    socketOf(socket).end()
    await until(() => reasons.length === 1)
    expect(reasons[0]).toMatchObject({ kind: 'truncated', error: { code: 'ERR_TRUNCATED' } })
    const other = await wsClient(url)
    socketOf(other.socket).resetAndDestroy()
    await until(() => reasons.length === 2)
    expect(reasons[1]).toMatchObject({ kind: 'reset' })
  })

  it('refuses what is too long with 1009, and frames that are none with 1002', async () => {
    const { url, reasons } = await echoServer({ maxMessageBytes: 1000 })
    const { socket, closed } = await wsClient(url)
    socket.send('x'.repeat(1001))
    expect((await closed)[0]).toBe(1009)
    await until(() => reasons.length === 1)
    expect(reasons[0]).toMatchObject({ kind: 'limit', error: { code: 'ERR_WEBSOCKET_MESSAGE_TOO_LONG', limit: 'maxMessageBytes', allowed: 1000 } })
    const other = await wsClient(url)
    socketOf(other.socket).write(Buffer.from([0x81, 0x01, 0x61]))
    expect((await other.closed)[0]).toBe(1002)
    await until(() => reasons.length === 2)
    expect(reasons[1]).toMatchObject({ kind: 'protocol', error: { code: 'ERR_WEBSOCKET_INVALID_FRAME', side: 'remote' } })
  })

  it('does not inflate a bomb', async () => {
    const { url, reasons } = await echoServer({ deflate: true, maxMessageBytes: 100_000 })
    const { socket, closed } = await wsClient(url, [], { perMessageDeflate: true })
    socket.send(Buffer.alloc(50_000_000))
    expect((await closed)[0]).toBe(1009)
    await until(() => reasons.length === 1)
    expect(reasons[0]).toMatchObject({ kind: 'limit' })
  })
})

describe('our client, and the server of ws', () => {
  it.each([false, true])('echoes text and bytes of every kind of length, perMessageDeflate: %s', async (deflate) => {
    const { url, sockets } = await wsServer({ perMessageDeflate: deflate })
    const { transport, recorder } = await connect({ url, deflate })
    expect(transport.info.compresses).toBe(deflate)
    for (const payload of payloads) transport.write(payload)
    await recorder.received(payloads.length)
    expect(recorder.messages.map(shown)).toEqual(payloads.map(shown))
    const closed = once(sockets[0]!, 'close')
    transport.close({ code: 3456, text: 'done' })
    const [code, text] = await closed
    expect([code, String(text)]).toEqual([3456, 'done'])
    expect(await recorder.lost).toMatchObject({ kind: 'closed', by: 'local', unsentBytes: 0, unreadBytes: 0, below: { kind: 'closed' } })
  })

  it('is told the close of a server', async () => {
    const { url, sockets } = await wsServer()
    const { recorder } = await connect({ url })
    await until(() => sockets.length === 1)
    sockets[0]!.close(1012, 'restart')
    const reason = await recorder.lost
    expect(reason).toMatchObject({ kind: 'reset', error: { code: 'ERR_WEBSOCKET_CLOSED' } })
    expect(webSocketClose(reason)).toEqual({ code: 1012, text: 'restart' })
  })

  it('is refused with the status of the answer', async () => {
    const { url } = await wsServer({ verifyClient: (_info, done) => done(false, 401, 'who are you?') })
    await expect(connect({ url })).rejects.toMatchObject({ name: 'ConnectionError', code: 'ERR_WEBSOCKET_REFUSED', phase: 'handshake' })
  })

  it('sends headers, the target, and the password of the URL', async () => {
    const asked = deferred<IncomingMessage>()
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    server.on('connection', (_, request) => asked.resolve(request))
    await once(server, 'listening')
    cleanup(() => server.close())
    const { port } = server.address() as { port: number }
    const { transport } = await connect({ url: `ws://me:p%40ss@127.0.0.1:${port}/a/b?c=d`, headers: { Cookie: 'x=y' } })
    const { url, headers } = await asked.promise
    expect([url, headers.host, headers.cookie, headers.authorization]).toEqual(['/a/b?c=d', `127.0.0.1:${port}`, 'x=y', 'Basic bWU6cEBzcw=='])
    transport.abort()
  })

  it('holds a fast server back while paused, and gets everything afterwards', async () => {
    const { url, sockets } = await wsServer()
    const { transport, recorder } = await connect({ url })
    await until(() => sockets.length === 1)
    transport.pause('read')
    const piece = randomBytes(65_536)
    for (let i = 0; i < 512; i++) sockets[0]!.send(piece)
    let before = -1
    // What the kernels take goes; then nothing does.
    while (sockets[0]!.bufferedAmount !== before) {
      before = sockets[0]!.bufferedAmount
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(before).toBeGreaterThan(10 * 1024 * 1024)
    expect(recorder.messages.length).toBe(0)
    transport.resume('read')
    await recorder.received(512)
    expect(recorder.messages.every((data) => piece.equals(data as Buffer))).toBe(true)
  })
})

const pythonClient = `
import asyncio, sys, websockets
async def main():
    async with websockets.connect(sys.argv[1], subprotocols=['chat'], compression=sys.argv[2] or None, max_size=None) as ws:
        assert ws.subprotocol == 'chat'
        for message in ['', 'h\\u00e9llo', b'', bytes(range(256)), b'x' * 70000, 'y' * 200000]:
            await ws.send(message)
            assert await ws.recv() == message
        pong = await ws.ping()
        await asyncio.wait_for(pong, 5)
        # In fragments.
        await ws.send(['a', 'b', 'c'])
        assert await ws.recv() == 'abc'
        await ws.send('bye')
        try:
            await ws.recv()
        except websockets.ConnectionClosed as closed:
            print(closed.rcvd.code, closed.rcvd.reason)
asyncio.run(main())
`

const pythonServer = `
import asyncio, websockets
async def serve(ws):
    async for message in ws:
        if message == 'close': await ws.close(4004, 'as asked')
        else: await ws.send(message)
async def main():
    async with websockets.serve(serve, '127.0.0.1', 0, compression='deflate', max_size=None) as server:
        print(server.sockets[0].getsockname()[1])
        await asyncio.Future()
asyncio.run(main())
`

describe('Python’s websockets', () => {
  itNeeds(python !== undefined, 'python3-websockets', 'is a client of our server', async () => {
    for (const compression of ['', 'deflate']) {
      const lost = new Recorder()
      const { port } = await listen({ protocols: ['chat'], deflate: compression !== '' }, (transport) => {
        expect(transport.info.compresses).toBe(compression !== '')
        transport.start(lost)
        lost.onMessage = (data) => (data === 'bye' ? transport.close({ code: 4002, text: 'bye' }) : transport.write(data))
      })
      const { exit } = await runPython(pythonClient, `ws://127.0.0.1:${port}/`, compression)
      expect(await exit).toBe('4002 bye\n')
      expect(await lost.lost).toMatchObject({ kind: 'closed', by: 'local', unsentBytes: 0, unreadBytes: 0 })
    }
  })

  itNeeds(python !== undefined, 'python3-websockets', 'is a server of our client', async () => {
    const { line } = await runPython(pythonServer)
    const url = `ws://127.0.0.1:${await line()}/`
    for (const deflate of [false, true]) {
      const { transport, recorder } = await connect({ url, deflate })
      expect(transport.info.compresses).toBe(deflate)
      for (const payload of payloads) transport.write(payload)
      await recorder.received(payloads.length)
      expect(recorder.messages.map(shown)).toEqual(payloads.map(shown))
      transport.write('close')
      expect(webSocketClose(await recorder.lost)).toEqual({ code: 4004, text: 'as asked' })
    }
  })

  itNeeds(python !== undefined, 'python3-websockets', 'that stands still, with its connection open, is found by the heartbeat', async () => {
    const accepted = deferred<Recorder>()
    const { port } = await listen({ protocols: ['chat'], heartbeatMs: 50, heartbeatTimeoutMs: 50 }, (transport) => {
      const recorder = new Recorder()
      transport.start(recorder)
      accepted.resolve(recorder)
    })
    // It waits for an echo that does not come, and answers pings meanwhile.
    const { signal } = await runPython(pythonClient, `ws://127.0.0.1:${port}/`, '')
    const recorder = await accepted.promise
    await recorder.received(1)
    signal('SIGSTOP')
    expect(await recorder.lost).toMatchObject({ kind: 'timeout', error: { code: 'ERR_HEARTBEAT_TIMEOUT' } })
  })
})
