/** Our fetch beside the built-in one, against the same servers. */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib'
import { tcpConnector } from '@async/transport-tcp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createFetch } from '../src/index.ts'

const closers: (() => void)[] = []
afterAll(() => {
  for (const close of closers) close()
})

function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  closers.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return new Promise((resolve) => void server.listen(0, '127.0.0.1', () => resolve(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)))
}

const ours = createFetch((origin) => {
  const { hostname, port } = new URL(origin)
  return tcpConnector({ host: hostname, port: Number(port) })
})
closers.push(() => void ours.close())

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = ''
  try {
    for await (const data of request.setEncoding('latin1')) text += data
  } catch {
    // The client left.
  }
  return text
}

/** What a fetch came to, as one value. */
async function outcome(run: typeof fetch, url: string, init: RequestInit = {}): Promise<unknown> {
  const seen: Record<string, unknown> = {}
  try {
    const response = await run(url, init)
    Object.assign(seen, { status: response.status, ok: response.ok, statusText: response.statusText, redirected: response.redirected, url: response.url, type: response.type })
    seen['headers'] = [...response.headers].filter(([name]) => !['date', 'connection', 'keep-alive', 'transfer-encoding'].includes(name))
    seen['null'] = response.body === null
    seen['body'] = await response.text()
  } catch (error) {
    const { name, message } = error as Error
    seen['error'] = `${name}: ${message}`
  }
  return seen
}

describe('createFetch, beside the built-in fetch', () => {
  let base = ''
  let other = ''
  const answer = (response: ServerResponse, status: number, headers: Record<string, string>, body?: string | Uint8Array): void => void response.writeHead(status, headers).end(body)
  beforeAll(async () => {
    other = await serve((request, response) => void bodyOf(request).then((body) => answer(response, 200, {}, JSON.stringify([
      request.method, request.url, request.headers.authorization ?? '-', request.headers.cookie ?? '-', request.headers['x-kept'] ?? '-', request.headers['content-type'] ?? '-', body,
    ]))))
    base = await serve((request, response) => {
      const url = new URL(request.url!, base)
      const [, verb, argument] = url.pathname.split('/')
      void bodyOf(request).then((body) => {
        switch (verb) {
          case 'echo':
            return answer(response, 200, { 'content-type': 'text/plain' }, JSON.stringify([request.method, request.url, request.headers['content-type'] ?? '-', request.headers['content-length'] ?? '-', body]))
          case 'status':
            return answer(response, Number(argument), { 'x-a': '1' }, [204, 304].includes(Number(argument)) ? undefined : 'text')
          case 'to':
            return answer(response, Number(argument), { location: url.search === '' ? '/echo/there' : decodeURIComponent(url.search.slice(1)) }, 'moved')
          case 'loop':
            return answer(response, 302, { location: `/loop/${Number(argument ?? 0) + 1}` })
          case 'until':
            return answer(response, Number(argument) > 0 ? 302 : 200, { location: `/until/${Number(argument) - 1}` }, 'end')
          case 'across':
            return answer(response, Number(argument), { location: `${other}/there` })
          case 'gzip':
            return answer(response, 200, { 'content-encoding': 'gzip' }, gzipSync('packed'))
          case 'x-gzip':
            return answer(response, 200, { 'content-encoding': 'x-gzip' }, gzipSync('packed'))
          case 'deflate':
            return answer(response, 200, { 'content-encoding': 'deflate' }, deflateSync('packed'))
          case 'deflate-raw':
            return answer(response, 200, { 'content-encoding': 'deflate' }, deflateRawSync('packed'))
          case 'twice':
            return answer(response, 200, { 'content-encoding': 'deflate, gzip' }, gzipSync(deflateSync('packed')))
          case 'unknown-coding':
            return answer(response, 200, { 'content-encoding': 'strange' }, 'as it is')
          case 'gzip-empty':
            return answer(response, 200, { 'content-encoding': 'gzip' })
          case 'gzip-bad':
            return answer(response, 200, { 'content-encoding': 'gzip' }, 'no gzip at all')
          case 'cookies':
            response.setHeader('set-cookie', ['a=1', 'b=2'])
            return answer(response, 200, { 'x-list': '1, 2' }, 'c')
          case 'latin1':
            return answer(response, 200, { 'x-umlaut': '\xe4' }, 'x')
          default:
            return answer(response, 404, {}, 'no')
        }
      })
    })
  })

  const stream = (...parts: string[]): ReadableStream => new ReadableStream({
    start(controller) {
      for (const part of parts) controller.enqueue(new TextEncoder().encode(part))
      controller.close()
    },
  })

  const table: [string, string, (() => RequestInit)?][] = [
    ['GET', '/echo/a?b=c#d'],
    ['HEAD', '/echo/a', () => ({ method: 'HEAD' })],
    ['lower case', '/echo/a', () => ({ method: 'post', body: 'x' })],
    ['DELETE', '/echo/a', () => ({ method: 'DELETE' })],
    ['POST without a body', '/echo/a', () => ({ method: 'POST' })],
    ['text', '/echo/a', () => ({ method: 'POST', body: 'text' })],
    ['an empty text', '/echo/a', () => ({ method: 'POST', body: '' })],
    ['bytes', '/echo/a', () => ({ method: 'PUT', body: new Uint8Array([65, 66]) })],
    ['a Blob', '/echo/a', () => ({ method: 'POST', body: new Blob(['blob'], { type: 'text/x' }) })],
    ['parameters', '/echo/a', () => ({ method: 'POST', body: new URLSearchParams('a=b c') })],
    ['a stream', '/echo/a', () => ({ method: 'POST', body: stream('a', 'b'), duplex: 'half' }) as RequestInit],
    ['a stream without duplex', '/echo/a', () => ({ method: 'POST', body: stream('a') })],
    ['a body with GET', '/echo/a', () => ({ method: 'GET', body: 'x' })],
    ['a header that is none', '/echo/a', () => ({ headers: { 'a b': 'c' } })],
    ['a Content-Length that is wrong', '/echo/a', () => ({ method: 'POST', body: 'abc', headers: { 'content-length': '5' } })],
    ['204', '/status/204'], ['205', '/status/205'], ['304', '/status/304'], ['300', '/status/300'], ['404', '/status/404'], ['500', '/status/500'], ['599', '/status/599'],
    ['301', '/to/301'], ['302', '/to/302'], ['303', '/to/303'], ['307', '/to/307'], ['308', '/to/308'],
    ['302 of POST', '/to/302', () => ({ method: 'POST', body: 'x' })],
    ['302 of PUT', '/to/302', () => ({ method: 'PUT', body: 'x' })],
    ['303 of PUT', '/to/303', () => ({ method: 'PUT', body: 'x' })],
    ['303 of HEAD', '/to/303', () => ({ method: 'HEAD' })],
    ['307 of POST', '/to/307', () => ({ method: 'POST', body: 'again' })],
    ['308 of a stream', '/to/308', () => ({ method: 'POST', body: stream('a'), duplex: 'half' }) as RequestInit],
    ['303 of a stream', '/to/303', () => ({ method: 'POST', body: stream('a'), duplex: 'half' }) as RequestInit],
    ['manual', '/to/302', () => ({ redirect: 'manual' })],
    ['error', '/to/302', () => ({ redirect: 'error' })],
    ['a redirect to no URL', '/to/302?http%3A%2F%2F'],
    ['a redirect to another scheme', '/to/302?ftp%3A%2F%2Fx%2F'],
    ['a redirect to data', '/to/302?data%3A%2Chello'],
    ['a redirect with its own fragment', '/to/302?%2Fecho%2Fx%23own'],
    ['20 redirects', '/until/20'],
    ['21 redirects', '/until/21'],
    ['a loop', '/loop'],
    ['another origin', '/across/302', () => ({ headers: { Authorization: 'secret', Cookie: 'c', 'X-Kept': '1' } })],
    ['another origin, with a body', '/across/307', () => ({ method: 'POST', body: 'b', headers: { Authorization: 'secret' } })],
    ['gzip', '/gzip'], ['x-gzip', '/x-gzip'], ['deflate', '/deflate'], ['raw deflate', '/deflate-raw'], ['two codings', '/twice'],
    ['an unknown coding', '/unknown-coding'], ['gzip of nothing', '/gzip-empty'], ['no gzip', '/gzip-bad'], ['gzip of HEAD', '/gzip', () => ({ method: 'HEAD' })],
    ['cookies', '/cookies'], ['obs-text', '/latin1'],
  ]
  it.each(table)('%s', async (_name, path, init) => {
    expect(await outcome(ours as typeof fetch, `${base}${path}`, init?.())).toEqual(await outcome(fetch, `${base}${path}`, init?.()))
  })

  it.each(['ftp://x/', 'http://', 'http://127.0.0.1:22/', 'http://user:pass@127.0.0.1/', 'about:blank'])('%s', async (url) => {
    const { error: expected } = (await outcome(fetch, url)) as { error?: string }
    const { error } = (await outcome(ours as typeof fetch, url)) as { error?: string }
    expect(error === undefined).toBe(false)
    if (url !== 'about:blank') expect(error!.split(':')[0]).toBe(expected!.split(':')[0])
  })
})
