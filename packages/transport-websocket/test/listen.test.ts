import { once } from 'node:events'
import { get } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { connect as connectSocket } from 'node:net'
import { describe, expect, it } from 'vitest'
import { authority, server as certificate } from '../../transport-tls/test/certificates.ts'
import { acceptWebSocket, connectWebSocket, nodeUpgrade, refusedStatus, type WebSocketTransport } from '../src/index.ts'
import { cleanup, connect, deferred, listen, Recorder, until } from './support.ts'

describe('listenWebSocket', () => {
  it('tells other requests what it is', async () => {
    const { port } = await listen({}, () => {})
    const [response] = await once(get({ port, host: '127.0.0.1' }), 'response')
    response.resume()
    expect([response.statusCode, response.headers.upgrade, response.headers.connection]).toEqual([426, 'websocket', 'close'])
  })

  it('holds handshakes above maxConnections, serves them in order, and refuses more', async () => {
    const accepted: WebSocketTransport[] = []
    const listener = await listen({ maxConnections: 1, maxHeldConnections: 1 }, (transport) => {
      accepted.push(transport)
      transport.start(new Recorder())
    })
    const url = `ws://127.0.0.1:${listener.port}/`
    const first = await connect({ url })
    const second = connect({ url })
    await until(() => listener.heldCount === 1)
    const error: unknown = await connect({ url }).catch((thrown: unknown) => thrown)
    expect(refusedStatus(error)).toBe(503)
    expect([listener.connectionCount, listener.heldCount, listener.refusedCount, accepted.length]).toEqual([1, 1, 1, 1])
    first.transport.close()
    await first.recorder.lost
    await second
    await until(() => accepted.length === 2)
    expect([listener.connectionCount, listener.heldCount, listener.failedHandshakeCount]).toEqual([1, 0, 0])
  })

  it.each(['resetAndDestroy', 'end'] as const)('notices that a client that was held has left (%s)', async (leave) => {
    const recorders: Recorder[] = []
    const listener = await listen({ maxConnections: 1 }, (transport) => {
      const recorder = new Recorder()
      recorders.push(recorder)
      transport.start(recorder)
    })
    const first = await connect({ url: `ws://127.0.0.1:${listener.port}/` })
    const second = connectSocket(listener.port, '127.0.0.1')
    second.write('GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n')
    await until(() => listener.heldCount === 1)
    second[leave]()
    // What is asked later is answered later: by then the server's side has heard of it.
    const [response] = await once(get({ port: listener.port, host: '127.0.0.1' }), 'response')
    response.resume()
    first.transport.close()
    await until(() => listener.heldCount === 0 && listener.connectionCount === 0)
    if (leave === 'end') expect((await recorders[1]!.lost).kind).toBe('truncated')
    else expect([listener.failedHandshakeCount, recorders.length]).toEqual([1, 1])
    second.destroy()
  })

  it('counts handshakes that fail, and reports what authenticate threw', async () => {
    const reports: unknown[] = []
    const mine = new Error('mine')
    const listener = await listen(
      { path: '/a', onError: (error) => reports.push(error), authenticate: ({ headers }) => (headers.some(([name]) => name === 'x-throw') ? Promise.reject(mine) : false) },
      () => {},
    )
    const url = `ws://127.0.0.1:${listener.port}`
    const statuses = []
    for (const [path, headers] of [['/b', {}], ['/a', {}], ['/a', { 'X-Throw': '1' }]] as const) statuses.push(refusedStatus(await connect({ url: url + path, headers }).catch((error: unknown) => error)))
    expect(statuses).toEqual([404, 403, 500])
    await until(() => listener.failedHandshakeCount === 3)
    expect(reports).toEqual([mine])
    await until(() => listener.connectionCount === 0)
  })

  it.each([[50], [25], [10.5]])('lets go of who connects and says nothing for %d ms', async (handshakeTimeoutMs) => {
    const { port } = await listen({ handshakeTimeoutMs }, () => {})
    const socket = connectSocket(port, '127.0.0.1')
    await once(socket, 'connect')
    const [data] = await once(socket, 'data')
    expect(String(data)).toMatch(/^HTTP\/1\.1 408 /)
    await once(socket, 'close')
  })

  it('ends who has not asked for anything yet when it stops', async () => {
    const listener = await listen({}, () => {})
    const sockets = [connectSocket(listener.port, '127.0.0.1'), connectSocket(listener.port, '127.0.0.1')]
    await Promise.all(sockets.map((socket) => once(socket, 'connect')))
    sockets[1]!.write('GET / HTTP/1.1\r\n')
    const ends = sockets.map((socket) => once(socket.on('error', () => {}), 'close'))
    const { transport } = await connect({ url: `ws://127.0.0.1:${listener.port}/` })
    listener.close()
    await Promise.all(ends)
    expect(listener.connectionCount).toBe(1)
    transport.abort()
    await listener.closed
  })

  it('says that its port is in use', async () => {
    const { port } = await listen({}, () => {})
    await expect(listen({ port }, () => {})).rejects.toMatchObject({ code: 'ERR_ADDRESS_IN_USE', phase: 'connect' })
    for (const options of [{ port: 65_536 }, { backlog: -1 }, { maxConnections: Number.NaN }, { maxHeldConnections: -1 }, { startTimeoutMs: -1 }]) {
      await expect(listen(options, () => {})).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    }
  })
})

describe('wss:', () => {
  it('is TLS, with a certificate that is checked', async () => {
    const server = createHttps({ cert: certificate.cert, key: certificate.key })
    const lost = deferred<Recorder>()
    server.on('upgrade', (request, socket, head) => {
      void acceptWebSocket(nodeUpgrade(request, socket, head)).then((transport) => {
        const recorder = new Recorder()
        recorder.onMessage = (data) => transport.write(data)
        transport.start(recorder)
        lost.resolve(recorder)
      })
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    cleanup(() => server.close())
    const url = `wss://localhost:${(server.address() as { port: number }).port}/`
    const { transport, recorder } = await connect({ url, tls: { ca: authority.cert } })
    expect(transport.info).toMatchObject({ resets: false, halfCloses: false })
    const piece = Buffer.alloc(300_000, 7)
    transport.write(piece)
    await recorder.received(1)
    expect(piece.equals(recorder.messages[0] as Uint8Array)).toBe(true)
    transport.close()
    expect(await recorder.lost).toMatchObject({ kind: 'closed', by: 'local', unsentBytes: 0, unreadBytes: 0 })
    expect(await (await lost.promise).lost).toMatchObject({ kind: 'closed', by: 'peer' })
    await expect(connectWebSocket({ url })).rejects.toMatchObject({ name: 'ConnectionError', phase: 'connect' })
  })
})
