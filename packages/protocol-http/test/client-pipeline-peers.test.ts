/** Pipelining over real sockets: our server, Node's, nginx, and servers that break off, say too much, or take their time. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { listenTcp, tcpConnector } from '@async/transport-tcp'
import { afterAll, describe, expect, it } from 'vitest'
import { describeWith } from '../../core/test/programs.ts'
import { createFetch, type HttpConnector, httpConnector, type HttpConnectorOptions, httpServer } from '../src/index.ts'
import { Recorder } from './recorder.ts'

const closers: (() => unknown)[] = []
afterAll(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `/${i}`)

function clientOf(port: number, options: HttpConnectorOptions = {}): HttpConnector {
  const connector = httpConnector(tcpConnector({ host: '127.0.0.1', port }), { method: 'GET', maxConnectionCount: 1, maxPipelinedCount: 8, ...options })
  closers.push(() => connector.close({ graceMs: 0 }))
  return connector
}

/** The body of the response to `target`, or the code of what went wrong. */
async function get(connector: HttpConnector, target: string): Promise<string> {
  const exchange = await connector.exchange({ target })
  const got = new Recorder()
  exchange.start(got)
  exchange.halfClose()
  const reason = await got.lost
  if ('error' in reason) return (reason.error as { code?: string }).code ?? 'no code'
  return got.events.flatMap((event) => (event.startsWith('data ') ? [event.slice(5)] : [])).join('')
}

/** A server that answers each request with `answer`'s text. Each connection has a number, and each request on it one, too. */
async function raw(answer: (target: string, socket: Socket, request: number, connection: number) => void): Promise<{ port: number; reads: string[][] }> {
  const reads: string[][] = []
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true }, (socket) => {
    const connection = reads.push([]) - 1
    let requests = 0
    sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)))
    socket.on('data', (data) => {
      const found = [...data.toString('latin1').matchAll(/^\w+ (\S+) HTTP/gm)].map((match) => match[1]!)
      reads[connection]!.push(found.join(' '))
      for (const target of found) answer(target, socket, requests++, connection)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, reads }
}

const ok = (body: string, fields = ''): string => `HTTP/1.1 200 OK\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`

it('our server answers in order, on one connection, also what takes longer first', async () => {
  const connections = new Set<unknown>()
  const listener = await listenTcp({ port: 0 }, httpServer({
    onExchange: (exchange) => {
      connections.add(exchange.info.below)
      exchange.start({ dataReceived: () => {}, eofReceived: () => {} })
      const { target } = exchange.request
      const answer = (): void => {
        exchange.write(target.slice(1))
        exchange.halfClose()
      }
      if (Number(target.slice(1)) % 3 === 0) setImmediate(answer)
      else answer()
    },
  }))
  closers.push(() => listener.abortConnections())
  const connector = clientOf(listener.port)
  const targets = names(200)
  expect(await Promise.all(targets.map((target) => get(connector, target)))).toEqual(targets.map((target) => target.slice(1)))
  expect(connections.size).toBe(1)
})

it('Node\'s server, which may say that it closes in the middle', async () => {
  let connectionCount = 0
  const server = createHttpServer((request, response) => {
    if (request.url === '/7') response.setHeader('Connection', 'close')
    setTimeout(() => response.end(request.url), Number(request.url!.slice(1)) % 4)
  }).on('connection', () => connectionCount++).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closers.push(() => (server.closeAllConnections(), server.close()))
  const connector = clientOf((server.address() as AddressInfo).port)
  const targets = names(50)
  expect(await Promise.all(targets.map((target) => get(connector, target)))).toEqual(targets)
  expect(connectionCount).toBe(2)
})

describeWith('nginx')('nginx', () => {
  it('answers what is pipelined, and what was behind its last response is sent again', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'async-pipeline-'))
    const probe = createServer().listen(0, '127.0.0.1')
    await once(probe, 'listening')
    const { port } = probe.address() as AddressInfo
    probe.close()
    await once(probe, 'close')
    writeFileSync(join(folder, 'nginx.conf'), `
daemon off; master_process off; error_log stderr; pid ${folder}/pid;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/a; proxy_temp_path ${folder}/b; fastcgi_temp_path ${folder}/c; uwsgi_temp_path ${folder}/d; scgi_temp_path ${folder}/e;
  server { listen 127.0.0.1:${port}; keepalive_requests 20; location / { return 200 "$connection $request_uri"; } }
}`)
    const child: ChildProcess = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'ignore', cwd: folder })
    closers.push(async () => {
      child.kill()
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
      rmSync(folder, { recursive: true })
    })
    for (let isOpen = false; !isOpen;) {
      const socket = connect(port, '127.0.0.1')
      isOpen = await new Promise((resolve) => socket.once('connect', () => resolve(true)).once('error', () => resolve(false)))
      socket.destroy()
      if (!isOpen) await new Promise((resolve) => setTimeout(resolve, 10))
    }
    const connector = clientOf(port)
    const targets = names(100)
    const bodies = await Promise.all(targets.map((target) => get(connector, target)))
    expect(bodies.map((body) => body.split(' ')[1])).toEqual(targets)
    expect(new Set(bodies.map((body) => body.split(' ')[0])).size).toBe(5)
    const ours = createFetch(() => tcpConnector({ host: '127.0.0.1', port }), { maxConnectionCount: 2, maxPipelinedCount: 4 })
    const texts = await Promise.all(targets.map(async (target) => (await ours(`http://a.test${target}`)).text()))
    expect(texts.map((body) => body.split(' ')[1])).toEqual(targets)
    await ours.close()
  })
})

describe('a server', () => {
  it('gets what is asked in one turn in one read', async () => {
    const { port, reads } = await raw((target, socket) => socket.write(ok(target)))
    const connector = clientOf(port)
    await get(connector, '/first')
    expect(await Promise.all(names(4).map((target) => get(connector, target)))).toEqual(names(4))
    expect(reads).toEqual([['/first', '/0 /1 /2 /3']])
  })

  it('that takes its time for the first response gets no second request on that connection before', async () => {
    const { port, reads } = await raw((target, socket, request) => setTimeout(() => socket.write(ok(target)), request === 0 ? 30 : 0))
    const connector = clientOf(port)
    expect(await Promise.all(names(3).map((target) => get(connector, target)))).toEqual(names(3))
    expect(reads[0]![0]).toBe('/0')
  })

  it.each([
    ['ends', (socket: Socket) => socket.end()],
    ['resets', (socket: Socket) => socket.resetAndDestroy()],
  ] as const)('that %s the connection after each third response loses nothing', async (_, end) => {
    const { port, reads } = await raw((target, socket, request) => {
      if (request < 3) socket.write(ok(target), () => void (request === 2 && setTimeout(() => end(socket), 5)))
    })
    const connector = clientOf(port, { maxPipelinedCount: 4 })
    const bodies = await Promise.all(names(20).map((target) => get(connector, target)))
    // Who was alone on a kept connection when it ended is told so, as ever.
    expect(bodies.filter((body, i) => body !== names(20)[i] && body !== 'ERR_RESET')).toEqual([])
    expect(bodies.filter((body) => body === 'ERR_RESET').length).toBeLessThan(4)
    expect(reads.length).toBeGreaterThan(5)
  })

  it('that ends in the middle of a response fails that one alone', async () => {
    const { port } = await raw((target, socket, _request, connection) => {
      if (connection > 0 || target === '/first') socket.write(ok(target))
      else if (target === '/0') socket.write(ok(target))
      else if (target === '/1') socket.end(ok(target).slice(0, -1))
    })
    const connector = clientOf(port)
    await get(connector, '/first')
    expect(await Promise.all(names(4).map((target) => get(connector, target)))).toEqual(['/0', 'ERR_TRUNCATED', '/2', '/3'])
  })

  it('that answers more than it was asked gets no further request there', async () => {
    const { port, reads } = await raw((target, socket) => socket.write(target === '/2' ? ok(target) + ok('extra') : ok(target)))
    const connector = clientOf(port)
    await get(connector, '/first')
    expect(await Promise.all(names(3).map((target) => get(connector, target)))).toEqual(names(3))
    expect(await get(connector, '/next')).toBe('/next')
    expect(reads).toEqual([['/first', '/0 /1 /2'], ['/next']])
  })

  it('that switches without being asked fails the request that it answers so', async () => {
    const { port } = await raw((target, socket, _request, connection) => {
      socket.write(connection === 0 && target === '/1' ? 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n' : ok(target))
    })
    const connector = clientOf(port)
    await get(connector, '/first')
    expect(await Promise.all(names(3).map((target) => get(connector, target)))).toEqual(['/0', 'ERR_HTTP_UNEXPECTED_RESPONSE', '/2'])
  })

  it('that floods a paused reader is held back, with what is behind it', async () => {
    const body = 'x'.repeat(8 * 1024 * 1024)
    const { port } = await raw((target, socket) => socket.write(target === '/0' ? ok(body) : ok(target)))
    const connector = clientOf(port)
    await get(connector, '/first')
    const exchange = await connector.exchange({ target: '/0' })
    const got = new Recorder()
    exchange.start(got)
    exchange.pause('read')
    exchange.halfClose()
    const behind = get(connector, '/1')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(got.events).toEqual(['made'])
    exchange.resume('read')
    expect(await behind).toBe('/1')
    expect(got.events.at(1)!.length).toBe(body.length + 5)
  })
})
