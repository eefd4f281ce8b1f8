/** Peers that we did not write: curl, nc, and Node's own HTTP, over TCP. */
import { execFile } from 'node:child_process'
import { createServer, request as nodeRequest, Agent } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connectTcp, listenTcp, tcpConnector } from '@async/transport-tcp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { needs } from '../../core/test/programs.ts'
import { httpConnector, httpServer } from '../src/index.ts'
import type { HttpServerExchange } from '../src/index.ts'
import { Recorder } from './recorder.ts'


function run(program: string, args: readonly string[], input?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { encoding: 'latin1', maxBuffer: 64 * 1024 * 1024 }, (error, stdout) => (error === null ? resolve(stdout) : reject(error)))
    child.stdin!.end(input ?? '')
  })
}

/** Answers with method, target, and the body that came. */
function echo(exchange: HttpServerExchange): void {
  const parts: Uint8Array[] = []
  exchange.start({
    dataReceived: (data) => void parts.push(data),
    eofReceived: () => {
      if (exchange.request.target === '/empty') return exchange.close()
      if (exchange.request.target === '/404') exchange.respond({ status: 404 })
      exchange.write(`${exchange.request.method} ${exchange.request.target} ${exchange.request.version}\n`)
      exchange.writeSequence(parts)
      exchange.halfClose()
    },
  })
}

describe('our server', () => {
  let server: Awaited<ReturnType<typeof listenTcp>>
  let base = ''
  let connections = 0
  beforeAll(async () => {
    const accept = httpServer({ onExchange: echo })
    server = await listenTcp({ port: 0 }, (transport) => {
      connections++
      accept(transport)
    })
    base = `http://127.0.0.1:${server.port}`
  })
  afterAll(async () => {
    await server.closeConnections({ graceMs: 100 })
  })
  const curl = (...args: string[]): Promise<string> => run('curl', ['-sS', '--max-time', '15', ...args])

  needs('curl')('curl: GET, POST, HEAD, a status, no content', async () => {
    expect(await curl(`${base}/a`)).toBe('GET /a 1.1\n')
    expect(await curl('-d', 'hello', `${base}/b`)).toBe('POST /b 1.1\nhello')
    expect(await curl('-H', 'Transfer-Encoding: chunked', '-d', 'hello', `${base}/b`)).toBe('POST /b 1.1\nhello')
    expect((await curl('-I', `${base}/c`)).replace(/Date: .*\r\n/, '')).toBe('HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n')
    expect(await curl('-o', '/dev/null', '-w', '%{http_code}', `${base}/404`)).toBe('404')
    expect(await curl('-w', '%{http_code}', `${base}/empty`)).toBe('204')
    expect(await curl('--http1.0', `${base}/old`)).toBe('GET /old 1.0\n')
  })

  needs('curl')('curl: three requests on one connection', async () => {
    const before = connections
    const output = await curl(`${base}/1`, `${base}/2`, '-d', 'x', `${base}/3`)
    expect(output).toBe('POST /1 1.1\nxPOST /2 1.1\nxPOST /3 1.1\nx')
    expect(connections - before).toBe(1)
  })

  needs('curl')('curl: 8 MiB up and down, with Expect: 100-continue', async () => {
    const body = '0123456789abcdef'.repeat(512 * 1024)
    const child = run('curl', ['-sS', '--max-time', '15', '-H', 'Expect: 100-continue', '--data-binary', '@-', `${base}/big`], body)
    expect((await child) === `POST /big 1.1\n${body}`).toBe(true)
  })

  needs('nc')('nc: pipelined requests are answered in order', async () => {
    const input = ['/1', '/2', '/3'].map((path, i) => `GET ${path} HTTP/1.1\r\nHost: h\r\n${i === 2 ? 'Connection: close\r\n' : ''}\r\n`).join('')
    const output = await run('nc', ['127.0.0.1', String(server.port)], input)
    expect(output.replace(/Date: [^\r]*\r\n/g, '')).toBe(
      'HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nGET /1 1.1\nHTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\nGET /2 1.1\n' +
        'HTTP/1.1 200 OK\r\nContent-Length: 11\r\nConnection: close\r\n\r\nGET /3 1.1\n',
    )
  })

  it('Node\'s client, with keep-alive', async () => {
    const before = connections
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const ask = (path: string, body: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const request = nodeRequest(`${base}${path}`, { method: 'POST', agent }, (response) => {
          let text = `${response.statusCode} `
          response.setEncoding('utf8').on('data', (part) => (text += part)).on('end', () => resolve(text)).on('error', reject)
        })
        request.on('error', reject)
        request.write(body.slice(0, 2))
        request.end(body.slice(2))
      })
    expect(await ask('/1', 'hello')).toBe('200 POST /1 1.1\nhello')
    expect(await ask('/2', 'world')).toBe('200 POST /2 1.1\nworld')
    agent.destroy()
    expect(connections - before).toBe(1)
  })

  it('an error answer reaches a client that goes on sending', async () => {
    const transport = await connectTcp({ host: '127.0.0.1', port: server.port })
    const recorder = new Recorder()
    transport.start(recorder)
    transport.write('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: x\r\n\r\n')
    for (let i = 0; i < 16; i++) transport.write(new Uint8Array(64 * 1024))
    await recorder.ended
    expect(recorder.events.join('\n').replace(/Date: [^\r]*\r\n/, '')).toBe('made\ndata HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n\neof')
    transport.abort()
    await recorder.lost
  })
})

describe('our client', () => {
  let base: AddressInfo
  let sockets = 0
  const requests: string[] = []
  const server = createServer((request, response) => {
    const { method, url, headers } = request
    requests.push(`${method} ${url} ${headers['content-length'] ?? headers['transfer-encoding'] ?? '-'}`)
    if (url === '/close') response.setHeader('Connection', 'close')
    if (url === '/500') response.statusCode = 500
    if (url === '/cut') {
      response.writeHead(200, { 'content-length': '100' })
      response.write('half', () => request.socket.destroy())
      return
    }
    let body = ''
    request.setEncoding('utf8').on('data', (part) => (body += part)).on('end', () => {
      if (url === '/chunked') response.write('first ')
      response.end(`${method} ${url} ${body}`)
    })
  })
  server.on('connection', () => sockets++)
  beforeAll(() => new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => {
    base = server.address() as AddressInfo
    resolve()
  })))
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  const ask = async (target: string, ...writes: string[]): Promise<Recorder> => {
    const exchange = await httpConnector(tcpConnector({ host: '127.0.0.1', port: base.port }), { target }).connect()
    const recorder = new Recorder()
    exchange.start(recorder)
    for (const data of writes) exchange.write(data)
    exchange.halfClose()
    await recorder.lost
    return recorder
  }

  it('Node\'s server: length, HTTP chunks, close, a status, a cut', async () => {
    expect((await ask('/a', 'hel', 'lo')).events).toEqual(['made', 'data POST /a hello', 'eof', 'lost closed'])
    expect((await ask('/chunked')).events).toEqual(['made', 'data first POST /chunked ', 'eof', 'lost closed'])
    expect((await ask('/close')).events).toEqual(['made', 'data POST /close ', 'eof', 'lost closed'])
    expect((await ask('/500')).events).toEqual(['made', 'lost protocol'])
    const cut = await ask('/cut')
    expect(cut.events.at(-1)).toMatch(/^lost (truncated|reset)$/)
    expect(requests).toEqual(['POST /a 5', 'POST /chunked 0', 'POST /close 0', 'POST /500 0', 'POST /cut 0'])
  })

  it('Node\'s server: exchanges share a connection, one after the other, and have one each at the same time', async () => {
    sockets = 0
    const client = httpConnector(tcpConnector({ host: '127.0.0.1', port: base.port }), { target: '/x' })
    const once = async (body: string): Promise<string> => {
      const exchange = await client.connect()
      const recorder = new Recorder()
      exchange.start(recorder)
      exchange.write(body)
      exchange.halfClose()
      await recorder.lost
      return recorder.events[1]!
    }
    for (const body of ['1', '2', '3']) {
      expect(await once(body)).toBe(`data POST /x ${body}`)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(sockets).toBe(1)
    expect(await Promise.all(['4', '5', '6'].map(once))).toEqual(['data POST /x 4', 'data POST /x 5', 'data POST /x 6'])
    expect(sockets).toBe(3)
    client.closeIdle()
  })
})
