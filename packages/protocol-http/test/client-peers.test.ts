/** Our client against servers that we did not write: nginx over TCP and a Unix socket, Python, and TLS of Node's. Duplex sessions through nginx. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import type { Data, Messages, Transport } from '@async/core'
import { unixConnector } from '@async/transport-pipe'
import { listenTcp, tcpConnector } from '@async/transport-tcp'
import { tlsConnector } from '@async/transport-tls'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeWith } from '../../core/test/programs.ts'
import { createFetch, type HttpFetch, httpConnector, httpDuplexConnector, httpDuplexServer, httpServer, viaProxy } from '../src/index.ts'


const folder = mkdtempSync(join(tmpdir(), 'async-http-'))
const children: ChildProcess[] = []
const closers: (() => unknown)[] = []
afterAll(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
  for (const child of children) {
    child.kill()
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
  rmSync(folder, { recursive: true })
})

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}

async function start(program: string, args: readonly string[], port: number): Promise<void> {
  children.push(spawn(program, args, { stdio: 'ignore', cwd: folder }))
  for (let tries = 0; tries < 500; tries++) {
    const socket = connect(port, '127.0.0.1')
    const open = await new Promise<boolean>((resolve) => socket.once('connect', () => resolve(true)).once('error', () => resolve(false)))
    socket.destroy()
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  throw new Error(`${program} does not listen`)
}

const viaTcp = (origin: string): ReturnType<typeof tcpConnector> => tcpConnector({ host: '127.0.0.1', port: Number(new URL(origin).port) })
const file = 'line of a file\n'.repeat(100_000)
writeFileSync(join(folder, 'file.txt'), file)

describeWith('nginx')('nginx', () => {
  let base = ''
  let ours: HttpFetch
  let overUnix: HttpFetch
  const made: Transport<Messages>[] = []
  beforeAll(async () => {
    const duplex = httpDuplexServer({ onTransport: (transport) => void made.push(transport) })
    const listener = await listenTcp({ port: 0 }, httpServer({ onExchange: duplex }))
    closers.push(() => listener.abortConnections())
    const port = await freePort()
    writeFileSync(join(folder, 'nginx.conf'), `
daemon off; master_process off; error_log stderr; pid ${folder}/pid;
events {}
http {
  access_log off; types { text/plain txt; }
  client_body_temp_path ${folder}/a; proxy_temp_path ${folder}/b; fastcgi_temp_path ${folder}/c; uwsgi_temp_path ${folder}/d; scgi_temp_path ${folder}/e;
  server {
    listen 127.0.0.1:${port}; listen unix:${folder}/socket;
    root ${folder}; keepalive_requests 3; client_max_body_size 10k;
    add_header X-Connection "$connection $connection_requests";
    location = /packed.txt { alias ${folder}/file.txt; gzip on; gzip_types text/plain; }
    location = /moved { return 301 /file.txt; }
    location = /closing { return 200 "closing"; keepalive_timeout 0; }
    location = /session { proxy_pass http://127.0.0.1:${listener.port}; proxy_http_version 1.1; proxy_set_header Connection ""; }
    location = /upload { proxy_pass http://127.0.0.1:1; }
  }
}`)
    await start('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], port)
    base = `http://127.0.0.1:${port}`
    ours = createFetch(viaTcp)
    overUnix = createFetch(() => unixConnector({ path: join(folder, 'socket') }))
    closers.push(() => ours.close(), () => overUnix.close())
  })

  it('serves files over TCP and over a Unix socket, on connections that are kept for as long as it says', async () => {
    for (const [run, origin] of [[ours, base], [overUnix, 'http://files.test']] as const) {
      const connections: string[] = []
      for (let i = 0; i < 5; i++) {
        const response = await run(`${origin}/file.txt`)
        expect(await response.text()).toBe(file)
        connections.push(response.headers.get('x-connection')!)
      }
      expect(connections.map((each) => each.split(' ')[1])).toEqual(['1', '2', '3', '1', '2'])
      expect(new Set(connections.map((each) => each.split(' ')[0])).size).toBe(2)
    }
  })

  it('packs, cuts out, moves, refuses and closes', async () => {
    const packed = await ours(`${base}/packed.txt`)
    expect([packed.headers.get('content-encoding'), await packed.text()]).toEqual(['gzip', file])
    const raw = createFetch(viaTcp, { decode: false })
    const unread = await raw(`${base}/packed.txt`, { headers: { 'accept-encoding': 'gzip' } })
    expect(gunzipSync(new Uint8Array(await unread.arrayBuffer())).toString()).toBe(file)
    await raw.close()
    const part = await ours(`${base}/file.txt`, { headers: { range: 'bytes=0-13' } })
    expect([part.status, await part.text()]).toEqual([206, 'line of a file'])
    const moved = await ours(`${base}/moved`, { method: 'HEAD' })
    expect([moved.status, moved.redirected, moved.url, moved.headers.get('content-length')]).toEqual([200, true, `${base}/file.txt`, '1500000'])
    expect((await ours(`${base}/nothing`)).status).toBe(404)
    expect(await (await ours(`${base}/closing`)).text()).toBe('closing')
    expect((await ours(`${base}/upload`, { method: 'POST', body: 'x' })).status).toBe(502)
    const late = await ours(`${base}/upload`, { method: 'POST', body: new Uint8Array(4 * 1024 * 1024) })
    expect(late.status).toBe(413)
    expect(await (await ours(`${base}/file.txt`)).text()).toBe(file)
  })

  it.each(['stream', 'poll'] as const)('lets duplex sessions through, by %s', async (mode) => {
    const http = httpConnector(viaTcp(base), { host: 'a.test' })
    const transport = await httpDuplexConnector(http, { target: '/session', mode }).connect()
    const [got, back]: Data[][] = [[], []]
    transport.start({ dataReceived: (data) => void got!.push(data) })
    const server = made.at(-1)!
    server.start({ dataReceived: (data) => { back!.push(data); server.write(`seen ${String(data)}`) } })
    for (let i = 0; i < 5; i++) {
      transport.write(`message ${i}`)
      while (got!.length <= i) await new Promise((resolve) => setImmediate(resolve))
    }
    expect([got!.at(-1), back!.length]).toEqual(['seen message 4', 5])
    transport.close()
    expect([(await transport.closed).kind, (await server.closed).kind]).toEqual(['closed', 'closed'])
    await http.close()
  })
})

describeWith('python3')('Python\'s http.server', () => {
  it('serves files in HTTP/1.0 and lists folders', async () => {
    const port = await freePort()
    await start('python3', ['-m', 'http.server', '--bind', '127.0.0.1', String(port)], port)
    const ours = createFetch(viaTcp)
    const base = `http://127.0.0.1:${port}`
    expect(await (await ours(`${base}/file.txt`)).text()).toBe(file)
    expect(await (await ours(`${base}/`)).text()).toContain('file.txt</a>')
    const refused = await ours(base, { method: 'POST', body: 'x' })
    expect([refused.status, refused.statusText]).toEqual([501, "Unsupported method ('POST')"])
    await ours.close()
  })
})

describeWith('openssl')('Node\'s https server', () => {
  it('is fetched from over our TLS, also through a tunnel of a proxy', async () => {
    const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
    const made = spawnSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', key, '-out', cert, '-days', '2', '-subj', '/CN=secret.test', '-addext', 'subjectAltName=DNS:secret.test'])
    expect(made.status).toBe(0)
    const server = createHttpsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
      const sent = request.url
      request.on('data', () => {}).on('end', () => response.end(`${request.headers.host} ${sent}`))
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    closers.push(() => {
      server.closeAllConnections()
      server.close()
    })
    const { port } = server.address() as AddressInfo
    const proxy = createHttpServer().on('connect', (_request, socket) => {
      const to = connect(port, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n')
        to.pipe(socket).pipe(to)
      }).on('error', () => socket.destroy())
      socket.on('error', () => to.destroy())
    }).listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    closers.push(() => void proxy.close())
    const credentials = { serverName: 'secret.test', ca: readFileSync(cert) }
    const direct = tcpConnector({ host: '127.0.0.1', port })
    const tunnel = viaProxy(tcpConnector({ host: '127.0.0.1', port: (proxy.address() as AddressInfo).port }), { host: 'secret.test', port: 443 })
    for (const below of [direct, tunnel]) {
      const ours = createFetch(() => tlsConnector(below, credentials))
      for (const path of ['/a', '/b']) expect(await (await ours(`https://secret.test${path}`)).text()).toBe(`secret.test ${path}`)
      await ours.close()
    }
  })
})
