import { type Case, testCase } from '../kit/case.ts'
import { check, equal } from '../kit/check.ts'
import { recordProducer } from '../kit/producer.ts'
import { errorCode, own, unread, unsent } from '../kit/reasons.ts'
import { record } from '../kit/recording.ts'

const mib = 1024 * 1024

/** C1–C7: closing in order. */
export const closeCases: readonly Case[] = [
  testCase('C1 close() inside dataReceived: nothing more is delivered, and what came is counted as unread', async (t) => {
    const { a, b, atB } = await t.started(record({ data: () => b.close() }), record({ eof: 'close' }))
    a.pause()
    for (let i = 0; i < 20; i++) a.write(t.pattern.bytes(5000, i * 5000))
    a.resume()
    await t.wait('closed', b.closed)
    equal(atB.events, ['made', 'data', 'lost'], 'events')
    equal(atB.deliveries.length, 1, 'deliveries')
    check(atB.bytes === 100_000 || unread(atB.reason) > 0, 'unreadBytes are 0, though data were discarded')
  }),

  testCase('C1 close() inside connectionMade: nothing is delivered', async (t) => {
    const { a, b } = await t.pair()
    a.start(record({ eof: 'close' }))
    a.write(t.pattern.bytes(1000))
    await t.quiet()
    const atB = record({ made: (transport) => transport.close() })
    b.start(atB)
    await t.wait('closed', b.closed)
    equal(atB.events, ['made', 'lost'], 'events')
  }),

  testCase('C1 after close() data that come are discarded, and eofReceived is not called', async (t) => {
    const { a, b, atB } = await t.started()
    b.close()
    a.write(t.pattern.bytes(3000))
    await t.quiet()
    a.close()
    await t.wait('closed', b.closed)
    equal(atB.events, ['made', 'lost'], 'events')
    check(unread(atB.reason) >= 3000, `unreadBytes are ${unread(atB.reason)}, expected are at least 3000`)
    equal(atB.reason?.kind, 'closed', 'reason')
  }, { needs: ['halfCloses'] }),

  testCase('C1 what was held when close() was called is discarded and counted', async (t) => {
    const { a, b, atB } = await t.started(record(), record({ eof: 'close' }))
    b.pause('read')
    a.write(t.pattern.bytes(3000))
    await t.quiet()
    b.close()
    await t.wait('closed', b.closed)
    equal(atB.events, ['made', 'lost'], 'events')
    check(unread(atB.reason) >= 3000, `unreadBytes are ${unread(atB.reason)}, expected are at least 3000`)
  }),

  testCase('C2 close() sends what is queued, then the end', async (t) => {
    const { a, atB } = await t.started(record({ eof: 'close' }))
    a.write(t.pattern.bytes(mib))
    a.close()
    await t.until('the end at the peer', () => atB.reason !== undefined)
    t.pattern.verify(atB.deliveries, mib)
    equal(atB.events, ['made', 'data', 'lost'], 'events')
    equal(atB.reason?.kind, 'closed', 'reason')
  }),

  testCase('C2 close() flushes 15 MiB to a slow reader', async (t) => {
    const total = 15 * mib
    const { a, b, atB } = await t.started(record({ data: () => b.pause('read'), eof: 'close' }))
    for (let sent = 0; sent < total; sent += 64 * 1024) a.write(t.pattern.bytes(64 * 1024, sent))
    a.close()
    while (atB.reason === undefined) {
      t.waitingFor = `15 MiB; ${atB.bytes} bytes are there`
      await t.turn()
      b.resume('read')
    }
    t.pattern.verify(atB.deliveries, total)
    equal(atB.reason.kind, 'closed', 'reason')
  }),

  testCase('C2 close() stops a registered producer inside the call, and what is queued still leaves', async (t) => {
    const { a, atB } = await t.started(record({ eof: 'close' }))
    const producer = recordProducer()
    a.register(producer)
    a.write(t.pattern.bytes(30_000))
    a.close()
    equal(producer.calls, ['halfRegister', 'stop'], 'calls inside close()')
    await t.wait('closed', a.closed)
    await t.until('the end at the peer', () => atB.reason !== undefined)
    equal(producer.calls, ['halfRegister', 'stop'], 'calls')
    t.pattern.verify(atB.deliveries, 30_000)
  }),

  testCase('C3 close() delivers 4 MiB to a slow reader that keeps writing', async (t) => {
    const total = 4 * mib
    const { a, b, atA, atB } = await t.started(record({ data: () => b.pause('read') }))
    for (let sent = 0; sent < total; sent += 64 * 1024) a.write(t.pattern.bytes(64 * 1024, sent))
    a.close()
    let wrote = 0
    for (let i = 0; !atB.events.includes('eof') && atB.reason === undefined; i++) {
      t.waitingFor = `4 MiB; ${atB.bytes} bytes are there`
      if (b.queuedBytes < 65_536) {
        b.write(t.pattern.bytes(16_384, wrote))
        wrote += 16_384
      }
      await t.turn()
      if (i % 2 === 0) b.resume('read')
    }
    t.pattern.verify(atB.deliveries, total)
    if (atB.reason === undefined) b.close()
    await t.wait('closed', a.closed)
    equal(atA.reason?.kind, 'closed', 'reason of the end that closed')
  }, { needs: ['halfCloses'] }),

  testCase('C4 after its end a closing transport waits for the peer’s, and not for ever', async (t) => {
    const { a, atA, atB } = await t.started(record(), record(), { lingerMs: 5000 })
    a.close()
    await t.until('eofReceived', () => atB.events.includes('eof'))
    await t.quiet()
    t.clock.advance(4999)
    await t.quiet()
    equal(atA.events, ['made'], 'events before the time is over')
    t.clock.advance(1)
    await t.until('connectionLost', () => atA.reason !== undefined)
    equal(own(atA.reason), { kind: 'closed', by: 'local', unsentBytes: 0, unreadBytes: 0 }, 'reason')
  }, { needs: ['halfCloses'] }),

  testCase('C4 when the wait is over, a peer that still sends is told that it was reset', async (t) => {
    for (let turns = 0; turns < 3; turns++) {
      const { a, b, atB } = await t.started(record(), record(), { lingerMs: 5000 })
      a.close()
      await t.until('eofReceived', () => atB.events.includes('eof'))
      await t.quiet()
      b.write(t.pattern.bytes(300_000))
      for (let turn = 0; turn < turns; turn++) await t.turn()
      t.clock.advance(5000)
      await t.wait('closed', a.closed)
      await t.until('connectionLost', () => {
        if (atB.reason !== undefined) return true
        // Where the OS has taken what was written, it is the next write that finds nobody there.
        try {
          if (b.queuedBytes < 1_000_000) b.write(t.pattern.bytes(100_000))
        } catch {
          // Broken, and the loss follows.
        }
        return false
      })
      equal(atB.reason?.kind, 'reset', 'kind')
    }
  }, { needs: ['halfCloses', 'resets'] }),

  testCase('C4 a peer that goes on sending does not lengthen the wait', async (t) => {
    const { a, b, atA, atB } = await t.started(record(), record(), { lingerMs: 5000 })
    a.close()
    await t.until('eofReceived', () => atB.events.includes('eof'))
    await t.quiet()
    for (let i = 0; i < 5; i++) {
      b.write(t.pattern.bytes(100))
      await t.quiet(5)
      t.clock.advance(1000)
    }
    await t.until('connectionLost', () => atA.reason !== undefined)
    equal(atA.reason?.kind, 'closed', 'reason')
  }, { needs: ['halfCloses'] }),

  testCase('C4 close() after halfClose() waits for the peer’s end, and not for ever', async (t) => {
    const { a, b, atA, atB } = await t.started(record(), record(), { lingerMs: 5000 })
    a.halfClose()
    await t.until('eofReceived', () => atB.events.includes('eof'))
    t.clock.advance(60_000)
    await t.quiet()
    a.close()
    b.write(t.pattern.bytes(100))
    await t.quiet()
    t.clock.advance(4999)
    await t.quiet()
    equal(atA.events, ['made'], 'events before the time is over')
    t.clock.advance(1)
    await t.until('connectionLost', () => atA.reason !== undefined)
    equal(atA.reason?.kind, 'closed', 'reason')
    check(unread(atA.reason) >= 100, `unreadBytes are ${unread(atA.reason)}, expected are at least 100`)
  }, { needs: ['halfCloses'] }),

  testCase('C5 a close that cannot send in time becomes an abort of kind timeout', async (t) => {
    const { a, atA } = await t.clogged()
    const producer = recordProducer()
    a.register(producer)
    a.close({ timeoutMs: 50 })
    t.clock.advance(49)
    await t.quiet()
    equal(atA.events, ['made'], 'events before the deadline')
    t.clock.advance(1)
    await t.wait('closed', a.closed)
    equal(atA.reason?.kind, 'timeout', 'reason')
    equal(errorCode(atA.reason), 'ERR_CLOSE_TIMEOUT', 'code')
    check(unsent(atA.reason) > 0, 'unsentBytes are 0, though data were queued')
    equal(producer.calls.filter((call) => call === 'stop').length, 1, 'stops of the producer')
  }),

  testCase('C5 the deadline holds after halfClose() as well', async (t) => {
    const { a, atA } = await t.clogged()
    a.halfClose()
    t.clock.advance(5000)
    await t.quiet()
    a.close({ timeoutMs: 50 })
    t.clock.advance(49)
    await t.quiet()
    equal(atA.events, ['made'], 'events before the deadline')
    t.clock.advance(1)
    await t.until('connectionLost', () => atA.reason !== undefined)
    equal(atA.reason?.kind, 'timeout', 'reason')
  }, { needs: ['halfCloses'] }),

  testCase('C5 a close may take 30 s unless told otherwise', async (t) => {
    const { a, b, atA } = await t.clogged()
    // Started, because nobody waits for ever for an accepted transport to be started.
    b.pause('read')
    b.start(record())
    a.close()
    t.clock.advance(29_999)
    await t.quiet()
    equal(atA.events, ['made'], 'events before the deadline')
    t.clock.advance(1)
    await t.until('connectionLost', () => atA.reason !== undefined)
    equal(atA.reason?.kind, 'timeout', 'reason')
  }),

  testCase('C5 the deadline does not wait while paused', async (t) => {
    const { a, atA } = await t.clogged()
    a.pause()
    a.close({ timeoutMs: 50 })
    t.clock.advance(50)
    await t.until('connectionLost', () => atA.reason !== undefined)
    equal(atA.reason?.kind, 'timeout', 'reason')
  }),

  testCase('C6 close() again has no effect, but the shorter deadline wins', async (t) => {
    const { a, atA } = await t.clogged()
    a.close({ timeoutMs: 10_000 })
    a.close({ timeoutMs: 50 })
    t.clock.advance(50)
    await t.until('connectionLost', () => atA.reason !== undefined)
    equal(atA.reason?.kind, 'timeout', 'reason')
    a.close()
    await t.quiet()
    equal(atA.events, ['made', 'lost'], 'events')
  }),

  testCase('C6 close() again with a longer deadline, or none, changes nothing', async (t) => {
    const { a, atA } = await t.clogged()
    a.close({ timeoutMs: 50 })
    a.close({ timeoutMs: 10_000 })
    a.close()
    t.clock.advance(50)
    await t.until('connectionLost', () => atA.reason !== undefined)
    equal(atA.reason?.kind, 'timeout', 'reason')
  }),

  testCase('C7 who closed first is in the reason: local here, peer there', async (t) => {
    const { a, b, atA, atB } = await t.started(record({ eof: 'close' }))
    a.close()
    await t.wait('closed', a.closed)
    await t.wait('closed', b.closed)
    equal(own(atA.reason), { kind: 'closed', by: 'local', unsentBytes: 0, unreadBytes: 0 }, 'reason of the end that closed')
    equal(own(atB.reason), { kind: 'closed', by: 'peer', unsentBytes: 0, unreadBytes: 0 }, 'reason of the other end')
  }),

  testCase('C7 both ends close at once: both are told closed, by local', async (t) => {
    const { a, b, atA, atB } = await t.started()
    a.close()
    b.close()
    await t.wait('closed', a.closed)
    await t.wait('closed', b.closed)
    equal([atA.events, atB.events], [['made', 'lost'], ['made', 'lost']], 'events of both ends')
    equal(own(atA.reason), { kind: 'closed', by: 'local', unsentBytes: 0, unreadBytes: 0 }, 'reason of the one')
    equal(own(atB.reason), { kind: 'closed', by: 'local', unsentBytes: 0, unreadBytes: 0 }, 'reason of the other')
  }),

  testCase('C7 close() before start() ends the connection, and calls nobody', async (t) => {
    const { a, b } = await t.pair()
    const atB = record({ eof: 'close' })
    b.start(atB)
    a.close()
    equal((await t.wait('closed', a.closed)).kind, 'closed', 'reason')
    await t.wait('closed', b.closed)
    equal(atB.reason?.kind, 'closed', 'reason of the other end')
  }),

  testCase('C7 await using closes and waits', async (t) => {
    const { a, atB } = await t.started(record({ eof: 'close' }))
    a.write(t.pattern.bytes(2000))
    await t.wait('disposal', a[Symbol.asyncDispose]())
    equal((await t.wait('closed', a.closed)).kind, 'closed', 'reason')
    await t.until('the end at the peer', () => atB.reason !== undefined)
    t.pattern.verify(atB.deliveries, 2000)
  }),
]
