/** Many fetches at once over connections that break anywhere: each gives the whole body or an error, and none is left hanging. */
import { type Connector, stack, type StreamTransport } from '@async/core'
import { memoryPair, seededRandom, withFaults } from '@async/core/testing'
import { expect, it } from 'vitest'
import { createFetch, httpServer } from '../src/index.ts'

it.each([1, 2, 3, 4, 5, 6, 7, 8])('seed %i', async (seed) => {
  const random = seededRandom(seed)
  const serve = httpServer({
    onError: () => {},
    onExchange: (exchange) => {
      const parts: Uint8Array[] = []
      const { method, target } = exchange.request
      if (target.startsWith('/moved')) {
        exchange.respond({ status: 307, headers: [['Location', target.slice(6)]] })
        return exchange.close()
      }
      exchange.start({
        dataReceived: (data) => void parts.push(data),
        eofReceived: () => {
          exchange.write(`${method} ${target} `)
          exchange.writeSequence(parts)
          exchange.halfClose()
        },
      })
    },
  })
  const connector: Connector<StreamTransport> = {
    connect: () => {
      const { a, b } = memoryPair({ maxReadBytes: 1 + random.below(5_000) })
      const at = random.below(40_000)
      serve(b)
      return Promise.resolve(stack(a, withFaults(random.pick([{}, { cutAt: at }, { resetAt: at }, { randomFragmentBytes: 50, seed }]))))
    },
  }
  const ours = createFetch(() => connector, { maxConnectionCount: 8, maxPipelinedCount: seed > 5 ? 6 : 1, lingerMs: 5 })
  const outcomes = { whole: 0, failed: 0, cancelled: 0 }
  await Promise.all(Array.from({ length: 200 }, async (_, i) => {
    const body = 'b'.repeat(random.below(random.pick([1, 100, 100_000])))
    const method = random.pick(['GET', 'PUT', 'POST'])
    const path = `${random.pick(['', '/moved'])}/${i}`
    const control = new AbortController()
    const isCancelled = random.below(10) === 0
    const init = method === 'GET' ? {} : random.below(3) === 0 ? { method, body: new Blob([body]).stream(), duplex: 'half' } : { method, body }
    try {
      const response = await ours(`http://storm.test${path}`, { ...init, signal: control.signal } as RequestInit)
      if (isCancelled) control.abort(new Error('cancelled'))
      const text = await response.text()
      expect(text === `${method} /${i} ${method === 'GET' ? '' : body}`).toBe(true)
      outcomes.whole++
    } catch (error) {
      const { name, message } = error as Error
      if (message === 'cancelled') outcomes.cancelled++
      else {
        expect([name, message]).toEqual(['TypeError', message === 'terminated' ? 'terminated' : 'fetch failed'])
        outcomes.failed++
      }
    }
  }))
  expect(outcomes.whole).toBeGreaterThan(50)
  expect(outcomes.whole + outcomes.failed + outcomes.cancelled).toBe(200)
  await ours.close({ graceMs: 1_000 })
})
