import { MemoryBudget } from '../../memory-budget.ts'
import { type Case, type TestTransport, testCase } from '../kit/case.ts'
import { check, equal, rejection, throws } from '../kit/check.ts'
import { recordProducer } from '../kit/producer.ts'
import { errorCode } from '../kit/reasons.ts'
import { record } from '../kit/recording.ts'

const kib = 1024

/** F: flow control. */
export const flowCases: readonly Case[] = [
  testCase('F1 register() calls halfRegister first, inside the call, with the consumer; nothing is sent', async (t) => {
    const { a, atB } = await t.started()
    const producer = recordProducer()
    a.register(producer)
    equal(producer.calls, ['halfRegister'], 'calls inside register()')
    equal(producer.consumer === a, true, 'halfRegister was given the consumer')
    await t.quiet()
    equal(producer.calls, ['halfRegister'], 'calls of an idle producer')
    equal(atB.bytes, 0, 'bytes sent')
  }),

  testCase('F1 a producer may write inside halfRegister', async (t) => {
    const { a, atB } = await t.started()
    a.register(recordProducer({ halfRegister: (consumer) => consumer.write(t.pattern.bytes(10)) }))
    a.write(t.pattern.bytes(10, 10))
    await t.until('both writes', () => atB.bytes === 20)
    t.pattern.verify(atB.deliveries, 20)
  }),

  testCase('F2 a second producer is refused with ERR_ALREADY_REGISTERED, and the first stays', async (t) => {
    const { a } = await t.started()
    const first = recordProducer()
    const second = recordProducer()
    a.register(first)
    throws(() => a.register(second), 'ERR_ALREADY_REGISTERED', 'register()')
    equal(second.calls, [], 'calls of the second')
    a.write(t.pattern.bytes(100_000))
    equal(first.calls, ['halfRegister', 'pause'], 'calls of the first')
  }),

  testCase('F2 what halfRegister throws comes through, and nothing is registered', async (t) => {
    const { a } = await t.started()
    const refusing = recordProducer({
      halfRegister: () => {
        throw Object.assign(new Error('not this one'), { code: 'ERR_OF_MINE' })
      },
    })
    throws(() => a.register(refusing), 'ERR_OF_MINE', 'register()')
    const next = recordProducer()
    a.register(next)
    a.write(t.pattern.bytes(100_000))
    equal(refusing.calls, ['halfRegister'], 'calls of the producer that threw')
    equal(next.calls, ['halfRegister', 'pause'], 'calls of the next')
    equal(t.reports, [], 'what was reported')
  }),

  testCase('F3 on a full consumer pause() follows halfRegister, inside register()', async (t) => {
    const { a, b } = await t.clogged()
    const producer = recordProducer()
    a.register(producer)
    equal(producer.calls, ['halfRegister', 'pause'], 'calls inside register()')
    b.start(record())
    await t.until('the producer to be resumed', () => producer.calls.length > 2)
    equal(producer.calls, ['halfRegister', 'pause', 'resume'], 'calls')
  }),

  testCase('F4 register() on a closing or closed transport throws ERR_CLOSED, and calls nothing', async (t) => {
    const { a } = await t.started(record({ eof: 'close' }))
    const producer = recordProducer()
    a.close()
    throws(() => a.register(producer), 'ERR_CLOSED', 'register() when closing')
    equal(producer.calls, [], 'calls')
  }),

  testCase('F4 register() on a transport that is lost calls halfRegister, then stop', async (t) => {
    const { a, b } = await t.started(record({ eof: 'close' }))
    a.abort()
    await t.wait('closed', b.closed)
    await t.turn()
    const producer = recordProducer()
    b.register(producer)
    equal(producer.calls, ['halfRegister', 'stop'], 'calls')
  }),

  testCase('F5 an unregistered producer hears nothing more, not even to be resumed', async (t) => {
    const { a, atB } = await t.started()
    const producer = recordProducer()
    a.register(producer)
    a.write(t.pattern.bytes(100_000))
    a.unregister()
    a.unregister()
    await t.wait('drained(0)', a.drained(0))
    await t.until('the bytes', () => atB.bytes === 100_000)
    equal(producer.calls, ['halfRegister', 'pause'], 'calls')
    const next = recordProducer()
    a.register(next)
    a.abort()
    await t.wait('closed', a.closed)
    equal(next.calls, ['halfRegister', 'stop'], 'calls of the next producer')
    equal(producer.calls, ['halfRegister', 'pause'], 'calls of the first producer')
  }),

  testCase('F6 pause above the high-water mark, and not at it', async (t) => {
    const { a } = await t.started(record(), record(), { highWaterMarkBytes: 5000, lowWaterMarkBytes: 1000 })
    const producer = recordProducer()
    a.register(producer)
    while (a.queuedBytes < 4500) a.write(t.pattern.bytes(1))
    equal(producer.calls, ['halfRegister'], 'calls below the mark')
    while (a.queuedBytes <= 5000) a.write(t.pattern.bytes(1))
    equal(producer.calls, ['halfRegister', 'pause'], 'calls above the mark')
    a.write(t.pattern.bytes(5000))
    equal(producer.calls, ['halfRegister', 'pause'], 'calls further above')
    await t.until('the producer to be resumed', () => producer.calls.length > 2)
    check(a.queuedBytes <= 1000, `${a.queuedBytes} bytes are queued when resumed, the low-water mark is 1000`)
  }),

  testCase('F6 pause and resume alternate, and resume comes at or below the low-water mark', async (t) => {
    const resumedAt: number[] = []
    const producer = recordProducer({
      resume: () => {
        resumedAt.push(a.queuedBytes)
        if (written < 2_000_000) more()
      },
    })
    const { a, b, atB } = await t.started()
    let written = 0
    const more = (): void => {
      while (producer.calls.at(-1) !== 'pause') {
        a.write(t.pattern.bytes(10_000, written))
        written += 10_000
      }
    }
    a.register(producer)
    more()
    for (let i = 0; atB.bytes < 2_000_000; i++) {
      t.waitingFor = `2 MB; ${atB.bytes} bytes are there`
      if (i % 4 === 1) b.pause('read')
      if (i % 4 === 3) b.resume('read')
      await t.turn()
    }
    b.resume('read')
    await t.until('the last resume', () => producer.calls.at(-1) === 'resume')
    const [first, ...rest] = producer.calls
    equal(first, 'halfRegister', 'first call')
    equal(rest, rest.map((_, i) => (i % 2 === 0 ? 'pause' : 'resume')), 'calls')
    check(Math.max(...resumedAt) <= 16 * kib, `resumed with ${Math.max(...resumedAt)} bytes queued, the low-water mark is 16 KiB`)
  }),

  testCase('F6 a mark that nobody has set is 64 KiB at first, and 256 KiB at most', async (t) => {
    const total = 4_000_000
    const piece = 10_000
    const pausedAt: number[] = []
    const producer = recordProducer({ pause: () => pausedAt.push(a.queuedBytes), resume: () => more() })
    const { a, b, atB } = await t.started()
    let written = 0
    const more = (): void => {
      while (producer.calls.at(-1) !== 'pause' && written < total) {
        a.write(t.pattern.bytes(piece, written))
        written += piece
      }
    }
    a.register(producer)
    more()
    for (let i = 0; atB.bytes < total; i++) {
      t.waitingFor = `4 MB; ${atB.bytes} bytes are there`
      if (i % 40 === 20) b.pause('read')
      if (i % 40 === 39) b.resume('read')
      await t.turn()
    }
    b.resume('read')
    const slack = 2 * piece
    check(pausedAt[0]! <= 64 * kib + slack, `paused with ${pausedAt[0]} bytes queued at first`)
    check(Math.max(...pausedAt) <= 256 * kib + slack, `paused with ${Math.max(...pausedAt)} bytes queued`)
    check(Math.min(...pausedAt) > 64 * kib, `paused with ${Math.min(...pausedAt)} bytes queued`)
  }),

  testCase('F6 resume is not called inside a call of the writer', async (t) => {
    let inside = false
    let calledInside = false
    const { a } = await t.started()
    const producer = recordProducer({ resume: () => (calledInside ||= inside) })
    a.register(producer)
    for (let i = 0; i < 40; i++) {
      inside = true
      a.write(t.pattern.bytes(40_000))
      a.pause('read')
      a.resume('read')
      void t.background(a.drained(0))
      inside = false
      if (i % 4 === 3) await t.wait('drained(0)', a.drained(0))
    }
    check(producer.calls.includes('resume'), 'the producer was never resumed')
    equal(calledInside, false, 'resume() was called inside a call')
  }),

  testCase('F7 stop comes once, before connectionLost, and nothing after it', async (t) => {
    const order: string[] = []
    const { a, b } = await t.started(record(), record({ lost: () => order.push('lost') }))
    const producer = recordProducer({ stop: () => order.push('stop') })
    a.register(producer)
    a.write(t.pattern.bytes(100_000))
    b.abort()
    await t.wait('closed', a.closed)
    a.close()
    a.abort()
    a.unregister()
    await t.quiet()
    equal(order, ['stop', 'lost'], 'order')
    equal(producer.calls.filter((call) => call === 'stop').length, 1, 'stops')
    equal(producer.calls.at(-1), 'stop', 'last call')
  }),

  testCase('F8 drained() resolves at the low-water mark, drained(0) when all is handed over; any number may wait', async (t) => {
    const { a, b } = await t.clogged()
    const at: [string, number][] = []
    const waiting = [
      a.drained().then(() => at.push(['low', a.queuedBytes])),
      a.drained(0).then(() => at.push(['zero', a.queuedBytes])),
      a.drained(50_000).then(() => at.push(['some', a.queuedBytes])),
      a.drained(0).then(() => at.push(['zero', a.queuedBytes])),
    ].map((promise) => t.background(promise))
    await t.quiet()
    equal(at, [], 'those who went on though the queue is full')
    b.start(record())
    await t.wait('drained()', Promise.all(waiting))
    for (const [who, queued] of at) check(queued <= { low: 16 * kib, some: 50_000, zero: 0 }[who]!, `drained() resolved with ${queued} bytes queued (${who})`)
    await t.wait('drained() with nothing queued', a.drained())
  }),

  testCase('F8 drained() rejects with signal.reason when aborted, and nobody else is concerned', async (t) => {
    const { a, b } = await t.clogged()
    const controller = new AbortController()
    const mine = new Error('no longer')
    const patient = t.background(a.drained(0))
    const impatient = t.background(rejection(a.drained(0, controller.signal), 'drained()'))
    controller.abort(mine)
    equal((await t.wait('the rejection', impatient)) === mine, true, 'rejected with the signal’s reason')
    equal((await t.wait('the rejection', rejection(a.drained(0, controller.signal), 'drained()'))) === mine, true, 'rejected when aborted before')
    b.start(record())
    await t.wait('drained(0)', patient)
  }),

  testCase('F8 drained() leaves no listener on its signal', async (t) => {
    const { a, b } = await t.clogged()
    let listeners = 0
    const signal: AbortSignal = Object.assign(Object.create(new AbortController().signal), {
      addEventListener: () => listeners++,
      removeEventListener: () => listeners--,
    })
    Object.defineProperties(signal, { aborted: { value: false }, reason: { value: undefined } })
    const waiting = [t.background(a.drained(0, signal)), t.background(a.drained(1000, signal))]
    check(listeners > 0, 'the signal is not listened to')
    b.start(record())
    await t.wait('drained()', Promise.all(waiting))
    equal(listeners, 0, 'listeners that are left')
    a.abort()
  }),

  testCase('F8 drained() rejects with the reason’s error when the connection is lost, and afterwards', async (t) => {
    const { a, atA } = await t.clogged()
    const waiting = t.background(rejection(a.drained(0), 'drained()'))
    const cause = new Error('enough')
    a.abort(cause)
    const error = await t.wait('the rejection', waiting)
    await t.wait('closed', a.closed)
    equal((error as { code?: unknown }).code, errorCode(atA.reason), 'code of the rejection, which is the reason’s')
    equal(errorCode(atA.reason), 'ERR_ABORTED', 'code of the reason')
    const late = await t.wait('the rejection', rejection(a.drained(0), 'drained()'))
    equal((late as { code?: unknown }).code, 'ERR_ABORTED', 'code of a later rejection')
  }),

  testCase('F8 drained() rejects with ERR_CONNECTION_CLOSED after a clean end', async (t) => {
    const { a } = await t.started(record({ eof: 'close' }))
    a.close()
    await t.wait('closed', a.closed)
    const error = await t.wait('the rejection', rejection(a.drained(0), 'drained()'))
    equal((error as { code?: unknown }).code, 'ERR_CONNECTION_CLOSED', 'code')
  }),

  testCase('F9 queuedBytes count what was written and not handed over, and come back to 0', async (t) => {
    const { a, atB } = await t.started()
    equal(a.queuedBytes, 0, 'queuedBytes at first')
    a.write(t.pattern.bytes(1000))
    const one = a.queuedBytes
    check(one >= 1000, `queuedBytes are ${one} after 1000 bytes`)
    a.write(t.pattern.bytes(1000, 1000))
    equal(a.queuedBytes, 2 * one, 'queuedBytes after twice as much')
    await t.wait('drained(0)', a.drained(0))
    equal(a.queuedBytes, 0, 'queuedBytes when drained')
    await t.until('the bytes', () => atB.bytes === 2000)
  }),

  testCase('F9 a shared memory budget: over it the largest queue is aborted with kind limit, and its memory is given back', async (t) => {
    const memoryBudget = new MemoryBudget({ maxBytes: 2_000_000 })
    const { a, atA } = await t.clogged(record(), { memoryBudget })
    equal(memoryBudget.usedBytes > 0, true, 'the budget counts what is queued')
    for (let i = 0; i < 60 && memoryBudget.usedBytes > 0; i++) {
      try {
        a.write(t.pattern.bytes(50_000))
      } catch {
        break
      }
    }
    await t.wait('closed', a.closed)
    equal(atA.reason?.kind, 'limit', 'reason')
    equal(errorCode(atA.reason), 'ERR_MEMORY_BUDGET', 'code')
    equal(memoryBudget.usedBytes, 0, 'bytes in use afterwards')
  }),

  testCase('F9 a relay of two connections passes a slow reader’s pace on, both ways, and does not deadlock', async (t) => {
    const total = 2 * kib * kib
    const left = await t.pair()
    const right = await t.pair()
    const ends = [record({ data: () => left.a.pause('read') }), record({ data: () => right.b.pause('read') })] as const
    left.a.start(ends[0])
    right.b.start(ends[1])
    left.b.start(record({ data: (data) => right.a.write(data) }))
    right.a.start(record({ data: (data) => left.b.write(data) }))
    right.a.register(readSideOf(left.b))
    left.b.register(readSideOf(right.a))
    const sending = [t.send(left.a, total, 16 * kib), t.send(right.b, total, 16 * kib)]
    let most = 0
    while (ends[0].bytes < total || ends[1].bytes < total) {
      t.waitingFor = `2 MiB in each direction; ${ends[0].bytes} and ${ends[1].bytes} bytes are there`
      most = Math.max(most, right.a.queuedBytes, left.b.queuedBytes)
      await t.turn()
      left.a.resume('read')
      right.b.resume('read')
    }
    await Promise.all(sending)
    t.pattern.verify(ends[0].deliveries, total)
    t.pattern.verify(ends[1].deliveries, total)
    check(most < 512 * kib, `${most} bytes were queued in the relay`)
  }, { needs: ['pausable'] }),
]

/** Deliveries of `transport`, as something that can be paused. */
function readSideOf(transport: TestTransport) {
  return {
    halfRegister(): void {},
    pause(): void {
      transport.pause('read')
    },
    resume(): void {
      transport.resume('read')
    },
    stop(): void {
      transport.close()
    },
  }
}
