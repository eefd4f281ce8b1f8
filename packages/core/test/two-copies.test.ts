import { describe, expect, it, vi } from 'vitest'
import { WrappedTransport } from '../src/base/index.ts'
import * as one from '../src/errors.ts'
import * as kit from '../src/testing/index.ts'

/** A second copy of core, as two packages that depend on different versions bring it. */
async function secondCopy(): Promise<{ readonly errors: typeof one; readonly testing: typeof kit }> {
  vi.resetModules()
  const [errors, testing] = await Promise.all([import('../src/errors.ts'), import('../src/testing/index.ts')])
  return { errors, testing }
}

describe('two copies of core in one process', () => {
  it('know each other’s errors', async () => {
    const { errors: two } = await secondCopy()
    const theirs = new two.UsageError('ERR_CLOSED', 'closed')
    expect(two.UsageError).not.toBe(one.UsageError)
    expect(theirs instanceof one.UsageError).toBe(false)
    expect(one.isAsyncError(theirs, 'ERR_CLOSED')).toBe(true)
    expect(two.isAsyncError(new one.LimitError('ERR_WRITE_QUEUE_FULL', { limit: 'x', allowed: 1, actual: 2, unit: 'bytes' }))).toBe(true)
  })

  it('stack on each other: a layer of one over a transport of the other passes the kit', async () => {
    const { testing } = await secondCopy()
    const report = await kit.runTransportKit({
      name: 'a layer of one copy over a pair of the other',
      carries: 'stream',
      async makePair(options) {
        const { a, b } = testing.memoryPair(options)
        return { a: new WrappedTransport(a), b: new WrappedTransport(b) }
      },
    }, { filter: ({ name }) => !name.includes('MiB') })
    expect(report.failed).toEqual([])
    expect(report.counts.pass).toBe(155)
  })
})
