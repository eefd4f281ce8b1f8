/** Handlers of requests and responses: what they are given, what leaves, and what happens when either side stops. */
import { memoryPair, VirtualClock } from '@async/core/testing'
import { Hono } from 'hono'
import { describe, expect, it, vi } from 'vitest'
import { type FetchHandler, serveFetch, type ServeFetchOptions } from '../src/server-fetch.ts'
import { Recorder } from './recorder.ts'

const turns = async (count = 20): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** A client that speaks bytes, to a handler. */
function connect(handler: FetchHandler, options: ServeFetchOptions = {}): { client: Recorder; clock: VirtualClock; reports: unknown[]; wire: () => string } {
  const clock = new VirtualClock()
  const reports: unknown[] = []
  const { a, b } = memoryPair({ clock })
  serveFetch(handler, { clock, onError: (error) => reports.push(error), ...options })(b)
  const client = new Recorder()
  a.start(client)
  return { client, clock, reports, wire: () => client.events.slice(1).join('|').replace(/Date: [^\r]*\r\n/g, '') }
}

/** What a handler answers to these bytes. */
async function ask(request: string, handler: FetchHandler, options?: ServeFetchOptions): Promise<string> {
  const { client, wire } = connect(handler, options)
  client.transport.write(request)
  await turns()
  return wire()
}

const get = 'GET /a?b=c HTTP/1.1\r\nHost: example.test\r\n\r\n'
const post = (body: string, headers = ''): string => `POST /p HTTP/1.1\r\nHost: h\r\n${headers}Content-Length: ${new TextEncoder().encode(body).length}\r\n\r\n${body}`
const ok = (body: string): string => `data HTTP/1.1 200 OK\r\ncontent-type: text/plain;charset=UTF-8\r\nContent-Length: ${body.length}\r\n\r\n${body}`

describe('the request', () => {
  it('is a Request, with method, url, headers and no body', async () => {
    const seen: unknown[] = []
    await ask('GET /a?b=c HTTP/1.1\r\nHost: example.test\r\nX-A: 1\r\nx-a: 2\r\n\r\n', (request) => {
      seen.push(request instanceof Request, request.method, request.url, request.headers.get('x-a'), request.body, request.bodyUsed, request.redirect, request.keepalive)
      return new Response('')
    })
    expect(seen).toEqual([true, 'GET', 'http://example.test/a?b=c', '1, 2', null, false, 'follow', false])
  })

  it('has the url of an absolute target, of a host that is missing, of TLS below', async () => {
    const url = (request: string, options?: ServeFetchOptions): Promise<string> => ask(request, ({ url }) => new Response(url), options)
    expect(await url('GET http://a.test/x HTTP/1.1\r\nHost: a.test\r\n\r\n')).toBe(ok('http://a.test/x'))
    expect(await url('GET //evil.test/x HTTP/1.1\r\nHost: a.test\r\n\r\n')).toBe(ok('http://a.test//evil.test/x'))
    expect(await url('GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', { host: 'fallback.test:81' })).toContain('http://fallback.test:81/x')
    expect(await url(get, { scheme: 'https' })).toBe(ok('https://example.test/a?b=c'))
  })

  it('has a body, as each of the methods gives it', async () => {
    const given = (type: string, body: string, read: (request: Request) => unknown): Promise<string> =>
      ask(post(body, type === '' ? '' : `Content-Type: ${type}\r\n`), async (request) => new Response(JSON.stringify([request.bodyUsed, await read(request), request.bodyUsed]), { headers: { 'content-type': 'x/y' } }))
    const bodyOf = async (answer: Promise<string>): Promise<unknown> => JSON.parse((await answer).split('\r\n\r\n')[1]!)
    expect(await bodyOf(given('', 'h\u00e9', (request) => request.text()))).toEqual([false, 'h\u00e9', true])
    expect(await bodyOf(given('', '{"a":1}', (request) => request.json()))).toEqual([false, { a: 1 }, true])
    expect(await bodyOf(given('', 'abc', async (request) => [...new Uint8Array(await request.arrayBuffer())]))).toEqual([false, [97, 98, 99], true])
    expect(await bodyOf(given('x/y', 'abc', async (request) => (await request.blob()).type))).toEqual([false, 'x/y', true])
    expect(await bodyOf(given('application/x-www-form-urlencoded', 'a=1&b=2', async (request) => [...(await request.formData())]))).toEqual([false, [['a', '1'], ['b', '2']], true])
    expect(await bodyOf(given('', 'abc', async (request) => new Response(request.body).text()))).toEqual([false, 'abc', true])
    expect(await bodyOf(given('', 'abc', async (request) => [await request.clone().text(), await request.text()]))).toEqual([false, ['abc', 'abc'], true])
    expect(await bodyOf(given('', 'abc', (request) => new Request(request, { method: 'PUT' }).text()))).toEqual([false, 'abc', true])
  })

  it('gives its body once', async () => {
    const errors: unknown[] = []
    await ask(post('abc'), async (request) => {
      await request.text()
      await request.text().catch((error: unknown) => errors.push(error))
      await Promise.resolve().then(() => request.clone()).catch((error: unknown) => errors.push(error))
      return new Response('')
    })
    expect(errors.map((error) => error instanceof TypeError)).toEqual([true, true])
  })

  it('that is answered before its body was read lets the next one come', async () => {
    expect(await ask(post('hello') + get, () => new Response('x'))).toBe(`${ok('x')}${ok('x').slice('data '.length)}`)
  })

  it('a body that is too long to be held is 413, and bounded', async () => {
    const answer = await ask(post('x'.repeat(101)), async (request) => new Response(await request.text()), { maxHeldBodyBytes: 100 })
    expect(answer).toBe('data HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n')
  })
})

describe('the response', () => {
  it('has the length of what is known, HTTP chunks for what comes bit by bit', async () => {
    expect(await ask(get, () => new Response('hello'))).toBe(ok('hello'))
    expect(await ask(get, () => new Response(null))).toBe('data HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    expect(await ask(get, () => new Response(null, { status: 204 }))).toBe('data HTTP/1.1 204 No Content\r\n\r\n')
    // As a proxy may have got it.
    expect(await ask(get, () => new Response(null, { status: 204, headers: { 'Content-Length': '0' } }))).toBe('data HTTP/1.1 204 No Content\r\n\r\n')
    expect(await ask(get, () => new Response(null, { status: 304 }))).toBe('data HTTP/1.1 304 Not Modified\r\n\r\n')
    expect(await ask(get, () => new Response(new Uint8Array([104, 105])))).toBe('data HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi')
    const slow = (): ReadableStream => new ReadableStream({
      async pull(controller) {
        controller.enqueue(new Uint8Array([97]))
        await turns(3)
        controller.enqueue(new Uint8Array([98]))
        controller.close()
      },
    }, { highWaterMark: 0 })
    expect(await ask(get, () => new Response(slow()))).toBe('data HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n0\r\n\r\n')
    expect(await ask(get, () => new Response(slow(), { headers: { 'content-length': '2' } }))).toBe('data HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nab')
  })

  it('keeps its headers, cookies one by one, but for those of a connection', async () => {
    const answer = await ask(get, () => {
      const response = new Response('x', { statusText: 'Fine', headers: { 'transfer-encoding': 'chunked', connection: 'keep-alive', 'keep-alive': 'timeout=9', upgrade: 'x' } })
      response.headers.append('set-cookie', 'a=1')
      response.headers.append('set-cookie', 'b=2')
      return response
    })
    expect(answer).toBe('data HTTP/1.1 200 Fine\r\ncontent-type: text/plain;charset=UTF-8\r\nset-cookie: a=1\r\nset-cookie: b=2\r\nContent-Length: 1\r\n\r\nx')
  })

  it('can close the connection', async () => {
    expect(await ask(get, () => new Response(null, { headers: { connection: 'close' } }))).toBe('data HTTP/1.1 200 OK\r\nconnection: close\r\nContent-Length: 0\r\n\r\n|eof')
  })

  it('to HEAD has no body', async () => {
    expect(await ask('HEAD / HTTP/1.1\r\nHost: h\r\n\r\n', () => new Response('hello', { headers: { 'content-length': '5' } }))).toBe(
      'data HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-type: text/plain;charset=UTF-8\r\n\r\n',
    )
  })

  it('is 204 to OPTIONS *, 501 to TRACE and CONNECT', async () => {
    const never: FetchHandler = () => new Response('handled')
    expect(await ask('OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n', never)).toBe('data HTTP/1.1 204 No Content\r\n\r\n')
    expect(await ask('TRACE / HTTP/1.1\r\nHost: h\r\n\r\n', never)).toBe('data HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n')
    expect(await ask('CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\n', never)).toBe('data HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\nConnection: close\r\n\r\n|eof')
  })

  it('is 500 without detail for what a handler throws, and that is reported once', async () => {
    const failing: FetchHandler[] = [
      () => { throw new Error('secret') },
      () => Promise.reject(new Error('secret')),
      () => new Response(new ReadableStream({ start: (controller) => controller.error(new Error('secret')) })),
    ]
    for (const handler of failing) {
      const { client, reports, wire } = connect(handler)
      client.transport.write(get)
      await turns()
      expect(wire()).toBe('data HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n')
      expect(reports.map((error) => (error as Error).message)).toEqual(['secret'])
    }
    for (const handler of [() => undefined, () => Response.error(), () => 'text'] as unknown as FetchHandler[]) {
      const { client, reports, wire } = connect(handler)
      client.transport.write(get)
      await turns()
      expect(wire()).toBe('data HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n')
      expect(reports.length).toBe(1)
    }
  })

  it('is 400 to a Host that no URL has, and that is nobody\'s fault here', async () => {
    const { client, reports, wire } = connect(({ url }) => new Response(url))
    client.transport.write('GET / HTTP/1.1\r\nHost: 256.0.0.1\r\n\r\n')
    await turns()
    expect([wire(), reports]).toEqual(['data HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n', []])
  })

  it('of a handler that answered through the exchange is dropped', async () => {
    const { client, reports, wire } = connect((_request, { exchange }) => {
      exchange.respond({ status: 202 })
      exchange.close()
      return new Response('too late')
    })
    client.transport.write(get)
    await turns()
    expect([wire(), reports]).toEqual(['data HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n', []])
  })

  it('that fails on its way is cut, not ended', async () => {
    const { client, reports, wire } = connect(() => new Response(new ReadableStream({
      async pull(controller) {
        controller.enqueue(new Uint8Array([97]))
        await turns(3)
        controller.error(new Error('late'))
      },
    }, { highWaterMark: 0 })))
    client.transport.write(get)
    expect((await client.lost).kind).toBe('reset')
    expect(wire()).toContain('1\r\na\r\n')
    expect(wire()).not.toContain('0\r\n\r\n')
    expect(reports.map((error) => (error as Error).message)).toEqual(['late'])
  })
})

describe('back-pressure', () => {
  it('a response is made no faster than the client takes it', async () => {
    let made = 0
    const { client } = connect(() => new Response(new ReadableStream({
      pull(controller) {
        made += 65_536
        controller.enqueue(new Uint8Array(65_536))
        if (made === 64 * 65_536) controller.close()
      },
    })))
    client.transport.pause('read')
    client.transport.write(get)
    await turns(200)
    expect(made).toBeLessThanOrEqual(10 * 65_536)
    client.transport.resume('read')
    await turns(400)
    expect(made).toBe(64 * 65_536)
    expect(client.events[1]!.endsWith('\r\n0\r\n\r\n')).toBe(true)
  })

  it('a request is read no faster than the handler takes it', async () => {
    let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
    const { client, wire } = connect((request) => {
      reader = request.body!.getReader()
      return new Promise(() => {})
    })
    client.transport.write(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${100 * 65_536}\r\n\r\n`)
    for (let i = 0; i < 100; i++) client.transport.write(new Uint8Array(65_536))
    await turns(200)
    expect(client.transport.queuedBytes).toBeGreaterThan(90 * 65_536)
    let bytes = 0
    while (bytes < 100 * 65_536) bytes += (await reader!.read()).value!.length
    expect(client.transport.queuedBytes).toBe(0)
    expect(wire()).toBe('')
  })
})

describe('request.signal', () => {
  it('is aborted by a reset, also while a body waits to be read', async () => {
    for (const request of [get, post('x'.repeat(10))]) {
      let signal: AbortSignal | undefined
      const { client, reports } = connect((given) => {
        signal = given.signal
        return new Promise((_resolve, reject) => signal!.addEventListener('abort', () => reject(signal!.reason)))
      })
      client.transport.write(request)
      await turns()
      expect(signal!.aborted).toBe(false)
      client.transport.abort()
      await turns()
      expect(signal!.aborted).toBe(true)
      expect((signal!.reason as { code: string }).code).toBe('ERR_RESET')
      expect(reports).toEqual([])
    }
  })

  it('is not aborted by an end of the client\'s side, who still gets the answer', async () => {
    let respond: (response: Response) => void = () => {}
    let signal: AbortSignal | undefined
    const { client, wire } = connect((request) => {
      signal = request.signal
      return new Promise((resolve) => { respond = resolve })
    })
    client.transport.write(get)
    ;(client.transport as { halfClose(): void }).halfClose()
    await turns()
    expect(signal!.aborted).toBe(false)
    respond(new Response('late'))
    await turns()
    expect(wire()).toBe('data HTTP/1.1 200 OK\r\ncontent-type: text/plain;charset=UTF-8\r\nContent-Length: 4\r\nConnection: close\r\n\r\nlate|eof|lost closed')
  })

  it('cancels a response that nobody takes any more', async () => {
    let cancelled: unknown
    const { client } = connect(() => new Response(new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(1000)),
      cancel: (reason) => { cancelled = reason },
    })))
    client.transport.pause('read')
    client.transport.write(get)
    await turns()
    client.transport.abort()
    await turns()
    expect((cancelled as { code: string }).code).toBe('ERR_RESET')
  })

  it('of a body that is cut: the reader is told', async () => {
    let outcome: unknown
    const { client } = connect(async (request) => {
      outcome = await request.text().catch((error: unknown) => error)
      return new Response('')
    })
    client.transport.write('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf')
    await turns()
    client.transport.abort()
    await turns()
    expect(outcome).toBeInstanceOf(TypeError)
  })
})

it('the handler is told who asks, and can send hints and trailers', async () => {
  const told: unknown[] = []
  const answer = await ask(get, ({ url }, { remote, local, transport, exchange }) => {
    told.push(url, typeof remote, typeof local, transport.pausable)
    exchange.inform({ status: 103, headers: [['Link', '</x>']] })
    exchange.sendTrailers([['X-Sum', '1']])
    return new Response('x')
  })
  expect(answer).toBe('data HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-type: text/plain;charset=UTF-8\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\n')
  expect(told).toEqual(['http://example.test/a?b=c', 'string', 'string', true])
})

it('a platform whose Request takes no other object gives handlers a real one', async () => {
  const Platform = Request
  const scope = globalThis as { Request: unknown }
  scope.Request = class extends Platform {
    constructor(input: string | URL | Request, init?: RequestInit) {
      if (typeof input === 'object' && Object.getPrototypeOf(Object.getPrototypeOf(input)) !== Platform.prototype) throw new TypeError('not one of mine')
      super(input, init)
    }
  }
  try {
    vi.resetModules()
    const fresh = (await import('../src/server-fetch.ts')).serveFetch
    const tell = async (body: string): Promise<string> => {
      const { a, b } = memoryPair()
      fresh(async (request) => new Response(`${request instanceof Request} ${request.url} ${await request.text()} ${request.bodyUsed}`), { maxHeldBodyBytes: 5 })(b)
      const client = new Recorder()
      a.start(client)
      a.write(post(body))
      await turns(40)
      a.abort()
      return client.events[1]!
    }
    expect(await tell('hello')).toMatch(/\r\n\r\ntrue http:\/\/h\/p hello true$/)
    expect(await tell('hello!')).toMatch(/^data HTTP\/1\.1 413 /)
  } finally {
    scope.Request = Platform
    vi.resetModules()
  }
})

it('a body that was begun as a stream is bounded, too', async () => {
  const answer = await ask(post('x'.repeat(101)), async (request) => new Response(`${request.body === null} ${await request.text()}`), { maxHeldBodyBytes: 100 })
  expect(answer).toBe('data HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n')
})

it('a Hono app runs as it is', async () => {
  const app = new Hono<{ Bindings: { remote: string | undefined } }>()
  app.use(async (c, next) => {
    await next()
    c.header('x-served-by', 'hono')
  })
  app.get('/users/:id', (c) => c.json({ id: c.req.param('id'), q: c.req.query('q'), agent: c.req.header('user-agent') ?? null, env: 'remote' in c.env }))
  app.post('/echo', async (c) => c.text((await c.req.text()).toUpperCase()))
  app.onError((error, c) => c.text(error.message, 418))
  app.get('/throws', () => { throw new Error('mine') })
  expect(await ask('GET /users/7?q=x HTTP/1.1\r\nHost: h\r\nUser-Agent: me\r\n\r\n', app.fetch)).toBe(
    'data HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-served-by: hono\r\nContent-Length: 45\r\n\r\n{"id":"7","q":"x","agent":"me","env":true}'.replace('45', '42'),
  )
  expect(await ask('POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello', app.fetch)).toContain('\r\n\r\nHELLO')
  expect(await ask('GET /throws HTTP/1.1\r\nHost: h\r\n\r\n', app.fetch)).toMatch(/^data HTTP\/1\.1 418 [^]*mine$/)
  expect(await ask('GET /none HTTP/1.1\r\nHost: h\r\n\r\n', app.fetch)).toMatch(/^data HTTP\/1\.1 404 Not Found/)
})

it('refuses options that are none', () => {
  const bad = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' })
  expect(() => serveFetch(undefined as never)).toThrow(bad)
  expect(() => serveFetch(() => new Response(''), { maxHeldBodyBytes: -1 })).toThrow(bad)
  expect(() => serveFetch(() => new Response(''), { handlerTimeoutMs: Number.NaN })).toThrow(bad)
})
