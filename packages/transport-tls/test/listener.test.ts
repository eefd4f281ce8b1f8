import type { ConnectionError, StreamTransport } from '@async/core'
import { memoryPair, VirtualClock } from '@async/core/testing'
import { connectTcp, listenTcp, type TcpListenOptions, tcpConnector } from '@async/transport-tcp'
import { describe, expect, it } from 'vitest'
import { listenTls, startTls, tls, tlsConnector, tlsListener, tlsServer, type TlsListenerOptions, type TlsTransport } from '../src/index.ts'
import { authority, server } from './certificates.ts'
import { cleanup, codeOf, deferred, Recorder, turns, until } from './support.ts'

const trusted = { serverName: 'localhost', ca: authority.cert }
const shown = { cert: server.cert, key: server.key }

async function listen(onTransport: (transport: TlsTransport) => unknown, options: Partial<TlsListenerOptions> = {}, tcp: TcpListenOptions = {}) {
  const listener = await listenTls((accept) => listenTcp(tcp, accept), { ...shown, ...options }, onTransport)
  cleanup(() => {
    listener.abortConnections()
    return listener.closed
  })
  const connector = tlsConnector(tcpConnector({ host: '127.0.0.1', port: listener.below.port }), trusted)
  return { listener, connector, port: listener.below.port }
}

describe('listenTls', () => {
  it('counts handshakes, and the program hears of those that worked', async () => {
    const transports: TlsTransport[] = []
    const errors: unknown[] = []
    const { listener, connector, port } = await listen((transport) => {
      transports.push(transport)
      transport.start(new Recorder())
    }, { onHandshakeError: ({ code }: Error & { code?: string }, { remote }) => errors.push([code, typeof remote]) })
    const transport = await connector.connect()
    await until(() => transports.length === 1)
    const plain = await connectTcp({ host: '127.0.0.1', port })
    const atPlain = new Recorder()
    plain.start(atPlain as never)
    plain.write('GET / HTTP/1.1\r\n\r\n')
    await atPlain.eof
    plain.abort()
    await until(() => listener.failedCount === 1)
    const gone = await connectTcp({ host: '127.0.0.1', port })
    await until(() => listener.handshakeCount === 1)
    gone.abort()
    await until(() => listener.failedCount === 2)
    expect(errors).toEqual([['ERR_TLS_NOT_TLS', 'string'], ['ERR_RESET', 'string']])
    expect([listener.completedCount, listener.handshakeCount, transports.length]).toEqual([1, 0, 1])
    transport.abort()
  })

  it('reports what onHandshakeError throws', async () => {
    const reported = deferred<unknown>()
    const thrown = new Error('no log')
    const { port } = await listen(() => {}, { onError: reported.resolve, onHandshakeError: () => { throw thrown } })
    const plain = await connectTcp({ host: '127.0.0.1', port })
    plain.abort()
    expect(await reported.promise).toBe(thrown)
  })

  it('closeConnections() says close_notify to every peer', async () => {
    const accepted = deferred<TlsTransport>()
    const { listener, connector } = await listen((transport) => {
      transport.start({ dataReceived() {} })
      accepted.resolve(transport)
    })
    const recorder = new Recorder()
    const transport = await connector.connect()
    transport.start(recorder)
    await accepted.promise
    const closing = listener.closeConnections({ graceMs: 5_000 })
    await recorder.eof
    transport.close()
    await closing
    expect(recorder.events).toEqual(['made', 'eof', 'lost closed'])
  })

  it('aborts what the program throws at, and what it does not start in time', async () => {
    const clock = new VirtualClock()
    const reports: unknown[] = []
    const transports: TlsTransport[] = []
    const { connector } = await listen((transport) => {
      transports.push(transport)
      if (transports.length === 1) throw new Error('at once')
      if (transports.length === 2) return Promise.reject(new Error('later'))
      return undefined
    }, { clock, onError: (error) => reports.push((error as Error).message) })
    for (let i = 0; i < 3; i++) {
      const made = await connector.connect()
      made.start(new Recorder())
    }
    await until(() => transports.length === 3)
    expect((await transports[0]!.closed).kind).toBe('aborted')
    expect((await transports[1]!.closed).kind).toBe('aborted')
    expect(reports).toEqual(['at once', 'later'])
    clock.advance(10_000)
    const reason = await transports[2]!.closed
    expect('error' in reason && (reason.error as ConnectionError).cause).toMatchObject({ code: 'ERR_NOT_STARTED' })
    await turns()
    expect(clock.pendingCount).toBe(0)
  })
})

describe('tlsListener', () => {
  it('is a function for any listener', async () => {
    const acceptor = tlsListener(shown, (transport) => transport.start({ dataReceived: (data) => transport.write(data), eofReceived: () => transport.close() }))
    const { a, b } = memoryPair()
    acceptor(b)
    const transport = tls(trusted)(a)
    const recorder = new Recorder()
    transport.start(recorder)
    transport.write('echo')
    await until(() => recorder.text === 'echo')
    expect([acceptor.completedCount, acceptor.failedCount, acceptor.handshakeCount]).toEqual([1, 0, 0])
    const closing = acceptor.closeConnections()
    await recorder.eof
    transport.close()
    await closing
  })
})

describe('tlsConnector', () => {
  it('rejects with what ended the handshake, and leaves nothing open', async () => {
    const { listener, port } = await listen(() => {})
    const connector = tlsConnector(tcpConnector({ host: '127.0.0.1', port }), { serverName: 'elsewhere.test', ca: authority.cert })
    await expect(connector.connect()).rejects.toMatchObject({ code: 'ERR_TLS_WRONG_HOST', phase: 'handshake' })
    await until(() => listener.below.connectionCount === 0)
  })

  it('rejects with the reason of its signal, before, during the handshake, and not afterwards', async () => {
    const silent = await listenTcp({}, (transport) => transport.start({ dataReceived() {} }))
    cleanup(() => silent.abortConnections())
    const connector = tlsConnector(tcpConnector({ host: '127.0.0.1', port: silent.port }), trusted)
    await expect(connector.connect({ signal: AbortSignal.abort('before') })).rejects.toBe('before')
    const controller = new AbortController()
    const connecting = connector.connect({ signal: controller.signal })
    await until(() => silent.connectionCount === 1)
    controller.abort('during')
    await expect(connecting).rejects.toBe('during')
    await until(() => silent.connectionCount === 0)
    const there = await listen((transport) => transport.start(new Recorder()))
    const late = new AbortController()
    const transport = await there.connector.connect({ signal: late.signal })
    late.abort()
    await turns()
    transport.write('alive')
    transport.abort()
  })
})

describe('startTls', () => {
  /** A small server, as of mail. */
  async function upgraded(leftover: 'feed' | 'reject', request: string) {
    const { a, b } = memoryPair()
    const result = deferred<TlsTransport>()
    const layer = tlsServer(shown)
    b.start({
      dataReceived(data) {
        const text = Buffer.from(data).toString('latin1')
        const end = text.indexOf('\r\n') + 2
        expect(text.slice(0, end)).toBe('STARTTLS\r\n')
        b.write('220 go ahead\r\n')
        result.resolve(startTls(b, layer, { leftover, bytes: data.subarray(end) }))
      },
    })
    const answered = deferred<void>()
    a.start({ dataReceived: () => answered.resolve() })
    a.write(request)
    const secured = await result.promise
    return { a, b, secured, answered: answered.promise }
  }

  it('changes a live connection to TLS', async () => {
    const { a, secured, answered } = await upgraded('reject', 'STARTTLS\r\n')
    await answered
    const client = startTls(a, tls(trusted), { leftover: 'reject' })
    const [atClient, atServer] = [new Recorder(), new Recorder()]
    client.start(atClient)
    secured.start(atServer)
    client.write('secret')
    client.halfClose()
    await atServer.eof
    expect(atServer.text).toBe('secret')
    secured.close()
    expect((await client.closed).kind).toBe('closed')
  })

  it("with 'reject' aborts when something came in plain behind the request", async () => {
    const { a, secured } = await upgraded('reject', 'STARTTLS\r\nEVIL\r\n')
    const reason = await secured.closed
    expect([reason.kind, codeOf(reason)]).toEqual(['protocol', 'ERR_TLS_LEFTOVER'])
    expect((await a.closed).kind).toBe('reset')
  })

  it("with 'feed' takes it for the beginning of the handshake", async () => {
    const { secured } = await upgraded('feed', 'STARTTLS\r\nEVIL\r\n')
    await expect(secured.handshake()).rejects.toMatchObject({ code: 'ERR_TLS_NOT_TLS' })
    // A client that does not wait for the answer.
    const { a, b } = memoryPair()
    const hello = deferred<Uint8Array>()
    const listening = memoryPair()
    listening.b.start({ dataReceived: hello.resolve })
    const client = tls(trusted)(listening.a)
    client.handshake().catch(() => {})
    const server = startTls(b as StreamTransport, tlsServer(shown), { leftover: 'feed', bytes: await hello.promise })
    const answer = deferred<Uint8Array>()
    a.start({ dataReceived: answer.resolve })
    expect((await answer.promise)[0]).toBe(0x16)
    server.abort()
    client.abort()
  })

  it('has to be told what becomes of bytes in plain, and takes layers of this package alone', () => {
    const { a } = memoryPair()
    expect(() => startTls(a, tls(trusted), {} as never)).toThrowError(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    expect(() => startTls(a, ((below: unknown) => below) as never, { leftover: 'feed' })).toThrowError(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })
})

it('a connector that is aborted as what is below was connected begins no handshake', async () => {
  const { a, b } = memoryPair()
  const atPeer = new Recorder()
  b.start(atPeer as never)
  const control = new AbortController()
  const connector = tlsConnector({ connect: () => Promise.resolve(a) }, trusted)
  const connecting = connector.connect({ signal: control.signal })
  control.abort(new Error('enough'))
  await expect(connecting).rejects.toThrow('enough')
  expect((await a.closed).kind).toBe('aborted')
  expect(atPeer.bytes).toBe(0)
})
