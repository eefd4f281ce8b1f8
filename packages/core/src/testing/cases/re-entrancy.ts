import { type Case, type TestTransport, testCase } from '../kit/case.ts'
import type { CaseContext } from '../kit/context.ts'
import { check, codeOf, equal } from '../kit/check.ts'
import { recordProducer } from '../kit/producer.ts'
import { record, type Recording } from '../kit/recording.ts'

/** Every method, as a protocol or a producer would call it. */
const methods: Readonly<Record<string, (transport: TestTransport, t: CaseContext) => unknown>> = {
  write: (transport, t) => transport.write(t.pattern.bytes(10)),
  writeSequence: (transport, t) => transport.writeSequence([t.pattern.bytes(10), t.pattern.bytes(10)]),
  drained: (transport) => void transport.drained(0).catch(() => {}),
  pause: (transport) => transport.pause(),
  resume: (transport) => transport.resume(),
  'pause and resume': (transport) => {
    transport.pause()
    transport.resume()
  },
  register: (transport) => transport.register(recordProducer()),
  unregister: (transport) => transport.unregister(),
  start: (transport) => transport.start(record()),
  halfClose: (transport) => transport.halfClose(),
  close: (transport) => transport.close(),
  abort: (transport) => transport.abort(),
}

/** What a method may throw in some state: usage errors, whose effect is none. */
const allowed = ['ERR_CLOSED', 'ERR_HALF_CLOSED', 'ERR_UNSUPPORTED', 'ERR_ALREADY_REGISTERED', 'ERR_WRITE_BROKEN']

const callbacks = ['connectionMade', 'dataReceived', 'eofReceived', 'connectionLost', 'halfRegister', 'producer.pause', 'producer.resume', 'producer.stop'] as const

/** E: what may be called where, and exceptions. */
export const reentrancyCases: readonly Case[] = [
  ...callbacks.map((callback) =>
    testCase(`E1 every method may be called inside ${callback}`, async (t) => {
      for (const [name, method] of Object.entries(methods)) await callInside(t, callback, name, method)
    }, { needs: callback === 'eofReceived' ? ['halfCloses'] : [] }),
  ),

  testCase('E2 close(), abort(), write() and resume() call no protocol method before they return', async (t) => {
    let inside = false
    const early: string[] = []
    const note = (what: string) => (): void => {
      if (inside) early.push(what)
    }
    const atA = record({ data: note('data at a'), eof: note('eof at a'), lost: note('lost at a') })
    const atB = record({ data: note('data at b'), eof: note('eof at b'), lost: note('lost at b') })
    const { a, b } = await t.started(atB, atA)
    const call = (act: () => void): void => {
      inside = true
      act()
      inside = false
    }
    call(() => a.write(t.pattern.bytes(100)))
    call(() => b.pause('read'))
    await t.quiet()
    call(() => b.resume('read'))
    await t.until('data', () => atB.bytes === 100)
    call(() => b.close())
    call(() => a.close())
    await t.wait('closed', a.closed)
    await t.wait('closed', b.closed)
    const other = await t.started(record({ eof: 'close', lost: note('lost at b after abort()') }), record({ lost: note('lost at a after abort()') }))
    call(() => other.a.abort())
    await t.wait('closed', other.a.closed)
    await t.until('the end at the peer', () => other.atB.reason !== undefined)
    equal(early, [], 'calls of protocols inside calls of transports')
  }),

  testCase('E2 dataReceived is not called inside dataReceived, whatever it does', async (t) => {
    let depth = 0
    let deepest = 0
    const atB = record({
      data: (data) => {
        deepest = Math.max(deepest, ++depth)
        b.pause('read')
        b.resume('read')
        b.write(data)
        b.resume()
        depth--
      },
    })
    const { a, b, atA } = await t.started(atB)
    for (let i = 0; i < 50; i++) a.write(t.pattern.bytes(1000, i * 1000))
    await t.until('the echo', () => atA.bytes >= 50_000)
    equal(deepest, 1, 'calls of dataReceived inside one another, at most')
    t.pattern.verify(atA.deliveries, 50_000)
  }),

  ...(['connectionMade', 'dataReceived', 'eofReceived'] as const).map((callback) =>
    testCase(`E3 what ${callback} throws aborts with kind protocol, and is reported once`, async (t) => {
      const mine = new Error(`thrown by ${callback}`)
      const fail = (): never => {
        throw mine
      }
      const { a, b } = await t.pair()
      a.start(record({ eof: 'close' }))
      const atB = record(callback === 'connectionMade' ? { made: fail } : callback === 'dataReceived' ? { data: fail } : { eof: fail })
      b.start(atB)
      if (callback === 'dataReceived') for (let i = 0; i < 10; i++) a.write(t.pattern.bytes(100))
      if (callback === 'eofReceived') a.halfClose()
      await t.wait('closed', b.closed)
      await t.quiet()
      equal(atB.reason?.kind, 'protocol', 'kind')
      equal(atB.events.at(-1), 'lost', 'last event')
      equal(atB.deliveries.length, callback === 'dataReceived' ? 1 : 0, 'deliveries')
      equal(t.reports.length, 1, 'reports')
      equal(t.reports[0] === mine, true, 'the report is what was thrown')
      await t.until('the end at the peer', () => isOver(a))
    }, { needs: callback === 'eofReceived' ? ['halfCloses'] : [] }),
  ),

  testCase('E4 what connectionLost throws is reported once, and the end is complete', async (t) => {
    const mine = new Error('thrown by connectionLost')
    const { a, b } = await t.started(record({
      lost: () => {
        throw mine
      },
    }), record({ eof: 'close' }))
    b.abort()
    equal((await t.wait('closed', b.closed)).kind, 'aborted', 'kind')
    await t.wait('closed', a.closed)
    equal(t.reports.length, 1, 'reports')
    equal(t.reports[0] === mine, true, 'the report is what was thrown')
  }),

  testCase('E4 what a replaced protocol throws when told detached is reported, and harms nobody', async (t) => {
    const mine = new Error('thrown by connectionLost')
    const { a, b } = await t.started(record({
      lost: () => {
        throw mine
      },
    }))
    const next = record()
    b.start(next)
    a.write(t.pattern.bytes(10))
    await t.until('data', () => next.bytes === 10)
    equal(t.reports.length, 1, 'reports')
    equal(t.reports[0] === mine, true, 'the report is what was thrown')
  }),

  ...(['pause', 'resume', 'stop'] as const).map((method) =>
    testCase(`E5 what a producer’s ${method} throws is reported, and ends the connection with kind protocol unless it is over`, async (t) => {
      const mine = new Error(`thrown by ${method}`)
      const { a, atA } = await t.started(record({ eof: 'close' }))
      const producer = recordProducer({
        [method]: () => {
          throw mine
        },
      })
      a.register(producer)
      a.write(t.pattern.bytes(100_000))
      if (method === 'stop') a.close()
      await t.wait('closed', a.closed)
      equal(atA.reason?.kind, 'protocol', 'kind')
      equal(t.reports[0] === mine, true, 'the report is what was thrown')
      equal(t.reports.length, 1, 'reports')
    }),
  ),

  testCase('E6 inside connectionLost the connection is over: writes throw ERR_CLOSED, start() too', async (t) => {
    const codes: string[] = []
    const { a, b } = await t.started(record({
      eof: 'close',
      lost: () => {
        codes.push(codeOf(() => b.write(t.pattern.bytes(1)), 'write()'))
        codes.push(codeOf(() => b.start(record()), 'start()'))
        b.close()
        b.abort()
        b.pause()
        b.resume()
        b.unregister()
      },
    }))
    a.abort()
    await t.wait('closed', b.closed)
    equal(codes, ['ERR_CLOSED', 'ERR_CLOSED'], 'codes')
    equal(t.reports, [], 'what was reported')
  }),
]

function isOver(transport: TestTransport): boolean {
  try {
    transport.write('x')
    return false
  } catch {
    return true
  }
}

/** A connection on which every callback comes; inside the first `callback`, `method` is called. Then it has to end, in order. */
async function callInside(t: CaseContext, callback: (typeof callbacks)[number], name: string, method: (transport: TestTransport, t: CaseContext) => unknown): Promise<void> {
  let called = false
  let wrong: string | undefined
  const act = (): void => {
    if (called) return
    called = true
    try {
      method(b, t)
    } catch (error) {
      // Noted, not thrown: what is thrown here is for the transport to catch.
      const code = String((error as { readonly code?: unknown }).code ?? error)
      if (!allowed.includes(code)) wrong = `${name} inside ${callback} threw ${code}`
    }
  }
  const { a, b } = await t.pair({ highWaterMarkBytes: 1000, lowWaterMarkBytes: 100 })
  const when = (which: (typeof callbacks)[number]): { [K in string]: () => void } => (which === callback ? { call: act } : {})
  const hook = (which: (typeof callbacks)[number]): (() => void) => when(which)['call'] ?? (() => {})
  const atB: Recording = record({ made: hook('connectionMade'), data: hook('dataReceived'), eof: hook('eofReceived'), lost: hook('connectionLost') })
  const producer = recordProducer({
    halfRegister: hook('halfRegister'), pause: hook('producer.pause'), resume: hook('producer.resume'), stop: hook('producer.stop'),
  })
  a.start(record())
  b.start(atB)
  quietly(() => b.register(producer))
  a.write(t.pattern.bytes(500))
  quietly(() => b.write(t.pattern.bytes(5000)))
  await t.quiet(6)
  b.resume()
  await t.quiet(4)
  quietly(() => a.halfClose())
  await t.quiet(6)
  b.abort()
  await t.wait(`closed, after ${name} inside ${callback}`, b.closed)
  await t.until(`${callback} to be called`, () => called)
  check(wrong === undefined, wrong ?? '')
  equal(t.reports, [], `what was reported after ${name} inside ${callback}`)
  const { events } = atB
  equal([events[0], events.filter((event) => event === 'lost').length, events.at(-1)], ['made', 1, 'lost'], `first, number of ends and last event after ${name} inside ${callback}`)
  a.abort()
}

function quietly(act: () => void): void {
  try {
    act()
  } catch {
    // Refused: what the callback did before has ended the write half.
  }
}
