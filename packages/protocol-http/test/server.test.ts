import { memoryPair, VirtualClock } from '@async/core/testing'
import { describe, expect, it } from 'vitest'
import { httpServer } from '../src/index.ts'
import type { HttpServer, HttpServerExchange, HttpServerOptions } from '../src/index.ts'
import { Recorder } from './recorder.ts'

const turns = async (count = 20): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** A client that speaks bytes, and a server on virtual time. */
function connect(onExchange: HttpServerOptions['onExchange'], options: Partial<HttpServerOptions> = {}): { client: Recorder; clock: VirtualClock; server: HttpServer; wire: () => string } {
  const clock = new VirtualClock()
  const { a, b } = memoryPair({ clock })
  const server = httpServer({ clock, ...options, onExchange })
  server(b)
  const client = new Recorder()
  a.start(client)
  return { client, clock, server, wire: () => client.events.slice(1).join('|').replace(/Date: [^\r]*\r\n/g, '') }
}

const get = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'
const answer = (exchange: HttpServerExchange): void => {
  exchange.respond({ status: 200 })
  exchange.close()
}
const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'
const closing = (status: string): string => `HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`

describe('what a handler writes', () => {
  const head = 'HTTP/1.1 200 OK\r\n'

  it.each<[string, HttpServerOptions['onExchange'], string]>([
    ['and ends at once has a length', (exchange) => {
      exchange.write('é')
      exchange.close()
    }, `${head}Content-Length: 2\r\n\r\né`],
    ['and ends behind what is settled already has one, too', async (exchange) => {
      exchange.write('a')
      await undefined
      exchange.write('b')
      exchange.close()
    }, `${head}Content-Length: 2\r\n\r\nab`],
    ['and does not end leaves in its turn', (exchange) => exchange.write('a'), `${head}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n`],
    ['and half-closes leaves in its turn', (exchange) => {
      exchange.write('a')
      exchange.halfClose()
    }, `${head}Content-Length: 1\r\n\r\na`],
  ])('%s', async (_, handler, expected) => {
    const { client, wire } = connect(handler)
    client.transport.write(get)
    await turns()
    expect(wire()).toBe(`data ${expected}`)
  })
})

describe('time', () => {
  it('a head that is not whole after 60 s is answered with 408', async () => {
    const { client, clock, wire } = connect(answer)
    client.transport.write('GET / HT')
    await turns()
    clock.advance(59_999)
    client.transport.write('TP')
    await turns()
    expect(wire()).toBe('')
    clock.advance(1)
    await turns()
    expect(wire()).toBe(`data ${closing('408 Request Timeout')}|eof`)
  })

  it('a connection without a request is closed after 60 s, without an answer', async () => {
    const { clock, wire } = connect(answer)
    await turns()
    clock.advance(60_000)
    await turns()
    expect(wire()).toBe('eof')
  })

  async function closesIn5s(clock: VirtualClock, wire: () => string): Promise<void> {
    clock.advance(4_999)
    await turns()
    expect(wire()).toBe(`data ${ok}`)
    clock.advance(1)
    await turns()
    expect(wire()).toBe(`data ${ok}|eof`)
  }

  it('a kept connection is closed after 5 s, and not while an exchange lasts', async () => {
    let last: HttpServerExchange | undefined
    const { client, clock, wire } = connect((exchange) => {
      last = exchange
      exchange.start(new Recorder())
    })
    client.transport.write(get)
    await turns()
    clock.advance(3_600_000)
    await turns()
    answer(last!)
    await turns()
    await closesIn5s(clock, wire)
  })

  it('those 5 s begin when the handler is done, however long it works behind its answer', async () => {
    const { client, clock, wire } = connect((exchange) => {
      answer(exchange)
      clock.advance(8_000)
    })
    client.transport.write(get)
    await turns()
    await closesIn5s(clock, wire)
  })

  const uploading = 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n'

  it('a body that is read and does not come for 60 s is answered with 408', async () => {
    const recorder = new Recorder()
    const { client, clock, wire } = connect((exchange) => exchange.start(recorder))
    client.transport.write(`${uploading}a`)
    await turns()
    clock.advance(59_999)
    client.transport.write('b')
    await turns()
    clock.advance(59_999)
    await turns()
    expect(wire()).toBe('')
    clock.advance(1)
    expect(await recorder.lost).toMatchObject({ kind: 'timeout', error: { code: 'ERR_HTTP_BODY_TIMEOUT' } })
    await turns()
    expect(wire()).toBe(`data ${closing('408 Request Timeout')}|eof`)
  })

  it('a body that nobody reads is not waited for, nor one of an exchange that has answered', async () => {
    const paused: HttpServerExchange[] = []
    const { client, clock, wire } = connect((exchange) => void paused.push(exchange), { requestTimeoutMs: Infinity })
    client.transport.write(uploading)
    await turns()
    clock.advance(3_600_000)
    paused[0]!.start(new Recorder())
    paused[0]!.respond({ flush: true })
    await turns()
    clock.advance(3_600_000)
    await turns()
    expect(wire()).toBe('data HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
  })

  it('a request that is not whole after 300 s is answered with 408, however steadily it comes', async () => {
    const recorder = new Recorder()
    const { client, clock, wire } = connect((exchange) => exchange.start(recorder))
    client.transport.write(uploading)
    for (let i = 0; i < 6; i++) {
      await turns()
      clock.advance(50_000)
      if (i < 5) client.transport.write('a')
    }
    expect(await recorder.lost).toMatchObject({ kind: 'timeout', error: { code: 'ERR_HTTP_REQUEST_TIMEOUT' } })
    await turns()
    expect(wire()).toBe(`data ${closing('408 Request Timeout')}|eof`)
  })

  it('a response that is not taken for 60 s is cut', async () => {
    const recorder = new Recorder()
    const { client, clock } = connect((exchange) => {
      exchange.start(recorder)
      exchange.write(new Uint8Array(1_000_000))
    })
    client.transport.pause('read')
    client.transport.write(get)
    await turns()
    clock.advance(59_999)
    await turns()
    expect(recorder.events).not.toContain('lost timeout')
    clock.advance(1)
    expect(await recorder.lost).toMatchObject({ kind: 'timeout', error: { code: 'ERR_HTTP_BODY_TIMEOUT' } })
    client.transport.resume('read')
    expect((await client.lost).kind).toBe('reset')
  })

  it('a handler may take for ever, or as long as it is told: 503', async () => {
    const recorder = new Recorder()
    const { client, clock, wire } = connect((exchange) => exchange.start(recorder), { handlerTimeoutMs: 1000 })
    client.transport.write(get)
    await turns()
    clock.advance(999)
    await turns()
    expect(wire()).toBe('')
    clock.advance(1)
    expect(await recorder.lost).toMatchObject({ kind: 'timeout', error: { code: 'ERR_HTTP_HANDLER_TIMEOUT' } })
    await turns()
    expect(wire()).toBe(`data ${closing('503 Service Unavailable')}|eof`)
  })

  it('a handler that answered in time is left alone', async () => {
    const { client, clock, wire } = connect((exchange) => exchange.respond({ flush: true }), { handlerTimeoutMs: 1000 })
    client.transport.write(get)
    await turns()
    clock.advance(1_000_000)
    await turns()
    expect(wire()).toBe('data HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
  })

  it('a kept connection whose client still takes the last answer is not idle', async () => {
    const { client, clock, server } = connect((exchange) => {
      exchange.write(new Uint8Array(200_000))
      exchange.close()
    })
    client.onData = () => client.transport.pause('read')
    client.transport.write(get)
    await turns()
    for (let i = 0; i < 2; i++) {
      clock.advance(5000)
      client.transport.resume('read')
      await turns()
    }
    expect(server.connectionCount).toBe(1)
    client.transport.abort()
    await turns()
  })

  it('leaves no timer behind', async () => {
    const { client, clock } = connect(answer)
    client.transport.write(get)
    await turns()
    client.transport.close()
    await client.lost
    await turns()
    expect(clock.pendingCount).toBe(0)
  })
})

describe('the end of a server', () => {
  it('drain() closes who waits, and lets who runs finish with Connection: close', async () => {
    const exchanges: HttpServerExchange[] = []
    const { client, server, wire } = connect((exchange) => void exchanges.push(exchange))
    const idle = memoryPair()
    server(idle.b)
    const waiting = new Recorder()
    idle.a.start(waiting)
    client.transport.write(get + get)
    await turns()
    expect(server.connectionCount).toBe(2)
    let drained = false
    const done = server.drain().then(() => { drained = true })
    await turns()
    expect([waiting.events, drained, wire()]).toEqual([['made', 'eof'], false, ''])
    waiting.transport.close()
    answer(exchanges[0]!)
    await turns()
    expect(wire()).toBe(`data ${closing('200 OK')}|eof`)
    client.transport.close()
    await done
    expect([exchanges.length, server.connectionCount]).toEqual([1, 0])
  })

  it('a request whose head has begun is still answered', async () => {
    const { client, server, wire } = connect(answer)
    client.transport.write(get.slice(0, 10))
    await turns()
    void server.drain()
    client.transport.write(get.slice(10))
    await turns()
    expect(wire()).toBe(`data ${closing('200 OK')}|eof`)
  })

  it('what is left after the grace is aborted, and what comes later is closed', async () => {
    const recorder = new Recorder()
    const { client, clock, server } = connect((exchange) => exchange.start(recorder))
    client.transport.write(get)
    await turns()
    const done = server.drain({ graceMs: 1000 })
    const { a, b } = memoryPair()
    server(b)
    const late = new Recorder()
    a.start(late)
    await late.ended
    late.transport.close()
    clock.advance(1000)
    await done
    expect((await recorder.lost).kind).toBe('aborted')
    expect((await client.lost).kind).toBe('reset')
    await server.drain()
    expect(() => server.drain({ graceMs: -1 })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })

  it('maxRequestCount requests, and the answer to the last says so', async () => {
    const { client, wire } = connect(answer, { maxRequestCount: 2 })
    client.transport.write(get + get + get)
    await turns()
    expect(wire()).toBe(`data ${ok}${closing('200 OK')}|eof`)
  })
})

describe('beside the body', () => {
  it('103 and trailers, and what a 1.0 client cannot take', async () => {
    const handler: HttpServerOptions['onExchange'] = (exchange) => {
      exchange.inform({ status: 103, headers: [['Link', '</x>']] })
      exchange.sendTrailers([['X-Sum', '1']])
      exchange.write('x')
      exchange.close()
    }
    const modern = connect(handler)
    modern.client.transport.write(get)
    await turns()
    expect(modern.wire()).toBe('data HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 1\r\n\r\n')
    const old = connect(handler)
    old.client.transport.write('GET / HTTP/1.0\r\n\r\n')
    await turns()
    expect(old.wire()).toBe('data HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nx|eof')
  })

  it('trailers of the request are there at its end', async () => {
    const seen: unknown[] = []
    const { client } = connect((exchange) => {
      const recorder = new Recorder()
      recorder.onMade = () => seen.push(exchange.trailers)
      recorder.onEof = () => seen.push(exchange.trailers)
      exchange.start(recorder)
    })
    client.transport.write('POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX-Sum: 1\r\n\r\n')
    await turns()
    expect(seen).toEqual([[], [['x-sum', '1']]])
  })

  it('trailers that may not be, or come too late, are refused, and change nothing', async () => {
    const codes: unknown[] = []
    const attempt = (action: () => void): void => {
      try {
        action()
      } catch (error) {
        codes.push((error as { code: unknown }).code)
      }
    }
    const { client, wire } = connect((exchange) => {
      attempt(() => exchange.sendTrailers([['Content-Length', '1']]))
      attempt(() => exchange.inform({ status: 101 }))
      attempt(() => exchange.inform({ status: 200 }))
      exchange.respond({ headers: [['Content-Length', '1']] })
      attempt(() => exchange.sendTrailers([['X', '1']]))
      exchange.write('x')
      exchange.halfClose()
      attempt(() => exchange.sendTrailers([['X', '1']]))
      attempt(() => exchange.inform({ status: 103 }))
    })
    client.transport.write(get)
    await turns()
    expect(codes).toEqual(['ERR_HTTP_BAD_TRAILER', 'ERR_HTTP_BAD_STATUS_LINE', 'ERR_INVALID_ARGUMENT', 'ERR_HTTP_STATE', 'ERR_HALF_CLOSED', 'ERR_HALF_CLOSED'])
    expect(wire()).toBe('data HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx')
  })

  it('an expectation is refused by answering, and by nothing else', async () => {
    const expecting = 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n'
    const { client, wire } = connect((exchange) => {
      expect(exchange.expectsContinue).toBe(true)
      exchange.respond({ status: 417 })
      exchange.close()
    })
    client.transport.write(expecting)
    await turns()
    expect(wire()).toBe(`data ${closing('417 Expectation Failed')}|eof`)
    const other = connect(answer)
    other.client.transport.write(expecting.replace('100-continue', 'coffee'))
    await turns()
    expect(other.wire()).toBe(`data ${closing('417 Expectation Failed')}|eof`)
  })
})

describe('a request body that nobody reads', () => {
  const post = (length: number): string => `POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${length}\r\n\r\n`

  it('is dropped when it is short, and the connection lives on', async () => {
    const { client, wire } = connect(answer)
    client.transport.write(`${post(5)}hello${get}`)
    await turns()
    expect(wire()).toBe(`data ${ok}${ok}`)
  })

  it('that is long ends the connection, as announced', async () => {
    const { client, wire } = connect(answer, { maxDrainBytes: 10 })
    client.transport.write(`${post(11)}01234567890${get}`)
    await turns()
    expect(wire()).toBe(`data ${closing('200 OK')}|eof`)
  })

  it('that never ends is dropped up to the limit', async () => {
    let seen: HttpServerExchange | undefined
    const { client, wire } = connect((exchange) => {
      seen = exchange
      exchange.start(new Recorder())
      exchange.respond({ status: 200 })
      exchange.halfClose()
    }, { maxDrainBytes: 100_000 })
    client.transport.write('POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n')
    await turns()
    expect(wire()).toBe(`data ${ok}`)
    seen!.close()
    const chunk = `2710\r\n${'x'.repeat(10_000)}\r\n`
    for (let i = 0; i < 10; i++) client.transport.write(chunk)
    await turns()
    expect(wire()).toBe(`data ${ok}`)
    client.transport.write(chunk)
    await turns()
    expect(wire()).toBe(`data ${ok}|eof`)
    expect((await seen!.closed).kind).toBe('closed')
  })
})

it('an answer that was given stands, though the rest of its request turns out bad', async () => {
  const { client, wire } = connect(answer)
  client.transport.write('POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n')
  await turns()
  client.transport.write('z\r\n')
  await turns()
  expect(wire()).toBe(`data ${closing('200 OK')}|eof`)
  client.transport.close()
  expect((await client.lost).kind).toBe('closed')
})

describe('pipelining', () => {
  it('reads ahead up to the limit, and then not', async () => {
    const exchanges: HttpServerExchange[] = []
    const { client, wire } = connect((exchange) => void exchanges.push(exchange), { maxPipelinedBytes: 1000 })
    client.transport.write(get)
    await turns()
    for (let i = 0; i < 100; i++) client.transport.write(new Uint8Array(10_000).fill(0x47))
    await turns(100)
    // 64 KiB is what the memory pair carries, and delivers at once.
    expect(client.transport.queuedBytes).toBeGreaterThan(1_000_000 - 3 * 65_536)
    expect(exchanges.length).toBe(1)
    answer(exchanges[0]!)
    await turns(100)
    expect(wire()).toBe(`data ${ok}${closing('414 URI Too Long')}|eof`)
  })
})

describe('handlers', () => {
  it('one that is rejected is a 500; one that fails after its answer began cuts it', async () => {
    const reports: unknown[] = []
    const failing = connect(() => Promise.reject(new Error('secret')), { onError: (error) => reports.push(error) })
    failing.client.transport.write(get)
    await turns()
    expect(failing.wire()).toBe(`data ${closing('500 Internal Server Error')}|eof`)
    const late = connect(async (exchange) => {
      exchange.write('begun')
      await turns(2)
      throw new Error('late')
    }, { onError: (error) => reports.push(error) })
    late.client.transport.write(get)
    expect((await late.client.lost).kind).toBe('reset')
    expect(late.wire()).toBe('data HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegun\r\n|lost reset')
    expect(reports.map((error) => (error as Error).message)).toEqual(['secret', 'late'])
  })

  it('a response is held against its announced length', async () => {
    let code: unknown
    const { client, wire } = connect((exchange) => {
      exchange.start(new Recorder())
      exchange.respond({ headers: [['Content-Length', '3']] })
      try {
        exchange.write('abcd')
      } catch (error) {
        code = (error as { code: unknown }).code
      }
      exchange.write('ab')
      exchange.halfClose()
    })
    client.transport.write(get)
    expect((await client.lost).kind).toBe('reset')
    expect(code).toBe('ERR_HTTP_BODY_LENGTH')
    expect(wire()).not.toContain('abc')
  })

  it('what may not be sent is refused at respond(), and another answer may follow', async () => {
    const codes: unknown[] = []
    const { client, wire } = connect((exchange) => {
      for (const response of [{ headers: [['X', 'a\r\nb'] as const] }, { status: 100 }, { status: 204, headers: [['Content-Length', '0'] as const] }, { reason: '\n' }]) {
        try {
          exchange.respond(response)
        } catch (error) {
          codes.push((error as { code: unknown }).code)
        }
      }
      exchange.respond({ status: 201 })
      try {
        exchange.respond({ status: 202 })
      } catch (error) {
        codes.push((error as { code: unknown }).code)
      }
      exchange.close()
    })
    client.transport.write(get)
    await turns()
    expect(codes).toEqual(['ERR_HTTP_BAD_HEADER', 'ERR_INVALID_ARGUMENT', 'ERR_HTTP_BAD_HEADER', 'ERR_HTTP_BAD_STATUS_LINE', 'ERR_HTTP_STATE'])
    expect(wire()).toBe('data HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n')
  })

  it('a head waits for the body, and says 204 when there is none; unless it is to leave at once', async () => {
    const headers = [['Content-Type', 'application/json']] as const
    const reply = async (flush: boolean, body: string): Promise<string> => {
      const { client, wire } = connect(async (exchange) => {
        exchange.start(new Recorder())
        exchange.respond({ headers, flush })
        await turns(2)
        if (body !== '') exchange.write(body)
        exchange.halfClose()
      })
      client.transport.write(get)
      await turns()
      return wire()
    }
    expect(await reply(false, '{}')).toBe('data HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}')
    expect(await reply(false, '')).toBe('data HTTP/1.1 204 No Content\r\n\r\n')
    expect(await reply(true, '{}')).toBe('data HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n')
  })

  it('an exchange whose client asks for 100-continue sends it when it reads', async () => {
    let seen: HttpServerExchange | undefined
    const { client, wire } = connect((exchange) => {
      seen = exchange
    })
    client.transport.write('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n')
    await turns()
    expect(wire()).toBe('')
    const recorder = new Recorder()
    seen!.start(recorder)
    await turns()
    expect(wire()).toBe('data HTTP/1.1 100 Continue\r\n\r\n')
    client.transport.write('x')
    await recorder.ended
    expect(recorder.events).toEqual(['made', 'data x', 'eof'])
  })

  it('no 100 is sent to who has begun with its body', async () => {
    const { client, wire } = connect((exchange) => {
      const recorder = new Recorder()
      recorder.onEof = () => answer(exchange)
      exchange.start(recorder)
    })
    client.transport.write('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nx')
    await turns()
    client.transport.write('y')
    await turns()
    expect(wire()).toBe(`data ${ok}`)
  })

  it('refuses options that are none', () => {
    expect(() => httpServer({ onExchange: undefined as never })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    expect(() => httpServer({ onExchange: answer, maxDrainBytes: -1 })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })
})

it('a limit passed inside a body ends the exchange with kind limit, and is answered', async () => {
  const recorder = new Recorder()
  const { client, wire } = connect((exchange) => exchange.start(recorder), { maxBodyBytes: 4 })
  client.transport.write('POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n')
  await turns()
  client.transport.write('2\r\nde\r\n')
  const reason = await recorder.lost
  expect(reason).toMatchObject({ kind: 'limit', error: { code: 'ERR_HTTP_BODY_TOO_LARGE', allowed: 4, actual: 5 } })
  await turns()
  expect(wire()).toBe(`data ${closing('413 Content Too Large')}|eof`)
})

it('a transport without a half-close will do: a serial line', async () => {
  const { a, b } = memoryPair({ halfCloses: false })
  httpServer({ onExchange: answer })(b)
  const client = new Recorder()
  a.start(client)
  a.write(`${get}GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`)
  expect((await client.lost).kind).toBe('closed')
  expect(client.events[1]!.replace(/Date: [^\r]*\r\n/g, '')).toBe(`data ${ok}${closing('200 OK')}`)
})

it('closing the connection below lets queued answers out', async () => {
  const clock = new VirtualClock()
  const { a, b } = memoryPair({ clock })
  httpServer({ clock, onExchange: answer })(b)
  const client = new Recorder()
  a.start(client)
  client.transport.write(get)
  await turns()
  b.close()
  await client.ended
  expect(client.events.length).toBe(3)
  expect(client.events[1]).toContain('200 OK')
  expect(client.events[2]).toBe('eof')
})
