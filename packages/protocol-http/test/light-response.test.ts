/** What passes as a Response: the same answers on the wire as with the platform's, and the same to whoever looks at it. */
import { memoryPair } from '@async/core/testing'
import { Hono } from 'hono'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type FetchHandler, installLightResponse, serveFetch } from '../src/index.ts'
import { Recorder } from './recorder.ts'

const Platform = Response
let restore: () => void
beforeAll(() => {
  restore = installLightResponse()
})
afterAll(() => restore())

async function ask(handler: FetchHandler, request = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'): Promise<string> {
  const { a, b } = memoryPair()
  serveFetch(handler, { onError: () => {} })(b)
  const client = new Recorder()
  a.start(client)
  a.write(request)
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve))
  a.abort()
  return client.events[1]!.replace(/Date: [^\r]*\r\n/g, '').replace(/^data /, '')
}

/** The wire with the names of its fields in lower case and in order, so that nothing but their order may differ. */
const fields = (wire: string): string => {
  const [head = '', body = ''] = wire.split('\r\n\r\n')
  const [status = '', ...lines] = head.split('\r\n')
  return [status, ...lines.map((line) => line.replace(/^[^:]*/, (name) => name.toLowerCase())).sort(), '', body].join('\n')
}

describe('on the wire', () => {
  const cases: readonly (readonly [string, () => ConstructorParameters<typeof Response>, string?])[] = [
    ['text', () => ['h\u00e9llo']],
    ['nothing', () => [undefined]],
    ['null', () => [null, { status: 404 }]],
    ['an empty text', () => ['']],
    ['bytes', () => [new Uint8Array([104, 105]), { headers: { 'Content-Type': 'x/y' } }]],
    ['headers as an object', () => ['x', { headers: { 'X-A': ' 1 ', 'content-type': 'a/b' }, statusText: 'Fine' }]],
    ['headers as pairs', () => ['x', { headers: [['set-cookie', 'a=1'], ['set-cookie', 'b=2']] }]],
    ['Headers', () => ['x', { headers: new Headers({ vary: 'x' }) }]],
    ['headers as any sequence of pairs', () => ['x', { headers: new Map([['x-a', ' 1 ']]) as unknown as Headers }]],
    ['fields of a connection', () => ['x', { headers: { 'Transfer-Encoding': 'chunked', 'Keep-Alive': 'x', Connection: 'close' } }]],
    ['204', () => [null, { status: 204 }]],
    ['null for how', () => ['x', null as unknown as ResponseInit]],
    ['HEAD', () => ['hello', { headers: { 'content-length': '5' } }], 'HEAD / HTTP/1.1\r\nHost: h\r\n\r\n'],
    ['a text that is long', () => ['x'.repeat(200_000)]],
    ['a stream', () => [new ReadableStream({ start(controller) { controller.enqueue(new Uint8Array([97])); controller.close() } })]],
  ]
  for (const [name, make, request] of cases) {
    it(`${name} is what the platform's is`, async () => {
      const light = await ask(() => new Response(...make()), request)
      expect(fields(light)).toBe(fields(await ask(() => new Platform(...make()), request)))
    })
  }

  it('what may not be sent is a 500', async () => {
    expect(await ask(() => new Response('x', { headers: { x: 'a\r\nb: c' } }))).toBe('HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n')
  })
})

it('to whoever looks at it', async () => {
  const response = new Response('hello', { status: 201, headers: { 'X-A': '1' } })
  expect(response instanceof Response && response instanceof Platform && new Platform('') instanceof Response).toBe(true)
  expect([response.status, response.statusText, response.ok, response.bodyUsed, response.type, response.url, response.redirected]).toEqual([201, '', true, false, 'default', '', false])
  expect([...response.headers]).toEqual([['content-type', 'text/plain;charset=UTF-8'], ['x-a', '1']])
  const copy = response.clone()
  expect(await response.text()).toBe('hello')
  expect(response.bodyUsed).toBe(true)
  expect(await copy.text()).toBe('hello')
  expect(await new Response('{"a":1}').json()).toEqual({ a: 1 })
  expect(await new Response(new Response('through').body).text()).toBe('through')
  const json = (Response as unknown as { json(data: unknown, init: ResponseInit): Response }).json({ a: 1 }, { status: 202 })
  expect([json.status, json.headers.get('content-type'), await json.text()]).toEqual([202, 'application/json', '{"a":1}'])
  expect(() => (Response as unknown as { json(data: unknown): Response }).json(undefined)).toThrow(TypeError)
  expect(Response.error().type).toBe('error')
  expect(() => new Response('', { status: 99 })).toThrow(RangeError)
  expect(() => new Response('x', { status: 204 })).toThrow(TypeError)
  expect(() => new Response('x', { headers: [['a']] as never })).toThrow(TypeError)
})

it('has the headers that it was given, whatever their owner does with them before it is sent', async () => {
  for (const made of [() => ({ 'x-id': '1' }) as Record<string, string>, () => new Headers({ 'x-id': '1' }), () => new Map([['x-id', '1']])]) {
    const headers = made()
    expect(await ask(async () => {
      const response = new Response('x', { headers: headers as never })
      await Promise.resolve()
      if ('set' in headers && typeof headers.set === 'function') headers.set('x-id', '2')
      else (headers as Record<string, string>)['x-id'] = '2'
      return response
    })).toContain('x-id: 1\r\n')
  }
})

it('a header that is changed is sent, also by Hono\'s middleware', async () => {
  expect(await ask(() => {
    const response = new Response('x')
    response.headers.set('content-type', 'a/b')
    return response
  })).toBe('HTTP/1.1 200 OK\r\ncontent-type: a/b\r\nContent-Length: 1\r\n\r\nx')
  const app = new Hono()
  app.use(async (c, next) => {
    await next()
    c.res.headers.append('x-after', '1')
    c.res = new Response(c.res.body, c.res)
  })
  app.get('/', (c) => c.text('hello'))
  expect(fields(await ask(app.fetch))).toBe('HTTP/1.1 200 OK\ncontent-length: 5\ncontent-type: text/plain;charset=UTF-8\nx-after: 1\n\nhello')
})

it('goes away when it is put back', () => {
  restore()
  expect(Response).toBe(Platform)
  restore = installLightResponse()
  expect(Response).not.toBe(Platform)
})
