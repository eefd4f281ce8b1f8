/** Our server of requests and responses under clients that we did not write: curl, nginx as a proxy, undici, Python, wrk. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { listenTcp } from '@async/transport-tcp'
import { Hono } from 'hono'
import { Client, request as undiciRequest } from 'undici'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { isHere, needs } from '../../core/test/programs.ts'
import { serveFetch } from '../src/index.ts'
import type { HttpServer } from '../src/index.ts'


function run(program: string, args: readonly string[], input?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(program, args, { encoding: 'latin1', maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${program}: ${error.message} ${stderr}`))
    })
    child.stdin!.on('error', () => {})
    child.stdin!.end(input ?? '')
  })
}

const aborted: string[] = []
const app = new Hono()
app.get('/hello', (c) => c.text('hello'))
app.get('/agent', (c) => c.json({ agent: c.req.header('user-agent')?.split('/')[0], url: c.req.url.replace(/:\d+/, '') }))
app.post('/echo', (c) => c.body(c.req.raw.body as ReadableStream))
app.put('/count', async (c) => {
  let bytes = 0
  const reader = c.req.raw.body?.getReader()
  for (let read = await reader?.read(); read?.done === false; read = await reader?.read()) bytes += (read.value as Uint8Array).length
  return c.text(String(bytes))
})
app.post('/early', (c) => c.text('no, thanks', 403))
app.get('/big/:bytes', (c) => {
  let left = Number(c.req.param('bytes'))
  return c.body(new ReadableStream({
    pull(controller) {
      const bytes = Math.min(left, 65_536)
      left -= bytes
      if (bytes > 0) controller.enqueue(new Uint8Array(bytes).fill(0x2e))
      if (left === 0) controller.close()
    },
  }))
})
app.get('/never', (c) => new Promise(() => c.req.raw.signal.addEventListener('abort', () => aborted.push('/never'))))

let serve: HttpServer
let listener: Awaited<ReturnType<typeof listenTcp>>
let base = ''
let connections = 0
beforeAll(async () => {
  serve = serveFetch(app.fetch)
  listener = await listenTcp({ port: 0 }, (transport) => {
    connections++
    serve(transport)
  })
  base = `http://127.0.0.1:${listener.port}`
})
afterAll(async () => {
  listener.close()
  await serve.drain({ graceMs: 100 })
  await listener.closed
})

describe('curl', () => {
  const curl = (...args: string[]): Promise<string> => run('curl', ['-sS', '--max-time', '15', ...args])

  needs('curl')('GET, POST, HEAD, over 1.1 and 1.0, and a connection that is kept', async () => {
    const before = connections
    expect(await curl(`${base}/hello`, `${base}/agent`)).toBe('hello{"agent":"curl","url":"http://127.0.0.1/agent"}')
    expect(connections - before).toBe(1)
    expect(await curl('--http1.0', `${base}/hello`, `${base}/hello`)).toBe('hellohello')
    expect(await curl('--http1.0', '-H', 'Connection: keep-alive', `${base}/hello`)).toBe('hello')
    expect(await curl('--http1.0', `${base}/big/100000`)).toBe('.'.repeat(100_000))
    expect(await curl('-d', 'body', `${base}/echo`)).toBe('body')
    expect(await curl('-I', '-o', '/dev/null', '-w', '%{http_code} %{size_download}', `${base}/hello`)).toBe('200 0')
    expect(await curl('-X', 'OPTIONS', '--request-target', '*', '-o', '/dev/null', '-w', '%{http_code}', base)).toBe('204')
    expect(await curl('--proxy', base, 'http://a.test/agent')).toBe('{"agent":"curl","url":"http://a.test/agent"}')
  })

  needs('curl')('an upload from a pipe, in HTTP chunks, with and without an expectation', async () => {
    const body = '0123456789abcdef'.repeat(256 * 1024)
    for (const expectation of ['Expect: 100-continue', 'Expect:']) {
      expect(await run('curl', ['-sS', '--max-time', '15', '-T', '-', '-H', expectation, `${base}/count`], body)).toBe(String(body.length))
    }
  })

  needs('curl')('an expectation that is refused costs no body, and an unknown one is 417', async () => {
    const refused = await run('curl', ['-sS', '--max-time', '15', '--expect100-timeout', '10', '-H', 'Expect: 100-continue', '--data-binary', '@-', '-w', ' %{http_code} %{size_upload}', `${base}/early`], 'x'.repeat(2_000_000))
    expect(refused).toBe('no, thanks 403 0')
    expect(await curl('-H', 'Expect: coffee', '-d', 'x', '-o', '/dev/null', '-w', '%{http_code}', `${base}/echo`)).toBe('417')
  })

  needs('curl')('an early response reaches who is still uploading', async () => {
    const answer = await run('curl', ['-sS', '--max-time', '15', '-H', 'Expect:', '-T', '-', '-X', 'POST', '-w', ' %{http_code}', `${base}/early`], 'x'.repeat(8_000_000))
    expect(answer).toBe('no, thanks 403')
  })
})

it('a client that is gone aborts the signal of a handler that runs', async () => {
  const socket = connect(listener.port, '127.0.0.1')
  socket.write('GET /never HTTP/1.1\r\nHost: h\r\n\r\n')
  await once(socket, 'connect')
  while (aborted.length === 0) {
    await new Promise((resolve) => setImmediate(resolve))
    if (socket.bytesWritten > 0) socket.resetAndDestroy()
  }
  expect(aborted).toEqual(['/never'])
})

describe('undici', () => {
  it('streams both ways, and pipelines', async () => {
    const body = Buffer.alloc(3_000_000, 'abc')
    const echoed = await undiciRequest(`${base}/echo`, { method: 'POST', body })
    expect(Buffer.from(await echoed.body.arrayBuffer()).equals(body)).toBe(true)
    const before = connections
    const client = new Client(base, { pipelining: 10 })
    const answers = await Promise.all(Array.from({ length: 50 }, async (_, i) => (await client.request({ method: 'GET', path: i % 2 === 0 ? '/hello' : `/big/${i}` })).body.text()))
    expect(answers).toEqual(Array.from({ length: 50 }, (_, i) => (i % 2 === 0 ? 'hello' : '.'.repeat(i))))
    expect(connections - before).toBe(1)
    await client.close()
  })
})

needs('python3')('Python\'s http.client: keep-alive, HTTP chunks up and down', async () => {
  const script = `
import http.client, sys
c = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]), timeout=15)
c.request('GET', '/hello'); r = c.getresponse(); print(r.status, r.version, r.read().decode())
c.request('POST', '/echo', iter([b'one', b'two']), encode_chunked=True, headers={'Transfer-Encoding': 'chunked'}); r = c.getresponse(); print(r.status, r.read().decode())
c.request('GET', '/big/70000'); r = c.getresponse(); print(r.getheader('transfer-encoding'), len(r.read()))
c.request('HEAD', '/hello'); r = c.getresponse(); print(r.status, len(r.read()))
c.request('GET', '/none'); r = c.getresponse(); print(r.status, r.read().decode())
`
  const before = connections
  expect(await run('python3', ['-c', script, String(listener.port)])).toBe('200 11 hello\n200 onetwo\nchunked 70000\n200 0\n404 404 Not Found\n')
  expect(connections - before).toBe(1)
})

needs('wrk')('wrk: thousands of requests on connections that are kept, none that fails', async () => {
  const output = await run('wrk', ['-t1', '-c8', '-d1s', `${base}/hello`])
  expect(output).toMatch(/[1-9][0-9]{2,} requests in/)
  expect(output).not.toMatch(/Socket errors|Non-2xx/)
})

describe('nginx in front', () => {
  let nginx: ChildProcess | undefined
  let folder = ''
  let front = ''
  beforeAll(async () => {
    if (!isHere('nginx')) return
    folder = mkdtempSync(join(tmpdir(), 'async-nginx-'))
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
  upstream ours { server 127.0.0.1:${listener.port}; keepalive 4; }
  server {
    listen 127.0.0.1:${port};
    client_max_body_size 0;
    location / { proxy_pass http://ours; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_request_buffering off; proxy_buffering off; }
  }
}`)
    nginx = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'ignore' })
    front = `http://127.0.0.1:${port}`
    for (let tries = 0; tries < 500; tries++) {
      const socket = connect(port, '127.0.0.1')
      const open = await new Promise<boolean>((resolve) => socket.once('connect', () => resolve(true)).once('error', () => resolve(false)))
      socket.destroy()
      if (open) break
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  })
  afterAll(async () => {
    if (nginx === undefined) return
    nginx.kill()
    await once(nginx, 'exit')
    rmSync(folder, { recursive: true })
  })

  needs('nginx')('keeps its connections to us, and both sides agree on every body', async () => {
    const before = connections
    for (let i = 0; i < 20; i++) {
      const { statusCode, body } = await undiciRequest(`${front}/big/${i * 1000}`)
      expect([statusCode, (await body.text()).length]).toEqual([200, i * 1000])
    }
    expect(connections - before).toBeLessThanOrEqual(2)
    const body = Buffer.alloc(1_000_000, 'abc')
    const counted = await undiciRequest(`${front}/count`, { method: 'PUT', body })
    expect(await counted.body.text()).toBe('1000000')
    const streamed = await undiciRequest(`${front}/count`, { method: 'PUT', body: Readable.from(['abc', 'de']) })
    expect(await streamed.body.text()).toBe('5')
    const head = await undiciRequest(`${front}/hello`, { method: 'HEAD' })
    await head.body.dump()
    expect(head.statusCode).toBe(200)
    expect(await (await undiciRequest(`${front}/none`)).body.text()).toBe('404 Not Found')
    const early = await undiciRequest(`${front}/early`, { method: 'POST', body: Buffer.alloc(100_000) })
    expect([early.statusCode, await early.body.text()]).toEqual([403, 'no, thanks'])
  })
})
