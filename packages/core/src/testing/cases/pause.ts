import { type Case, testCase } from '../kit/case.ts'
import { check, equal } from '../kit/check.ts'
import { recordProducer } from '../kit/producer.ts'
import { record } from '../kit/recording.ts'

const minute = 60_000

/** P: pausing and resuming. */
export const pauseCases: readonly Case[] = [
  testCase('P1 paused before data come, nothing is delivered until resumed', async (t) => {
    const { a, b, atB } = await t.started()
    b.pause('read')
    a.write(t.pattern.bytes(1000))
    await t.quiet()
    equal(atB.events, ['made'], 'events while paused')
    b.resume('read')
    await t.until('what was held', () => atB.bytes >= 1000)
    t.pattern.verify(atB.deliveries, 1000)
  }),

  testCase('P1 paused inside connectionMade, nothing is delivered until resumed', async (t) => {
    const { a, b } = await t.pair()
    a.start(record())
    a.write(t.pattern.bytes(1000))
    await t.quiet()
    const atB = record({ made: (transport) => transport.pause('read') })
    b.start(atB)
    a.write(t.pattern.bytes(1000, 1000))
    await t.quiet()
    equal(atB.events, ['made'], 'events while paused')
    b.resume('read')
    await t.until('what was held', () => atB.bytes >= 2000)
    t.pattern.verify(atB.deliveries, 2000)
  }),

  testCase('P1 paused before start(), nothing is delivered until resumed', async (t) => {
    const { a, b } = await t.pair()
    a.start(record())
    b.pause('read')
    const atB = record()
    b.start(atB)
    a.write(t.pattern.bytes(1000))
    await t.quiet()
    equal(atB.events, ['made'], 'events while paused')
    b.resume('read')
    await t.until('what was held', () => atB.bytes >= 1000)
  }),

  testCase('P1 paused inside dataReceived, the rest waits, delivery by delivery', async (t) => {
    const { a, b, atB } = await t.started(record({ data: () => b.pause('read') }))
    let sent = 0
    for (; sent < 30_000; sent += 300) a.write(t.pattern.bytes(300, sent))
    await t.until('the first delivery', () => atB.deliveries.length > 0)
    for (let expected = 1; atB.bytes < sent; expected++) {
      await t.quiet(4)
      equal(atB.deliveries.length, expected, 'deliveries while paused')
      b.resume('read')
      await t.until('one more delivery', () => atB.deliveries.length > expected)
    }
    t.pattern.verify(atB.deliveries, sent)
  }),

  testCase('P1 paused inside dataReceived of what came before a reset, the rest waits, and the reset behind it', async (t) => {
    const { a, b, atA } = await t.started(record(), record({ data: () => a.pause('read') }))
    a.pause('read')
    for (let i = 0; i < 5; i++) {
      b.write(t.pattern.bytes(1000, i * 1000))
      await t.wait('drained(0)', b.drained(0))
    }
    await t.quiet()
    b.abort()
    await t.quiet()
    for (let expected = 1; atA.bytes < 5000; expected++) {
      equal(atA.reason, undefined, 'the reason, before all was delivered')
      a.resume('read')
      await t.until('one more delivery', () => atA.deliveries.length >= expected)
      await t.quiet(3)
      equal(atA.deliveries.length, expected, 'deliveries')
    }
    a.resume('read')
    await t.wait('closed', a.closed)
    t.pattern.verify(atA.deliveries, 5000)
    equal(atA.events, ['made', 'data', 'lost'], 'events')
  }, { needs: ['resets', 'readsAfterWriteError'] }),

  testCase('P1 eofReceived waits while paused', async (t) => {
    const { a, b, atB } = await t.started()
    b.pause('read')
    a.halfClose()
    await t.quiet()
    equal(atB.events, ['made'], 'events while paused')
    b.resume('read')
    await t.until('eofReceived', () => atB.events.length > 1)
    equal(atB.events, ['made', 'eof'], 'events')
  }, { needs: ['halfCloses'] }),

  testCase('P2 pause() holds writes as well: accepted, queued, and sent once resumed', async (t) => {
    const { a, b, atA, atB } = await t.started()
    b.pause()
    b.write(t.pattern.bytes(1000))
    await t.quiet()
    equal(b.queuedBytes >= 1000, true, 'queuedBytes count what is held')
    equal(atA.bytes, 0, 'bytes that the peer got')
    b.resume()
    await t.until('what was held', () => atA.bytes >= 1000)
    t.pattern.verify(atA.deliveries, 1000)
    a.write(t.pattern.bytes(5))
    await t.until('the other direction', () => atB.bytes === 5)
  }),

  testCase("P2 pause('read') does not hold writes", async (t) => {
    const { b, atA } = await t.started()
    b.pause('read')
    b.write(t.pattern.bytes(1000))
    await t.until('what was written', () => atA.bytes >= 1000)
  }),

  testCase('P2 a full queue that is held drains when resumed, and its producer with it', async (t) => {
    const { b, atA } = await t.started()
    const producer = recordProducer()
    b.register(producer)
    b.pause()
    b.write(t.pattern.bytes(100_000))
    await t.quiet()
    equal(producer.calls, ['halfRegister', 'pause'], 'calls while held')
    b.resume()
    await t.until('what was held', () => atA.bytes >= 100_000)
    await t.until('the producer to be resumed', () => producer.calls.length > 2)
    equal(producer.calls, ['halfRegister', 'pause', 'resume'], 'calls')
  }),

  testCase('P3 pauses are flags, not counted', async (t) => {
    const { a, b, atA, atB } = await t.started()
    b.pause()
    b.pause('read')
    b.pause()
    b.resume()
    a.write(t.pattern.bytes(10))
    b.write(t.pattern.bytes(20))
    await t.until('both directions', () => atB.bytes === 10 && atA.bytes === 20)
  }),

  testCase("P3 resume('read') after pause() leaves writes held", async (t) => {
    const { a, b, atA, atB } = await t.started()
    b.pause()
    b.write(t.pattern.bytes(20))
    b.resume('read')
    a.write(t.pattern.bytes(10))
    await t.until('delivery', () => atB.bytes === 10)
    await t.quiet()
    equal(atA.bytes, 0, 'bytes that left while held')
    b.resume()
    await t.until('what was held', () => atA.bytes === 20)
  }),

  testCase('P4 resume() delivers nothing inside the call', async (t) => {
    const { a, b, atB } = await t.started()
    b.pause('read')
    a.write(t.pattern.bytes(1000))
    await t.quiet()
    b.resume('read')
    equal(atB.bytes, 0, 'bytes delivered inside resume()')
    await t.until('what was held', () => atB.bytes >= 1000)
  }),

  testCase('P4 paused, resumed and paused in one turn is paused', async (t) => {
    const { a, b, atB } = await t.started()
    b.pause('read')
    a.write(t.pattern.bytes(1000))
    await t.quiet()
    b.resume('read')
    b.pause('read')
    await t.quiet()
    equal(atB.bytes, 0, 'bytes delivered while paused')
    b.resume('read')
    await t.until('what was held', () => atB.bytes >= 1000)
  }),

  testCase('P4 a storm of pauses and resumes loses and reorders nothing', async (t) => {
    const { a, b, atB } = await t.started(record({
      data: () => {
        b.pause('read')
        b.resume('read')
        if (atB.deliveries.length % 3 === 0) b.pause('read')
      },
    }))
    const total = 300_000
    const sending = t.send(a, total, 1000)
    for (let i = 0; atB.bytes < total; i++) {
      t.waitingFor = `all data; ${atB.bytes} bytes are there`
      await t.turn()
      if (i % 2 === 0) b.pause(i % 4 === 0 ? 'both' : 'read')
      b.resume()
    }
    await sending
    t.pattern.verify(atB.deliveries, total)
  }),

  testCase('P5 a paused reader holds the peer back: its producer is paused, and what waits is bounded', async (t) => {
    const { a, b, atB } = await t.started()
    b.pause('read')
    let running = false
    const producer = recordProducer({ halfRegister: () => (running = true), pause: () => (running = false), resume: () => (running = true) })
    a.register(producer)
    let written = 0
    for (let idle = 0; idle < 40; ) {
      // 100 MiB are there to be sent; a transport that buffers without bound takes them all.
      for (let i = 0; i < 4 && running && written < 100 * 1024 * 1024; i++) {
        a.write(t.pattern.bytes(65_536, written))
        written += 65_536
        idle = 0
      }
      idle++
      await t.turn()
    }
    check(written < 40 * 1024 * 1024, `${written} bytes were taken though nobody reads`)
    check(a.queuedBytes < 512 * 1024, `${a.queuedBytes} bytes are queued though the producer was paused`)
    equal(running, false, 'the producer runs')
    b.resume('read')
    await t.until('all that was written', () => atB.bytes >= written)
    t.pattern.verify(atB.deliveries, written)
  }, { needs: ['pausable'] }),

  testCase('P5 the end waits behind what is held, and comes after it', async (t) => {
    const { a, b, atB } = await t.started(record({ eof: 'close' }))
    b.pause('read')
    a.write(t.pattern.bytes(10_000))
    a.close()
    await t.quiet()
    equal(atB.events, ['made'], 'events while paused')
    b.resume('read')
    await t.wait('closed', b.closed)
    equal(atB.events, ['made', 'data', 'lost'], 'events')
    t.pattern.verify(atB.deliveries, 10_000)
    equal(atB.reason?.kind, 'closed', 'reason')
  }),

  testCase('P5 a pause of ten minutes ends nothing', async (t) => {
    const { a, b, atA, atB } = await t.started()
    b.pause('read')
    a.write(t.pattern.bytes(10_000))
    for (let i = 0; i < 10; i++) {
      t.clock.advance(minute)
      await t.turn()
    }
    equal([atA.events, atB.events], [['made'], ['made']], 'events of both ends')
    b.resume('read')
    await t.until('what was held', () => atB.bytes >= 10_000)
  }),

  testCase('P5 a clock that jumps by a month ends nothing', async (t) => {
    const { a, atA, atB } = await t.started()
    t.clock.jump(30 * 24 * 60 * minute)
    await t.quiet()
    a.write(t.pattern.bytes(10))
    await t.until('data', () => atB.bytes === 10)
    equal([atA.events, atB.events], [['made'], ['made', 'data']], 'events of both ends')
  }),

  testCase('P6 abort() does not wait while paused', async (t) => {
    const { a, b, atB } = await t.started()
    b.pause()
    a.write(t.pattern.bytes(10_000))
    await t.quiet()
    b.abort()
    await t.wait('closed', b.closed)
    equal(atB.events, ['made', 'lost'], 'events')
    equal(atB.reason?.kind, 'aborted', 'reason')
  }),

  testCase('P6 close() of a paused transport sends what is held, and ends', async (t) => {
    const { a, b, atA, atB } = await t.started(record(), record({ eof: 'close' }))
    b.pause()
    a.write(t.pattern.bytes(10))
    b.write(t.pattern.bytes(20_000))
    await t.quiet()
    b.close()
    await t.wait('closed', b.closed)
    await t.wait('closed', a.closed)
    equal(atB.events, ['made', 'lost'], 'events')
    t.pattern.verify(atA.deliveries, 20_000)
  }),

  testCase('P6 pause and resume have no effect when closing or closed', async (t) => {
    const { b, atA, atB } = await t.started(record(), record({ eof: 'close' }))
    b.write(t.pattern.bytes(20_000))
    b.close()
    b.pause()
    b.resume('read')
    b.pause()
    await t.wait('closed', b.closed)
    b.pause()
    b.resume()
    await t.until('the end at the peer', () => atA.reason !== undefined)
    equal(atB.events, ['made', 'lost'], 'events')
    equal(atB.reason?.kind, 'closed', 'reason')
    t.pattern.verify(atA.deliveries, 20_000)
  }),
]
