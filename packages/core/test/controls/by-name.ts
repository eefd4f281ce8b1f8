import { ConnectionError, UsageError } from '../../src/errors.ts'
import { afterTurn, systemClock } from '../../src/base/index.ts'
import { type ByNameOptions, memoryPair, type NameUnderTest, type Place } from '../../src/testing/index.ts'
import type { Transport } from '../../src/transport.ts'
import type { Bent, Control } from './bend.ts'

interface Address {
  readonly address: string
  readonly family: number
}

const failed = (code: string, message: string, cause?: unknown): ConnectionError => new ConnectionError(code, message, { phase: 'connect', cause })

/** One `connect` by a name, in memory: as short as one can be that obeys L10–L15. */
class NameAttempts {
  /** What hangs, and what was opened, of all attempts. */
  readonly shared: { readonly hanging: (() => void)[]; sockets: number; port: number; readonly places: ReadonlyMap<string, Place> }
  readonly options: ByNameOptions
  readonly clock
  readonly errors: ConnectionError[] = []
  readonly pending: Set<object> = new Set()
  addresses: Address[] = []
  settled = false
  delay: unknown
  deadline: unknown
  delayMs: number
  timeoutMs: number
  resolve!: (transport: Transport) => void
  reject!: (error: unknown) => void

  constructor(shared: NameAttempts['shared'], options: ByNameOptions) {
    this.shared = shared
    this.options = options
    this.clock = options.clock ?? systemClock
    this.delayMs = options.attemptDelayMs ?? 250
    this.timeoutMs = options.connectTimeoutMs ?? 30_000
  }

  connect(): Promise<Transport> {
    return new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
      if (this.options.signal?.aborted === true) return reject(this.options.signal.reason)
      this.deadline = this.clock.setTimer(() => this.late(), this.timeoutMs)
      this.options.signal?.addEventListener('abort', this.aborted)
      this.look()
    })
  }

  readonly aborted = (): void => this.fail(this.options.signal!.reason)

  late(): void {
    this.fail(failed('ERR_CONNECT_TIMEOUT', 'too late', this.errors.at(-1)))
  }

  look(): void {
    const { host } = this.options
    if (isAddress(host)) return this.found([{ address: host, family: 0 }])
    this.lookup(host).then((found) => this.found(found), (error: unknown) => this.lookupFailed(error))
  }

  async lookup(host: string): Promise<readonly Address[]> {
    if (this.options.lookup !== undefined) return this.options.lookup(host)
    if (host === 'localhost') return [{ address: '127.0.0.1', family: 4 }]
    throw new Error('no such name')
  }

  lookupFailed(error: unknown): void {
    this.fail(failed('ERR_HOST_NOT_FOUND', `${this.options.host}: not found`, error))
  }

  found(found: unknown): void {
    if (this.settled) return
    if (!Array.isArray(found) || !found.every((each) => isAddress(each?.address))) return this.fail(new UsageError('ERR_INVALID_ARGUMENT', 'no list of addresses'))
    if (found.length === 0) return this.lookupFailed(undefined)
    this.addresses = this.order(found.filter((each: Address) => this.suits(each)))
    if (this.addresses.length === 0) this.fail(failed('ERR_ADDRESS_NOT_AVAILABLE', 'no address of that family'))
    else this.next()
  }

  suits({ address }: Address): boolean {
    const { localAddress } = this.options
    return localAddress === undefined || localAddress.includes(':') === address.includes(':')
  }

  order(found: readonly Address[]): Address[] {
    const six = ({ address }: Address): boolean => address.includes(':')
    const first = found[0] !== undefined && six(found[0])
    const [same, other] = [found.filter((each) => six(each) === first), found.filter((each) => six(each) !== first)]
    return found.flatMap((_, i) => [same[i], other[i]]).filter((each) => each !== undefined)
  }

  next(): void {
    this.clock.clearTimer(this.delay)
    const address = this.addresses.shift()
    if (address === undefined) return
    this.attempt(address.address)
    if (this.addresses.length > 0) this.delay = this.clock.setTimer(() => this.next(), this.delayMs)
  }

  attempt(address: string): void {
    const socket = {}
    const { shared } = this
    this.pending.add(socket)
    shared.sockets++
    const won = (): void => {
      if (this.settled) return
      this.pending.delete(socket)
      this.settle()
      this.resolve(this.transport(address))
    }
    const { does } = shared.places.get(address)!
    if (does === 'hang') shared.hanging.push(won)
    else afterTurn(does === 'accept' ? won : () => this.pending.delete(socket) && this.refused(address))
  }

  transport(address: string): Transport {
    const { a } = memoryPair(this.options)
    const { localAddress, localPort = ++this.shared.port } = this.options
    return Object.assign(a, { info: { ...a.info, remote: address, local: `${localAddress ?? address}:${localPort}` } })
  }

  refused(address: string): void {
    this.shared.sockets--
    if (this.settled) return
    this.errors.push(failed('ERR_REFUSED', `${address}: refused`))
    if (this.addresses.length > 0) this.next()
    else if (this.pending.size === 0) this.allFailed()
  }

  allFailed(): void {
    const [first, ...more] = this.errors
    this.fail(more.length === 0 ? first : failed('ERR_REFUSED', 'all failed', new AggregateError(this.errors)))
  }

  fail(error: unknown): void {
    if (this.settled) return
    this.settle()
    this.reject(error)
  }

  settle(): void {
    this.settled = true
    this.clock.clearTimer(this.delay)
    this.clock.clearTimer(this.deadline)
    this.options.signal?.removeEventListener('abort', this.aborted)
    this.letGo()
  }

  letGo(): void {
    this.shared.sockets -= this.pending.size
    this.pending.clear()
  }
}

function isAddress(value: unknown): value is string {
  return typeof value === 'string' && (/^\d+\.\d+\.\d+\.\d+$/.test(value) || value.includes(':'))
}

function makeName(bend: (attempts: Bent) => void) {
  return async (places: readonly Place[]): Promise<NameUnderTest> => {
    let next = 0
    const addresses = places.map(({ family }) => (family === 6 ? '::1' : `127.0.0.${++next}`))
    const shared = { hanging: [] as (() => void)[], sockets: 0, port: 1000, places: new Map(addresses.map((address, i) => [address, places[i]!])) }
    return {
      addresses,
      connect(options) {
        const attempts = new NameAttempts(shared, options)
        bend(attempts as unknown as Bent)
        return attempts.connect()
      },
      answer: () => shared.hanging.forEach((task) => task()),
      socketCount: () => shared.sockets,
      dispose() {},
    }
  }
}

/** Connecting by a name that is bent. */
function bent(breaks: string, name: string, bend: (attempts: Bent) => void): Control {
  return { name, breaks, subject: { name: `${breaks}: ${name}`, carries: 'stream', makePair: async (given) => memoryPair(given), makeName: makeName(bend) } }
}

/** Connecting by a name unbent: it has to pass. */
export const goodName: Control = bent('none', 'connecting by a name in memory', () => {})

// oxlint-disable-next-line typescript/no-explicit-any -- it bends what is protected
function wrap(attempts: Bent, name: string, replacement: (original: (...args: any[]) => any) => (...args: any[]) => any): void {
  attempts[name] = replacement(attempts[name].bind(attempts))
}

/** Controls of L10–L15. */
export const byNameControls: readonly Control[] = [
  bent('L10', 'a name is looked up twice', (c) => wrap(c, 'lookup', (lookup) => async (host) => {
    if (c['options'].host === host) await Promise.resolve(c['options'].lookup?.(host)).catch(() => {})
    return lookup(host)
  })),
  bent('L10', 'an address is looked up', (c) => wrap(c, 'look', (look) => () => {
    if (isAddress(c['options'].host)) c['options'].lookup?.(c['options'].host)
    look()
  })),
  bent('L10', 'the system is not asked', (c) => wrap(c, 'lookup', (lookup) => (host) => lookup(host === 'localhost' ? 'nobody' : host))),
  bent('L10', 'addresses are tried as they come', (c) => wrap(c, 'order', () => (found) => [...found])),
  bent('L10', 'IPv6 comes first', (c) => wrap(c, 'order', (order) => (found) => {
    const ordered: Address[] = order(found)
    return [...ordered.filter(({ address }) => address.includes(':')), ...ordered.filter(({ address }) => !address.includes(':'))]
  })),
  bent('L10', 'addresses of both families are tried from an address of one', (c) => (c['suits'] = () => true)),
  bent('L11', 'the delay is always 250 ms', (c) => (c['delayMs'] = 250)),
  bent('L11', 'one address is tried at a time', (c) => (c['delayMs'] = 1_000_000)),
  bent('L11', 'a failure is followed by the next address when the delay has passed', (c) => wrap(c, 'refused', (refused) => (address) => {
    const { next } = c
    if (c['addresses'].length > 0) c['next'] = () => (c['next'] = next)
    refused(address)
  })),
  bent('L11', 'a failure does not restart the delay', (c) => wrap(c, 'refused', (refused) => (address) => {
    const { delay } = c
    c['delay'] = undefined
    c['kept'] = delay
    refused(address)
  })),
  bent('L11', 'when the last address fails all is lost', (c) => wrap(c, 'refused', (refused) => (address) => {
    const last = c['addresses'].length === 0
    refused(address)
    if (last) c['allFailed']()
  })),
  bent('L12', 'the last failure is the error', (c) => wrap(c, 'allFailed', () => () => c['fail'](c['errors'].at(-1)))),
  bent('L12', 'the causes are the other way round', (c) => wrap(c, 'allFailed', (allFailed) => () => {
    if (!c['errors'].some(({ message }: Error) => message.includes('::1')) && c['errors'].length === 2) c['errors'].reverse()
    allFailed()
  })),
  bent('L12', 'a single failure is wrapped', (c) => wrap(c, 'allFailed', (allFailed) => () =>
    c['errors'].length > 1 ? allFailed() : c['fail'](failed('ERR_REFUSED', c['errors'][0].message, new AggregateError(c['errors']))))),
  bent('L13', 'what a look-up fails with comes through', (c) => (c['lookupFailed'] = (error: unknown) =>
    c['fail'](c['options'].lookup === undefined ? failed('ERR_HOST_NOT_FOUND', c['options'].host, error) : error))),
  bent('L13', 'a broken answer is nothing found', (c) => wrap(c, 'fail', (fail) => (error) =>
    fail(error instanceof UsageError ? failed('ERR_HOST_NOT_FOUND', 'not found') : error))),
  bent('L14', 'the time-out is for attempts alone', (c) => wrap(c, 'late', (late) => () => (c['pending'].size > 0 ? late() : undefined))),
  bent('L14', 'the time-out is for the look-up alone', (c) => wrap(c, 'late', (late) => () => (c['pending'].size === 0 ? late() : undefined))),
  bent('L14', 'the time-out does not tell of failures', (c) => wrap(c, 'late', (late) => () => {
    c['errors'].length = 0
    late()
  })),
  bent('L15', 'success leaves the time-out', (c) => wrap(c, 'transport', (transport) => (address) => {
    c['clock'].setTimer(() => {}, 1000)
    return transport(address)
  })),
  bent('L15', 'who lost is not let go', (c) => wrap(c, 'letGo', (letGo) => () => (c['settled'] && c['errors'].length === 0 && !c['options'].signal?.aborted ? undefined : letGo()))),
  bent('L15', 'an abort does not let attempts go', (c) => wrap(c, 'letGo', (letGo) => () => (c['options'].signal?.aborted === true ? undefined : letGo()))),
  bent('L15', 'failure leaves a listener on the signal', (c) => wrap(c, 'allFailed', (allFailed) => () => {
    allFailed()
    c['options'].signal?.addEventListener('abort', c['aborted'])
  })),
  bent('L15', 'a late answer is tried', (c) => wrap(c, 'found', (found) => (answer) => {
    const { settled } = c
    c['settled'] = false
    found(answer)
    c['settled'] = settled
  })),
]
