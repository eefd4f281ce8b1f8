import { type ByNameOptions, type Case, type CaseFilter, type NameUnderTest, type Place, testCase } from '../kit/case.ts'
import { check, equal, rejection } from '../kit/check.ts'
import type { CaseContext } from '../kit/context.ts'

const filter: CaseFilter = { needs: ['makeName'] }
const host = 'name.test'
const accept: Place = { family: 4, does: 'accept' }
const refuse: Place = { family: 4, does: 'refuse' }
const hang: Place = { family: 4, does: 'hang' }
const refuse6: Place = { family: 6, does: 'refuse' }

interface Failure {
  readonly name?: string
  readonly code?: string
  readonly phase?: string
  readonly message?: string
  readonly cause?: { readonly code?: string; readonly errors?: readonly { readonly message?: string; readonly code?: string }[] }
}

/** A look-up that finds all addresses, whose families it gets wrong: an address says itself which it has. */
const all = ({ addresses }: NameUnderTest) => async (): Promise<{ address: string; family: number }[]> => addresses.map((address) => ({ address, family: 6 }))

/** A signal that counts who listens. */
function listenedSignal(): { readonly controller: AbortController; readonly count: () => number } {
  const controller = new AbortController()
  const { signal } = controller
  const listeners = new Set<unknown>()
  const [add, remove] = [signal.addEventListener.bind(signal), signal.removeEventListener.bind(signal)]
  signal.addEventListener = (type: string, listener: unknown, ...more: unknown[]) => {
    listeners.add(listener)
    ;(add as (...all: unknown[]) => void)(type, listener, ...more)
  }
  signal.removeEventListener = (type: string, listener: unknown, ...more: unknown[]) => {
    listeners.delete(listener)
    ;(remove as (...all: unknown[]) => void)(type, listener, ...more)
  }
  return { controller, count: () => listeners.size }
}

/** What `connect` fails with. */
function failure(t: CaseContext, name: NameUnderTest, options: Partial<ByNameOptions>): Promise<Failure> {
  return t.background(t.wait('the rejection', rejection(name.connect({ host, lookup: all(name), ...options }), 'connect()') as Promise<Failure>))
}

/** Which of the addresses a transport is connected to, or an error tells of: the number of its place. */
const placeOf = (name: NameUnderTest, text = ''): number =>
  name.addresses.findIndex((address) => new RegExp(`${address.replaceAll('.', '\\.')}(?![0-9])`).test(text))

/** Connects on the way: the place it got to, once it has. */
function connecting(name: NameUnderTest, options: Partial<ByNameOptions> = {}): { place: number | undefined; failed: boolean } {
  const state: { place: number | undefined; failed: boolean } = { place: undefined, failed: false }
  name.connect({ host, lookup: all(name), ...options }).then(
    (transport) => (state.place = placeOf(name, transport.info.remote)),
    () => (state.failed = true),
  )
  return state
}

/** Resolves in the turn in which `holds` does, if it does: what waits for the outside has not gone on. */
async function soon(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 50 && !holds(); i++) await undefined
}

/** L10–L15: connecting by a name. */
export const byNameCases: readonly Case[] = [
  testCase('L10 a name is looked up once, and connected to', async (t) => {
    const name = await t.name(accept)
    const asked: string[] = []
    const state = connecting(name, { lookup: (host) => (asked.push(host), all(name)()) })
    await t.until('a connection', () => state.place !== undefined || state.failed)
    equal(state.place, 0, 'the place')
    equal(asked, [host], 'look-ups')
  }, filter),

  testCase('L10 an address is not looked up', async (t) => {
    const name = await t.name(accept)
    const asked: string[] = []
    const state = connecting(name, { host: name.addresses[0]!, lookup: (host) => (asked.push(host), all(name)()) })
    await t.until('a connection', () => state.place !== undefined || state.failed)
    equal(state.place, 0, 'the place')
    equal(asked, [], 'look-ups')
  }, filter),

  testCase('L10 the system looks names up by default', async (t) => {
    const name = await t.name(accept)
    const found = await t.wait('a connection', name.connect({ host: 'localhost' }))
    equal(placeOf(name, found.info.remote), 0, 'the place')
    // Too long for a name, which every resolver knows by itself.
    const error = (await t.wait('the rejection', rejection(name.connect({ host: `${'x'.repeat(64)}.invalid` }), 'connect()'))) as Failure
    equal([error.name, error.code], ['ConnectionError', 'ERR_HOST_NOT_FOUND'], 'the error')
  }, filter),

  testCase('L10 the families take turns, beginning with the first', async (t) => {
    for (const [places, order] of [
      [[refuse, refuse, refuse, refuse6], [0, 3, 1, 2]],
      [[refuse6, refuse, refuse, refuse], [0, 1, 2, 3]],
      [[refuse, refuse6], [0, 1]],
    ] as const) {
      const name = await t.name(...places)
      const { cause } = await failure(t, name, {})
      equal(cause?.errors?.map(({ message }) => placeOf(name, message)), order, `the order of ${places.map(({ family }) => family).join(', ')}`)
    }
  }, filter),

  testCase('L10 with an address of our own only those of its family are tried', async (t) => {
    const name = await t.name(refuse6, accept, refuse)
    const localAddress = name.addresses[2]!
    const first = await t.wait('a connection', name.connect({ host, lookup: all(name), localAddress }))
    equal([placeOf(name, first.info.remote), placeOf(name, first.info.local)], [1, 2], 'places')
    const localPort = Number(first.info.local?.split(':').at(-1))
    first.abort()
    await t.wait('its end', first.closed)
    // A port that the system chose before is not chosen again by chance.
    const second = await t.wait('a connection', name.connect({ host, lookup: all(name), localAddress, localPort }))
    equal(second.info.local, first.info.local, 'our address')
    const error = await failure(t, name, { lookup: async () => [{ address: name.addresses[0]!, family: 6 }], localAddress })
    equal([error.name, error.phase, error.code], ['ConnectionError', 'connect', 'ERR_ADDRESS_NOT_AVAILABLE'], 'the error where there is none')
  }, filter),

  testCase('L11 the next address is tried attemptDelayMs after the last, beside it', async (t) => {
    for (const attemptDelayMs of [undefined, 700]) {
      const name = await t.name(hang, hang, accept)
      const state = connecting(name, attemptDelayMs === undefined ? {} : { attemptDelayMs })
      const ms = attemptDelayMs ?? 250
      await t.quiet()
      t.clock.advance(ms)
      await t.quiet()
      t.clock.advance(ms - 1)
      await t.quiet()
      equal(state.place, undefined, 'the place before the delay has passed')
      t.clock.advance(1)
      await t.until('a connection', () => state.place !== undefined || state.failed)
      equal(state.place, 2, 'the place')
    }
  }, filter),

  testCase('L11 the next address is tried as soon as one fails, and the delay begins anew', async (t) => {
    const name = await t.name(refuse, hang, accept)
    const before = t.clock.pendingCount
    const state = connecting(name)
    await soon(() => t.clock.pendingCount === before + 2)
    t.clock.advance(100)
    await t.until('the second attempt', () => name.socketCount() > 0)
    await t.quiet()
    t.clock.advance(249)
    await t.quiet()
    equal(state.place, undefined, 'the place before the delay has passed')
    t.clock.advance(1)
    await t.until('a connection', () => state.place !== undefined || state.failed)
    equal(state.place, 2, 'the place')
  }, filter),

  testCase('L11 an address that refuses costs no time', async (t) => {
    const name = await t.name(refuse, refuse, accept)
    const state = connecting(name)
    await t.until('a connection', () => state.place !== undefined || state.failed)
    equal(state.place, 2, 'the place')
  }, filter),

  testCase('L11 a pending attempt is not given up because all others failed', async (t) => {
    const name = await t.name(hang, refuse, refuse)
    const state = connecting(name)
    await t.quiet()
    t.clock.advance(250)
    await t.quiet(50)
    t.clock.advance(1000)
    await t.quiet()
    equal([state.place, state.failed], [undefined, false], 'settled')
    name.answer()
    await t.until('a connection', () => state.place !== undefined || state.failed)
    equal(state.place, 0, 'the place')
  }, filter),

  testCase('L12 when all addresses failed the error has what each failed with', async (t) => {
    const name = await t.name(refuse, refuse)
    const error = await failure(t, name, {})
    equal([error.name, error.phase, error.code], ['ConnectionError', 'connect', 'ERR_REFUSED'], 'the error')
    equal(error.cause?.errors?.map(({ code, message }) => [code, placeOf(name, message)]), [['ERR_REFUSED', 0], ['ERR_REFUSED', 1]], 'the causes')
  }, filter),

  testCase('L12 what a single address failed with is the error itself', async (t) => {
    const name = await t.name(refuse)
    const error = await failure(t, name, {})
    equal([error.name, error.phase, error.code, placeOf(name, error.message)], ['ConnectionError', 'connect', 'ERR_REFUSED', 0], 'the error')
    equal(error.cause?.errors, undefined, 'the causes')
  }, filter),

  testCase('L13 a look-up that fails, or finds nothing, is ERR_HOST_NOT_FOUND', async (t) => {
    const name = await t.name()
    const mine = new Error('broken')
    const lookups: [string, ByNameOptions['lookup'], unknown?][] = [
      ['throws', () => { throw mine }, mine],
      ['rejects', () => Promise.reject(mine), mine],
      ['rejects with nothing', () => Promise.reject(undefined)],
      ['finds nothing', async () => []],
    ]
    for (const [what, lookup, cause] of lookups) {
      const error = await failure(t, name, { lookup: lookup! })
      equal([error.name, error.phase, error.code], ['ConnectionError', 'connect', 'ERR_HOST_NOT_FOUND'], `the error when it ${what}`)
      equal(error.cause === cause, true, `the cause when it ${what} is what it failed with`)
      check(error.message?.includes(host) === true, `the message does not name the host: ${error.message}`)
    }
  }, filter),

  testCase('L13 an answer that is no list of addresses is ERR_INVALID_ARGUMENT', async (t) => {
    const name = await t.name(accept)
    const good = name.addresses[0]
    for (const answer of [undefined, null, good, [good], [null], [{}], [{ address: 'other.test', family: 4 }], [{ address: good, family: 4 }, { family: 4 }]]) {
      const error = await failure(t, name, { lookup: (async () => answer) as unknown as NonNullable<ByNameOptions['lookup']> })
      equal([error.name, error.code], ['UsageError', 'ERR_INVALID_ARGUMENT'], `the error for ${JSON.stringify(answer)}`)
    }
  }, filter),

  testCase('L14 a look-up that never ends is ended by the time-out', async (t) => {
    const name = await t.name()
    for (const connectTimeoutMs of [undefined, 5000]) {
      const ms = connectTimeoutMs ?? 30_000
      let settled = false
      const waiting = failure(t, name, { lookup: () => new Promise(() => {}), ...(connectTimeoutMs === undefined ? {} : { connectTimeoutMs }) })
      waiting.then(() => (settled = true), () => {})
      await t.quiet()
      t.clock.advance(ms - 1)
      await t.quiet()
      equal(settled, false, 'settled before its time')
      t.clock.advance(1)
      const error = await waiting
      equal([error.name, error.phase, error.code, error.cause], ['ConnectionError', 'connect', 'ERR_CONNECT_TIMEOUT', undefined], 'the error')
    }
  }, filter),

  testCase('L14 the time-out ends all attempts, and has the last failure as its cause', async (t) => {
    const name = await t.name(refuse, hang)
    const waiting = failure(t, name, { connectTimeoutMs: 5000 })
    await t.until('the second attempt', () => name.socketCount() > 0)
    await t.quiet(50)
    t.clock.advance(5000)
    const error = await waiting
    equal([error.code, error.cause?.code], ['ERR_CONNECT_TIMEOUT', 'ERR_REFUSED'], 'the error and its cause')
    await t.until('the attempt to be let go', () => name.socketCount() === 0)
  }, filter),

  testCase('L15 success leaves nothing but the connection, and later the signal has no effect', async (t) => {
    const name = await t.name(hang, accept, hang)
    const { controller, count } = listenedSignal()
    const state = connecting(name, { signal: controller.signal })
    await t.quiet()
    equal(count(), 1, 'listeners on the way')
    t.clock.advance(250)
    await t.until('a connection', () => state.place !== undefined || state.failed)
    equal([count(), t.clock.pendingCount], [0, 0], 'listeners and timers')
    await t.until('the other attempt to be let go', () => name.socketCount() <= 1)
    controller.abort()
    t.clock.advance(60_000)
    await t.quiet()
    equal([state.place, name.socketCount()], [1, 1], 'the place, and sockets')
  }, filter),

  testCase('L15 failure leaves nothing', async (t) => {
    const name = await t.name(refuse, refuse)
    const { controller, count } = listenedSignal()
    await failure(t, name, { signal: controller.signal })
    equal([count(), t.clock.pendingCount], [0, 0], 'listeners and timers')
    await t.until('sockets to be let go', () => name.socketCount() === 0)
  }, filter),

  testCase('L15 aborted before, it looks nothing up; aborted in the look-up, the answer has no effect', async (t) => {
    const name = await t.name(accept)
    const mine = new Error('not any more')
    const before = listenedSignal()
    before.controller.abort(mine)
    let asked = 0
    const lookup = (): Promise<never> => (asked++, new Promise(() => {}))
    equal((await failure(t, name, { lookup, signal: before.controller.signal })) === mine, true, 'rejected with the reason')
    equal([asked, before.count(), t.clock.pendingCount], [0, 0, 0], 'look-ups, listeners and timers')

    for (const late of ['addresses', 'none', 'an error'] as const) {
      const { controller, count } = listenedSignal()
      let found!: (addresses: readonly { address: string; family: number }[]) => void
      let lost!: (error: Error) => void
      const looking = new Promise<readonly { address: string; family: number }[]>((resolve, reject) => ([found, lost] = [resolve, reject]))
      const waiting = failure(t, name, { lookup: () => looking, signal: controller.signal })
      await t.quiet()
      controller.abort(mine)
      equal((await waiting) === mine, true, 'rejected with the reason')
      equal([count(), t.clock.pendingCount], [0, 0], 'listeners and timers')
      if (late === 'an error') lost(new Error('late'))
      else found(late === 'none' ? [] : await all(name)())
      await t.quiet()
      equal([name.socketCount(), t.clock.pendingCount], [0, 0], 'sockets and timers after the look-up')
    }
  }, filter),

  testCase('L15 aborted during the attempts, all of them are let go', async (t) => {
    const name = await t.name(hang, hang, accept)
    const mine = new Error('not any more')
    const { controller, count } = listenedSignal()
    const waiting = failure(t, name, { signal: controller.signal })
    await t.quiet()
    t.clock.advance(250)
    await t.until('two attempts', () => name.socketCount() === 2)
    controller.abort(mine)
    equal((await waiting) === mine, true, 'rejected with the reason')
    equal([count(), t.clock.pendingCount], [0, 0], 'listeners and timers')
    await t.until('the attempts to be let go', () => name.socketCount() === 0)
    t.clock.advance(60_000)
    await t.quiet()
    equal(name.socketCount(), 0, 'sockets later')
  }, filter),
]
