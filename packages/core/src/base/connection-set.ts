import { ConnectionError } from '../errors.ts'
import * as limits from '../limits.ts'
import { afterTurn } from './clock.ts'
import type { TransportPolicy } from './options.ts'

/** What every listener lets its user choose. */
export interface ConnectionSetOptions {
  /** Open transports at most; more are accepted and held unread, see `maxHeldConnections`. Default: no limit. */
  readonly maxConnections?: number
  /** Connections held while `maxConnections` are open; beyond it they are refused, and counted. Default 64. */
  readonly maxHeldConnections?: number
  /** Milliseconds in which an accepted transport must be started, else it is aborted. Default 10,000. */
  readonly startTimeoutMs?: number
  /** Whether the timers of the set keep the process alive. Default true. */
  readonly ref?: boolean
}

/** What a listener counts. */
export interface ConnectionCounts {
  /** Transports that are open. */
  readonly connectionCount: number
  /** Connections that wait, unread, for one of `maxConnections` to end; also those whose peer has left, for nobody can know yet. */
  readonly heldCount: number
  /** Connections that were refused because `maxHeldConnections` were waiting. */
  readonly refusedCount: number
}

/** Who keeps count of a transport, and is told when it has let go of what it stood on. */
export interface Owner {
  /** The transport has let go. */
  released(transport: object): void
}

/** What the set needs of a transport; `TransportBase` has it. */
export interface OwnedTransport {
  readonly isIdle: boolean
  close(options: { readonly timeoutMs: number }): void
  abort(cause?: unknown): void
}

/** The part of a listener that differs from one kind of transport to the next. */
export interface Acceptor<Raw, T extends OwnedTransport> {
  /** Makes the transport of a connection. Not started; it reports to the set as its `Owner`. */
  admit(raw: Raw): T
  /** Hands it to the program. */
  hand(transport: T): unknown
  /** Ends at once a connection that was not admitted. */
  refuse(raw: Raw): void
  /** Stops listening. Called once. */
  stop(): void
}

/**
 * The transports that a listener has accepted: how many may be open, who waits, who was never started, and how they all end. What a listener
 * adds is the place where connections come from. (L4–L9, L16)
 */
export class ConnectionSet<Raw, T extends OwnedTransport> implements Owner, ConnectionCounts {
  /** Resolves when it accepts no more and none is open. Never rejects. */
  readonly closed: Promise<void>
  refusedCount = 0
  private readonly policy: TransportPolicy
  private readonly options: ConnectionSetOptions
  private readonly acceptor: Acceptor<Raw, T>
  private readonly open: Set<T> = new Set()
  private readonly waiting: Set<Raw> = new Set()
  private readonly startTimers: Map<T, unknown> = new Map()
  private accepting = true
  private resolveClosed!: () => void

  constructor(policy: TransportPolicy, options: ConnectionSetOptions, acceptor: Acceptor<Raw, T>) {
    this.policy = policy
    this.options = options
    this.acceptor = acceptor
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve
    })
  }

  get connectionCount(): number {
    return this.open.size
  }

  get heldCount(): number {
    return this.waiting.size
  }

  /** A connection has come. Whether it is held. */
  accepted(raw: Raw): boolean {
    if (this.accepting && this.hasRoom && this.waiting.size === 0) {
      this.take(raw)
      return false
    }
    if (this.accepting && this.waiting.size < (this.options.maxHeldConnections ?? 64)) {
      this.waiting.add(raw)
      return true
    }
    this.refusedCount++
    this.acceptor.refuse(raw)
    return false
  }

  released(transport: object): void {
    this.open.delete(transport as T)
    // Most are started where they are handed over, and have none.
    if (this.startTimers.size > 0) this.forgetTimer(transport as T)
    // From a turn of its own: the transport that ended is still in the middle of it.
    if (this.waiting.size > 0) afterTurn(() => this.fill())
    this.maybeClosed()
  }

  /** As `Listener.close`. */
  close(): void {
    if (!this.accepting) return
    this.accepting = false
    for (const raw of this.waiting) this.acceptor.refuse(raw)
    this.waiting.clear()
    this.acceptor.stop()
    this.maybeClosed()
  }

  /** As `Listener.closeConnections`. */
  async closeConnections(options?: { readonly graceMs?: number }): Promise<void> {
    const graceMs = options?.graceMs ?? limits.closeTimeoutMs
    this.close()
    for (const transport of this.open) transport.close({ timeoutMs: graceMs })
    const timer = this.policy.clock.setTimer(() => {
      this.abortConnections(new ConnectionError('ERR_CLOSE_TIMEOUT', `still open ${graceMs} ms after closeConnections()`, { phase: 'close' }))
    }, graceMs)
    await this.closed
    this.policy.clock.clearTimer(timer)
  }

  /** As `Listener.abortConnections`. */
  abortConnections(cause?: unknown): void {
    this.close()
    for (const transport of this.open) transport.abort(cause)
  }

  private get hasRoom(): boolean {
    return this.open.size < (this.options.maxConnections ?? Infinity)
  }

  /** Takes those that wait, the oldest first, while there is room. */
  private fill(): void {
    for (const raw of this.waiting) {
      if (!this.hasRoom) return
      this.waiting.delete(raw)
      this.take(raw)
    }
  }

  private take(raw: Raw): void {
    const transport = this.acceptor.admit(raw)
    this.open.add(transport)
    try {
      const result = this.acceptor.hand(transport)
      if (result instanceof Promise) result.catch((error: unknown) => this.handlerFailed(transport, error))
    } catch (error) {
      this.handlerFailed(transport, error)
    }
    if (!transport.isIdle) return
    const ms = this.options.startTimeoutMs ?? 10_000
    const timer = this.policy.clock.setTimer(() => {
      if (transport.isIdle) transport.abort(new ConnectionError('ERR_NOT_STARTED', `nobody started the accepted transport within ${ms} ms`))
    }, ms)
    if (this.options.ref === false) (timer as { unref?: () => void } | undefined)?.unref?.()
    this.startTimers.set(transport, timer)
  }

  private forgetTimer(transport: T): void {
    this.policy.clock.clearTimer(this.startTimers.get(transport))
    this.startTimers.delete(transport)
  }

  private handlerFailed(transport: T, error: unknown): void {
    this.policy.onError(error)
    transport.abort(error)
  }

  private maybeClosed(): void {
    if (!this.accepting && this.open.size === 0) queueMicrotask(this.resolveClosed)
  }
}
