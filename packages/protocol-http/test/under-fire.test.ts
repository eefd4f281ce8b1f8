/** Modest fire, quickly: slow heads, clients that vanish at every stage, floods of what is no HTTP. The large one is under-fire.long.ts. */
import { memoryPair, VirtualClock } from '@async/core/testing'
import { connectTcp, listenTcp } from '@async/transport-tcp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serveFetch } from '../src/index.ts'
import type { HttpServer } from '../src/index.ts'
import { Recorder } from './recorder.ts'

const turns = async (count = 20): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

describe('slow heads', () => {
  it('five hundred of them, a byte at a time, are answered with 408 in their time, and a good client meanwhile at once', async () => {
    const clock = new VirtualClock()
    const serve = serveFetch(() => new Response('good'), { clock })
    const head = 'GET / HTTP/1.1\r\nHost: h\r\nX: '
    const slow = Array.from({ length: 500 }, () => {
      const { a, b } = memoryPair({ clock })
      serve(b)
      const client = new Recorder()
      a.start(client)
      return client
    })
    for (let at = 0; at < 30; at++) {
      for (const client of slow) client.transport.write(head[at] ?? 'y')
      await turns(3)
      clock.advance(1900)
    }
    expect(serve.connectionCount).toBe(500)
    const { a, b } = memoryPair({ clock })
    serve(b)
    const good = new Recorder()
    a.start(good)
    a.write('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')
    await turns()
    expect(good.events[1]).toMatch(/^data HTTP\/1\.1 200 OK[^]*good$/)
    clock.advance(3000)
    await turns()
    for (const client of slow) expect(client.events[1]).toMatch(/^data HTTP\/1\.1 408 Request Timeout/)
    for (const client of [...slow, good]) client.transport.close()
    await turns()
    expect([serve.connectionCount, clock.pendingCount]).toEqual([0, 0])
  })
})

describe('over TCP', () => {
  let serve: HttpServer
  let listener: Awaited<ReturnType<typeof listenTcp>>
  const reports: unknown[] = []
  beforeAll(async () => {
    serve = serveFetch(async (request) => {
      const body = await request.text()
      return request.url.endsWith('/big') ? new Response('x'.repeat(1_000_000)) : new Response(`${request.method} ${body.length}`)
    }, { onError: (error) => reports.push(error) })
    listener = await listenTcp({ port: 0 }, serve)
  })
  afterAll(async () => {
    listener.close()
    await serve.drain({ graceMs: 100 })
    await listener.closed
  })

  const dial = async (): Promise<Recorder> => {
    const recorder = new Recorder()
    ;(await connectTcp({ host: '127.0.0.1', port: listener.port })).start(recorder)
    return recorder
  }
  const isServing = async (): Promise<void> => {
    const client = await dial()
    client.transport.write('GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')
    await client.ended
    expect(client.events[1]).toMatch(/^data HTTP\/1\.1 200 OK[^]*GET 0$/)
    client.transport.close()
    await client.lost
  }

  it('a client that vanishes at every byte of a request, by a reset or an end, leaves nothing behind', async () => {
    const request = 'POST /big HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n'
    for (let at = 0; at <= request.length; at++) {
      const [reset, ended] = await Promise.all([dial(), dial()])
      reset.transport.write(request.slice(0, at))
      await reset.transport.drained(0)
      reset.transport.abort()
      ended.transport.write(request.slice(0, at))
      ended.transport.close()
      await Promise.all([reset.lost, ended.lost])
    }
    await isServing()
    for (let i = 0; i < 1000 && serve.connectionCount > 0; i++) await turns(1)
    expect([serve.connectionCount, reports]).toEqual([0, []])
  })

  it('a client that vanishes while it is answered leaves nothing behind', async () => {
    for (let i = 0; i < 20; i++) {
      const client = await dial()
      client.onData = () => client.transport.abort()
      client.transport.write('GET /big HTTP/1.1\r\nHost: h\r\n\r\n')
      await client.lost
    }
    await isServing()
    for (let i = 0; i < 1000 && serve.connectionCount > 0; i++) await turns(1)
    expect([serve.connectionCount, reports]).toEqual([0, []])
  })

  /** Sends, and sends on, until the server has had enough. @returns the status of its answer. */
  const flood = async (start: string, more: string): Promise<string> => {
    const client = await dial()
    client.transport.write(start)
    while (client.events.length < 3) {
      try {
        if (client.transport.queuedBytes < 1_000_000) client.transport.write(more)
      } catch {
        // It has closed.
      }
      await turns(1)
    }
    client.transport.abort()
    return /^data HTTP\/1\.1 ([0-9]{3})/.exec(client.events[1]!)?.[1] ?? client.events[1]!
  }

  it.each([
    ['a request line without end', '', 'G'.repeat(10_000), '414'],
    ['a header without end', 'GET / HTTP/1.1\r\nHost: h\r\nX: ', 'x'.repeat(10_000), '431'],
    ['headers without end', 'GET / HTTP/1.1\r\nHost: h\r\n', 'X: y\r\n'.repeat(1000), '431'],
    ['extensions without end', 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n', `1;${'a'.repeat(200)}\r\nx\r\n`.repeat(50), '413'],
    ['an extension without end', 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1;', 'a'.repeat(10_000), '413'],
    ['trailers without end', 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n', 'X: y\r\n'.repeat(1000), '431'],
    ['empty lines', '', '\r\n'.repeat(1000), '400'],
    ['zeros', '', '\0'.repeat(10_000), '400'],
    ['a TLS hello', '\x16\x03\x01\x02\0\x01', '\0'.repeat(10_000), '400'],
    ['a body that is too long to be held', 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999999\r\n\r\n', 'x'.repeat(1_000_000), '413'],
  ])('%s is answered, once, and ended', async (_name, start, more, status) => {
    expect(await flood(start, more)).toBe(status)
    await isServing()
  })

  it('a thousand pipelined requests are answered in order', async () => {
    const client = await dial()
    let text = ''
    client.onData = (data) => {
      text += new TextDecoder().decode(data)
    }
    for (let i = 0; i < 1000; i++) client.transport.write(`PUT /${i} HTTP/1.1\r\nHost: h\r\nContent-Length: ${i % 7}\r\n${i === 999 ? 'Connection: close\r\n' : ''}\r\n${'x'.repeat(i % 7)}`)
    await client.ended
    expect([...text.matchAll(/PUT ([0-9])/g)].map(([, length]) => Number(length))).toEqual(Array.from({ length: 1000 }, (_, i) => i % 7))
  })
})
