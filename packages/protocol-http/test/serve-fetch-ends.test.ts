/** What is left when an exchange ends before its handler does: bodies that are asked for late, sources that nobody reads any more. */
import { memoryPair, VirtualClock } from '@async/core/testing'
import { describe, expect, it } from 'vitest'
import { httpServer } from '../src/server.ts'
import { type FetchHandler, serveFetch } from '../src/server-fetch.ts'
import { Recorder } from './recorder.ts'

const turns = async (count = 20): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

function connect(serve: ReturnType<typeof httpServer>): { client: Recorder; wire: () => string } {
  const { a, b } = memoryPair()
  serve(b)
  const client = new Recorder()
  a.start(client)
  return { client, wire: () => client.events.slice(1).join('|').replace(/Date: [^\r]*\r\n/g, '') }
}

const head = (method: string, headers = ''): string => `${method} / HTTP/1.1\r\nHost: h\r\n${headers}\r\n`

describe('a body that is asked for when the client has gone', () => {
  const late = async (read: (request: Request) => Promise<unknown>, sent: string): Promise<unknown> => {
    let goOn = (): void => {}
    const waits = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const ends: unknown[] = []
    const handler: FetchHandler = async (request) => {
      await waits
      await read(request).then((value) => ends.push(value), (error: unknown) => ends.push(error))
      return new Response('')
    }
    const { client } = connect(serveFetch(handler))
    client.transport.write(head('POST', 'Content-Length: 10\r\n') + sent)
    await turns()
    client.transport.abort()
    await turns()
    goOn()
    await turns()
    return ends
  }
  const cut = [expect.objectContaining({ message: 'the request was cut', cause: expect.objectContaining({ code: 'ERR_RESET' }) })]

  it('rejects', async () => {
    expect(await late((request) => request.text(), 'abc')).toEqual(cut)
    expect(await late((request) => request.text(), '')).toEqual(cut)
    expect(await late((request) => request.body!.getReader().read(), 'abc')).toEqual(cut)
  })
})

describe('a response that cannot be sent', () => {
  const cancelled = async (method: string, part: unknown, headers: Record<string, string>): Promise<readonly [string, number]> => {
    let count = 0
    const source = { pull: (controller: ReadableStreamDefaultController) => controller.enqueue(part), cancel: () => void count++ }
    const { client, wire } = connect(serveFetch(() => new Response(new ReadableStream(source), { headers }), { onError: () => {} }))
    client.transport.write(head(method))
    await turns()
    return [wire().split('\r\n')[0]!, count]
  }

  it('has its source cancelled', async () => {
    const bytes = new Uint8Array(3)
    expect(await cancelled('GET', 'text', {})).toEqual(['data HTTP/1.1 500 Internal Server Error', 1])
    expect(await cancelled('GET', bytes, { 'content-length': 'x' })).toEqual(['data HTTP/1.1 500 Internal Server Error', 1])
    expect(await cancelled('HEAD', bytes, { 'content-length': 'x' })).toEqual(['data HTTP/1.1 500 Internal Server Error', 1])
  })
})

describe('a response that is shorter than it says', () => {
  it('resets the connection, and is reported once', async () => {
    const reports: unknown[] = []
    const { client } = connect(serveFetch(() => new Response('x', { headers: { 'content-length': '5' } }), { onError: (error) => reports.push(error) }))
    client.transport.write(head('GET'))
    expect((await client.lost).kind).toBe('reset')
    expect(reports).toEqual([expect.objectContaining({ code: 'ERR_HTTP_NOT_SENT' })])
  })
})

describe('a client that takes nothing', () => {
  it('is not waited for because it sends', async () => {
    const clock = new VirtualClock()
    const reader = { dataReceived: (): void => {} }
    const { client } = connect(httpServer({
      clock,
      onExchange(exchange) {
        exchange.start(reader)
        exchange.write(new Uint8Array(10_000_000))
      },
    }))
    client.transport.pause('read')
    client.transport.write(head('POST', 'Content-Length: 100\r\n'))
    for (let i = 0; i < 3; i++) {
      client.transport.write('x')
      await turns()
      clock.advance(20_000)
    }
    await turns()
    client.transport.resume('read')
    expect((await client.lost).kind).toBe('reset')
  })
})

describe('a client that is gone while more of it waits than is read ahead', () => {
  const release: (() => void)[] = []
  const waits = (): Promise<void> => new Promise((resolve) => void release.push(resolve))

  it('is let go, whatever becomes of the request that is at hand', async () => {
    const server = httpServer({
      onExchange: async (exchange) => {
        await waits()
        exchange.close()
      },
    })
    const { client } = connect(server)
    client.transport.write(head('GET').repeat(3000))
    await turns()
    client.transport.close({ lingerMs: 0 })
    await turns()
    // The answer goes nowhere, and the next request was begun by then.
    release.shift()!()
    await turns()
    expect([release.length, server.connectionCount]).toEqual([1, 0])
  })

  it('is let go when the handler that did not read its body is done', async () => {
    release.length = 0
    const server = serveFetch(async () => {
      await waits()
      return new Response('')
    })
    const { client } = connect(server)
    client.transport.write(`${head('GET')}${head('POST', 'Content-Length: 100000\r\n')}${'x'.repeat(100_000)}`)
    await turns()
    client.transport.close({ lingerMs: 0 })
    await turns()
    release.shift()!()
    await turns()
    expect([release.length, server.connectionCount]).toEqual([1, 1])
    release.shift()!()
    await turns()
    expect(server.connectionCount).toBe(0)
  })
})

describe('a 205', () => {
  it('has no body, and is sent all the same to HEAD, and with trailers', async () => {
    const { client, wire } = connect(serveFetch(() => new Response(null, { status: 205 })))
    client.transport.write(head('HEAD') + head('GET'))
    await turns()
    expect(wire()).toBe('data HTTP/1.1 205 Reset Content\r\n\r\nHTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n')
    const written: unknown[] = []
    const trailed = connect(httpServer({
      onExchange(exchange) {
        exchange.respond({ status: 205 })
        exchange.sendTrailers([['a', 'b']])
        try {
          exchange.write('x')
        } catch (error) {
          written.push(error)
        }
        exchange.close()
      },
    }))
    trailed.client.transport.write(head('GET'))
    await turns()
    expect(written).toEqual([expect.objectContaining({ code: 'ERR_HTTP_BODY_LENGTH' })])
    expect(trailed.wire()).toBe('data HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n')
  })
})
