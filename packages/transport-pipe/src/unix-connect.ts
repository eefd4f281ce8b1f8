import { ConnectionError, type Connector, limits, type StreamTransport } from '@async/core'
import { checkNumbers, type TransportOptions, type TransportPolicy, transportPolicy } from '@async/core/base'
import { type Dialled, dial, socketError } from '@async/core/node'
import { type SocketName, socketName, type SocketNameOptions } from './socket-name.ts'
import { UnixTransport } from './unix-transport.ts'

/** Options of `connectUnix` and `unixConnector`. */
export interface UnixConnectOptions extends TransportOptions, SocketNameOptions {
  /** Milliseconds in which a listener that is there must have room for us; then `ERR_CONNECT_TIMEOUT`. Default 30,000. */
  readonly connectTimeoutMs?: number
  /** Whether the open connection keeps the process alive. Default true. */
  readonly ref?: boolean
}

/**
 * Connects to a Unix socket. @throws (rejects) `signal.reason`; ConnectionError `ERR_NOT_FOUND` (no such path), `ERR_REFUSED` (nobody listens
 * there any more, or it is no socket), `ERR_ACCESS`, `ERR_CONNECT_TIMEOUT`; UsageError `ERR_INVALID_ARGUMENT`, `ERR_UNSUPPORTED`. (L1–L3)
 */
export async function connectUnix(options: UnixConnectOptions & { readonly signal?: AbortSignal }): Promise<StreamTransport> {
  return unixConnector(options).connect(options.signal === undefined ? {} : { signal: options.signal })
}

/** A connector of transports to one Unix socket. @throws UsageError `ERR_INVALID_ARGUMENT`, `ERR_UNSUPPORTED`. */
export function unixConnector(options: UnixConnectOptions): Connector<StreamTransport> {
  const name = socketName(options)
  checkNumbers(options, ['connectTimeoutMs'])
  const policy = transportPolicy(options)
  return {
    connect: (how) =>
      new Promise((resolve, reject) => {
        const signal = how?.signal
        if (signal?.aborted === true) return reject(signal.reason)
        new Attempt(name, options, policy, signal, resolve, reject).begin()
      }),
  }
}

/** Milliseconds until a listener whose queue is full is asked again, at first; twice as many each time, up to the second. */
const firstDelayMs = 1
const maxDelayMs = 50

/** A Unix socket connects at once or fails; but where the listener's queue is full the OS says "again" instead of letting us wait. */
class Attempt {
  private readonly name: SocketName
  private readonly options: UnixConnectOptions
  private readonly policy: TransportPolicy
  private readonly signal: AbortSignal | undefined
  private readonly resolve: (transport: StreamTransport) => void
  private readonly reject: (error: unknown) => void
  private readonly deadline: unknown
  private again: ReturnType<typeof setTimeout> | undefined
  private dialled: Dialled | undefined
  private delayMs = firstDelayMs
  private settled = false

  constructor(
    name: SocketName,
    options: UnixConnectOptions,
    policy: TransportPolicy,
    signal: AbortSignal | undefined,
    resolve: (transport: StreamTransport) => void,
    reject: (error: unknown) => void,
  ) {
    this.name = name
    this.options = options
    this.policy = policy
    this.signal = signal
    this.resolve = resolve
    this.reject = reject
    const ms = options.connectTimeoutMs ?? limits.connectTimeoutMs
    this.deadline = policy.clock.setTimer(() => {
      this.fail(new ConnectionError('ERR_CONNECT_TIMEOUT', `${name.text}: the listener had no room for ${ms} ms`, { phase: 'connect' }))
    }, ms)
    signal?.addEventListener('abort', this.aborted)
  }

  begin(): void {
    const dialled = dial({ path: this.name.path })
    this.dialled = dialled
    const { socket } = dialled
    if (this.options.ref === false) socket.unref()
    const failed = (error: NodeJS.ErrnoException): void => {
      if (this.settled) return
      if (error.code !== 'EAGAIN') return this.fail(socketError(error, 'connect', this.name.text))
      // The world's time, not the transport's: what is waited for is another process.
      this.again = setTimeout(() => this.begin(), this.delayMs)
      this.delayMs = Math.min(maxDelayMs, this.delayMs * 2)
    }
    socket.once('error', failed)
    socket.once('connect', () => {
      if (this.settled) return void socket.destroy()
      socket.off('error', failed)
      const transport = new UnixTransport(this.policy, socket, undefined, { remote: this.name.text })
      dialled.adopt(transport)
      this.settle()
      this.resolve(transport)
    })
  }

  private readonly aborted = (): void => {
    this.fail(this.signal!.reason)
  }

  private fail(error: unknown): void {
    if (this.settled) return
    this.settle()
    this.dialled?.socket.destroy()
    this.reject(error)
  }

  private settle(): void {
    this.settled = true
    clearTimeout(this.again)
    this.policy.clock.clearTimer(this.deadline)
    this.signal?.removeEventListener('abort', this.aborted)
  }
}
