import { type Case, testCase } from '../kit/case.ts'
import { check, equal } from '../kit/check.ts'
import { recordProducer } from '../kit/producer.ts'
import { unread, unsent } from '../kit/reasons.ts'
import { record } from '../kit/recording.ts'

interface Resources {
  readonly process?: { readonly getActiveResourcesInfo?: () => string[] }
}

/** R: reasons, and what is left afterwards. */
export const reasonCases: readonly Case[] = [
  testCase('R1 closed resolves after connectionLost, with the same reason', async (t) => {
    const order: string[] = []
    const { a, atA } = await t.started(record(), record({ lost: () => order.push('connectionLost') }))
    const early = a.closed.then((reason) => {
      order.push('closed')
      return reason
    })
    a.abort()
    const reason = await t.wait('closed', early)
    equal(order, ['connectionLost', 'closed'], 'order')
    equal(reason === atA.reason, true, 'the reasons are the same object')
    equal((await t.wait('closed, asked late', a.closed)) === reason, true, 'asked late, closed gives the same reason')
  }),

  testCase('R2 a reason is frozen plain data, and a clean end has no error', async (t) => {
    const { a } = await t.started(record({ eof: 'close' }))
    a.close()
    const reason = await t.wait('closed', a.closed)
    equal(Object.isFrozen(reason), true, 'the reason is frozen')
    equal('error' in reason, false, 'the reason of a clean end has an error')
    const other = await t.started()
    other.a.abort()
    const bad = await t.wait('closed', other.a.closed)
    equal('error' in bad && bad.error instanceof Error, true, 'the reason of an abort has an error')
  }),

  testCase('R3 a callback that throws is kind protocol, with the cause', async (t) => {
    const mine = new Error('mine')
    const { a, b, atB } = await t.started(record({
      data: () => {
        throw mine
      },
    }))
    a.write(t.pattern.bytes(1))
    await t.wait('closed', b.closed)
    equal(atB.reason?.kind, 'protocol', 'kind')
    equal(atB.reason !== undefined && 'error' in atB.reason && atB.reason.error.cause === mine, true, 'the cause is what was thrown')
  }),

  testCase('R4 unsentBytes and unreadBytes are 0 when everything arrived', async (t) => {
    const { a, b, atA, atB } = await t.started(record({ eof: 'close' }))
    a.write(t.pattern.bytes(70_000))
    b.write(t.pattern.bytes(70_000))
    await t.until('data', () => atA.bytes === 70_000 && atB.bytes === 70_000)
    a.close()
    const reasons = [await t.wait('closed', a.closed), await t.wait('closed', b.closed)]
    equal(reasons.map((reason) => [unsent(reason), unread(reason)]), [[0, 0], [0, 0]], 'unsent and unread bytes')
  }),

  testCase('R4 unreadBytes count what was held when the connection ended', async (t) => {
    const { a, b, atB } = await t.started(record({ data: () => b.pause('read') }))
    a.pause()
    for (let i = 0; i < 10; i++) a.write(t.pattern.bytes(100, i * 100))
    a.resume()
    await t.quiet()
    b.abort()
    const reason = await t.wait('closed', b.closed)
    // Bytes that the system still had are not known to anybody, so no more than: what was sent, and not delivered; with a frame's overhead.
    const most = (1000 - atB.bytes) * 2 + 200
    check(Number.isSafeInteger(unread(reason)) && unread(reason) >= 0 && unread(reason) <= most, `unreadBytes are ${unread(reason)} of ${1000 - atB.bytes}`)
  }),

  testCase('R5 facts and addresses stay readable after the end', async (t) => {
    const { a } = await t.started(record({ eof: 'close' }))
    const before = { ...plain(a.info) }
    a.close()
    await t.wait('closed', a.closed)
    await t.quiet()
    equal(plain(a.info), before, 'info')
    equal(a.queuedBytes, 0, 'queuedBytes')
  }),

  testCase('R6 no timer is left after any end', async (t) => {
    for (const how of ['close', 'abort', 'timeout', 'reset'] as const) {
      const { a, b } = await t.started(record({ eof: 'close' }), record({ eof: 'close' }))
      a.register(recordProducer())
      if (how === 'close') a.close()
      else if (how === 'abort') a.abort()
      else if (how === 'reset') b.abort()
      else {
        b.pause('read')
        a.write(t.pattern.bytes(100_000))
        a.pause()
        a.close({ timeoutMs: 10 })
        t.clock.advance(10)
        b.resume('read')
      }
      await t.wait(`closed, after ${how}`, a.closed)
      b.abort()
      await t.wait(`closed, after ${how}`, b.closed)
      await t.quiet(3)
      equal(t.clock.pendingCount, 0, `timers that are left after ${how}`)
    }
  }),

  testCase('R6 1,000 connections, one after the other, leave no handle open', async (t) => {
    const count = (): number => (globalThis as Resources).process?.getActiveResourcesInfo?.().filter((name) => /Wrap$|Socket|Pipe/.test(name)).length ?? 0
    const own = await t.subject.makePair()
    own.a.abort()
    own.b.abort()
    await own.dispose?.()
    await t.quiet()
    const before = count()
    for (let i = 0; i < 1000; i++) {
      const pair = await t.subject.makePair()
      const atB = record({ eof: 'close' })
      pair.a.start(record())
      pair.b.start(atB)
      pair.a.write(t.pattern.bytes(10))
      if (i % 2 === 0) pair.a.close()
      else pair.a.abort()
      await t.wait('closed', pair.a.closed)
      await t.wait('closed', pair.b.closed)
      await pair.dispose?.()
    }
    await t.until('handles to be freed', () => count() <= before)
  }),
]

/** What of `info` is data, addresses included; not what is below. */
function plain(info: object): Record<string, unknown> {
  const of = info as Record<string, unknown>
  return Object.fromEntries(['pausable', 'resets', 'halfCloses', 'readsAfterWriteError', 'local', 'remote'].map((name) => [name, of[name]]))
}
