import { canHalfClose } from '../../transport.ts'
import { type Case, testCase } from '../kit/case.ts'
import { equal, throws } from '../kit/check.ts'
import { recordProducer } from '../kit/producer.ts'
import { own } from '../kit/reasons.ts'
import { record } from '../kit/recording.ts'

const mib = 1024 * 1024

/** H: ending the write half alone. */
export const halfCloseCases: readonly Case[] = [
  testCase('H1 halfClose() sends what is queued, then the end; deliveries go on', async (t) => {
    const { a, b, atA, atB } = await t.started(record({ eof: () => void t.send(b, mib).then(() => b.close()) }), record({ eof: 'close' }))
    a.write(t.pattern.bytes(200_000))
    a.halfClose()
    await t.wait('closed', a.closed)
    t.pattern.verify(atB.deliveries, 200_000)
    equal(atB.events.slice(0, 3), ['made', 'data', 'eof'], 'events of the peer')
    t.pattern.verify(atA.deliveries, mib)
  }, { needs: ['halfCloses'] }),

  testCase('H1 halfClose() of a connection on which nothing was written', async (t) => {
    const { a, b, atA, atB } = await t.started()
    a.halfClose()
    await t.until('eofReceived', () => atB.events.includes('eof'))
    b.write(t.pattern.bytes(50))
    await t.until('data', () => atA.bytes === 50)
    equal([atA.events, atB.events], [['made', 'data'], ['made', 'eof']], 'events of both ends')
  }, { needs: ['halfCloses'] }),

  testCase('H2 halfClose() stops a registered producer inside the call', async (t) => {
    const { a } = await t.started()
    const producer = recordProducer()
    a.register(producer)
    a.halfClose()
    equal(producer.calls, ['halfRegister', 'stop'], 'calls inside halfClose()')
    throws(() => a.register(recordProducer()), 'ERR_HALF_CLOSED', 'register()')
    await t.quiet()
    equal(producer.calls, ['halfRegister', 'stop'], 'calls')
  }, { needs: ['halfCloses'] }),

  testCase('H3 halfClose() again, while closing, and after the end, has no effect', async (t) => {
    const { a, b, atA, atB } = await t.started(record({ eof: () => b.write(t.pattern.bytes(7)) }))
    a.halfClose()
    a.halfClose()
    await t.until('an answer', () => atA.bytes === 7)
    a.halfClose()
    await t.quiet()
    equal(atB.events, ['made', 'eof'], 'events of the peer')
    b.close()
    b.halfClose()
    await t.wait('closed', b.closed)
    await t.wait('closed', a.closed)
    a.halfClose()
    b.halfClose()
    equal([atA.reason?.kind, atB.reason?.kind], ['closed', 'closed'], 'reasons')
  }, { needs: ['halfCloses'] }),

  testCase('H3 when both ends have half-closed the connection is closed, by who was first', async (t) => {
    const { a, b, atA, atB } = await t.started(record({ eof: () => b.halfClose() }))
    a.halfClose()
    await t.wait('closed', a.closed)
    await t.wait('closed', b.closed)
    equal([atA.events, atB.events], [['made', 'eof', 'lost'], ['made', 'eof', 'lost']], 'events of both ends')
    equal(own(atB.reason), { kind: 'closed', by: 'peer', unsentBytes: 0, unreadBytes: 0 }, 'reason of the end that was second')
    equal(atA.reason?.kind, 'closed', 'reason of the end that was first')
  }, { needs: ['halfCloses'] }),

  testCase('H3 both ends half-close at once', async (t) => {
    const { a, b, atA, atB } = await t.started()
    a.write(t.pattern.bytes(1000))
    b.write(t.pattern.bytes(2000))
    a.halfClose()
    b.halfClose()
    await t.wait('closed', a.closed)
    await t.wait('closed', b.closed)
    equal([atA.events, atB.events], [['made', 'data', 'eof', 'lost'], ['made', 'data', 'eof', 'lost']], 'events of both ends')
    t.pattern.verify(atA.deliveries, 2000)
    t.pattern.verify(atB.deliveries, 1000)
  }, { needs: ['halfCloses'] }),

  testCase('H4 a protocol without eofReceived: the transport closes, and what is queued is sent', async (t) => {
    const { a, b, atA, atB } = await t.started(record({ eof: 'close' }), record({ eof: 'close' }))
    b.pause()
    b.write(t.pattern.bytes(200_000))
    a.halfClose()
    await t.quiet()
    b.resume()
    await t.wait('closed', b.closed)
    await t.wait('closed', a.closed)
    equal(atB.events, ['made', 'lost'], 'events')
    t.pattern.verify(atA.deliveries, 200_000)
  }, { needs: ['halfCloses'] }),

  testCase('H4 a protocol with eofReceived: the transport stays open for writing', async (t) => {
    const { a, b, atA, atB } = await t.started()
    a.halfClose()
    await t.until('eofReceived', () => atB.events.includes('eof'))
    t.clock.advance(600_000)
    await t.quiet()
    equal(atB.events, ['made', 'eof'], 'events')
    b.write(t.pattern.bytes(5000))
    await t.until('data', () => atA.bytes === 5000)
  }, { needs: ['halfCloses'] }),

  testCase('H5 info.halfCloses says whether halfClose() works, and canHalfClose() agrees', async (t) => {
    const { a } = await t.started()
    equal(canHalfClose(a), true, 'canHalfClose()')
    a.halfClose()
  }, { needs: ['halfCloses'] }),

  testCase('H5 where there is no half-close the call throws ERR_UNSUPPORTED and changes nothing', async (t) => {
    const { a, b, atA, atB } = await t.started()
    equal(canHalfClose(a), false, 'canHalfClose()')
    throws(() => a.halfClose(), 'ERR_UNSUPPORTED', 'halfClose()')
    a.write(t.pattern.bytes(10))
    b.write(t.pattern.bytes(20))
    await t.until('both directions', () => atB.bytes === 10 && atA.bytes === 20)
  }, { needs: ['no halfCloses'] }),

  testCase('H5 where there is no half-close the peer’s end is the end of the connection, whatever the protocol makes of it', async (t) => {
    const { a, atB } = await t.started(record())
    a.write(t.pattern.bytes(10))
    a.close()
    await t.until('connectionLost', () => atB.reason !== undefined)
    equal(atB.bytes, 10, 'bytes that were delivered before')
    equal(own(atB.reason), { kind: 'closed', by: 'peer', unsentBytes: 0, unreadBytes: 0 }, 'reason')
  }, { needs: ['no halfCloses'] }),
]
