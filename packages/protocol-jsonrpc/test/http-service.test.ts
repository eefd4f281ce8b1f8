import { request } from 'node:http'
import { connect } from 'node:net'
import { httpServer } from '@async/protocol-http'
import { createService, httpService } from '@async/protocol-jsonrpc'
import type { HttpServiceOptions } from '@async/protocol-jsonrpc'
import { listenTcp } from '@async/transport-tcp'
import { afterEach, describe, expect, it } from 'vitest'
import { deferred } from './helpers.ts'

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const each of cleanup.splice(0).reverse()) await each()
})

const note = '{"jsonrpc":"2.0","method":"note"}'
const call = '{"jsonrpc":"2.0","method":"add","params":[1,2],"id":1}'
const answer = '{"jsonrpc":"2.0","result":3,"id":1}'

async function serve(options: HttpServiceOptions = {}, methods = {}): Promise<number> {
  const service = createService({ add: ([a, b]: [number, number]) => a + b, note: () => {}, ...methods })
  const listener = await listenTcp({}, httpServer({ onExchange: httpService(service, options) }))
  cleanup.push(() => listener.closeConnections({ graceMs: 0 }))
  return listener.port
}

interface Answer {
  readonly status: number
  readonly body: string
  readonly headers: Record<string, unknown>
}

/** Node's own client asks. */
function ask(port: number, body: string, head: { method?: string; path?: string; headers?: Record<string, string> } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const headers = { 'Content-Type': 'application/json', ...head.headers }
    const asked = request({ port, host: '127.0.0.1', method: 'POST', agent: false, ...head, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (data: string) => (text += data))
      const { date: _, connection: __, ...rest } = response.headers
      response.on('end', () => resolve({ status: response.statusCode!, body: text, headers: rest }))
    })
    asked.on('error', reject).end(body)
  })
}

describe('httpService', () => {
  it('answers a POST of JSON', async () => {
    const port = await serve()
    expect(await ask(port, call)).toEqual({ status: 200, body: answer, headers: { 'content-type': 'application/json', 'content-length': '35' } })
    for (const type of ['application/json; charset=utf-8', 'Application/JSON ; Charset="UTF-8"', 'application/json-rpc', 'application/jsonrequest; x=y']) {
      expect(await ask(port, call, { headers: { 'Content-Type': type } })).toMatchObject({ status: 200, body: answer })
    }
    expect(await ask(port, `[${call},${note},{"foo":1}]`)).toMatchObject({
      status: 200,
      body: `[${answer},{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}]`,
    })
    expect(await ask(port, '{')).toMatchObject({ status: 200, body: '{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}' })
  })

  it.each([204, 202] as const)('answers notifications alone with %s, if that is what was asked for', async (notifiedStatus) => {
    const port = await serve({ notifiedStatus })
    for (const body of [note, `[${note},${note}]`, '']) expect(await ask(port, body)).toMatchObject({ status: notifiedStatus, body: '' })
    expect((await ask(await serve(), note)).status).toBe(204)
  })

  it.each<[string, Parameters<typeof ask>[2] & object, number, object]>([
    ['another method', { method: 'PUT' }, 405, { allow: 'POST' }],
    ['GET', { method: 'GET' }, 405, { allow: 'POST' }],
    ['a preflight', { method: 'OPTIONS', headers: { Origin: 'http://a.test', 'Access-Control-Request-Method': 'POST' } }, 405, { allow: 'POST' }],
    ['text', { headers: { 'Content-Type': 'text/plain' } }, 415, { 'accept-post': 'application/json' }],
    ['no type', { headers: { 'Content-Type': '' } }, 415, {}],
    ['another charset', { headers: { 'Content-Type': 'application/json; charset=utf-16' } }, 415, {}],
    ['a type that only looks like it', { headers: { 'Content-Type': 'application/jsonx' } }, 415, {}],
    ['a body that is compressed', { headers: { 'Content-Encoding': 'gzip' } }, 415, {}],
    ['another path', { path: '/other' }, 404, {}],
    ['a page of another origin', { headers: { Origin: 'http://evil.test' } }, 403, {}],
    ['a page of no origin', { headers: { Origin: 'null' } }, 403, {}],
    ['the same name and another port', { headers: { Origin: 'http://127.0.0.1:1' } }, 403, {}],
  ])('refuses %s', async (_name, head, status, headers) => {
    const port = await serve({ path: '/rpc' })
    const refused = await ask(port, call, { path: '/rpc', ...head })
    expect(refused).toMatchObject({ status, body: '', headers })
    expect(Object.keys(refused.headers).filter((name) => name.startsWith('access-control'))).toEqual([])
  })

  it('takes pages that came from it, and queries behind the path', async () => {
    const port = await serve({ path: '/rpc' })
    expect(await ask(port, call, { path: '/rpc?x=1', headers: { Origin: `http://127.0.0.1:${port}` } })).toMatchObject({ status: 200, body: answer })
  })

  it('refuses a body that is announced as too long before it comes, and ends at one that turns out so', async () => {
    const port = await serve({ maxMessageBytes: 100 })
    expect(await ask(port, `{"x":"${'y'.repeat(100)}"}`)).toMatchObject({ status: 413, body: '' })
    const socket = connect(port, '127.0.0.1')
    const ended = new Promise<string>((resolve) => {
      let text = ''
      socket.setEncoding('utf8').on('data', (data: string) => (text += data))
      socket.on('error', () => {})
      socket.on('close', () => resolve(text))
    })
    socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n')
    socket.write(`80\r\n${'x'.repeat(128)}\r\n`)
    expect(await ended).not.toContain('200')
  })

  it('tells a handler when its caller has gone', async () => {
    const started = deferred()
    const gone = deferred()
    const port = await serve({}, { hang: (_: unknown, { signal }: { signal: AbortSignal }) => new Promise(() => (signal.addEventListener('abort', () => gone.resolve(signal.reason)), started.resolve(0))) })
    const body = '{"jsonrpc":"2.0","method":"hang","id":1}'
    const socket = connect(port, '127.0.0.1')
    socket.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    await started.promise
    socket.resetAndDestroy()
    expect(await gone.promise).toMatchObject({ code: 'ERR_CONNECTION_LOST' })
  })
})

describe('httpService for web pages', () => {
  const preflight = (origin: string) => ({ method: 'OPTIONS', headers: { Origin: origin, 'Access-Control-Request-Method': 'POST', 'Access-Control-Request-Headers': 'content-type' } })

  it('lets origins of a list call, and tells browsers so', async () => {
    const port = await serve({ cors: { origins: ['http://a.test'], headers: ['X-Token'], credentials: true, maxAgeSeconds: 5 } })
    const allowed = { 'access-control-allow-origin': 'http://a.test', 'access-control-allow-credentials': 'true', vary: 'Origin' }
    expect(await ask(port, '', preflight('http://a.test'))).toEqual({
      status: 204,
      body: '',
      headers: { ...allowed, 'access-control-allow-methods': 'POST', 'access-control-allow-headers': 'Content-Type, X-Token', 'access-control-max-age': '5' },
    })
    expect(await ask(port, call, { headers: { Origin: 'http://a.test' } })).toMatchObject({ status: 200, body: answer, headers: allowed })
    expect(await ask(port, note, { headers: { Origin: 'http://a.test' } })).toMatchObject({ status: 204, headers: allowed })
    expect(await ask(port, call, { headers: { Origin: 'http://a.test', 'Content-Type': 'text/plain' } })).toMatchObject({ status: 415, headers: allowed })
    expect(await ask(port, '', preflight('http://b.test'))).toEqual({ status: 403, body: '', headers: { vary: 'Origin', 'content-length': '0' } })
    expect(await ask(port, call, { headers: { Origin: 'http://b.test' } })).toMatchObject({ status: 403 })
    expect(await ask(port, call)).toMatchObject({ status: 200 })
    expect(await ask(port, '', { method: 'GET' })).toMatchObject({ status: 405, headers: { allow: 'POST, OPTIONS' } })
  })

  it('lets everybody’s pages call, or those that a function takes', async () => {
    const all = await serve({ cors: { origins: '*' } })
    expect(await ask(all, call, { headers: { Origin: 'http://any.test' } })).toMatchObject({ status: 200, headers: { 'access-control-allow-origin': '*' } })
    expect((await ask(all, '', preflight('http://any.test'))).headers).toMatchObject({ 'access-control-max-age': '600', 'access-control-allow-headers': 'Content-Type' })
    const some = await serve({ cors: { origins: (origin) => origin.endsWith('.a.test') } })
    expect((await ask(some, call, { headers: { Origin: 'https://x.a.test' } })).status).toBe(200)
    expect((await ask(some, call, { headers: { Origin: 'https://a.test.evil' } })).status).toBe(403)
  })

  it('refuses everybody’s pages with credentials', () => {
    expect(() => httpService(createService({}), { cors: { origins: '*', credentials: true } })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })
})
