/** The pool on virtual time: how long connections are kept, what is waited for and for how long, and how it ends. */
import type { Connector, Stream, StreamTransport, Transport } from '@async/core'
import { memoryPair, VirtualClock } from '@async/core/testing'
import { describe, expect, it } from 'vitest'
import { type HttpClientExchange, type HttpConnector, httpConnector, type HttpConnectorOptions, httpServer } from '../src/index.ts'
import { Recorder } from './recorder.ts'

const turns = async (count = 20): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

interface World {
  readonly connector: HttpConnector
  /** The other ends, which the test plays. */
  readonly peers: Recorder[]
  readonly clock: VirtualClock
  readonly signals: AbortSignal[]
}

function client(options: HttpConnectorOptions = {}, hangs = false): World {
  const clock = new VirtualClock()
  const peers: Recorder[] = []
  const signals: AbortSignal[] = []
  const connector = httpConnector({
    connect: (how) => {
      signals.push(how!.signal!)
      if (hangs) return new Promise((_resolve, reject) => how!.signal!.addEventListener('abort', () => reject(how!.signal!.reason)))
      const { a, b } = memoryPair({ clock })
      const peer = new Recorder()
      b.start(peer)
      peers.push(peer)
      return Promise.resolve(a)
    },
  }, { clock, ...options })
  return { connector, peers, clock, signals }
}

function begin(exchange: HttpClientExchange, body = 'x'): Recorder {
  const recorder = new Recorder()
  exchange.start(recorder)
  if (body !== '') exchange.write(body)
  exchange.halfClose()
  return recorder
}

const ended = async (recorder: Recorder): Promise<string> => {
  const reason = await recorder.lost
  return 'error' in reason ? `${reason.kind} ${(reason.error as { code?: string }).code}` : reason.kind
}

const ok = (fields = ''): string => `HTTP/1.1 200 OK\r\n${fields}Content-Length: 2\r\n\r\nok`

describe('a connection', () => {
  /** Whether the connection is used again `ms` after a response with `fields`. */
  const isUsedAfter = async (fields: string, ms: number, options: HttpConnectorOptions = {}): Promise<boolean> => {
    const { connector, peers, clock } = client(options)
    const recorder = begin(await connector.connect())
    await turns()
    peers[0]!.transport.write(ok(fields))
    await recorder.lost
    await turns()
    clock.advance(ms)
    await turns()
    begin(await connector.connect())
    await turns()
    return peers.length === 1
  }

  it.each([
    ['', 3_999, true], ['', 4_000, false],
    ['Keep-Alive: timeout=3\r\n', 1_999, true], ['Keep-Alive: timeout=3\r\n', 2_000, false],
    ['Keep-Alive: max=5, timeout=3\r\n', 2_000, false], ['Keep-Alive: timeout=60\r\n', 4_000, false],
    ['Keep-Alive: timeout=1\r\n', 0, false], ['Keep-Alive: nonsense\r\n', 3_999, true],
  ])('with %j is used again after %i ms: %s', async (fields, ms, expected) => {
    expect(await isUsedAfter(fields, ms)).toBe(expected)
  })

  it('is given up a margin of your choice before the server would', async () => {
    expect(await isUsedAfter('Keep-Alive: timeout=3\r\n', 2_899, { keepAliveMarginMs: 100 })).toBe(true)
    expect(await isUsedAfter('Keep-Alive: timeout=3\r\n', 2_900, { keepAliveMarginMs: 100 })).toBe(false)
  })

  it('that is lost says whether a request can be sent again', async () => {
    const lose = async (play: (peer: StreamTransport) => void, isKept: boolean): Promise<[reused: boolean, retriable: boolean]> => {
      const { connector, peers } = client()
      if (isKept) {
        const first = begin(await connector.connect())
        await turns()
        peers[0]!.transport.write(ok())
        await first.lost
        await turns()
      }
      const exchange = await connector.connect()
      const recorder = begin(exchange)
      await turns()
      play(peers[0]!.transport)
      await recorder.lost
      return [exchange.reused, exchange.retriable]
    }
    expect(await lose((peer) => peer.close(), false)).toEqual([false, false])
    expect(await lose((peer) => peer.close(), true)).toEqual([true, true])
    expect(await lose((peer) => peer.abort(), true)).toEqual([true, true])
    expect(await lose((peer) => (peer.write('H'), peer.close()), true)).toEqual([true, false])
    expect(await lose((peer) => (peer.write(ok().slice(0, -1)), peer.close()), true)).toEqual([true, false])
  })
})

describe('an exchange', () => {
  it('may have a request of its own', async () => {
    const { connector, peers } = client({ target: '/all', host: 'a.test', headers: [['X-All', '1']] })
    begin(await connector.exchange({ method: 'PUT', target: '/one' }))
    begin(await connector.exchange({ headers: [['X-Own', '2']] }))
    await turns()
    expect(peers.map(({ events }) => events[1])).toEqual([
      'data PUT /one HTTP/1.1\r\nHost: a.test\r\nX-All: 1\r\nContent-Length: 1\r\n\r\nx',
      'data POST /all HTTP/1.1\r\nHost: a.test\r\nX-Own: 2\r\nContent-Length: 1\r\n\r\nx',
    ])
    await expect(connector.exchange({ target: '/a b' })).rejects.toMatchObject({ code: 'ERR_HTTP_BAD_REQUEST_LINE' })
    await expect(connector.exchange({ headers: [['Expect', '100-continue']] })).rejects.toMatchObject({ code: 'ERR_HTTP_BAD_HEADER' })
    await expect(connector.exchange({ expectContinueMs: -1 })).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  })

  it('waits for a head from the end of its request on, and no longer', async () => {
    const { connector, clock } = client({ headTimeoutMs: 100 })
    const exchange = await connector.connect()
    const recorder = new Recorder()
    exchange.start(recorder)
    exchange.write('x')
    await turns()
    clock.advance(1_000)
    await turns()
    expect(recorder.events).toEqual(['made'])
    exchange.halfClose()
    await turns()
    clock.advance(99)
    await turns()
    expect(recorder.events).toEqual(['made'])
    clock.advance(1)
    expect(await ended(recorder)).toBe('timeout ERR_HTTP_HEAD_TIMEOUT')
  })

  it('waits for each byte of a body, but not while it is paused', async () => {
    const { connector, peers, clock } = client({ bodyIdleTimeoutMs: 100 })
    const exchange = await connector.connect()
    const recorder = begin(exchange)
    await turns()
    peers[0]!.transport.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na')
    await turns()
    for (let i = 0; i < 3; i++) {
      clock.advance(99)
      peers[0]!.transport.write('b')
      await turns()
    }
    exchange.pause('read')
    clock.advance(10_000)
    await turns()
    exchange.resume('read')
    await turns()
    expect(recorder.events).toEqual(['made', 'data abbb'])
    clock.advance(100)
    expect(await ended(recorder)).toBe('timeout ERR_HTTP_BODY_TIMEOUT')
  })

  it('that sends waits for each byte to be taken', async () => {
    const { connector, peers, clock } = client({ bodyIdleTimeoutMs: 100 })
    const exchange = await connector.connect()
    peers[0]!.transport.pause('read')
    const recorder = new Recorder()
    exchange.start(recorder)
    exchange.write(new Uint8Array(1024 * 1024))
    exchange.pause('both')
    await turns()
    clock.advance(10_000)
    await turns()
    exchange.resume('both')
    await turns()
    clock.advance(99)
    await turns()
    expect(recorder.events).toEqual(['made'])
    clock.advance(1)
    expect(await ended(recorder)).toBe('timeout ERR_HTTP_BODY_TIMEOUT')
  })

  it('has a time for all of it, the wait for a connection included', async () => {
    const { connector, clock } = client({ totalTimeoutMs: 100, maxConnectionCount: 1 })
    const recorder = begin(await connector.connect())
    clock.advance(50)
    const waits = connector.connect()
    await turns()
    clock.advance(50)
    expect(await ended(recorder)).toBe('timeout ERR_HTTP_TIMEOUT')
    const second = begin(await waits)
    await turns()
    clock.advance(49)
    await turns()
    expect(second.events).toEqual(['made'])
    clock.advance(1)
    expect(await ended(second)).toBe('timeout ERR_HTTP_TIMEOUT')
    const hanging = client({ totalTimeoutMs: 100 }, true)
    const never = hanging.connector.connect().catch((error: unknown) => error)
    hanging.clock.advance(100)
    expect(await never).toMatchObject({ code: 'ERR_HTTP_TIMEOUT' })
  })

  it('gives connecting up in time', async () => {
    const { connector, clock, signals } = client({ connectTimeoutMs: 100 }, true)
    const never = connector.connect().catch((error: unknown) => error)
    clock.advance(100)
    expect(await never).toMatchObject({ code: 'ERR_CONNECT_TIMEOUT', phase: 'connect' })
    expect(signals.map(({ aborted }) => aborted)).toEqual([true])
  })
})

describe('close', () => {
  it('refuses who comes and who waits, closes what is idle, and lets run what runs', async () => {
    const { connector, peers } = client({ maxConnectionCount: 2 })
    const idle = begin(await connector.connect())
    const running = begin(await connector.connect())
    const waits = connector.connect().catch((error: unknown) => error)
    await turns()
    let isClosed = false
    const closed = connector.close().then(() => {
      isClosed = true
    })
    expect(await waits).toMatchObject({ code: 'ERR_CLOSED' })
    await expect(connector.connect()).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    peers[0]!.transport.write(ok())
    expect(await ended(idle)).toBe('closed')
    await peers[0]!.ended
    peers[0]!.transport.close()
    await turns()
    expect(isClosed).toBe(false)
    peers[1]!.transport.write(ok())
    expect(await ended(running)).toBe('closed')
    await peers[1]!.ended
    peers[1]!.transport.close()
    await closed
  })

  it('gives up what is still connecting, and aborts what outlasts its grace', async () => {
    const hanging = client({}, true)
    const never = hanging.connector.connect().catch((error: unknown) => error)
    await hanging.connector.close()
    expect([await never, hanging.signals[0]!.aborted]).toMatchObject([{ code: 'ERR_CLOSED' }, true])
    const { connector, clock } = client()
    const recorder = begin(await connector.connect())
    await turns()
    const closed = connector.close({ graceMs: 100 })
    clock.advance(100)
    await closed
    expect(await ended(recorder)).toBe('aborted ERR_ABORTED')
  })
})

it.each([['dropped', 'reset ERR_RESET'], ['ended', 'reset ERR_RESET'], ['no HTTP', 'protocol ERR_HTTP_BAD_STATUS_LINE']])('a connection that is %s while a body waits to be asked for leaves no timer', async (how, expected) => {
  const { connector, peers, clock } = client({ expectContinueMs: 60_000 })
  const recorder = begin(await connector.connect())
  await turns()
  const { transport } = peers[0]!
  if (how === 'dropped') transport.abort()
  else {
    if (how === 'no HTTP') transport.write('hello\r\n')
    transport.close()
  }
  expect(await ended(recorder)).toBe(expected)
  await connector.close()
  await turns()
  expect(clock.pendingCount).toBe(0)
})

it('a line without half-close serves as well, request after request', async () => {
  const { a, b } = memoryPair({ halfCloses: false })
  let connectionCount = 0
  httpServer({
    onExchange: (exchange) => {
      const parts: Uint8Array[] = []
      exchange.start({ dataReceived: (data) => void parts.push(data), eofReceived: () => (exchange.writeSequence(parts), exchange.halfClose()) })
    },
  })(b)
  const line: Connector<Transport<Stream>> = {
    connect: () => {
      connectionCount++
      return Promise.resolve(a)
    },
  }
  const connector = httpConnector(line, { maxConnectionCount: 1 })
  for (const body of ['first', 'second']) {
    const recorder = begin(await connector.connect(), body)
    await recorder.lost
    expect(recorder.events).toEqual(['made', `data ${body}`, 'eof', 'lost closed'])
  }
  await connector.close()
  expect(connectionCount).toBe(1)
})
