import type { Connector, StreamTransport } from '@async/core'
import { memoryPair } from '@async/core/testing'
import { describe, expect, it } from 'vitest'
import { httpConnector, httpServer } from '../src/index.ts'
import type { HttpConnectorOptions, HttpServerExchange, HttpServerOptions } from '../src/index.ts'
import { Recorder } from './recorder.ts'

type Handler = HttpServerOptions['onExchange']

/** A server behind a connector of memory pairs. */
function serve(onExchange: Handler, options: Partial<HttpServerOptions> = {}): { connector: Connector<StreamTransport>; connections: StreamTransport[] } {
  const accept = httpServer({ ...options, onExchange })
  const connections: StreamTransport[] = []
  return {
    connections,
    connector: {
      connect: () => {
        const { a, b } = memoryPair()
        connections.push(b)
        accept(b)
        return Promise.resolve(a)
      },
    },
  }
}

const turns = async (count = 50): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** Speaks bytes to a server. */
function raw(onExchange: Handler, options: Partial<HttpServerOptions> = {}): Recorder {
  const { a, b } = memoryPair()
  httpServer({ ...options, onExchange })(b)
  const recorder = new Recorder()
  a.start(recorder)
  return recorder
}

/** Collects the request's body, then calls back. */
function whole(exchange: HttpServerExchange, then: (body: string) => void): Recorder {
  const recorder = new Recorder()
  let body = ''
  recorder.onData = (data) => {
    body += new TextDecoder().decode(data)
  }
  recorder.onEof = () => then(body)
  exchange.start(recorder)
  return recorder
}

const echo: Handler = (exchange) => {
  whole(exchange, (body) => {
    exchange.write(`${exchange.request.method} ${exchange.request.target} ${body}`)
    exchange.halfClose()
  })
}

async function ask(connector: Connector<StreamTransport>, body: string, options: HttpConnectorOptions = {}): Promise<Recorder> {
  const exchange = await httpConnector(connector, options).connect()
  const recorder = new Recorder()
  recorder.onMade = (transport) => {
    if (body !== '') transport.write(body)
    transport.halfClose()
  }
  exchange.start(recorder)
  await recorder.lost
  return recorder
}

/** The wire, with its Date taken out. */
const undated = (recorder: Recorder): string => recorder.events.join('\n').replace(/Date: [^\r]*\r\n/g, '')
const get = (path: string, more = ''): string => `GET ${path} HTTP/1.1\r\nHost: h\r\n${more}\r\n`

describe('exchange', () => {
  it('carries a body each way and ends both', async () => {
    const { connector } = serve(echo)
    const recorder = await ask(connector, 'hello', { target: '/x' })
    expect(recorder.events).toEqual(['made', 'data POST /x hello', 'eof', 'lost closed'])
  })

  it('a peer that writes nothing is a 204', async () => {
    const { connector } = serve((exchange) => void whole(exchange, () => exchange.close()))
    const client = httpConnector(connector)
    const exchange = await client.connect()
    const recorder = new Recorder()
    exchange.start(recorder)
    exchange.halfClose()
    expect((await exchange.response).status).toBe(204)
    await recorder.lost
    expect(recorder.events).toEqual(['made', 'eof', 'lost closed'])
  })

  it('flows in both directions at the same time', async () => {
    const { connector } = serve((exchange) => {
      const recorder = new Recorder()
      recorder.onData = (data) => exchange.write(data)
      recorder.onEof = () => exchange.halfClose()
      exchange.start(recorder)
    })
    const exchange = await httpConnector(connector).connect()
    const recorder = new Recorder()
    let step = 0
    recorder.onMade = (transport) => transport.write('one')
    recorder.onData = () => {
      if (++step === 1) exchange.write('two')
      else exchange.halfClose()
    }
    exchange.start(recorder)
    expect((await recorder.lost).kind).toBe('closed')
    expect(recorder.events).toEqual(['made', 'data onetwo', 'eof', 'lost closed'])
  })

  it('reuses the connection', async () => {
    const { connector, connections } = serve(echo)
    const client = httpConnector(connector)
    for (const body of ['1', '2', '3']) {
      const exchange = await client.connect()
      const recorder = new Recorder()
      exchange.start(recorder)
      exchange.write(body)
      exchange.halfClose()
      await recorder.lost
      expect(recorder.events).toEqual(['made', `data POST / ${body}`, 'eof', 'lost closed'])
      await Promise.resolve()
    }
    expect(connections.length).toBe(1)
  })

  it('carries 4 MiB each way', async () => {
    const { connector } = serve((exchange) => {
      const recorder = new Recorder()
      recorder.onData = (data) => exchange.write(data)
      recorder.onEof = () => exchange.halfClose()
      exchange.start(recorder)
    })
    const exchange = await httpConnector(connector).connect()
    let received = 0
    const done = new Promise<string>((resolve) => {
      exchange.start({
        dataReceived: (data) => {
          received += data.length
        },
        eofReceived: () => {},
        connectionLost: (reason) => resolve(reason.kind),
      })
    })
    for (let i = 0; i < 4; i++) exchange.write(new Uint8Array(1024 * 1024).fill(i))
    exchange.halfClose()
    expect(await done).toBe('closed')
    expect(received).toBe(4 * 1024 * 1024)
  })

  it('delivers nothing to a paused exchange, and all of it later', async () => {
    const { connector } = serve((exchange) => {
      exchange.start(new Recorder())
      exchange.write('x'.repeat(300_000))
      exchange.halfClose()
    })
    const exchange = await httpConnector(connector).connect()
    const deliveries: number[] = []
    let paused = false
    let broken = 0
    const done = new Promise<void>((resolve) => {
      exchange.start({
        dataReceived: (data) => {
          if (paused) broken++
          deliveries.push(data.length)
          paused = true
          exchange.pause('read')
          // Long enough for everything that is on its way to arrive.
          setTimeout(() => {
            paused = false
            exchange.resume('read')
          }, 2)
        },
        eofReceived: () => resolve(),
      })
    })
    exchange.halfClose()
    await done
    expect(broken).toBe(0)
    expect(deliveries.length).toBeGreaterThan(2)
    expect(deliveries.reduce((sum, bytes) => sum + bytes, 0)).toBe(300_000)
  })

  it.each(['halfClose', 'close'] as const)('%s while paused sends what was held in the middle of a body', async (end) => {
    const far = new Promise<HttpServerExchange>((resolve) => {
      const { connector } = serve((exchange) => resolve(exchange))
      void httpConnector(connector).connect().then((exchange) => {
        near = exchange
        exchange.start(new Recorder())
        exchange.write(new Uint8Array(1_000_000))
      })
    })
    let near!: StreamTransport
    const exchange = await far
    exchange.pause('read')
    const got = new Recorder()
    let bytes = 0
    got.onData = (data) => void (bytes += data.length)
    exchange.start(got)
    await turns()
    near.pause()
    exchange.resume('read')
    await turns()
    expect(bytes).toBeLessThan(1_000_000)
    near[end]()
    await turns()
    expect([bytes, got.events.at(-1)]).toEqual([1_000_000, 'eof'])
  })

  it('abort is a reset at the peer', async () => {
    let server: Recorder | undefined
    const { connector } = serve((exchange) => {
      server = new Recorder()
      exchange.start(server)
      exchange.write('hello')
    })
    const exchange = await httpConnector(connector).connect()
    const recorder = new Recorder()
    recorder.onData = () => exchange.abort()
    exchange.start(recorder)
    expect((await recorder.lost).kind).toBe('aborted')
    expect((await server!.lost).kind).toBe('reset')
  })
})

describe('server', () => {
  it('answers with a length what is written in one turn', async () => {
    const recorder = raw(echo)
    recorder.transport.write(get('/a', 'Connection: close\r\n'))
    await recorder.ended
    expect(undated(recorder)).toBe('made\ndata HTTP/1.1 200 OK\r\nContent-Length: 7\r\nConnection: close\r\n\r\nGET /a \neof')
  })

  it('answers pipelined requests in order', async () => {
    const recorder = raw((exchange) => {
      const answer = (): void => {
        exchange.respond({ status: 200, headers: [['X-Path', exchange.request.target]] })
        exchange.close()
      }
      if (exchange.request.target === '/slow') queueMicrotask(answer)
      else answer()
    })
    recorder.transport.write(get('/slow') + get('/2') + get('/3', 'Connection: close\r\n'))
    await recorder.ended
    expect(undated(recorder)).toBe(
      'made\ndata HTTP/1.1 200 OK\r\nX-Path: /slow\r\nContent-Length: 0\r\n\r\n' +
        'HTTP/1.1 200 OK\r\nX-Path: /2\r\nContent-Length: 0\r\n\r\nHTTP/1.1 200 OK\r\nX-Path: /3\r\nContent-Length: 0\r\nConnection: close\r\n\r\n\neof',
    )
  })

  it('a bad second request does not replace the answer to a good first', async () => {
    const recorder = raw(echo)
    recorder.transport.write(`${get('/1')}nonsense\r\n\r\n`)
    await recorder.ended
    expect(undated(recorder)).toBe(
      'made\ndata HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nGET /1 HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n\neof',
    )
  })

  it('a handler that throws is a 500 without detail, reported once', async () => {
    const reports: unknown[] = []
    const failure = new Error('secret')
    const recorder = raw(() => { throw failure }, { onError: (error) => reports.push(error) })
    recorder.transport.write(get('/'))
    await recorder.ended
    expect(undated(recorder)).toBe('made\ndata HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n\neof')
    expect(reports).toEqual([failure])
  })

  it('a request that is cut is truncated, and answered with 400', async () => {
    let server!: Recorder
    const recorder = raw((exchange) => {
      server = new Recorder()
      exchange.start(server)
    })
    recorder.transport.write('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nabc')
    recorder.transport.halfClose()
    await recorder.ended
    expect(undated(recorder)).toBe('made\ndata HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n\neof')
    expect((await server.lost).kind).toBe('truncated')
    expect(server.events).toEqual(['made', 'data abc', 'lost truncated'])
  })

  it('a client that ended its side still gets its answer', async () => {
    const recorder = raw((exchange) => {
      whole(exchange, () => setTimeout(() => {
        exchange.write('late')
        exchange.close()
      }, 5))
    })
    recorder.transport.write(get('/'))
    recorder.transport.halfClose()
    await recorder.ended
    expect(undated(recorder)).toBe('made\ndata HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nlate\neof')
  })

  it('HEAD has the length and not the body; a 1.0 client gets a body until the end', async () => {
    const head = raw(echo)
    head.transport.write('HEAD /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n')
    await head.ended
    expect(undated(head)).toBe('made\ndata HTTP/1.1 200 OK\r\nContent-Length: 8\r\nConnection: close\r\n\r\n\neof')
    const old = raw((exchange) => {
      exchange.start(new Recorder())
      exchange.write('a')
      setTimeout(() => {
        exchange.write('b')
        exchange.halfClose()
      }, 1)
    })
    old.transport.write('GET / HTTP/1.0\r\n\r\n')
    await old.ended
    expect(undated(old)).toBe('made\ndata HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nab\neof')
  })
})

describe('a body that a producer writes in 64 KiB', () => {
  /** What is queued when the producer is paused, in KiB, over a transport with these marks. */
  async function pausedAt(below: { highWaterMarkBytes: number; capacityBytes: number }): Promise<number[]> {
    const { a, b } = memoryPair(below)
    const block = new Uint8Array(64 * 1024)
    const at: number[] = []
    httpServer({
      onExchange: (exchange) => {
        let on = true
        let left = 64
        const fill = (): void => {
          while (on && left-- > 0) exchange.write(block)
          if (left < 0) exchange.close()
        }
        exchange.register({ halfRegister() {}, pause: () => ((on = false), at.push(exchange.queuedBytes / 1024)), resume: () => ((on = true), fill()), stop: () => void (on = false) })
        fill()
      },
    })(b)
    let bytes = 0
    a.start({ dataReceived: (data) => void (bytes += data.length) })
    a.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    await a.closed
    expect(bytes).toBeGreaterThan(64 * block.length)
    return at
  }

  it('F6 may be 256 KiB ahead where the transport below takes it all at once', async () => {
    const at = await pausedAt({ highWaterMarkBytes: 2 ** 20, capacityBytes: 2 ** 20 })
    expect(at.slice(0, 4)).toEqual([128, 192, 320, 320])
  })

  it('F6 stays where it was, where that is full', async () => {
    const at = await pausedAt({ highWaterMarkBytes: 1, capacityBytes: 1024 })
    expect(new Set(at)).toEqual(new Set([128]))
  })
})

describe('client', () => {
  it('a status that is no success ends the exchange, with head and excerpt', async () => {
    const { connector } = serve((exchange) => {
      exchange.respond({ status: 404, headers: [['Content-Type', 'text/plain']] })
      exchange.write('nothing here')
      exchange.close()
    })
    const exchange = await httpConnector(connector).connect()
    const recorder = new Recorder()
    exchange.start(recorder)
    exchange.halfClose()
    const reason = await recorder.lost
    expect(reason).toMatchObject({ kind: 'protocol', error: { code: 'ERR_HTTP_STATUS', status: 404, response: { status: 404, reason: 'Not Found' } } })
    expect(new TextDecoder().decode((reason as unknown as { error: { body: Uint8Array } }).error.body)).toBe('nothing here')
    expect(recorder.events).toEqual(['made', 'lost protocol'])
  })

  it('a body of the expected media type is delivered whatever the status', async () => {
    const { connector } = serve((exchange) => {
      exchange.respond({ status: 500, headers: [['Content-Type', 'application/json; charset=utf-8']] })
      exchange.write('{}')
      exchange.close()
    })
    const recorder = await ask(connector, 'x', { mediaType: 'application/json' })
    expect(recorder.events).toEqual(['made', 'data {}', 'eof', 'lost closed'])
  })
})
