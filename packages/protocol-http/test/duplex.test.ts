import { type Connector, type Data, type Messages, type StreamTransport, stack, type Transport } from '@async/core'
import type { TransportOptions } from '@async/core/base'
import { memoryPair, seededRandom, VirtualClock, withFaults } from '@async/core/testing'
import { describe, expect, it } from 'vitest'
import { httpConnector, httpDuplexConnector, type HttpDuplexOptions, httpDuplexServer, type HttpDuplexServerOptions, httpServer } from '../src/index.ts'
import { encodeEvent, EventReader } from '../src/duplex-events.ts'

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

interface Side {
  readonly transport: Transport<Messages>
  readonly got: Data[]
  readonly reason: Promise<string>
}

function begin(transport: Transport<Messages>): Side {
  const got: Data[] = []
  const side = { transport, got, reason: transport.closed.then((reason) => ('error' in reason ? `${reason.kind} ${(reason.error as { code?: string }).code}` : `${reason.kind} ${'by' in reason ? reason.by : ''}`)) }
  transport.start({ dataReceived: (data) => void got.push(data), eofReceived: () => {} })
  return side
}

interface World {
  readonly client: Side
  readonly server: Side
  readonly sessions: { readonly sessionCount: number; close(): Promise<void> }
  readonly requests: string[]
  /** Ends of the server's connections. */
  readonly connections: StreamTransport[]
  readonly connect: Connector<Transport<Messages>>['connect']
  /** Another request for the response of the session: the status that it gets. */
  readonly late: (lastId: number) => Promise<string>
}

/** A server and a client in memory. `spoil` may put something between the two ends of a connection, or refuse it. */
async function world(options: { server?: Partial<HttpDuplexServerOptions>; client?: HttpDuplexOptions; clock?: VirtualClock; exchanges?: TransportOptions; spoil?: (below: StreamTransport) => StreamTransport } = {}): Promise<World> {
  const requests: string[] = []
  const connections: StreamTransport[] = []
  const own = options.clock === undefined ? {} : { clock: options.clock }
  const made: Transport<Messages>[] = []
  let id = ''
  const sessions = httpDuplexServer({ ...own, onTransport: (transport) => void made.push(transport), ...options.server })
  const serve = httpServer({
    ...own,
    ...options.exchanges,
    onError: () => {},
    onExchange: (exchange) => {
      id = exchange.request.headers.find(([name]) => name === 'duplex-session')?.[1] ?? id
      requests.push(`${exchange.request.method} ${exchange.request.headers.find(([name]) => name === 'last-event-id')?.[1] ?? ''}`.trim())
      sessions(exchange)
    },
  })
  const spoil = options.spoil ?? ((below: StreamTransport) => below)
  const http = httpConnector({
    connect: async () => {
      const { a, b } = memoryPair(own)
      connections.push(b)
      const spoilt = spoil(a)
      serve(b)
      return spoilt
    },
  }, { ...own, ...options.exchanges })
  const late = async (lastId: number): Promise<string> => {
    const exchange = await http.exchange({ method: 'GET', headers: [['Duplex-Session', id], ['Last-Event-ID', String(lastId)]], deliver: 'any' })
    exchange.halfClose()
    const { status } = await exchange.response
    exchange.close()
    return String(status)
  }
  const connector = httpDuplexConnector(http, { ...own, retryMs: [1, 5], ...options.client })
  let transport: Transport<Messages> | undefined
  while (transport === undefined) transport = await connector.connect().catch(() => undefined)
  return { client: begin(transport), server: begin(made.at(-1)!), sessions, requests, connections, connect: (given) => connector.connect(given), late }
}

describe('a session', () => {
  it('carries texts and bytes as they are, both ways', async () => {
    const { client, server } = await world()
    const messages: Data[] = ['', 'text', 'two\nlines\n', 'with\r\na return', '\n\n', ' id: 7', ':', 'ümläut 🎈', new Uint8Array([0, 255, 10, 13]), new Uint8Array(0)]
    for (const side of [client, server]) side.transport.writeSequence(messages)
    while (client.got.length < messages.length || server.got.length < messages.length) await turn()
    expect([client.got, server.got]).toEqual([messages, messages])
    client.transport.close()
    expect([await client.reason, await server.reason]).toEqual(['closed local', 'closed peer'])
  })

  it.each(['stream', 'poll'] as const)('carries a message that is longer than an exchange may queue, by %s', async (mode) => {
    const { client, server } = await world({ client: { mode }, exchanges: { maxQueuedBytes: 256 * 1024 } })
    const long = new Uint8Array(1024 * 1024).map((_, i) => i % 251)
    for (const [from, to] of [[client, server], [server, client]] as const) {
      from.transport.write('before')
      from.transport.write(long)
      from.transport.write('after')
      while (to.got.length < 3) await turn()
      expect([to.got[0], to.got[2]]).toEqual(['before', 'after'])
      expect(Buffer.compare(to.got[1] as Uint8Array, long)).toBe(0)
    }
    client.transport.abort()
  })

  it.each(['stream', 'poll'] as const)('carries messages for which an exchange has no room at the moment, by %s', async (mode) => {
    const { client, server } = await world({ client: { mode }, exchanges: { maxQueuedBytes: 65_536 } })
    for (const [from, to] of [[client, server], [server, client]] as const) {
      to.transport.pause('read')
      for (let i = 0; i < 12; i++) {
        // Characters, of which each is three bytes in some.
        from.transport.write((i % 3 === 0 ? '\u20ac' : 'x').repeat(20_000 + i * 3000))
        if (i % 4 === 0) await turn()
      }
      for (let i = 0; i < 20; i++) await turn()
      to.transport.resume('read')
      while (to.got.length < 12) await turn()
      expect(to.got.map((message) => message.length)).toEqual(Array.from({ length: 12 }, (_, i) => 20_000 + i * 3000))
    }
    client.transport.close()
    expect([await client.reason, await server.reason]).toEqual(['closed local', 'closed peer'])
  })

  it('sends the messages of a turn in one request, and waits for nothing else', async () => {
    const { client, server, requests } = await world()
    client.transport.write('a')
    client.transport.write('b')
    while (server.got.length < 2) await turn()
    expect(requests.filter((request) => request === 'POST').length).toBe(2)
    expect(requests[0]).toBe('POST')
    client.transport.abort()
    expect(await server.reason).toBe('reset ERR_RESET')
  })

  it('has an id that nobody guesses, and knows no other', async () => {
    const { connections, client } = await world()
    const replies: string[] = []
    const raw = memoryPair()
    const duplex = httpDuplexServer({ onTransport: () => {} })
    httpServer({ onExchange: duplex })(raw.b)
    raw.a.start({ dataReceived: (data) => void replies.push(new TextDecoder().decode(data)) })
    raw.a.write('POST / HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\nDuplex-Session: 1\r\nLast-Event-ID: 0\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nPUT / HTTP/1.1\r\nHost: a\r\n\r\n')
    while ((replies.join('').match(/HTTP\/1\.1/g) ?? []).length < 5) await turn()
    expect([...replies.join('').matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)).toEqual(['201', '201', '404', '400', '405'])
    const ids = [...replies.join('').matchAll(/Duplex-Session: ([0-9a-f]{48})\r\n/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(2)
    expect(connections.length).toBeGreaterThan(0)
    client.transport.abort()
    raw.a.abort()
    await duplex.close({ timeoutMs: 0 })
  })

  it('ends a close with all that was written, and an abort without', async () => {
    const { client, server } = await world()
    server.transport.write('last')
    server.transport.close()
    expect([await server.reason, await client.reason]).toEqual(['closed local', 'closed peer'])
    expect(client.got).toEqual(['last'])
    const other = await world()
    other.server.transport.abort()
    expect(await other.client.reason).toBe('reset ERR_RESET')
    expect(other.sessions.sessionCount).toBe(0)
  })

  it('are so many at a time, and are closed with the server', async () => {
    const { client, sessions, connect } = await world({ server: { maxSessionCount: 1 } })
    await expect(connect()).rejects.toMatchObject({ code: 'ERR_HTTP_NO_DUPLEX', phase: 'connect', message: 'the server opened no session: it answered 503' })
    await sessions.close()
    expect(await client.reason).toBe('closed peer')
    await expect(connect()).rejects.toMatchObject({ code: 'ERR_HTTP_NO_DUPLEX' })
  })

  it('refuses a message that is too long, on either side', async () => {
    const up = await world({ server: { maxMessageBytes: 10 } })
    up.client.transport.write('0123456789')
    up.client.transport.write('0123456789a')
    expect(await up.server.reason).toBe('limit ERR_MESSAGE_TOO_LONG')
    expect([up.server.got, await up.client.reason]).toEqual([['0123456789'], 'reset ERR_RESET'])
    const down = await world({ client: { maxMessageBytes: 10 } })
    down.server.transport.write(new Uint8Array(11))
    expect(await down.client.reason).toBe('limit ERR_MESSAGE_TOO_LONG')
    expect(await down.server.reason).toBe('reset ERR_RESET')
  })
})

describe('a session whose connections break', () => {
  it.each(['stream', 'poll'] as const)('loses nothing and doubles nothing, by %s', async (mode) => {
    for (let seed = 1; seed <= 5; seed++) {
      const random = seededRandom(seed)
      const spoil = (below: StreamTransport): StreamTransport => {
        const at = 100 + random.below(1500)
        return stack(below, withFaults(random.below(2) === 0 ? { cutAt: at } : { resetAt: at }))
      }
      const { client, server, connections } = await world({ spoil, client: { mode } })
      // What the server receives breaks as well, at any time.
      const wanted = Array.from({ length: 200 }, (_, i) => `message ${i} ${'x'.repeat(random.below(60))}`)
      for (const message of wanted) {
        client.transport.write(message)
        server.transport.write(message)
        if (random.below(4) === 0) await turn()
        if (random.below(20) === 0) random.pick(connections).abort()
      }
      while (client.got.length < wanted.length || server.got.length < wanted.length) {
        await turn()
        if (random.below(200) === 0) random.pick(connections).abort()
      }
      expect([client.got, server.got]).toEqual([wanted, wanted])
      expect(connections.length).toBeGreaterThan(5)
      client.transport.abort()
      await server.reason
    }
  })

  it('goes on behind what was delivered, and asks for it by its number', async () => {
    const { client, server, requests, connections } = await world()
    server.transport.write('1')
    server.transport.write('2')
    while (client.got.length < 2) await turn()
    for (const connection of connections) connection.abort()
    server.transport.write('3')
    while (client.got.length < 3) await turn()
    expect(client.got).toEqual(['1', '2', '3'])
    expect(requests.filter((request) => request.startsWith('GET'))).toEqual(['GET 0', 'GET 2'])
    client.transport.abort()
  })

  it.each([[0, 0], [0, 1], [2, 0]])('refuses a GET that was on its way for too long, and goes on without it: %i unread, %i on the way', async (later, between) => {
    const { client, server, requests, sessions, late } = await world()
    for (const message of ['1', '2', '3']) server.transport.write(message)
    while (client.got.length < 3) await turn()
    // What the client posts says what it has.
    client.transport.write('heard')
    while (server.got.length < 1) await turn()
    for (let i = 0; i < later; i++) server.transport.write(`later ${i}`)
    for (let i = 0; i < between; i++) await turn()
    expect(await late(1)).toBe('409')
    server.transport.write('last')
    while (client.got.at(-1) !== 'last') await turn()
    expect(client.got.length).toBe(4 + later)
    expect([sessions.sessionCount, requests.filter((request) => request.startsWith('GET'))]).toEqual([1, ['GET 0', 'GET 1']])
    expect(await late(99)).toBe('409')
    expect([await client.reason, await server.reason]).toEqual(['reset ERR_RESET', 'reset ERR_RESET'])
  })

  it('is lost on both sides when the window is over', async () => {
    let dead = false
    const clock = new VirtualClock()
    const spoil = (below: StreamTransport): StreamTransport => {
      if (dead) throw new Error('no way')
      return below
    }
    const { client, server, connections, sessions } = await world({ clock, spoil, server: { resumeWindowMs: 1000, heartbeatMs: 100_000 } })
    for (let i = 0; i < 10; i++) await turn()
    dead = true
    for (const connection of connections) connection.abort()
    for (let i = 0; i < 10; i++) await turn()
    expect(sessions.sessionCount).toBe(1)
    for (let i = 0; i < 300; i++) {
      clock.advance(5)
      await turn()
    }
    expect([await client.reason, await server.reason]).toEqual(['reset ERR_RESET', 'reset ERR_RESET'])
    expect(sessions.sessionCount).toBe(0)
  })
})

describe('an idle session', () => {
  /** Lets so much time pass, in steps that leave everything time to happen. */
  const pass = async (clock: VirtualClock, ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 50) {
      clock.advance(50)
      for (let i = 0; i < 5; i++) await turn()
    }
  }

  it('whose response is lost a second time, long after the first, comes back again', async () => {
    const clock = new VirtualClock()
    const { client, server, connections, requests } = await world({ clock, server: { heartbeatMs: Infinity, resumeWindowMs: 2000 } })
    for (let i = 0; i < 3; i++) {
      await pass(clock, 5000)
      for (const connection of connections) connection.abort()
    }
    await pass(clock, 500)
    server.transport.write('still there')
    await pass(clock, 500)
    expect(client.got).toEqual(['still there'])
    expect(requests.filter((request) => request.startsWith('GET'))).toHaveLength(4)
    client.transport.abort()
  })

  it('asks again at once after each poll that the server held', async () => {
    const clock = new VirtualClock()
    const { client, requests } = await world({ clock, client: { mode: 'poll', retryMs: [500, 5000] }, server: { heartbeatMs: 1000 } })
    await pass(clock, 12_500)
    expect(requests.filter((request) => request.startsWith('GET'))).toHaveLength(13)
    client.transport.abort()
  })
})

describe('signs of life', () => {
  it('go both ways, and silence brings a new response, and in the end the end', async () => {
    const clock = new VirtualClock()
    const { client, server, requests, sessions } = await world({ clock, server: { heartbeatMs: 1000, resumeWindowMs: 3000 } })
    for (let i = 0; i < 100; i++) {
      clock.advance(200)
      for (let j = 0; j < 5; j++) await turn()
    }
    // 20 s: nothing broke, and the client told of itself each second.
    expect(sessions.sessionCount).toBe(1)
    expect(requests.filter((request) => request.startsWith('GET'))).toEqual(['GET 0'])
    expect(requests.filter((request) => request === 'POST').length).toBeGreaterThan(15)
    client.transport.write('still there')
    while (server.got.length === 0) await turn()
    client.transport.abort()
  })

  it('that stay away make the client ask again, on another connection', async () => {
    const clock = new VirtualClock()
    const { client, server, requests, connections } = await world({ clock, server: { heartbeatMs: 1000, resumeWindowMs: 60_000 } })
    while (!requests.includes('GET 0')) await turn()
    for (let i = 0; i < 10; i++) await turn()
    for (const connection of connections) connection.pause('both')
    server.transport.write('lost on the way')
    for (let i = 0; i < 30; i++) {
      clock.advance(100)
      await turn()
    }
    while (client.got.length === 0) await turn()
    expect(client.got).toEqual(['lost on the way'])
    expect(requests.filter((request) => request.startsWith('GET'))).toEqual(['GET 0', 'GET 0'])
    client.transport.abort()
  })
})

describe('what holds back', () => {
  it('a paused client holds the server at its window and its marks, and resumes without loss', async () => {
    const { client, server } = await world({ server: { maxReplayBytes: 10_000 } })
    client.transport.pause('read')
    const message = 'x'.repeat(1000)
    for (let i = 0; i < 500; i++) server.transport.write(message)
    let before = -1
    while (before !== server.transport.queuedBytes) {
      before = server.transport.queuedBytes
      for (let i = 0; i < 20; i++) await turn()
    }
    expect(client.got.length).toBe(0)
    expect(server.transport.queuedBytes).toBeGreaterThanOrEqual(490_000)
    client.transport.resume('read')
    while (client.got.length < 500) await turn()
    expect(server.transport.queuedBytes).toBe(0)
    client.transport.abort()
  })

  it('a paused server holds the client', async () => {
    const { client, server } = await world({ client: { maxReplayBytes: 10_000 } })
    server.transport.pause('read')
    for (let i = 0; i < 500; i++) client.transport.write('x'.repeat(1000))
    let before = -1
    while (before !== client.transport.queuedBytes) {
      before = client.transport.queuedBytes
      for (let i = 0; i < 20; i++) await turn()
    }
    expect(server.got.length).toBe(0)
    expect(client.transport.queuedBytes).toBeGreaterThanOrEqual(490_000)
    server.transport.resume('read')
    while (server.got.length < 500) await turn()
    client.transport.abort()
  })
})

describe('EventReader', () => {
  const read = (text: string, pieces: (text: string) => string[], maxMessageBytes = 100): unknown[] => {
    const reader = new EventReader(maxMessageBytes)
    const seen: unknown[] = []
    try {
      for (const piece of pieces(text)) {
        reader.push(Uint8Array.from(piece, (character) => character.charCodeAt(0)))
        for (let event = reader.next(); event !== undefined; event = reader.next()) seen.push([event.id, event.data])
      }
    } catch (error) {
      seen.push((error as { code: string }).code)
    }
    return seen
  }
  const table: [string, unknown[]][] = [
    ['id: 1\ndata: a\n\nid: 2\ndata: b\ndata: c\n\n', [[1, 'a'], [2, 'b\nc']]],
    [':\n\n: hello\n\nid: 1\ndata: \n\n', [[1, '']]],
    ['id: 1\nevent: binary\ndata: AP8=\n\nid: 2\nevent: text\ndata: YQ1i\n\nid: 3\nevent: end\n\n', [[1, new Uint8Array([0, 255])], [2, 'a\rb'], [3, undefined]]],
    ['data: a\n\n', ['ERR_HTTP_BAD_EVENT']],
    ['id: 0\ndata: a\n\n', ['ERR_HTTP_BAD_EVENT']],
    ['id: 1\n\n', ['ERR_HTTP_BAD_EVENT']],
    ['id: 1\nevent: binary\ndata: *\n\n', ['ERR_HTTP_BAD_EVENT']],
    ['id: 1\nevent: other\ndata: a\n\n', ['ERR_HTTP_BAD_EVENT']],
    ['retry: 5\n\n', ['ERR_HTTP_BAD_EVENT']],
    ['id: 1\r\ndata: a\r\n\r\n', ['ERR_HTTP_BAD_EVENT']],
    ['id: 1\ndata: \xff\n\n', ['ERR_HTTP_BAD_EVENT']],
    [`id: 1\ndata: ${'x'.repeat(101)}\n\n`, ['ERR_MESSAGE_TOO_LONG']],
    [`id: 1\ndata: ${'x'.repeat(1000)}`, ['ERR_MESSAGE_TOO_LONG']],
    [`id: 1\n${'data: \n'.repeat(300)}`, ['ERR_MESSAGE_TOO_LONG']],
    [`id: 1\ndata: ${'\xc3\xa4'.repeat(51)}\n\n`, ['ERR_MESSAGE_TOO_LONG']],
  ]
  it.each(table.map(([text, expected], index) => ({ index, text, expected })))('row $index, whole and byte by byte', ({ text, expected }) => {
    expect(read(text, (all) => [all])).toEqual(expected)
    expect(read(text, (all) => [...all])).toEqual(expected)
  })

  it('writes what it reads', () => {
    expect([encodeEvent(1, 'a\nb'), encodeEvent(2, new Uint8Array([1])), encodeEvent(3, 'a\rb'), encodeEvent(4, undefined)]).toEqual([
      'id: 1\ndata: a\ndata: b\n\n', 'id: 2\nevent: binary\ndata: AQ==\n\n', 'id: 3\nevent: text\ndata: YQ1i\n\n', 'id: 4\nevent: end\n\n',
    ])
  })
})
