/** What fetch makes without the platform's classes: the same requests on the wire, and responses that answer as the platform's do. */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { memoryPair } from '@async/core/testing'
import { tcpConnector } from '@async/transport-tcp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFetch, serveFetch } from '../src/index.ts'
import { Recorder } from './recorder.ts'

const closers: (() => unknown)[] = []
afterAll(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  closers.push(() => (server.closeAllConnections(), server.close()))
  await new Promise((resolve) => server.once('listening', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const ours = createFetch((origin) => tcpConnector({ host: '127.0.0.1', port: Number(new URL(origin).port) }))
closers.push(() => ours.close({ graceMs: 0 }))

describe('a request', () => {
  /** What is sent, or the error. */
  const sent = async (...[input, init]: Parameters<typeof ours>): Promise<string> => {
    const peer = new Recorder()
    const run = createFetch(() => ({
      connect: () => {
        const { a, b } = memoryPair()
        b.start(peer)
        return Promise.resolve(a)
      },
    }))
    let failure = ''
    run(input, init).catch((error: unknown) => {
      failure = (error as Error).name
    })
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve))
    void run.close({ graceMs: 0 })
    return failure === '' ? peer.events.join('').replace(/^made/, '') : failure
  }
  const url = 'http://a.test:81/path?query=1#hash'
  const cases: [string, () => RequestInit][] = [
    ['nothing more', () => ({})],
    ['a method', () => ({ method: 'DELETE' })],
    ['a method in lower case', () => ({ method: 'put', body: 'x' })],
    ['a method of its own', () => ({ method: 'purge' })],
    ['a method that is refused', () => ({ method: 'TRACE' })],
    ['a method that is none', () => ({ method: 'a b' })],
    ['headers as an object', () => ({ headers: { 'X-B': ' 2 ', 'x-a': '1', Accept: 'a/b' } })],
    ['headers as pairs', () => ({ headers: [['x-a', '1'], ['X-A', '2']] })],
    ['Headers', () => ({ headers: new Headers({ 'x-a': '1' }) })],
    ['a header that is none', () => ({ headers: { 'a b': 'c' } })],
    ['a Host', () => ({ headers: { Host: 'b.test' } })],
    ['a range', () => ({ headers: { Range: 'bytes=0-1' } })],
    ['a text', () => ({ method: 'POST', body: 'h\u00e9llo \ud83d\ude00' })],
    ['a text with half a pair', () => ({ method: 'POST', body: 'a\ud83d' })],
    ['an empty text', () => ({ method: 'POST', body: '' })],
    ['a text with a type', () => ({ method: 'POST', body: '{}', headers: { 'Content-Type': 'application/json' } })],
    ['a long text', () => ({ method: 'POST', body: '\u00e9'.repeat(50_000) })],
    ['bytes', () => ({ method: 'PUT', body: new Uint8Array([1, 2, 3]) })],
    ['part of a buffer', () => ({ method: 'PUT', body: new Uint8Array([1, 2, 3]).subarray(1) })],
    ['a Blob', () => ({ method: 'POST', body: new Blob(['x'], { type: 'a/b' }) })],
    ['parameters', () => ({ method: 'POST', body: new URLSearchParams({ a: 'b' }) })],
    ['a body with GET', () => ({ body: 'x' })],
    ['null', () => ({ method: 'POST', body: null, signal: null })],
    ['a wrong length', () => ({ method: 'POST', body: 'abc', headers: { 'content-length': '5' } })],
    ['what makes no request', () => ({ redirect: 'strange' as never })],
    ['what is not a signal', () => ({ signal: {} as never })],
    ['integrity', () => ({ integrity: 'sha256-x' })],
    ['what means nothing here', () => ({ cache: 'no-store', keepalive: true }) as RequestInit],
  ]
  it.each(cases)('with %s is what a Request makes of it', async (_, init) => {
    let request: Request | undefined
    let failure = ''
    try {
      request = new Request(url, init())
    } catch (error) {
      failure = (error as Error).name
    }
    const expected = request === undefined ? failure : await sent(request)
    expect(await sent(url, init())).toBe(expected)
  })

  it('of a URL is that of its text, and of a wrong one an error', async () => {
    expect(await sent(new URL(url))).toBe(await sent(url))
    for (const wrong of ['', '/path', 'http://', 'ftp://a.test/', 'http://user:secret@a.test/', 'http://a.test:22/', 'http://a.test:22/']) {
      await expect(ours(wrong)).rejects.toThrow(TypeError)
    }
  })

  it('has the bytes that its body had when it was made', async () => {
    const base = await serve((request, response) => void request.pipe(response))
    const body = new Uint8Array([65, 66])
    const response = ours(base, { method: 'PUT', body })
    body.fill(67)
    expect(await (await response).text()).toBe('AB')
  })

  it('goes to where a URL leads that was asked for before, and its connections are gone since', async () => {
    const base = await serve((request, response) => void response.end(request.url))
    const run = createFetch((origin) => tcpConnector({ host: '127.0.0.1', port: Number(new URL(origin).port) }))
    for (let i = 0; i < 3; i++) {
      expect(await (await run(`${base}/a`)).text()).toBe('/a')
      expect(await (await run(`${base}/b`, { method: 'HEAD' })).text()).toBe('')
      run.closeIdle()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await run.close()
  })
})

describe('a response', () => {
  const long = 'x'.repeat(300_000)
  let base = ''
  beforeAll(async () => {
    base = await serve((request, response) => {
      const path = request.url!
      if (path === '/json') response.setHeader('content-type', 'application/json').end('{"a":1}')
      else if (path === '/bom') response.end('\ufeffhello')
      else if (path === '/long') response.end(long)
      else if (path === '/gzip') response.setHeader('content-encoding', 'gzip').end(gzipSync('packed'))
      else if (path === '/form') response.setHeader('content-type', 'application/x-www-form-urlencoded').end('a=1&b=2')
      else if (path === '/empty') response.end()
      else if (path === '/none') response.writeHead(204).end()
      else if (path === '/parts') {
        response.write('one ')
        setTimeout(() => response.end('two'), 10)
      } else response.writeHead(404, 'No', { 'X-A': '1' }).end('no such thing')
    })
  })

  const looks: [string, (response: Response) => unknown][] = [
    ['its members', ({ status, statusText, ok, url, redirected, type, bodyUsed }) => [status, statusText, ok, url, redirected, type, bodyUsed]],
    ['its class', (response) => [response instanceof Response, response.constructor === Response, String(response), Object.prototype.toString.call(response)]],
    ['text', (response) => response.text()],
    ['json', async (response) => response.json()],
    ['bytes', async (response) => {
      const buffer = await response.arrayBuffer()
      return [buffer instanceof ArrayBuffer, Buffer.from(buffer).toString()]
    }],
    ['a Blob', async (response) => {
      const blob = await response.blob()
      return [blob.size, blob.type, await blob.text()]
    }],
    ['a form', async (response) => [...(await (response as unknown as { formData(): Promise<FormData> }).formData())]],
    ['text twice', async (response) => [await response.text(), response.bodyUsed, await response.text().catch((error: unknown) => (error as Error).name)]],
    ['text, and then the rest', async (response) => {
      await response.text()
      const name = (error: unknown): string => (error as Error).name
      let cloned = ''
      try {
        cloned = String(response.clone())
      } catch (error) {
        cloned = name(error)
      }
      return [cloned, response.body === null, await response.json().catch(name), await response.blob().catch(name), [...response.headers].map(([field]) => field)]
    }],
    ['a clone', async (response) => {
      const copy = response.clone()
      const { status, statusText, ok, url, redirected, type } = copy
      return [status, statusText, ok, url, redirected, type, await response.text(), await copy.clone().text(), await copy.text(), response.bodyUsed, copy.headers.get('x-a')]
    }],
    ['its stream', async (response) => {
      const { body } = response
      if (body === null) return null
      let text = ''
      const decoder = new TextDecoder()
      for await (const part of body as unknown as AsyncIterable<Uint8Array>) text += decoder.decode(part, { stream: true })
      return [text, response.bodyUsed, body === response.body, await response.text().catch((error: unknown) => (error as Error).name)]
    }],
    ['a locked stream', async (response) => {
      response.body?.getReader()
      return response.text().catch((error: unknown) => (error as Error).name)
    }],
    ['another that is made of it', async (response) => {
      const made = new Response(response.body, response)
      return [made.status, made.statusText, made.headers.get('x-a'), await made.text(), response.bodyUsed]
    }],
    ['headers', (response) => [response.headers === response.headers, response.headers.get('X-A'), response.headers instanceof Headers]],
    ['the platform\'s methods', async (response) => [Response.prototype.clone.call(response) instanceof Response, await Response.prototype.text.call(response)]],
  ]
  for (const path of ['/nothing', '/json', '/bom', '/gzip', '/form', '/empty', '/none', '/parts', '/long']) {
    it.each(looks)(`to ${path}: %s is as the built-in fetch's`, async (_, look) => {
      const outcome = async (run: typeof fetch): Promise<unknown> => {
        const response = await run(`${base}${path}`)
        try {
          return await look(response)
        } catch (error) {
          return (error as Error).name
        }
      }
      expect(await outcome(ours as typeof fetch)).toEqual(await outcome(fetch))
    })
  }

  it('that is taken while it comes is whole, also in many pieces', async () => {
    const answer = await serve((request, response) => {
      for (let i = 0; i < 1000; i++) response.write(`${i},`)
      request.on('end', () => response.end('end')).resume()
    })
    expect((await (await ours(answer)).text()).length).toBe(3893)
  })

  it('passes through a server of ours', async () => {
    const { a, b } = memoryPair()
    serveFetch(() => ours(`${base}/json`))(b)
    const client = new Recorder()
    a.start(client)
    a.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    while (!client.events.some((event) => event.includes('{"a":1}'))) await new Promise((resolve) => setImmediate(resolve))
    a.abort()
    expect(client.events[1]).toMatch(/^data HTTP\/1.1 200 OK\r\n/)
  })

  it('is aborted by its signal until its body is there, and not thereafter', async () => {
    const stuck = await serve((_request, response) => void response.writeHead(200, { 'content-length': '9' }).write('half'))
    const control = new AbortController()
    const response = await ours(stuck, { signal: control.signal })
    control.abort(new Error('enough'))
    await expect(response.text()).rejects.toThrow('enough')
    const late = new AbortController()
    const whole = await ours(`${base}/json`, { signal: late.signal })
    const text = await whole.text()
    late.abort()
    expect(text).toBe('{"a":1}')
  })
})
