/** Whatever comes, and whatever the handler does: nothing is thrown, every exchange and connection ends, and no timer is left. */
import { memoryPair, seededRandom, VirtualClock } from '@async/core/testing'
import { expect, it } from 'vitest'
import { httpConnector, httpServer } from '../src/index.ts'
import type { HttpClientExchange, HttpServerExchange } from '../src/index.ts'

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}
const head = 'POST / HTTP/1.1\r\nHost: h\r\n'
const fragments = [
  'GET / HTTP/1.1\r\nHost: h\r\n\r\n', 'GET / HTTP/1.0\r\n\r\n', `${head}Content-Length: 3\r\n\r\nabc`, `${head}Transfer-Encoding: chunked\r\n\r\n`, '3\r\nabc\r\n',
  '0\r\n\r\n', 'HEAD / HTTP/1.1\r\nHost: h\r\n\r\n', `${head}Content-Length: 100000\r\n\r\n`, 'x'.repeat(40_000), '\r\n', '\n', `${head}Expect: 100-continue\r\nContent-Length: 1\r\n\r\n`,
]

/** What a handler may do, in any order, at any time, with what may go wrong caught where it is thrown. */
function actions(exchange: HttpServerExchange | HttpClientExchange, next: () => number): void {
  const tasks = [
    () => exchange.start({ dataReceived: () => { if (next() % 5 === 0) exchange.pause('read') }, eofReceived: () => {} }),
    () => 'respond' in exchange && exchange.respond({ status: [200, 204, 304, 404][next() % 4]!, headers: next() % 3 === 0 ? [['Content-Length', '5']] : [], flush: next() % 2 === 0 }),
    () => exchange.write('hello'),
    () => exchange.write(new Uint8Array(next() % 100_000)),
    () => exchange.halfClose(),
    () => exchange.close(),
    () => { if (next() % 4 === 0) exchange.abort() },
    () => exchange.pause(),
    () => exchange.resume(),
  ]
  const act = async (): Promise<void> => {
    for (let i = next() % 12; i >= 0; i--) {
      try {
        tasks[next() % tasks.length]!()
      } catch (error) {
        expect((error as { code?: string }).code).toMatch(/^ERR_/)
      }
      if (next() % 3 === 0) await turns(1)
    }
    exchange.resume()
    exchange.close()
  }
  void act()
}

it.each(Array.from({ length: 30 }, (_, seed) => seed))('a server, seed %i', async (seed) => {
  const random = seededRandom(seed)
  const next = (): number => random.below(1_000_000)
  const clock = new VirtualClock()
  const reports: unknown[] = []
  const { a, b } = memoryPair({ clock, onError: (error) => reports.push(error) })
  const exchanges: HttpServerExchange[] = []
  const accept = httpServer({
    clock, maxDrainBytes: 50_000, onError: (error) => reports.push(error),
    onExchange: (exchange) => {
      exchanges.push(exchange)
      actions(exchange, next)
    },
  })
  accept(b)
  a.start({ dataReceived: () => {}, eofReceived: () => {} })
  for (let i = 0; i < 30; i++) {
    try {
      a.write(fragments[next() % fragments.length]!)
    } catch {
      break
    }
    if (next() % 2 === 0) await turns(1)
  }
  await turns(30)
  if (next() % 3 === 0) a.abort()
  else a.close()
  for (let i = 0; i < 40; i++) {
    await turns(5)
    clock.advance(10_000)
  }
  expect((await b.closed).kind).toMatch(/^(closed|reset|aborted|timeout)$/)
  for (const exchange of exchanges) expect((await exchange.closed).kind).toMatch(/^(closed|reset|truncated|aborted|timeout|protocol|limit)$/)
  expect(reports).toEqual([])
  expect(clock.pendingCount).toBe(0)
})

it.each(Array.from({ length: 40 }, (_, seed) => seed))('a client and a server, seed %i', async (seed) => {
  const pipelined = seed < 20 ? {} : { maxConnectionCount: 1 + (seed % 2), maxPipelinedCount: 4 }
  const random = seededRandom(1000 + seed)
  const next = (): number => random.below(1_000_000)
  const clock = new VirtualClock()
  const reports: unknown[] = []
  const onError = (error: unknown): void => void reports.push(error)
  const accept = httpServer({ clock, onError, onExchange: (exchange) => actions(exchange, next) })
  const connections: Promise<unknown>[] = []
  const connector = httpConnector({
    connect: () => {
      const { a, b } = memoryPair({ clock, onError })
      accept(b)
      connections.push(a.closed, b.closed)
      return Promise.resolve(a)
    },
  }, { clock, onError, maxConnectionCount: 3, method: ['POST', 'HEAD', 'GET'][seed % 3]!, ...pipelined })
  const ended: string[] = []
  let begunCount = 0
  const begin = async (): Promise<void> => {
    const exchange = await connector.connect()
    // Some are complete at once, and may go ahead.
    if (seed >= 20 && next() % 2 === 0) exchange.halfClose()
    actions(exchange, next)
    ended.push((await exchange.closed).kind)
  }
  for (let i = 0; i < 12; i++) {
    for (let alike = seed < 20 ? 1 : 1 + (next() % 5); alike > 0; alike--) {
      begunCount++
      void begin()
    }
    for (let turn = 0; turn < 20; turn++) {
      await turns(3)
      clock.advance(3_000)
    }
  }
  connector.closeIdle()
  for (let i = 0; i < 40; i++) {
    await turns(5)
    clock.advance(10_000)
  }
  await Promise.all(connections)
  expect(ended.length).toBe(begunCount)
  expect(reports).toEqual([])
  expect(clock.pendingCount).toBe(0)
})
