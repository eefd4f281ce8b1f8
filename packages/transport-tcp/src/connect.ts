/**
 * Connecting, with overlapping attempts (RFC 8305): addresses of both families in turn, the next one after `attemptDelayMs` or as soon as
 * one fails; a pending attempt is never given up until another has won, for slow is not dead.
 */
import type { LookupAddress } from 'node:dns'
import { isIP, type Socket } from 'node:net'
import type { Connector, StreamTransport } from '@async/core'
import type { TransportPolicy } from '@async/core/base'
import { checkNumbers, ConnectionError, dial, type Dialled, formatAddress, limits, socketError, transportPolicy, UsageError } from '@async/core/node'
import { lookupError } from './lookup-error.ts'
import { checkPort, keepAlive, type TcpConnectOptions } from './options.ts'
import { TcpTransport } from './transport.ts'

/**
 * Connects. Nothing is read before the transport is started.
 * @throws (rejects) `signal.reason` at once when aborted; ConnectionError `ERR_REFUSED`, `ERR_UNREACHABLE`, `ERR_HOST_NOT_FOUND`,
 * `ERR_CONNECT_TIMEOUT`, … of phase `connect`: the last attempt's, all of them in its cause. UsageError `ERR_INVALID_ARGUMENT`. (L1–L3, L10–L15)
 */
export async function connectTcp(options: TcpConnectOptions & { readonly signal?: AbortSignal }): Promise<StreamTransport> {
  return tcpConnector(options).connect(options.signal === undefined ? {} : { signal: options.signal })
}

/** A connector of TCP transports to one host and port. @throws UsageError `ERR_INVALID_ARGUMENT`. */
export function tcpConnector(options: TcpConnectOptions): Connector<StreamTransport> {
  checkPort('port', options.port, 1)
  if (options.localPort !== undefined) checkPort('localPort', options.localPort, 0)
  checkNumbers(options, ['connectTimeoutMs', 'attemptDelayMs', 'keepAliveMs'])
  if (options.localAddress !== undefined && isIP(options.localAddress) === 0) {
    throw new UsageError('ERR_INVALID_ARGUMENT', `localAddress is ${options.localAddress}; it takes an IP address`)
  }
  const policy = transportPolicy(options)
  return {
    connect: (how) =>
      new Promise((resolve, reject) => {
        const signal = how?.signal
        if (signal?.aborted === true) return reject(signal.reason)
        new Attempts(options, policy, signal, resolve, reject).begin()
      }),
  }
}

class Attempts {
  private readonly options: TcpConnectOptions
  private readonly policy: TransportPolicy
  private readonly signal: AbortSignal | undefined
  private readonly resolve: (transport: StreamTransport) => void
  private readonly reject: (error: unknown) => void
  private readonly host: string
  private readonly pending: Set<Socket> = new Set()
  private readonly errors: ConnectionError[] = []
  private addresses: LookupAddress[] = []
  private settled = false
  private nextTimer: unknown
  private readonly deadline: unknown

  constructor(
    options: TcpConnectOptions,
    policy: TransportPolicy,
    signal: AbortSignal | undefined,
    resolve: (transport: StreamTransport) => void,
    reject: (error: unknown) => void,
  ) {
    this.options = options
    this.policy = policy
    this.signal = signal
    this.resolve = resolve
    this.reject = reject
    this.host = options.host ?? 'localhost'
    const ms = options.connectTimeoutMs ?? limits.connectTimeoutMs
    this.deadline = policy.clock.setTimer(() => {
      this.fail(new ConnectionError('ERR_CONNECT_TIMEOUT', `${this.where()}: not connected after ${ms} ms`, { phase: 'connect', cause: this.errors.at(-1) }))
    }, ms)
    signal?.addEventListener('abort', this.aborted)
  }

  begin(): void {
    const family = isIP(this.host)
    if (family !== 0) return this.found([{ address: this.host, family }])
    const look = this.options.lookup ?? lookup
    let looking: Promise<readonly LookupAddress[]>
    try {
      looking = Promise.resolve(look(this.host))
    } catch (error) {
      looking = Promise.reject(error)
    }
    looking.then(
      (addresses) => this.found(addresses),
      (error: unknown) => this.fail(lookupError(error, this.where())),
    )
  }

  private found(found: readonly LookupAddress[]): void {
    if (this.settled) return
    const addresses = valid(found)
    if (addresses === undefined) {
      return this.fail(new UsageError('ERR_INVALID_ARGUMENT', `lookup(${JSON.stringify(this.host)}) did not give a list of { address, family }`))
    }
    if (addresses.length === 0) return this.fail(new ConnectionError('ERR_HOST_NOT_FOUND', `${this.where()}: the name has no address`, { phase: 'connect' }))
    const { localAddress } = this.options
    const family = localAddress === undefined ? undefined : isIP(localAddress)
    this.addresses = inTurn(family === undefined ? addresses : addresses.filter((address) => address.family === family))
    if (this.addresses.length > 0) return this.tryNext()
    this.fail(new ConnectionError('ERR_ADDRESS_NOT_AVAILABLE', `${this.where()}: no address of the family of localAddress ${localAddress}`, { phase: 'connect' }))
  }

  private tryNext(): void {
    this.policy.clock.clearTimer(this.nextTimer)
    this.tryAddress(this.addresses.shift()!)
    if (this.addresses.length > 0 && !this.settled) {
      this.nextTimer = this.policy.clock.setTimer(() => this.tryNext(), this.options.attemptDelayMs ?? 250)
    }
  }

  private tryAddress({ address, family }: LookupAddress): void {
    const { port, localAddress, localPort, noDelay = true, ref = true } = this.options
    const where = formatAddress(address, port)
    let dialled: Dialled
    try {
      dialled = dial({
        host: address,
        port,
        family,
        localAddress,
        localPort,
        noDelay,
        ...keepAlive(this.options),
      })
    } catch (error) {
      this.attemptFailed(socketError(error, 'connect', where))
      return
    }
    const { socket } = dialled
    if (!ref) socket.unref()
    this.pending.add(socket)
    const failed = (error: Error): void => {
      this.pending.delete(socket)
      this.attemptFailed(socketError(error, 'connect', where))
    }
    socket.once('error', failed)
    socket.once('connect', () => {
      this.pending.delete(socket)
      if (this.settled) return void socket.resetAndDestroy()
      socket.off('error', failed)
      const transport = new TcpTransport(this.policy, socket, undefined, { remote: where })
      dialled.adopt(transport)
      this.settle()
      this.resolve(transport)
    })
  }

  private attemptFailed(error: ConnectionError): void {
    if (this.settled) return
    this.errors.push(error)
    if (this.addresses.length > 0) this.tryNext()
    else if (this.pending.size === 0) {
      this.fail(this.errors.length === 1 ? error : new ConnectionError(error.code, `${this.where()}: all ${this.errors.length} addresses failed; the last: ${error.message}`, {
        phase: 'connect',
        cause: new AggregateError(this.errors, 'what each attempt failed with'),
      }))
    }
  }

  private readonly aborted = (): void => {
    this.fail(this.signal!.reason)
  }

  private fail(error: unknown): void {
    if (this.settled) return
    this.settle()
    this.reject(error)
  }

  /** Somebody won, or all is lost: the others are let go. */
  private settle(): void {
    this.settled = true
    this.policy.clock.clearTimer(this.deadline)
    this.policy.clock.clearTimer(this.nextTimer)
    this.signal?.removeEventListener('abort', this.aborted)
    for (const socket of this.pending) socket.destroy()
    this.pending.clear()
  }

  private where(): string {
    return formatAddress(this.host, this.options.port)
  }
}

/** The resolver is taken when a name is looked up first: many programs listen, or connect to addresses, and need not wait for it to load. */
function lookup(host: string): Promise<LookupAddress[]> {
  return new Promise((resolve, reject) => {
    process.getBuiltinModule('node:dns').lookup(host, { all: true, verbatim: true }, (error, addresses) => (error === null ? resolve(addresses) : reject(error)))
  })
}

/** A look-up's answer with the families that the addresses have; `undefined` if it is none. A name among them would be looked up again. */
function valid(found: unknown): LookupAddress[] | undefined {
  if (!Array.isArray(found)) return undefined
  const addresses = found.map((each: { readonly address?: unknown } | null | undefined) => {
    const address = String(each?.address)
    return { address, family: isIP(address) }
  })
  return addresses.every(({ family }) => family !== 0) ? addresses : undefined
}

/** The resolver's order, with the families taking turns (RFC 8305 §4). */
function inTurn(addresses: readonly LookupAddress[]): LookupAddress[] {
  const first = addresses[0]?.family
  const same = addresses.filter((address) => address.family === first)
  const other = addresses.filter((address) => address.family !== first)
  const result: LookupAddress[] = []
  for (let i = 0; i < Math.max(same.length, other.length); i++) {
    if (same[i] !== undefined) result.push(same[i]!)
    if (other[i] !== undefined) result.push(other[i]!)
  }
  return result
}
