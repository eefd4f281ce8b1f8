/** Pipelining in the pool, against a server that the test plays: what goes ahead, what waits, and what becomes of the rest when something breaks. */
import { memoryPair, VirtualClock } from '@async/core/testing'
import { describe, expect, it } from 'vitest'
import { createFetch, type HttpClientExchange, type HttpConnector, httpConnector, type HttpConnectorOptions, type HttpRequestOptions } from '../src/index.ts'
import { Recorder } from './recorder.ts'

const turns = async (count = 20): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

interface World {
  readonly connector: HttpConnector
  readonly clock: VirtualClock
  /** The servers' ends, in the order of the connections. */
  readonly peers: Recorder[]
  /** Begins an exchange without a body. */
  ask(target: string, request?: HttpRequestOptions): Promise<Asked>
}

interface Asked {
  readonly exchange: HttpClientExchange
  readonly got: Recorder
}

const ok = (body: string, fields = ''): string => `HTTP/1.1 200 OK\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`

/** The targets that came on a connection, in order. */
const targets = (peer: Recorder | undefined): string[] =>
  (peer?.events ?? []).flatMap((event) => [...event.matchAll(/(?:GET|PUT|POST|DELETE|HEAD) \/(\S*) HTTP/g)].map((match) => match[1]!))

function client(options: HttpConnectorOptions = {}): World {
  const clock = new VirtualClock()
  const peers: Recorder[] = []
  const connector = httpConnector({
    connect: () => {
      const { a, b } = memoryPair({ clock })
      const peer = new Recorder()
      b.start(peer)
      peers.push(peer)
      return Promise.resolve(a)
    },
  }, { clock, method: 'GET', maxConnectionCount: 1, maxPipelinedCount: 4, ...options })
  const ask = async (target: string, request: HttpRequestOptions = {}): Promise<Asked> => {
    const exchange = await connector.exchange({ target: `/${target}`, ...request })
    const got = new Recorder()
    exchange.start(got)
    exchange.halfClose()
    return { exchange, got }
  }
  return { connector, clock, peers, ask }
}

/** With a connection that is known to be kept, and idle. */
async function kept(options: HttpConnectorOptions = {}): Promise<World> {
  const world = client(options)
  const { got } = await world.ask('first')
  await turns()
  world.peers[0]!.transport.write(ok('1'))
  await got.lost
  await turns()
  world.peers[0]!.events.splice(1)
  return world
}

const ending = async ({ got }: Asked): Promise<string> => {
  const reason = await got.lost
  return 'error' in reason ? `${reason.kind} ${(reason.error as { code?: string }).code}` : reason.kind
}
const answered = (body: string): string[] => ['made', `data ${body}`, 'eof', 'lost closed']

describe('requests', () => {
  it('go ahead of the responses to those before them, at most as many as are allowed, and are answered in order', async () => {
    const { peers, ask } = await kept()
    const asked = await Promise.all(['a', 'b', 'c', 'd'].map((each) => ask(each)))
    const waits = ask('e')
    await turns()
    expect(targets(peers[0])).toEqual(['a', 'b', 'c', 'd'])
    peers[0]!.transport.write(ok('A') + ok('BB').slice(0, 20))
    await turns()
    expect(asked.map(({ got }) => got.events.length)).toEqual([4, 1, 1, 1])
    // One is answered, so there is a place.
    expect(targets(peers[0])).toEqual(['a', 'b', 'c', 'd', 'e'])
    peers[0]!.transport.write(ok('BB').slice(20) + ok('C') + ok('') + ok('E'))
    await turns()
    expect(asked.map(({ got }) => got.events)).toEqual([answered('A'), answered('BB'), answered('C'), ['made', 'eof', 'lost closed']])
    expect((await waits).got.events).toEqual(answered('E'))
    expect(peers.length).toBe(1)
  })

  it('wait for the first response on a connection, which tells whether it is kept', async () => {
    for (const [head, expected] of [
      ['HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n', ['a', 'b', 'c']],
      ['HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 9\r\n\r\n', ['a']],
      ['HTTP/1.1 200 OK\r\n\r\n', ['a']],
      ['HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 9\r\n\r\n', ['a']],
    ] as const) {
      const { peers, ask } = client()
      for (const each of ['a', 'b', 'c']) void ask(each)
      await turns()
      expect(targets(peers[0])).toEqual(['a'])
      peers[0]!.transport.write(head)
      await turns()
      expect(targets(peers[0])).toEqual(expected)
    }
  })

  it('go on a connection of their own while one can be had, and then where the fewest are', async () => {
    const { peers, ask } = await kept({ maxConnectionCount: 2 })
    for (const each of ['a', 'b']) void ask(each)
    await turns()
    expect(peers.map(targets)).toEqual([['a'], ['b']])
    peers[1]!.transport.write(ok('B'))
    await turns()
    for (const each of ['c', 'd', 'e', 'f']) {
      void ask(each)
      await turns()
    }
    expect(peers.map(targets)).toEqual([['a', 'd', 'f'], ['b', 'c', 'e']])
  })

  it.each([
    ['a POST', { method: 'POST' }], ['a PUT', { method: 'PUT' }], ['an offer', { headers: [['Connection', 'upgrade'], ['Upgrade', 'chat']] }],
    ['a CONNECT', { method: 'CONNECT', target: 'h:1', host: 'h:1' }], ['an expectation', { expectContinueMs: 5 }], ['one that is alone', { alone: true }],
    ['the last', { headers: [['Connection', 'close']] }], ['a GET with a length', { headers: [['Content-Length', '0']] }],
  ] as const)('wait: %s, and what comes later waits behind it', async (_, request) => {
    const { peers, ask } = await kept()
    void ask('a')
    await turns()
    void ask('b', request)
    void ask('c')
    await turns()
    expect(targets(peers[0])).toEqual(['a'])
    peers[0]!.transport.write(ok('A'))
    await turns()
    const sent = peers[0]!.events.join('')
    expect(sent.includes('/b ') || sent.includes('CONNECT')).toBe(true)
  })

  it('do not go behind what may not run twice before its response has begun, nor behind an unfinished one', async () => {
    for (const [request, isLed] of [[{ method: 'POST' }, false], [{ method: 'PUT' }, true], [{ method: 'DELETE' }, true], [{ alone: true }, false]] as const) {
      const { peers, ask, connector } = await kept()
      const exchange = await connector.exchange({ target: '/a', ...request })
      exchange.start(new Recorder())
      if ('method' in request && request.method !== 'DELETE') exchange.write('x')
      void ask('b')
      await turns()
      expect(targets(peers[0])).toEqual(['a'])
      exchange.halfClose()
      await turns()
      expect(targets(peers[0])).toEqual(isLed ? ['a', 'b'] : ['a'])
      peers[0]!.transport.write(ok('A').slice(0, -1))
      await turns()
      expect(targets(peers[0])).toEqual(['a', 'b'])
    }
  })

  it('with a body after all wait for their turn, and are then sent whole', async () => {
    const { peers, ask, connector } = await kept()
    await ask('a')
    const exchange = await connector.exchange({ target: '/b' })
    const got = new Recorder()
    exchange.start(got)
    exchange.write('x')
    await turns()
    exchange.write('yz')
    exchange.halfClose()
    await turns()
    expect([targets(peers[0]), exchange.queuedBytes]).toEqual([['a'], 3])
    peers[0]!.transport.write(ok('A'))
    await turns()
    expect(peers[0]!.events.at(-1)).toMatch(/GET \/b HTTP\/1\.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nxyz$/)
    peers[0]!.transport.write(ok('B'))
    expect((await got.lost).kind).toBe('closed')
  })

  it('whose writes are held when their turn comes send nothing until they are not', async () => {
    const { peers, ask, connector } = await kept()
    await ask('a')
    const exchange = await connector.exchange({ target: '/b' })
    exchange.start(new Recorder())
    exchange.write('x')
    await turns()
    exchange.pause()
    peers[0]!.transport.write(ok('A'))
    await turns()
    expect(targets(peers[0])).toEqual(['a'])
    exchange.resume()
    await turns()
    expect(peers[0]!.events.at(-1)).toMatch(/GET \/b HTTP\/1\.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n$/)
    exchange.sendTrailers([['x-sum', '1']])
    exchange.halfClose()
    await turns()
    expect(peers[0]!.events.at(-1)).toMatch(/0\r\nx-sum: 1\r\n\r\n$/)
  })

  it('whose writes are held are sent whole when they are ended in their turn', async () => {
    for (const end of ['halfClose', 'close'] as const) {
      const { peers, ask, connector } = await kept()
      await ask('a')
      const exchange = await connector.exchange({ target: '/b' })
      exchange.start(new Recorder())
      exchange.write('x')
      await turns()
      exchange.pause()
      peers[0]!.transport.write(ok('A'))
      await turns()
      exchange[end]()
      await turns()
      expect(peers[0]!.events.at(-1)).toMatch(/GET \/b HTTP\/1\.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx$/)
    }
  })

  it('that nobody completes hold nobody up but those behind them, and get the head sent when their turn comes', async () => {
    const { peers, ask, connector } = await kept()
    const first = await ask('a')
    const exchange = await connector.exchange({ target: '/b' })
    exchange.start(new Recorder())
    void ask('c')
    await turns()
    expect(targets(peers[0])).toEqual(['a'])
    peers[0]!.transport.write(ok('A'))
    await first.got.lost
    await turns()
    expect(targets(peers[0])).toEqual(['a', 'b'])
    exchange.abort()
    await turns()
    expect(peers.map(targets)).toEqual([['a', 'b'], ['c']])
  })

  it('are held back by a response that nobody reads', async () => {
    const { peers, ask } = await kept()
    const first = await ask('a')
    first.exchange.pause('read')
    const second = await ask('b')
    await turns()
    peers[0]!.transport.write(ok('A') + ok('B'))
    await turns()
    expect([first.got.events, second.got.events]).toEqual([['made'], ['made']])
    first.exchange.resume('read')
    await turns()
    expect([first.got.events, second.got.events]).toEqual([answered('A'), answered('B')])
  })

  it('count among those that wait, up to the limit', async () => {
    const { ask, connector } = await kept({ maxPipelinedCount: 2, maxWaitingCount: 1 })
    for (const each of ['a', 'b']) {
      void ask(each)
      await turns()
    }
    const waits = connector.connect()
    await expect(connector.connect()).rejects.toMatchObject({ code: 'ERR_HTTP_POOL_FULL' })
    void waits
  })
})

describe('when the connection ends', () => {
  /** Three in the pipeline, and what the server then does; what was sent again is answered on the second connection. */
  const after = async (play: (peer: Recorder) => void, options: HttpConnectorOptions = {}): Promise<{ ends: string[]; sent: string[][]; bodies: string[][] }> => {
    const { peers, ask, connector } = await kept(options)
    const asked = await Promise.all(['a', 'b', 'c'].map((each) => ask(each)))
    await turns()
    play(peers[0]!)
    for (let i = 0; i < 5; i++) {
      await turns()
      for (const peer of peers.slice(1)) {
        const due = targets(peer).length - peer.events.filter((event) => event === 'answered').length
        for (let at = 0; at < due; at++) {
          peer.events.push('answered')
          peer.transport.write(ok('again'))
        }
      }
    }
    void connector.close({ graceMs: 0 })
    return { ends: await Promise.all(asked.map(ending)), sent: peers.map(targets), bodies: asked.map(({ got }) => got.events.filter((event) => event.startsWith('data '))) }
  }
  const again = ['data again']

  it('with a response that says so, those behind it are sent again, one after the other on a new one', async () => {
    const { ends, sent, bodies } = await after((peer) => (peer.transport.write(ok('A', 'Connection: close\r\n')), peer.transport.close()))
    expect(ends).toEqual(['closed', 'closed', 'closed'])
    expect(sent).toEqual([['a', 'b', 'c'], ['b', 'c']])
    expect(bodies).toEqual([['data A'], again, again])
  })

  it('between two responses, those that got none are sent again', async () => {
    for (const play of [
      (peer: Recorder) => (peer.transport.write(ok('A')), peer.transport.close()),
      (peer: Recorder) => (peer.transport.write(ok('A')), peer.transport.halfClose()),
      (peer: Recorder) => {
        peer.transport.write(ok('A'))
        setImmediate(() => peer.transport.abort())
      },
    ]) {
      const { ends, sent, bodies } = await after(play)
      expect(ends).toEqual(['closed', 'closed', 'closed'])
      expect(sent).toEqual([['a', 'b', 'c'], ['b', 'c']])
      expect(bodies).toEqual([['data A'], again, again])
    }
  })

  it('before any response, the first says that it can be sent again, and the others are', async () => {
    for (const play of [(peer: Recorder) => peer.transport.close(), (peer: Recorder) => peer.transport.abort()]) {
      const { ends, sent, bodies } = await after(play)
      expect(ends).toEqual(['reset ERR_RESET', 'closed', 'closed'])
      expect(sent).toEqual([['a', 'b', 'c'], ['b', 'c']])
      expect(bodies).toEqual([[], again, again])
    }
  })

  it.each([
    ['in the middle of a response', ok('AA').slice(0, -1), ['truncated ERR_TRUNCATED', 'closed', 'closed'], ['b', 'c']],
    ['in the middle of the second', ok('A') + ok('BB').slice(0, -1), ['closed', 'truncated ERR_TRUNCATED', 'closed'], ['c']],
    ['in the head of the second', `${ok('A')}HTTP`, ['closed', 'truncated ERR_TRUNCATED', 'closed'], ['c']],
  ])('%s, that one fails and those behind it are sent again', async (_, text, expected, resent) => {
    const { ends, sent } = await after((peer) => (peer.transport.write(text), peer.transport.close()))
    expect(ends).toEqual(expected)
    expect(sent).toEqual([['a', 'b', 'c'], resent])
  })

  it.each([
    ['what is no HTTP', 'nonsense\r\n\r\n', 'protocol ERR_HTTP_BAD_STATUS_LINE', ['b', 'c']],
    ['a switch', 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: chat\r\n\r\n', 'protocol ERR_HTTP_UNEXPECTED_RESPONSE', ['b', 'c']],
    ['a limit', `HTTP/1.1 200 OK\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`, 'limit ERR_HTTP_HEADER_TOO_LARGE', ['b', 'c']],
    ['a status that is no success, and longer than its excerpt', `HTTP/1.1 404 No\r\nContent-Length: 2000\r\n\r\n${'x'.repeat(1500)}`, 'protocol ERR_HTTP_STATUS', ['b', 'c']],
  ])('because of %s, the same', async (_, text, expected, resent) => {
    const { ends, sent } = await after((peer) => peer.transport.write(text))
    expect(ends).toEqual([expected, 'closed', 'closed'])
    expect(sent).toEqual([['a', 'b', 'c'], resent])
  })

  it('a status that is no success, and short, ends nothing else', async () => {
    const { ends, sent } = await after((peer) => peer.transport.write(`HTTP/1.1 404 No\r\nContent-Length: 2\r\n\r\nno${ok('B')}${ok('C')}`))
    expect(ends).toEqual(['protocol ERR_HTTP_STATUS', 'closed', 'closed'])
    expect(sent).toEqual([['a', 'b', 'c']])
  })

  it('with more than was asked for, nothing is lost, and the connection is not used again', async () => {
    const { peers, ask } = await kept()
    const asked = await Promise.all(['a', 'b'].map((each) => ask(each)))
    await turns()
    peers[0]!.transport.write(ok('A') + ok('B') + ok('C'))
    expect(await Promise.all(asked.map(ending))).toEqual(['closed', 'closed'])
    await turns()
    void ask('d')
    await turns()
    expect(peers.map(targets)).toEqual([['a', 'b'], ['d']])
    expect(peers[0]!.events.at(-1)).toMatch(/lost/)
  })

  it('once more, they are not sent a third time', async () => {
    const { peers, ask } = await kept()
    const asked = await Promise.all(['a', 'b', 'c'].map((each) => ask(each)))
    await turns()
    for (let i = 0; i < 3; i++) {
      peers[i]!.transport.abort()
      await turns()
    }
    expect(await Promise.all(asked.map(ending))).toEqual(['reset ERR_RESET', 'reset ERR_RESET', 'reset ERR_RESET'])
    expect(peers.map(targets)).toEqual([['a', 'b', 'c'], ['b'], ['c']])
    expect(asked.map(({ exchange }) => exchange.retriable)).toEqual([true, false, false])
  })

  it('and no other can be made, they fail, and say why', async () => {
    let isDown = false
    const peer = new Recorder()
    const connector = httpConnector({
      connect: () => {
        if (isDown) return Promise.reject(new Error('down'))
        const { a, b } = memoryPair()
        b.start(peer)
        return Promise.resolve(a)
      },
    }, { method: 'GET', maxConnectionCount: 1, maxPipelinedCount: 4 })
    const ask = async (): Promise<Asked> => {
      const exchange = await connector.connect()
      const got = new Recorder()
      exchange.start(got)
      exchange.halfClose()
      return { exchange, got }
    }
    const first = await ask()
    await turns()
    peer.transport.write(ok('1'))
    await first.got.lost
    const asked = await Promise.all([ask(), ask()])
    await turns()
    isDown = true
    peer.transport.write(ok('2'))
    peer.transport.close()
    expect(await ending(asked[0]!)).toBe('closed')
    expect(await asked[1]!.got.lost).toMatchObject({ kind: 'reset', error: { code: 'ERR_RESET', cause: { message: 'down' } } })
  })

  it('what was not sent is simply sent elsewhere', async () => {
    const { peers, ask, connector } = await kept()
    await ask('a')
    const exchange = await connector.exchange({ target: '/b' })
    const got = new Recorder()
    exchange.start(got)
    exchange.write('x')
    await turns()
    peers[0]!.transport.abort()
    await turns()
    exchange.halfClose()
    await turns()
    expect(peers.map(targets)).toEqual([['a'], ['b']])
    expect(exchange.reused).toBe(false)
    peers[1]!.transport.write(ok('B'))
    await got.lost
    expect(got.events).toEqual(answered('B'))
  })
})

describe('what ends one exchange', () => {
  it('that is first ends the connection, and those behind it are sent again', async () => {
    const { peers, ask } = await kept()
    const asked = await Promise.all(['a', 'b', 'c'].map((each) => ask(each)))
    await turns()
    asked[0]!.exchange.abort()
    await turns()
    expect(peers.map(targets)).toEqual([['a', 'b', 'c'], ['b']])
    peers[1]!.transport.write(ok('B'))
    await turns()
    expect(peers.map(targets)).toEqual([['a', 'b', 'c'], ['b', 'c']])
    expect(await ending(asked[0]!)).toBe('aborted ERR_ABORTED')
  })

  it('that is behind lets those before it end, and those behind it are sent again', async () => {
    for (const end of ['abort', 'close'] as const) {
      const { peers, ask, clock } = await kept({ maxConnectionCount: 2 })
      // Another connection, so that there is one to be had.
      void ask('x', { alone: true })
      void ask('y', { alone: true })
      await turns()
      peers[0]!.transport.write(ok('X'))
      await turns()
      const asked = await Promise.all(['a', 'b', 'c'].map((each) => ask(each)))
      await turns()
      asked[1]!.exchange[end]()
      if (end === 'close') clock.advance(60_000)
      await turns()
      peers[1]!.transport.write(ok('Y'))
      await turns()
      expect(peers.map(targets)).toEqual([['x', 'a', 'b', 'c'], ['y', 'c']])
      void ask('d')
      peers[0]!.transport.write(ok('A') + ok('B').slice(0, -1))
      expect(await ending(asked[0]!)).toBe('closed')
      expect(await ending(asked[1]!)).toBe(end === 'close' ? 'closed' : 'aborted ERR_ABORTED')
      await turns()
      // What nobody waits for is not read to its end.
      expect(peers[0]!.events.at(-1)).toMatch(/lost/)
      peers[1]!.transport.write(ok('C'))
      expect(await ending(asked[2]!)).toBe('closed')
    }
  })

  it('that is behind and was not sent, nothing', async () => {
    const { peers, ask, connector } = await kept()
    const first = await ask('a')
    const exchange = await connector.exchange({ target: '/b' })
    const third = ask('c')
    exchange.abort()
    await turns()
    expect(targets(peers[0])).toEqual(['a', 'c'])
    peers[0]!.transport.write(ok('A') + ok('C'))
    expect([await ending(first), await ending(await third)]).toEqual(['closed', 'closed'])
    expect(peers.length).toBe(1)
  })

  it('that waits to be sent again, nothing', async () => {
    const { peers, ask, clock } = await kept()
    const asked = await Promise.all(['a', 'b', 'c'].map((each) => ask(each)))
    await turns()
    peers[0]!.transport.abort()
    await turns()
    // b has the new connection.
    asked[2]!.exchange.pause('read')
    asked[2]!.exchange.abort()
    await turns()
    peers[1]!.transport.write(ok('B'))
    expect(await Promise.all(asked.map(ending))).toEqual(['reset ERR_RESET', 'closed', 'aborted ERR_ABORTED'])
    await turns()
    clock.advance(10_000)
    await turns()
    expect(clock.pendingCount).toBe(0)
  })
})

describe('time', () => {
  it('for the head runs from an exchange\'s turn on', async () => {
    const { peers, ask, clock } = await kept({ headTimeoutMs: 100 })
    const asked = await Promise.all(['a', 'b', 'c'].map((each) => ask(each)))
    await turns()
    clock.advance(99)
    peers[0]!.transport.write(ok('A'))
    await turns()
    clock.advance(99)
    await turns()
    expect(asked.map(({ got }) => got.events.length)).toEqual([4, 1, 1])
    clock.advance(1)
    await turns()
    expect(await ending(asked[1]!)).toBe('timeout ERR_HTTP_HEAD_TIMEOUT')
    expect(peers.map(targets)).toEqual([['a', 'b', 'c'], ['c']])
  })

  it('for all of it runs always', async () => {
    const { ask, clock } = await kept({ totalTimeoutMs: 100 })
    const first = await ask('a')
    clock.advance(50)
    const second = await ask('b')
    clock.advance(50)
    expect(await ending(first)).toBe('timeout ERR_HTTP_TIMEOUT')
    await turns()
    clock.advance(50)
    expect(await ending(second)).toBe('timeout ERR_HTTP_TIMEOUT')
  })

  it('of grace holds for all of them, and nothing is sent again then', async () => {
    const { peers, ask, clock, connector } = await kept()
    const asked = await Promise.all(['a', 'b', 'c'].map((each) => ask(each)))
    await turns()
    const closed = connector.close({ graceMs: 100 })
    peers[0]!.transport.write(ok('A'))
    await turns()
    clock.advance(100)
    expect(await Promise.all(asked.map(ending))).toEqual(['closed', 'reset ERR_RESET', 'reset ERR_RESET'])
    await closed
    expect(peers.length).toBe(1)
    expect(clock.pendingCount).toBe(0)
  })
})

it('is out of range below 1, and off without the option', async () => {
  expect(() => client({ maxPipelinedCount: 0 })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  const { peers, ask } = await kept({ maxPipelinedCount: 1 })
  for (const each of ['a', 'b']) void ask(each)
  await turns()
  expect(targets(peers[0])).toEqual(['a'])
})

it('serves fetch: a signal ends one, and the others get what they asked for', async () => {
  const peers: Recorder[] = []
  const ours = createFetch(() => ({
    connect: () => {
      const { a, b } = memoryPair()
      const peer = new Recorder()
      let isSlow = false
      peer.onData = (data) => {
        for (const [, target] of new TextDecoder().decode(data).matchAll(/GET \/(\S*) HTTP/g)) {
          isSlow ||= target === 'slow'
          if (!isSlow) b.write(ok(target!))
        }
      }
      b.start(peer)
      peers.push(peer)
      return Promise.resolve(a)
    },
  }), { maxConnectionCount: 1, maxPipelinedCount: 8 })
  await (await ours('http://a.test/first')).text()
  const control = new AbortController()
  const slow = ours('http://a.test/slow', { signal: control.signal }).catch((error: unknown) => error)
  const others = Promise.all(['a', 'b', 'c'].map(async (each) => (await ours(`http://a.test/${each}`)).text()))
  await turns()
  control.abort(new Error('enough'))
  expect(await slow).toMatchObject({ message: 'enough' })
  expect(await others).toEqual(['a', 'b', 'c'])
  expect(peers.map(targets)).toEqual([['first', 'slow', 'a', 'b', 'c'], ['a', 'b', 'c']])
  await ours.close({ graceMs: 0 })
})

describe('a request that says that it is idempotent', () => {
  /** Begins one with a body, whole or not, of bytes that are its writer's again behind the turn. */
  async function post({ connector }: World, target: string, body: string, more: { readonly idempotent?: boolean; readonly ends?: boolean } = {}): Promise<Asked> {
    const exchange = await connector.exchange({ method: 'POST', target: `/${target}`, idempotent: more.idempotent ?? true })
    const got = new Recorder()
    exchange.start(got)
    const bytes = Buffer.from(body)
    exchange.write(bytes)
    if (more.ends !== false) exchange.halfClose()
    await turns()
    bytes.fill('-')
    return { exchange, got }
  }
  const bodies = (peer: Recorder | undefined): string[] => [...(peer?.events ?? []).join('').matchAll(/\r\n\r\n([^P]*)/g)].map((match) => match[1]!.replaceAll('data ', ''))

  it('goes ahead with its body, if that is complete', async () => {
    const world = await kept()
    const { peers } = world
    const asked = [await post(world, 'a', 'one'), await post(world, 'b', 'two'), await post(world, 'c', 'three', { ends: false })]
    const later = post(world, 'd', 'four')
    await turns()
    expect(targets(peers[0])).toEqual(['a', 'b'])
    expect(bodies(peers[0])).toEqual(['one', 'two'])
    peers[0]!.transport.write(ok('A') + ok('B'))
    await turns()
    asked[2]!.exchange.halfClose()
    asked.push(await later)
    expect(targets(peers[0])).toEqual(['a', 'b', 'c', 'd'])
    expect(bodies(peers[0]).slice(0, 2)).toEqual(['one', 'two'])
    expect(bodies(peers[0])[3]).toBe('four')
    peers[0]!.transport.write(ok('C') + ok('D'))
    await turns()
    expect(asked.map(({ got }) => got.events)).toEqual([answered('A'), answered('B'), answered('C'), answered('D')])
  })

  it('is sent again with its body, whatever its writer did with the bytes since', async () => {
    const world = await kept()
    const { peers } = world
    const asked = [await post(world, 'a', 'one'), await post(world, 'b', 'two'), await post(world, 'c', 'three')]
    expect(bodies(peers[0])).toEqual(['one', 'two', 'three'])
    peers[0]!.transport.write(ok('A'))
    await turns()
    peers[0]!.transport.abort()
    await turns()
    expect(targets(peers[1])).toEqual(['b'])
    peers[1]!.transport.write(ok('B'))
    await turns()
    peers[1]!.transport.write(ok('C'))
    await turns()
    expect(bodies(peers[1])).toEqual(['two', 'three'])
    expect(asked.map(({ got }) => got.events)).toEqual([answered('A'), answered('B'), answered('C')])
  })

  it('waits for its turn with a body above 64 KiB, which would have to be kept', async () => {
    const world = await kept()
    await post(world, 'a', 'one')
    await post(world, 'b', 'x'.repeat(64 * 1024 + 1))
    expect(targets(world.peers[0])).toEqual(['a'])
  })

  it('is not pipelined where it says that it is not', async () => {
    const { peers, ask } = await kept()
    void ask('a')
    void ask('b', { idempotent: false })
    void ask('c')
    await turns()
    expect(targets(peers[0])).toEqual(['a'])
  })
})
