import { type Case, testCase } from '../kit/case.ts'
import { equal, throws } from '../kit/check.ts'
import { joined, record } from '../kit/recording.ts'

/** T: starting, and a protocol's life. */
export const startCases: readonly Case[] = [
  testCase('T1 nothing is delivered before start(), and all of it after', async (t) => {
    const { a, b } = await t.pair()
    a.start(record())
    a.write(t.pattern.bytes(1000))
    await t.wait('drained(0)', a.drained(0))
    await t.quiet()
    const atB = record()
    b.start(atB)
    equal(atB.events, ['made'], 'events inside start()')
    await t.until('the bytes that waited', () => atB.bytes >= 1000)
    t.pattern.verify(atB.deliveries, 1000)
  }),

  testCase('T2 connectionMade runs inside start(), with the transport, and nothing else does', async (t) => {
    const { a, b } = await t.pair()
    const atA = record()
    a.start(atA)
    equal(atA.events, ['made'], 'events inside start()')
    equal(atA.transport === a, true, 'connectionMade was given the transport that was started')
    b.start(record())
    await t.quiet()
    equal(atA.events, ['made'], 'events of an idle connection')
  }),

  testCase('T3 connectionMade, dataReceived, eofReceived, connectionLost come in this order, each end event once', async (t) => {
    const { a, b, atB } = await t.started(record({ eof: () => b.close() }))
    a.write(t.pattern.bytes(5000))
    a.close()
    await t.wait('closed', b.closed)
    await t.quiet()
    equal(atB.events, ['made', 'data', 'eof', 'lost'], 'events')
  }, { needs: ['halfCloses'] }),

  testCase('T3 connectionLost is the last call and comes once, whatever ends the connection besides', async (t) => {
    const { a, b, atB } = await t.started()
    a.write(t.pattern.bytes(100))
    await t.until('data', () => atB.bytes === 100)
    b.close()
    b.abort()
    a.abort()
    a.close()
    await t.wait('closed', b.closed)
    b.abort()
    b.close()
    await t.quiet()
    equal(atB.events, ['made', 'data', 'lost'], 'events')
  }),

  testCase('T3 connectionLost comes without a peer event when this end aborts before any data', async (t) => {
    const { b, atB } = await t.started()
    b.abort()
    await t.wait('closed', b.closed)
    await t.quiet()
    equal(atB.events, ['made', 'lost'], 'events')
  }),

  testCase('T4 start() again: the old protocol is told detached as its last call, the new one hears the rest', async (t) => {
    const { a, b, atB } = await t.started()
    a.write(t.pattern.bytes(100))
    await t.until('the first data', () => atB.bytes === 100)
    const next = record()
    b.start(next)
    equal(next.events, ['made'], 'events of the new protocol inside start()')
    a.write(t.pattern.bytes(50, 100))
    await t.until('the data after the change', () => next.bytes === 50)
    equal(atB.reason?.kind, 'detached', 'reason of the old protocol')
    b.abort()
    await t.wait('closed', b.closed)
    equal(atB.events, ['made', 'data', 'lost'], 'events of the old protocol')
    equal(next.events, ['made', 'data', 'lost'], 'events of the new protocol')
    equal(next.reason?.kind, 'aborted', 'reason of the new protocol')
    t.pattern.verify(next.deliveries, 50, 100)
  }),

  testCase('T4 start() inside dataReceived: the old protocol gets nothing more, and nothing is lost', async (t) => {
    const next = record()
    const old = record({
      data: () => {
        if (old.deliveries.length === 1) b.start(next)
      },
    })
    const { a, b } = await t.started(old)
    for (let i = 0; i < 40; i++) {
      a.write(t.pattern.bytes(50, i * 50))
      if (i % 10 === 9) await t.turn()
    }
    await t.until('all data', () => old.bytes + next.bytes === 2000)
    t.pattern.verify([...old.deliveries, ...next.deliveries], 2000)
    equal(old.deliveries.length, 1, 'deliveries to the old protocol')
    equal(old.events, ['made', 'data', 'lost'], 'events of the old protocol')
  }),

  ...[0, 1, 3000].map((length) =>
    testCase(`T5 start(next, leftover) delivers ${length} bytes of leftover before anything else`, async (t) => {
      const { a, b, atB } = await t.started()
      a.write(t.pattern.bytes(10))
      await t.until('data', () => atB.bytes === 10)
      b.pause('read')
      a.write(t.pattern.bytes(500, 10 + length))
      await t.quiet()
      const next = record()
      b.start(next, t.pattern.bytes(length, 10))
      equal(next.events, ['made'], 'events inside start()')
      b.resume('read')
      await t.until('leftover and data', () => next.bytes >= length + 500)
      t.pattern.verify(next.deliveries, length + 500, 10)
    }, { carries: 'stream' }),
  ),

  testCase('T5 the first start() takes a leftover too', async (t) => {
    const { a, b } = await t.pair()
    a.start(record())
    a.write(t.pattern.bytes(100, 7))
    await t.quiet()
    const atB = record()
    b.start(atB, t.pattern.bytes(7))
    await t.until('leftover and data', () => atB.bytes === 107)
    t.pattern.verify(atB.deliveries, 107)
  }, { carries: 'stream' }),

  testCase('T5 a leftover is delivered even if the peer sends nothing more', async (t) => {
    const { b } = await t.started()
    const next = record()
    b.start(next, t.pattern.bytes(9))
    await t.until('leftover', () => next.bytes === 9)
    t.pattern.verify(next.deliveries, 9)
  }, { carries: 'stream' }),

  testCase('T5 a leftover waits while paused', async (t) => {
    const { b } = await t.started()
    b.pause('read')
    const next = record()
    b.start(next, t.pattern.bytes(9))
    await t.quiet()
    equal(next.events, ['made'], 'events while paused')
    b.resume('read')
    await t.until('leftover', () => next.bytes === 9)
  }, { carries: 'stream' }),

  testCase('T6 start() throws ERR_CLOSED when closing and when closed, and calls nothing', async (t) => {
    const { b } = await t.started()
    const next = record()
    b.close()
    throws(() => b.start(next), 'ERR_CLOSED', 'start() when closing')
    b.abort()
    throws(() => b.start(next), 'ERR_CLOSED', 'start() after abort()')
    await t.wait('closed', b.closed)
    throws(() => b.start(next), 'ERR_CLOSED', 'start() when closed')
    await t.quiet()
    equal(next.events, [], 'events of the protocol that was refused')
  }),

  testCase('T6 a leftover on a message transport throws ERR_UNSUPPORTED, and the old protocol stays', async (t) => {
    const { a, b, atB } = await t.started()
    const next = record()
    throws(() => b.start(next, t.pattern.bytes(3)), 'ERR_UNSUPPORTED', 'start() with a leftover')
    a.write(t.pattern.bytes(10))
    await t.until('data', () => atB.bytes + next.bytes === 10)
    equal(atB.events, ['made', 'data'], 'events of the protocol that stays')
    equal(next.events, [], 'events of the protocol that was refused')
  }, { carries: 'message' }),

  testCase('T7 an end that was delivered already is delivered to the new protocol as well', async (t) => {
    const { a, b, atB } = await t.started()
    a.halfClose()
    await t.until('eofReceived', () => atB.events.includes('eof'))
    const next = record()
    b.start(next)
    await t.until('eofReceived again', () => next.events.includes('eof'))
    equal(next.events, ['made', 'eof'], 'events of the new protocol')
    equal(atB.events, ['made', 'eof', 'lost'], 'events of the old protocol')
    b.write(t.pattern.bytes(4))
    b.close()
    await t.wait('closed', b.closed)
    equal(next.reason?.kind, 'closed', 'reason')
  }, { needs: ['halfCloses'] }),

  testCase('T7 what was held for the old protocol is delivered to the new one', async (t) => {
    const { a, b, atB } = await t.started()
    b.pause('read')
    a.write(t.pattern.bytes(300))
    await t.quiet()
    const next = record()
    b.start(next)
    b.resume('read')
    await t.until('what was held', () => next.bytes === 300)
    t.pattern.verify(next.deliveries, 300)
    equal(joined(atB.deliveries).length, 0, 'bytes delivered to the old protocol')
  }),

  testCase('T7 what came before a reset goes to the protocol that takes over in the midst of it', async (t) => {
    const next = record()
    const old = record({ data: () => old.deliveries.length === 1 && a.start(next) })
    const { a, b } = await t.started(record(), old)
    a.pause('read')
    for (let i = 0; i < 10; i++) {
      b.write(t.pattern.bytes(1000, i * 1000))
      await t.wait('drained(0)', b.drained(0))
    }
    await t.quiet()
    b.abort()
    await t.quiet()
    a.resume('read')
    await t.wait('closed', a.closed)
    t.pattern.verify([...old.deliveries, ...next.deliveries], 10_000)
    equal(old.deliveries.length, 1, 'deliveries to the old protocol')
    equal(next.reason?.kind, 'reset', 'reason')
  }, { needs: ['resets', 'readsAfterWriteError'] }),
]
