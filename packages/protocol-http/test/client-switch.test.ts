/** What a client asks for beyond request and response: Expect, trailers, 1xx, Upgrade, CONNECT and proxies. Against Node's server, and ours. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { connect as connectNode, type AddressInfo } from 'node:net'
import type { StreamTransport } from '@async/core'
import { memoryPair } from '@async/core/testing'
import { listenTcp, tcpConnector } from '@async/transport-tcp'
import { afterEach, describe, expect, it } from 'vitest'
import { createFetch, type HttpConnector, type HttpConnectorOptions, httpConnector, httpServer, viaProxy } from '../src/index.ts'
import { Recorder } from './recorder.ts'

const closers: (() => unknown)[] = []
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
})

async function listen(server: Server): Promise<number> {
  server.on('connection', (socket) => {
    socket.on('error', () => {})
    closers.push(() => socket.destroy())
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()))
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

function client(port: number, options: HttpConnectorOptions = {}): HttpConnector {
  const made = httpConnector(tcpConnector({ host: '127.0.0.1', port }), options)
  closers.push(() => made.close())
  return made
}

async function text(request: IncomingMessage): Promise<string> {
  let all = ''
  for await (const part of request.setEncoding('latin1')) all += part
  return all
}

describe('Expect', () => {
  it('sends the body behind the 100', async () => {
    const order: string[] = []
    const server = createServer()
    server.on('checkContinue', (request, response) => {
      request.once('data', () => order.push('body'))
      setImmediate(() => {
        order.push('100')
        response.writeContinue()
        void text(request).then((body) => response.end(`got ${body}`))
      })
    })
    const recorder = new Recorder()
    const exchange = await client(await listen(server), { expectContinueMs: 60_000 }).connect()
    exchange.start(recorder)
    exchange.write('hello')
    exchange.halfClose()
    await recorder.lost
    expect(order).toEqual(['100', 'body'])
    expect(recorder.events).toEqual(['made', 'data got hello', 'eof', 'lost closed'])
  })

  it('keeps the body, and ends behind the response, when that is a refusal', async () => {
    let bytes = 0
    const server = createServer()
    server.on('checkContinue', (request, response) => {
      request.on('data', (data: Buffer) => (bytes += data.length))
      response.writeHead(413).end('too much')
    })
    const recorder = new Recorder()
    const exchange = await client(await listen(server), { expectContinueMs: 60_000, deliver: 'any' }).connect()
    exchange.start(recorder)
    exchange.write('hello')
    exchange.halfClose()
    const reason = await recorder.lost
    expect(recorder.events).toEqual(['made', 'data too much', 'eof', 'lost closed'])
    expect([reason.unsentBytes, bytes]).toEqual([5, 0])
  })

  it('waits so long, and sends the body all the same; and is not said of no body', async () => {
    const server = createServer((request, response) => void text(request).then((body) => response.end(`${request.headers.expect ?? '-'} ${body}`)))
    server.on('checkContinue', (request, response) => void text(request).then((body) => response.end(`${request.headers.expect} ${body}`)))
    const connector = client(await listen(server), { expectContinueMs: 5 })
    for (const [body, expected] of [['hello', '100-continue hello'], ['', '- ']] as const) {
      const recorder = new Recorder()
      const exchange = await connector.connect()
      exchange.start(recorder)
      if (body !== '') exchange.write(body)
      exchange.halfClose()
      await recorder.lost
      expect(recorder.events[1]).toBe(`data ${expected}`)
    }
  })
})

it('trailers go both ways, and 103 is told', async () => {
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      response.writeEarlyHints({ link: '</a>; rel=preload' })
      response.writeHead(200, { Trailer: 'X-Sum' })
      response.write(body)
      response.addTrailers({ 'X-Sum': `seen ${request.trailers['x-mine']}` })
      response.end()
    })
  })
  const hints: unknown[] = []
  const exchange = await client(await listen(server), { onInformational: (head) => hints.push(head.status, head.headers) }).connect()
  const recorder = new Recorder()
  exchange.start(recorder)
  exchange.write('body')
  exchange.sendTrailers([['X-Mine', 'yes']])
  exchange.halfClose()
  await recorder.lost
  expect(recorder.events).toEqual(['made', 'data body', 'eof', 'lost closed'])
  expect(exchange.trailers).toEqual([['x-sum', 'seen yes']])
  expect(hints).toEqual([103, [['link', '</a>; rel=preload']]])
})

describe('Upgrade', () => {
  const upgrade = { method: 'GET', headers: [['Connection', 'Upgrade'], ['Upgrade', 'echo']] } as const

  it('gives the raw transport, what came behind the head first', async () => {
    const server = createServer()
    server.on('upgrade', (_request, socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly ')
      socket.on('data', (data: Buffer) => socket.end(data))
    })
    const exchange = await client(await listen(server)).exchange(upgrade)
    const { switched, response } = exchange
    exchange.halfClose()
    const { transport, leftover, response: head } = await switched
    expect([head.status, (await response).status, (await exchange.closed).kind]).toEqual([101, 101, 'detached'])
    const recorder = new Recorder()
    transport.start(recorder, leftover)
    transport.write('echo')
    await recorder.ended
    expect(recorder.events.slice(0, 3)).toEqual(['made', 'data early echo', 'eof'])
    transport.close()
    expect((await recorder.lost).kind).toBe('closed')
  })

  it('works against our own server, and what is not read waits', async () => {
    const serve = httpServer({
      onExchange: (exchange) => exchange.close(),
      upgradeProtocols: ['echo'],
      onUpgrade: ({ transport, leftover }) => {
        transport.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
        transport.start({ connectionMade: () => transport.write('first'), dataReceived: (data) => transport.write(data), eofReceived: () => transport.close() }, leftover)
      },
    })
    const listener = await listenTcp({ port: 0 }, serve)
    closers.push(() => listener.abortConnections())
    const exchange = await client(listener.port).exchange(upgrade)
    const { switched } = exchange
    exchange.halfClose()
    const { transport, leftover } = await switched
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve))
    const recorder = new Recorder()
    transport.start(recorder, leftover)
    transport.write(' second')
    transport.halfClose()
    await recorder.ended
    expect(recorder.events.slice(0, 3)).toEqual(['made', 'data first second', 'eof'])
  })

  it('that is answered otherwise is an exchange as ever, and one that nobody waits for is given up', async () => {
    const server = createServer((_request, response) => response.end('plain'))
    const plain = client(await listen(server))
    const exchange = await plain.exchange(upgrade)
    const { switched } = exchange
    const recorder = new Recorder()
    exchange.start(recorder)
    exchange.halfClose()
    await expect(switched).rejects.toMatchObject({ code: 'ERR_HTTP_NOT_SWITCHED', message: 'the server answered 200 to a request to switch' })
    await recorder.lost
    expect(recorder.events).toEqual(['made', 'data plain', 'eof', 'lost closed'])
    const switching = createServer()
    switching.on('upgrade', (_request, socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n'))
    const ignored = await client(await listen(switching)).exchange(upgrade)
    ignored.halfClose()
    expect(await ignored.closed).toMatchObject({ kind: 'protocol', error: { code: 'ERR_HTTP_UNEXPECTED_RESPONSE' } })
  })
})

describe('viaProxy', () => {
  it('obeys its signal, whenever that aborts', async () => {
    for (let microtasks = 0; microtasks < 12; microtasks++) {
      const control = new AbortController()
      const { a, b } = memoryPair()
      b.start({ dataReceived() {} })
      const connector = {
        connect: () => {
          void (async () => {
            for (let i = 0; i < microtasks; i++) await Promise.resolve()
            control.abort(new Error('enough'))
          })()
          return Promise.resolve(a)
        },
      }
      await expect(viaProxy(connector, { host: 'h', port: 1 }).connect({ signal: control.signal })).rejects.toThrow('enough')
    }
  })

  /** Node's server as a proxy that makes tunnels. */
  async function proxy(): Promise<{ port: number; asked: string[] }> {
    const asked: string[] = []
    const server = createServer()
    server.on('connect', (request, socket, head) => {
      asked.push(`${request.url} ${request.headers.host} ${request.headers['proxy-authorization'] ?? '-'}`)
      if (request.headers['proxy-authorization'] !== 'Basic eDp5') return void socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 2\r\n\r\nno')
      const { hostname, port } = new URL(`http://${request.url}`)
      const to = connectNode(Number(port), hostname, () => {
        socket.write('HTTP/1.1 200 Connection Established\r\n\r\n')
        to.write(head)
        to.pipe(socket).pipe(to)
      })
      to.on('error', () => socket.destroy())
      socket.on('error', () => to.destroy())
    })
    return { port: await listen(server), asked }
  }

  it('makes a tunnel, over which HTTP runs, with connections that are kept', async () => {
    const { port, asked } = await proxy()
    const target = await listen(createServer((request, response) => response.end(`through ${request.url}`)))
    const ours = createFetch((origin) => viaProxy(tcpConnector({ host: '127.0.0.1', port }), { host: '127.0.0.1', port: Number(new URL(origin).port), authorization: 'Basic eDp5' }))
    closers.push(() => ours.close())
    expect(await (await ours(`http://127.0.0.1:${target}/a`)).text()).toBe('through /a')
    expect(await (await ours(`http://127.0.0.1:${target}/b`)).text()).toBe('through /b')
    expect(asked).toEqual([`127.0.0.1:${target} 127.0.0.1:${target} Basic eDp5`])
  })

  it('loses nothing that came with the answer of the proxy', async () => {
    const server = createServer()
    server.on('connect', (_request, socket) => void socket.end('HTTP/1.1 200 OK\r\n\r\nhello'))
    const transport: StreamTransport = await viaProxy(tcpConnector({ host: '127.0.0.1', port: await listen(server) }), { host: '::1', port: 1 }).connect()
    const recorder = new Recorder()
    transport.start(recorder)
    await recorder.ended
    expect(recorder.events).toEqual(['made', 'data hello', 'eof'])
    transport.abort()
  })

  it('rejects when the proxy refuses, when it is silent, and when it is given up', async () => {
    const { port, asked } = await proxy()
    const via = viaProxy(tcpConnector({ host: '127.0.0.1', port }), { host: '::1', port: 443 })
    await expect(via.connect()).rejects.toMatchObject({ code: 'ERR_HTTP_PROXY_REFUSED', phase: 'connect', cause: { code: 'ERR_HTTP_STATUS', status: 407 } })
    expect(asked).toEqual(['[::1]:443 [::1]:443 -'])
    const silent = createServer()
    silent.on('connect', () => {})
    const to = tcpConnector({ host: '127.0.0.1', port: await listen(silent) })
    await expect(viaProxy(to, { host: 'a', port: 1, answerTimeoutMs: 10 }).connect()).rejects.toMatchObject({ code: 'ERR_HTTP_PROXY_REFUSED', cause: { code: 'ERR_HTTP_HEAD_TIMEOUT' } })
    const control = new AbortController()
    const given = viaProxy(to, { host: 'a', port: 1 }).connect({ signal: control.signal })
    const reason = new Error('enough')
    setImmediate(() => setImmediate(() => control.abort(reason)))
    await expect(given).rejects.toBe(reason)
  })
})
