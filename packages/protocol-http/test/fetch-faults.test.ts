/** What servers do wrong, and what a fetch makes of it. Where the built-in one is comparable, it is asked as well. */
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { connectTcp, tcpConnector } from '@async/transport-tcp'
import { afterEach, describe, expect, it } from 'vitest'
import { createFetch } from '../src/index.ts'
import type { FetchOptions, HttpFetch } from '../src/index.ts'

const closers: (() => void | Promise<void>)[] = []
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
})

interface Play {
  readonly url: string
  /** The head of each request, and on which connection it came. */
  readonly heads: [connection: number, head: string][]
  readonly sockets: Socket[]
}

/** A server that plays its part: `part` is called for each request's head. */
async function play(part: (socket: Socket, count: number, connection: number) => void): Promise<Play> {
  const heads: [number, string][] = []
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    const connection = sockets.push(socket) - 1
    let text = ''
    socket.on('error', () => {})
    socket.setEncoding('latin1').on('data', (data) => {
      text += data
      for (let end = text.indexOf('\r\n\r\n'); end >= 0; end = text.indexOf('\r\n\r\n')) {
        heads.push([connection, text.slice(0, end)])
        text = text.slice(end + 4)
        part(socket, heads.length - 1, connection)
      }
    })
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()))
  closers.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, heads, sockets }
}

function client(options: FetchOptions = {}): HttpFetch {
  const made = createFetch((origin) => tcpConnector({ host: '127.0.0.1', port: Number(new URL(origin).port) }), options)
  closers.push(() => made.close())
  return made
}

async function outcome(run: (url: string) => Promise<Response>, url: string): Promise<string> {
  try {
    const response = await run(url)
    try {
      return `${response.status} ${await response.text()}`
    } catch (error) {
      return `${response.status}, then ${(error as Error).name}: ${(error as Error).message}`
    }
  } catch (error) {
    return `${(error as Error).name}: ${(error as Error).message}`
  }
}

const cause = (error: unknown): unknown => (error as { cause?: { code?: unknown } }).cause?.code

describe('a server', () => {
  const parts: [string, string, string][] = [
    ['closes without a byte', '', 'TypeError: fetch failed'],
    ['closes in the head', 'HTTP/1.1 200 OK\r\nContent-', 'TypeError: fetch failed'],
    ['closes in a body with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf', '200, then TypeError: terminated'],
    ['closes in HTTP chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n', '200, then TypeError: terminated'],
    ['closes before the last CRLF', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\n', '200, then TypeError: terminated'],
    ['ends a body by closing', 'HTTP/1.1 200 OK\r\n\r\nall of it', '200 all of it'],
    ['sends 1xx first', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', '200 ok'],
    ['speaks no HTTP', 'SSH-2.0-x\r\n', 'TypeError: fetch failed'],
    ['sends a bad HTTP chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', '200, then TypeError: terminated'],
    ['says two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok', 'TypeError: fetch failed'],
  ]
  it.each(parts)('that %s', async (_name, text, expected) => {
    const { url } = await play((socket) => socket.end(text, 'latin1'))
    expect(await outcome(client(), url)).toBe(expected)
    // Some of these the built-in fetch takes; what it refuses, it refuses so.
    if (text !== parts[4]![1]) expect(await outcome(fetch, url)).toBe(expected)
  })

  it('whose response is cut at any byte never gives a whole one', async () => {
    const text = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX: y\r\n\r\n5\r\nhello\r\n3;a=b\r\nyou\r\n0\r\nT: u\r\n\r\n'
    let length = 0
    const { url } = await play((socket) => socket.end(text.slice(0, length), 'latin1'))
    const ours = client()
    const outcomes = new Set<string>()
    const bodyAt = text.indexOf('\r\n\r\n') + 4
    for (length = 0; length < text.length; length++) {
      const seen = await outcome(ours, url)
      outcomes.add(seen)
      expect(seen.startsWith('200')).toBe(length >= bodyAt)
    }
    expect([...outcomes].sort()).toEqual(['200, then TypeError: terminated', 'TypeError: fetch failed'])
    expect(await outcome(ours, url)).toBe('200 helloyou')
  })

  it('that says a status of its own is quoted', async () => {
    const { url } = await play((socket) => socket.end('HTTP/1.1 999 Go Away\r\nContent-Length: 2\r\n\r\nno', 'latin1'))
    const response = await client()(url)
    expect([response.status, response.ok, response.statusText, response.clone().status, await response.text()]).toEqual([999, false, 'Go Away', 999, 'no'])
  })

  it('that nobody listens for', async () => {
    await expect(client()('http://127.0.0.1:9999/')).rejects.toMatchObject({ name: 'TypeError', message: 'fetch failed', cause: { code: 'ERR_REFUSED' } })
  })
})

describe('a kept connection that the server closes at that moment', () => {
  const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
  /** The second request on a connection meets a reset. */
  const closing = (): Promise<Play> => {
    const seen: number[] = []
    return play((socket, _count, connection) => {
      seen[connection] = (seen[connection] ?? 0) + 1
      if (seen[connection] === 2) socket.destroy()
      else socket.write(ok)
    })
  }

  it('has a GET sent again, once, on another one', async () => {
    const { url, heads } = await closing()
    const ours = client()
    expect(await outcome(ours, url)).toBe('200 ok')
    expect(await outcome(ours, url)).toBe('200 ok')
    expect(heads.map(([connection]) => connection)).toEqual([0, 0, 1])
  })

  it('has a PUT sent again with its body, and a POST and a stream not', async () => {
    const { url, heads } = await closing()
    const ours = client()
    const bodies: RequestInit[] = [
      { method: 'PUT', body: 'b' },
      { method: 'POST', body: 'b' },
      { method: 'PUT', body: new Blob(['b']).stream(), duplex: 'half' } as RequestInit,
    ]
    const outcomes: string[] = []
    for (const init of bodies) {
      ours.closeIdle()
      expect(await outcome(ours, url)).toBe('200 ok')
      outcomes.push(await outcome(() => ours(url, init), url))
    }
    expect(outcomes).toEqual(['200 ok', 'TypeError: fetch failed', 'TypeError: fetch failed'])
    expect(heads.map(([, head]) => head.slice(0, 4).trim()).filter((method) => /^[A-Z]+$/.test(method))).toEqual(['GET', 'PUT', 'PUT', 'GET', 'POST', 'GET', 'PUT'])
  })

  it('is an error when a byte of the response had come, and when the second one fails as well', async () => {
    const begun = await play((socket, count) => (count === 1 ? socket.end('H') : socket.write(ok)))
    const ours = client()
    expect(await outcome(ours, begun.url)).toBe('200 ok')
    expect(await outcome(ours, begun.url)).toBe('TypeError: fetch failed')
    expect(begun.heads.length).toBe(2)
    const always = await play((socket, count) => (count === 0 ? socket.write(ok) : socket.destroy()))
    expect(await outcome(ours, always.url)).toBe('200 ok')
    expect(await outcome(ours, always.url)).toBe('TypeError: fetch failed')
    expect(always.heads.length).toBe(3)
  })
})

describe('a signal', () => {
  it('aborts before, while connecting, while waiting, and in the body', async () => {
    const { url } = await play((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'))
    const silent = await play(() => {})
    const ours = client()
    const reason = new Error('enough')
    const before = new AbortController()
    before.abort(reason)
    await expect(ours(url, { signal: before.signal })).rejects.toBe(reason)
    const waiting = new AbortController()
    const waits = ours(silent.url, { signal: waiting.signal })
    while (silent.heads.length === 0) await new Promise((resolve) => setImmediate(resolve))
    waiting.abort(reason)
    await expect(waits).rejects.toBe(reason)
    const late = new AbortController()
    const response = await ours(url, { signal: late.signal })
    const text = response.text()
    late.abort(reason)
    await expect(text).rejects.toBe(reason)
    const usual = new AbortController()
    const request = ours(new Request(silent.url, { signal: usual.signal }))
    usual.abort()
    await expect(request).rejects.toMatchObject({ name: 'AbortError' })
  })
})

describe('time-outs', () => {
  it('for the head, for a body that stands still, for connecting, and for all of it', async () => {
    const silent = await play(() => {})
    expect(cause(await client({ headTimeoutMs: 20 })(silent.url).catch((error: unknown) => error))).toBe('ERR_HTTP_HEAD_TIMEOUT')
    expect(cause(await client({ totalTimeoutMs: 20 })(silent.url).catch((error: unknown) => error))).toBe('ERR_HTTP_TIMEOUT')
    const stuck = await play((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'))
    const response = await client({ bodyIdleTimeoutMs: 20 })(stuck.url)
    expect(cause(await response.text().catch((error: unknown) => error))).toBe('ERR_HTTP_BODY_TIMEOUT')
    const nowhere = createFetch(() => ({ connect: (options) => new Promise((_resolve, reject) => options!.signal!.addEventListener('abort', () => reject(options!.signal!.reason))) }), { connectTimeoutMs: 20 })
    expect(cause(await nowhere('http://x/').catch((error: unknown) => error))).toBe('ERR_CONNECT_TIMEOUT')
  })
})

describe('bodies', () => {
  it('of 8 MiB are read no faster than they are taken', async () => {
    let sentBytes = 0
    const block = Buffer.alloc(64 * 1024, 'x')
    const total = 512 * block.length
    const { url } = await play((socket) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`)
      const more = (): void => {
        while (sentBytes < total) {
          sentBytes += block.length
          if (!socket.write(block)) return void socket.once('drain', more)
        }
      }
      more()
    })
    const response = await client()(url)
    // The server goes on until nothing moves any more: what the two kernels hold, and little here.
    let before = -1
    while (sentBytes !== before) {
      before = sentBytes
      for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
    }
    expect(sentBytes).toBeLessThan(total)
    let bytes = 0
    for await (const part of response.body!) bytes += (part as Uint8Array).length
    expect(bytes).toBe(total)
  })

  it('are sent no faster than they are taken, while the response comes', async () => {
    let pulled = 0
    const total = 512
    const { url, sockets } = await play((socket, count) => {
      if (count > 0) return
      socket.removeAllListeners('data')
      socket.pause()
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    })
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (pulled++ < total) controller.enqueue(new Uint8Array(64 * 1024))
        else controller.close()
      },
    }, { highWaterMark: 0 })
    const response = await client()(url, { method: 'POST', body, duplex: 'half' } as RequestInit)
    expect(await response.text()).toBe('ok')
    let before = -1
    while (pulled !== before) {
      before = pulled
      for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
    }
    expect(pulled).toBeLessThan(total)
    sockets[0]!.resume()
    sockets[0]!.on('data', () => {})
    while (pulled <= total) await new Promise((resolve) => setImmediate(resolve))
  })

  it('whose stream fails fail the request, and reset the connection', async () => {
    const { url, sockets } = await play(() => {})
    const wrong = new Error('wrong')
    let parts = 0
    const body = new ReadableStream({
      pull(controller) {
        if (parts++ === 0) controller.enqueue(new Uint8Array(5))
        else controller.error(wrong)
      },
    }, { highWaterMark: 0 })
    const error: unknown = await client()(url, { method: 'POST', body, duplex: 'half' } as RequestInit).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ name: 'TypeError', message: 'fetch failed', cause: { code: 'ERR_ABORTED', cause: wrong } })
    await new Promise<void>((resolve) => (sockets[0]!.destroyed ? resolve() : sockets[0]!.once('close', () => resolve())))
  })

  it('that are dropped free the connection, or end it', async () => {
    const { url, sockets } = await play((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\nbegin'))
    const response = await client({ lingerMs: 10 })(url)
    await response.body!.cancel()
    await new Promise<void>((resolve) => (sockets[0]!.destroyed ? resolve() : sockets[0]!.once('close', () => resolve())))
  })

  it('can be read into a buffer of the reader\'s', async () => {
    const { url } = await play((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello'))
    const reader = (await client()(url)).body!.getReader({ mode: 'byob' })
    const first = await reader.read(new Uint8Array(3))
    const second = await reader.read(new Uint8Array(9))
    expect([Buffer.from(first.value!).toString(), Buffer.from(second.value!).toString()]).toEqual(['hel', 'lo'])
    expect((await reader.read(new Uint8Array(1))).done).toBe(true)
  })
})

describe('close', () => {
  it('lets running requests end, refuses others, and resolves when the last connection is gone', async () => {
    const { url, sockets } = await play((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nha'))
    const ours = client()
    const response = await ours(url)
    const closed = ours.close()
    await expect(ours(url)).rejects.toMatchObject({ cause: { code: 'ERR_CLOSED' } })
    sockets[0]!.write('lf')
    expect(await response.text()).toBe('half')
    await closed
  })

  it('aborts what takes longer than its grace', async () => {
    const { url } = await play((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nha'))
    const ours = client()
    const error = (await ours(url)).text().catch((reason: unknown) => reason)
    await ours.close({ graceMs: 5 })
    expect(await error).toMatchObject({ message: 'terminated', cause: { code: 'ERR_ABORTED' } })
  })
})

it('fields of every request that are for one origin alone do not follow a redirect to another one', async () => {
  const far = await play((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
  const near = await play((socket) => socket.write(`HTTP/1.1 302 Found\r\nLocation: ${far.url}\r\nContent-Length: 0\r\n\r\n`))
  const ours = client({ headers: [['Authorization', 'Bearer x'], ['cookie', 'a=b'], ['X-Kept', '1']] })
  expect(await (await ours(near.url)).text()).toBe('ok')
  expect(near.heads[0]![1]).toMatch(/^Authorization: Bearer x\r\ncookie: a=b\r\nX-Kept: 1\r\n/m)
  expect(far.heads[0]![1]).not.toMatch(/authorization|cookie/i)
  expect(far.heads[0]![1]).toContain('X-Kept: 1')
  // Who asks that origin by itself means it.
  await (await ours(far.url)).text()
  expect(far.heads[1]![1]).toContain('Authorization: Bearer x')
})

it('a proxy is asked for the whole URL', async () => {
  const { url, heads } = await play((socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
  const { port } = new URL(url)
  const ours = createFetch(() => ({ connector: { connect: () => connectTcp({ host: '127.0.0.1', port: Number(port) }) }, absoluteForm: true, headers: [['Proxy-Authorization', 'Basic eDp5']] }))
  closers.push(() => ours.close())
  expect(await (await ours('http://example.test:81/a?b')).text()).toBe('ok')
  expect(heads[0]![1].split('\r\n').slice(0, 2)).toEqual(['GET http://example.test:81/a?b HTTP/1.1', 'Host: example.test:81'])
  expect(heads[0]![1]).toContain('Proxy-Authorization: Basic eDp5')
})
