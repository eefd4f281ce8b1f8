import { once } from 'node:events'
import { connect as connectNode, createServer as createNodeServer, type TLSSocket } from 'node:tls'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { WrappedTransport } from '@async/core/base'
import type { Stream, Transport } from '@async/core'
import { createFetch, serveFetch } from '@async/protocol-http'
import { connectTcp, listenTcp, tcpConnector } from '@async/transport-tcp'
import { describe, expect, it } from 'vitest'
import { listenTls, type TlsCommonOptions, tls, tlsConnector, tlsListener, type TlsListenerOptions, type TlsTransport } from '../src/index.ts'
import { probeSettled } from '../src/probe.ts'
import { authority, server } from './certificates.ts'
import { cleanup, deferred, itNeeds, Recorder, run, until } from './support.ts'

const roads = ['transport', 'socket'] as const
type Road = (typeof roads)[number]
const versions = ['TLSv1.2', 'TLSv1.3'] as const
const matrix = roads.flatMap((road) => versions.map((version) => ({ road, version })))

/** A transport for the road: a wrapped one hides its socket. */
async function onRoad(road: Road): Promise<(below: Transport<Stream>) => Transport<Stream>> {
  if (road === 'socket') expect(await probeSettled()).toBe(true)
  return (below) => (road === 'socket' ? below : new WrappedTransport<Stream>(below))
}

/** Our server: its port, and the first transport, started. */
async function ourServer(road: Road, options: Partial<TlsListenerOptions> = {}, recorder: Recorder = new Recorder()) {
  const wrap = await onRoad(road)
  const accepted = deferred<TlsTransport>()
  const acceptor = tlsListener({ cert: server.cert, key: server.key, ...options }, (transport) => {
    transport.start(recorder)
    accepted.resolve(transport)
  })
  const listener = await listenTcp({}, (below) => acceptor(wrap(below)))
  cleanup(() => {
    acceptor.abortConnections()
    listener.abortConnections()
    return listener.closed
  })
  return { port: listener.port, recorder, accepted: accepted.promise, acceptor }
}

/** Our client, started. */
async function ourClient(road: Road, port: number, options: TlsCommonOptions = {}) {
  const wrap = await onRoad(road)
  const recorder = new Recorder()
  const transport = tls({ serverName: 'localhost', ca: authority.cert, ...options })(wrap(await connectTcp({ host: '127.0.0.1', port })))
  cleanup(() => transport.abort())
  transport.start(recorder)
  return { transport, recorder }
}

describe.each(matrix)('openssl s_client to our server, $road, $version', ({ road, version }) => {
  const flag = version === 'TLSv1.2' ? '-tls1_2' : '-tls1_3'
  const client = (port: number, ...more: readonly string[]) =>
    run('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'localhost', '-CAfile', authority.certFile, '-verify_return_error', flag, '-quiet', '-no_ign_eof', ...more])

  itNeeds('openssl', 'talks, and ends with close_notify', async () => {
    const { port, recorder, accepted } = await ourServer(road)
    const { child, exit, says } = client(port)
    const transport = await accepted
    transport.write('hello from here\n')
    await says('hello from here')
    child.stdin.write('hello from there\n')
    await until(() => recorder.text.includes('hello from there'))
    child.stdin.end()
    await recorder.eof
    transport.close()
    await exit
    expect((await transport.closed).kind).toBe('closed')
    expect(transport.info.protocol).toBe(version)
  })

  itNeeds('openssl', 'is killed', async () => {
    const { port, recorder, accepted } = await ourServer(road)
    const { child } = client(port)
    const transport = await accepted
    child.stdin.write('x\n')
    await until(() => recorder.bytes === 2)
    child.kill('SIGKILL')
    // A reset, where the kernel still had something of ours that it had not read.
    expect((await transport.closed).kind).toMatch(/^(truncated|reset)$/)
    expect(recorder.events).not.toContain('eof')
  })

  itNeeds('openssl', 'gets all of 2 MiB and the end of close()', async () => {
    const { port, accepted } = await ourServer(road)
    const { exit } = client(port)
    const transport = await accepted
    transport.write('a'.repeat(2 * 1024 * 1024))
    transport.write('the end')
    transport.close()
    const { output } = await exit
    expect(output.split('a').length - 1).toBeGreaterThanOrEqual(2 * 1024 * 1024)
    expect(output.endsWith('the end')).toBe(true)
    expect((await transport.closed).kind).toBe('closed')
  })
})

describe('renegotiation', () => {
  itNeeds('openssl', 'is refused', async () => {
    const { port, accepted, recorder } = await ourServer('transport', { maxVersion: 'TLSv1.2' })
    const { child, says } = run('openssl', ['s_client', '-connect', `127.0.0.1:${port}`, '-CAfile', authority.certFile, '-tls1_2'])
    await accepted
    await says('Verify return code')
    child.stdin.write('R\n')
    await says(/no renegotiation|RENEGOTIATING[\s\S]*error/i)
    child.kill('SIGKILL')
    await recorder.lost
  })
})

describe.each(matrix)('openssl s_server and our client, $road, $version', ({ road, version }) => {
  const serve = async (...more: readonly string[]) => {
    const peer = run('openssl', ['s_server', '-accept', '127.0.0.1:0', '-cert', server.certFile, '-key', server.keyFile, version === 'TLSv1.2' ? '-tls1_2' : '-tls1_3', '-naccept', '1', ...more])
    await peer.says(/ACCEPT 127\.0\.0\.1:\d+/)
    return { ...peer, port: Number(/ACCEPT 127\.0\.0\.1:(\d+)/.exec(peer.state.output)![1]) }
  }

  itNeeds('openssl', 'talk; told to, it says close_notify', async () => {
    const { port } = await serve('-rev')
    const { transport, recorder } = await ourClient(road, port)
    transport.write('hello\n')
    await until(() => recorder.text.includes('olleh'))
    transport.write('CLOSE\n')
    await recorder.eof
    transport.close()
    expect((await transport.closed).kind).toBe('closed')
  })

  itNeeds('openssl', 'it answers our half-close with its own', async () => {
    const { port, says } = await serve()
    const { transport, recorder } = await ourClient(road, port)
    transport.write('the last word\n')
    transport.halfClose()
    await says('the last word')
    await recorder.eof
    expect((await transport.closed).kind).toBe('closed')
  })

  itNeeds('openssl', 'its command Q closes the socket without a word: truncated', async () => {
    const { port, child, says } = await serve()
    const { transport, recorder } = await ourClient(road, port)
    transport.write('hello from here\n')
    await says('hello from here')
    child.stdin.write('hello from there\n')
    await until(() => recorder.text.includes('hello from there'))
    child.stdin.write('Q\n')
    expect((await transport.closed).kind).toBe('truncated')
    expect(recorder.events).toEqual(['made', 'lost truncated'])
  })

  itNeeds('openssl', 'it is killed', async () => {
    const { port, child } = await serve()
    const { transport, recorder } = await ourClient(road, port)
    await recorder.made
    child.kill('SIGKILL')
    // A reset, where the kernel still had something of ours that it had not read.
    expect((await transport.closed).kind).toMatch(/^(truncated|reset)$/)
    expect(recorder.events).not.toContain('eof')
  })
})

describe.each(matrix)("Node's own TLS, $road, $version", ({ road, version }) => {
  it('as client: clean end, half-close and bare end', async () => {
    for (const how of ['clean', 'bare'] as const) {
      const { port, recorder, accepted } = await ourServer(road, { alpnProtocols: ['x'] })
      const raw = (await import('node:net')).connect({ port, host: '127.0.0.1', allowHalfOpen: true })
      const peer = connectNode({ socket: raw, servername: 'localhost', ca: authority.cert, minVersion: version, maxVersion: version, ALPNProtocols: ['x'] })
      cleanup(() => peer.destroy())
      await once(peer, 'secureConnect')
      expect(peer.alpnProtocol).toBe('x')
      const transport = await accepted
      const got: Buffer[] = []
      peer.on('data', (data: Buffer) => got.push(data)).on('error', () => {})
      peer.write('question')
      await until(() => recorder.text === 'question')
      if (how === 'clean') {
        peer.end()
        await recorder.eof
        transport.write('answer after the end')
        transport.close()
        await once(peer, 'end')
        expect(Buffer.concat(got).toString()).toBe('answer after the end')
        expect((await transport.closed).kind).toBe('closed')
      } else {
        raw.end()
        expect((await transport.closed).kind).toBe('truncated')
      }
    }
  })

  it('as server: clean end, half-close and bare end', async () => {
    for (const how of ['clean', 'bare'] as const) {
      const raws: Socket[] = []
      const peer = createNodeServer({ cert: server.cert, key: server.key, minVersion: version, maxVersion: version, allowHalfOpen: true })
      peer.on('connection', (raw: Socket) => raws.push(raw))
      const accepted = once(peer, 'secureConnection')
      peer.listen(0, '127.0.0.1')
      await once(peer, 'listening')
      cleanup(() => {
        for (const raw of raws) raw.destroy()
        peer.close()
      })
      const { transport, recorder } = await ourClient(road, (peer.address() as { port: number }).port)
      const [socket] = (await accepted) as [TLSSocket]
      socket.on('error', () => {})
      let got = ''
      socket.on('data', (data: Buffer) => (got += data.toString()))
      transport.write('question')
      transport.halfClose()
      await once(socket, 'end')
      expect(got).toBe('question')
      socket.write('answer')
      await until(() => recorder.text === 'answer')
      if (how === 'clean') {
        socket.end()
        await recorder.eof
        expect((await transport.closed).kind).toBe('closed')
      } else {
        raws[0]!.end()
        expect((await transport.closed).kind).toBe('truncated')
      }
    }
  })
})

describe.each(matrix)("Python's ssl, $road, $version", ({ road, version }) => {
  const program = fileURLToPath(new URL('peer.py', import.meta.url))

  for (const how of ['unwrap', 'shutdown'] as const) {
    itNeeds('python3', `as client, ends with ${how}`, async () => {
      const { port, recorder, accepted } = await ourServer(road)
      const { says } = run('python3', [program, 'client', how, version, String(port), authority.certFile])
      const transport = await accepted
      transport.write('hello')
      await until(() => recorder.text.includes('got hello'))
      await (how === 'unwrap' ? recorder.eof : recorder.lost)
      expect(recorder.events).toEqual(how === 'unwrap' ? ['made', 'eof'] : ['made', 'lost truncated'])
      transport.close()
      if (how === 'unwrap') await says('clean')
      await transport.closed
    })

    itNeeds('python3', `as server, ends with ${how}`, async () => {
      const peer = run('python3', [program, 'server', how, version, server.certFile, server.keyFile])
      await peer.says(/port \d+/)
      const { transport, recorder } = await ourClient(road, Number(/port (\d+)/.exec(peer.state.output)![1]))
      transport.write('hello')
      await until(() => recorder.text.includes('got hello'))
      await (how === 'unwrap' ? recorder.eof : recorder.lost)
      expect(recorder.events).toEqual(how === 'unwrap' ? ['made', 'eof'] : ['made', 'lost truncated'])
      transport.close()
      if (how === 'unwrap') await peer.says('clean')
      await transport.closed
    })
  }
})

describe('curl', () => {
  itNeeds('curl', 'verifies our certificate, agrees on a protocol, and gets an answer', async () => {
    const recorder = new Recorder()
    const { port, accepted } = await ourServer('transport', { alpnProtocols: ['http/1.1'] }, recorder)
    const { exit } = run('curl', ['--silent', '--show-error', '--http1.1', '--cacert', authority.certFile, '--resolve', `localhost:${port}:127.0.0.1`, `https://localhost:${port}/there`])
    const transport = await accepted
    expect(transport.info).toMatchObject({ alpnProtocol: 'http/1.1', serverName: 'localhost' })
    await until(() => recorder.text.endsWith('\r\n\r\n'))
    expect(recorder.text).toMatch(/^GET \/there HTTP\/1\.1\r\n/)
    // Without a length: the end of the connection is that of the body, and curl takes only a clean one for that.
    transport.write('HTTP/1.1 200 OK\r\n\r\nit works')
    transport.close()
    expect(await exit).toEqual({ code: 0, output: 'it works' })
    expect((await transport.closed).kind).toBe('closed')
  })
})

describe('HTTP over TLS', () => {
  it('our client and our server, by fetch', async () => {
    const serve = serveFetch(async (request) => new Response(`${request.method} ${await request.text()}`))
    const listener = await listenTls((accept) => listenTcp({}, accept), { cert: server.cert, key: server.key, alpnProtocols: ['http/1.1'] }, serve)
    cleanup(() => listener.abortConnections())
    const fetch = createFetch(() => tlsConnector(tcpConnector({ host: '127.0.0.1', port: listener.below.port }), { serverName: 'localhost', ca: authority.cert }))
    const response = await fetch(`https://localhost:${listener.below.port}/`, { method: 'POST', body: 'x'.repeat(100_000) })
    expect((await response.text()).length).toBe(100_005)
  })

  itNeeds('curl', 'our server, and curl, which keeps the connection', async () => {
    const serve = serveFetch(async (request) => new Response(`${new URL(request.url).pathname} ${(await request.text()).length}\n`))
    const listener = await listenTls((accept) => listenTcp({}, accept), { cert: server.cert, key: server.key, alpnProtocols: ['http/1.1'] }, serve)
    cleanup(() => listener.abortConnections())
    const url = `https://localhost:${listener.below.port}`
    const { exit } = run('curl', ['--silent', '--show-error', '--cacert', authority.certFile, '--data-binary', 'x'.repeat(100_000), `${url}/one`, `${url}/two`])
    expect(await exit).toEqual({ code: 0, output: '/one 100000\n/two 100000\n' })
    expect(listener.completedCount).toBe(1)
  })
})
