import { type Case, testCase } from '../kit/case.ts'
import { check, equal, throws } from '../kit/check.ts'
import { recordProducer } from '../kit/producer.ts'
import { errorCode, unread, unsent } from '../kit/reasons.ts'
import { record } from '../kit/recording.ts'

/** C8–C14: aborts, and losses from outside. */
export const abortCases: readonly Case[] = [
  testCase('C8 abort() sends nothing of what is queued, and says how much that was, and why', async (t) => {
    const { a, b, atA, written } = await t.clogged()
    const queued = a.queuedBytes
    const cause = new Error('for a reason')
    const atB = record({ eof: 'close' })
    a.abort(cause)
    await t.wait('closed', a.closed)
    equal(atA.reason?.kind, 'aborted', 'reason')
    equal(errorCode(atA.reason), 'ERR_ABORTED', 'code')
    equal(atA.reason !== undefined && 'error' in atA.reason && atA.reason.error.cause === cause, true, 'the cause is the error’s cause')
    check(unsent(atA.reason) >= queued, `unsentBytes are ${unsent(atA.reason)}, expected are at least ${queued}`)
    b.start(atB)
    await t.until('the end at the peer', () => atB.reason !== undefined)
    // What is queued below a layer is more than what was written: a frame around each of a few messages.
    const frames = a.info.below === undefined ? 0 : 1024
    check(t.pattern.prefix(atB.deliveries) <= written - queued + frames, 'data that were queued were sent')
  }),

  testCase('C8 abort() sends no more to a peer that reads', async (t) => {
    for (let turns = 1; turns < 6; turns++) {
      const { a, atB } = await t.started(record({ eof: 'close' }))
      const total = 1_000_000
      a.write(t.pattern.bytes(total))
      await t.quiet(turns)
      const queued = a.queuedBytes
      a.abort()
      await t.until('the end at the peer', () => atB.reason !== undefined)
      check(t.pattern.prefix(atB.deliveries) <= total - queued + (a.info.below === undefined ? 0 : 1024), 'data that were queued were sent')
    }
  }, { carries: 'stream' }),

  testCase('C8 abort() in the turn of a write sends nothing of it', async (t) => {
    const { a, atB } = await t.started(record({ eof: 'close' }))
    a.write(t.pattern.bytes(1000))
    a.abort()
    await t.until('the end at the peer', () => atB.reason !== undefined)
    equal(atB.bytes, 0, 'bytes delivered')
  }),

  testCase('C8 abort() stops a producer, and rejects those who wait for drained()', async (t) => {
    const { a } = await t.clogged()
    const producer = recordProducer()
    a.register(producer)
    let rejected: unknown
    a.drained(0).catch((error: unknown) => (rejected = error))
    a.abort()
    await t.wait('closed', a.closed)
    equal([producer.calls.includes('halfRegister'), producer.calls.at(-1)], [true, 'stop'], 'whether it was registered, and its last call')
    await t.until('drained() to reject', () => rejected !== undefined)
    equal((rejected as { code?: unknown }).code, 'ERR_ABORTED', 'code')
  }),

  testCase('C8 abort() before start() ends the connection', async (t) => {
    const { a, b } = await t.pair()
    const atB = record({ eof: 'close' })
    b.start(atB)
    a.abort()
    equal((await t.wait('closed', a.closed)).kind, 'aborted', 'reason')
    await t.until('the end at the peer', () => atB.reason !== undefined)
  }),

  testCase('C9 the peer sees a reset', async (t) => {
    const { a, b, atB } = await t.started()
    a.abort()
    await t.wait('closed', b.closed)
    equal(atB.events, ['made', 'lost'], 'events')
    equal(atB.reason?.kind, 'reset', 'reason')
    equal(typeof errorCode(atB.reason), 'string', 'type of the error’s code')
  }, { needs: ['resets'] }),

  testCase('C9 abort() right after halfClose() lets the connection go, too', async (t) => {
    const { a, b, atB } = await t.started()
    a.write(t.pattern.bytes(10))
    a.halfClose()
    a.abort()
    await t.wait('closed', a.closed)
    await t.until('the peer to know', () => {
      // A peer that only got an end finds out when it writes.
      if (atB.events.at(-1) === 'eof' && b.queuedBytes === 0) b.write(t.pattern.bytes(1))
      return atB.reason !== undefined
    })
  }, { needs: ['halfCloses', 'resets'] }),

  testCase('C9 where there are no resets the peer sees that the connection is over', async (t) => {
    const { a, b, atB } = await t.started(record({ eof: 'close' }))
    a.abort()
    await t.wait('closed', b.closed)
    equal(atB.events.at(-1), 'lost', 'last event')
  }, { needs: ['no resets'] }),

  testCase('C10 abort() again has no effect: the first cause stays', async (t) => {
    const { a, atA } = await t.started()
    const first = new Error('first')
    a.abort(first)
    a.abort(new Error('second'))
    await t.wait('closed', a.closed)
    a.abort(new Error('third'))
    await t.quiet()
    equal(atA.events, ['made', 'lost'], 'events')
    equal(atA.reason !== undefined && 'error' in atA.reason && atA.reason.error.cause === first, true, 'the cause is the first')
  }),

  testCase('C10 abort() while closing ends at once, with kind aborted', async (t) => {
    const { a, atA } = await t.clogged()
    a.close()
    a.abort()
    await t.wait('closed', a.closed)
    equal(atA.reason?.kind, 'aborted', 'reason')
    check(unsent(atA.reason) > 0, 'unsentBytes are 0, though data were queued')
  }),

  testCase('C10 close() after abort(), and abort() after the end, change nothing', async (t) => {
    const { a, b, atA, atB } = await t.started(record({ eof: 'close' }))
    a.close()
    await t.wait('closed', a.closed)
    await t.wait('closed', b.closed)
    a.abort()
    b.close()
    await t.quiet()
    equal([atA.reason?.kind, atB.reason?.kind], ['closed', 'closed'], 'reasons')
    const other = await t.started()
    other.a.abort()
    other.a.close()
    equal((await t.wait('closed', other.a.closed)).kind, 'aborted', 'reason')
  }),

  testCase('C11 reset behind unread data is a reset, not an end', async (t) => {
    const { a, b, atB } = await t.started()
    b.pause('read')
    const sent = 300_000
    a.write(t.pattern.bytes(sent))
    await t.quiet()
    a.abort()
    await t.quiet()
    b.resume('read')
    await t.wait('closed', b.closed)
    equal(atB.reason?.kind, 'reset', 'reason')
    equal(atB.events.includes('eof'), false, 'eofReceived was called')
    check(t.pattern.prefix(atB.deliveries) <= sent, 'more was delivered than sent')
  }, { needs: ['resets'] }),

  testCase('C11 a reset after the peer’s end and unread data is not hidden from a paused reader', async (t) => {
    const { a, b, atB } = await t.started()
    b.pause('read')
    a.write(t.pattern.bytes(500))
    await t.quiet()
    a.abort()
    await t.quiet()
    b.resume()
    await t.wait('closed', b.closed)
    equal(atB.reason?.kind, 'reset', 'reason')
  }, { needs: ['resets'] }),

  testCase('C12 data that came before the write half broke are delivered, all of them', async (t) => {
    const { a, b, atA } = await t.started()
    a.pause('read')
    b.write(t.pattern.bytes(60_000))
    await t.wait('drained(0)', b.drained(0))
    await t.quiet()
    b.abort()
    await t.until('a write that is refused', () => refused(() => a.write(t.pattern.bytes(1000))))
    a.resume('read')
    await t.wait('closed', a.closed)
    t.pattern.verify(atA.deliveries, 60_000)
    equal(atA.reason?.kind, 'reset', 'reason')
  }, { needs: ['resets', 'readsAfterWriteError'] }),

  testCase('C13 register() and drained() after the write half broke: stop, and a rejection', async (t) => {
    const { a, b } = await t.started()
    a.pause('read')
    b.write(t.pattern.bytes(60_000))
    await t.wait('drained(0)', b.drained(0))
    await t.quiet()
    b.abort()
    await t.until('a write that is refused', () => refused(() => a.write(t.pattern.bytes(1000))))
    const producer = recordProducer()
    a.register(producer)
    equal(producer.calls, ['halfRegister', 'stop'], 'calls')
    let rejected = false
    a.drained(0).catch(() => (rejected = true))
    await t.until('drained() to reject', () => rejected)
  }, { needs: ['resets', 'readsAfterWriteError'] }),

  testCase('C14 close() of a transport whose write half broke ends it, with the reason of the break', async (t) => {
    const { a, b, atA } = await t.started()
    a.pause('read')
    b.write(t.pattern.bytes(60_000))
    await t.wait('drained(0)', b.drained(0))
    await t.quiet()
    b.abort()
    await t.until('a write that is refused', () => refused(() => a.write(t.pattern.bytes(1000))))
    a.close()
    throws(() => a.write('x'), 'ERR_CLOSED', 'write()')
    await t.wait('closed', a.closed)
    equal(atA.events, ['made', 'lost'], 'events')
    equal(atA.reason?.kind, 'reset', 'reason')
    check(unread(atA.reason) > 0, 'unreadBytes are 0, though data were held')
  }, { needs: ['resets', 'readsAfterWriteError'] }),
]

function refused(act: () => void): boolean {
  try {
    act()
    return false
  } catch {
    return true
  }
}
