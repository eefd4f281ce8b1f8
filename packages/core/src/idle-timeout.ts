import { type Clock, systemClock } from './base/clock.ts'
import { WrappedTransport } from './base/wrapped-transport.ts'
import { ConnectionError, UsageError } from './errors.ts'
import type { Protocol } from './protocol.ts'
import type { CloseReason } from './reason.ts'
import type { SameAs } from './tap.ts'
import type { Carries, CloseOptions, Data, Side, Transport } from './transport.ts'

/** Options of `withIdleTimeout`; at least one time is given. */
export interface IdleTimeoutOptions {
  /** Milliseconds without a delivery. Stands while reading is paused here, and from the peer's end on. */
  readonly readMs?: number
  /** Milliseconds in which nothing of what is queued leaves. Stands while nothing is queued. */
  readonly writeMs?: number
  /** Milliseconds without a delivery and without a write. */
  readonly allMs?: number
  /** Where time comes from. Default: the runtime's clock. */
  readonly clock?: Clock
}

/**
 * A layer that ends a connection on which nothing happens: kind `timeout`, `ERR_IDLE_TIMEOUT`, and the transport below is aborted. It counts
 * from the start of the protocol, costs one timer a connection, and none a message. A peer that vanished while we are paused and have
 * nothing to write cannot be told from one that waits. (Y8)
 * @throws UsageError `ERR_INVALID_ARGUMENT` when no time is given, or one is not positive.
 */
export function withIdleTimeout(options: IdleTimeoutOptions): <T extends Transport>(below: T) => SameAs<T> {
  const times = [options.readMs, options.writeMs, options.allMs].filter((ms) => ms !== undefined)
  if (times.length === 0 || times.some((ms) => !(ms > 0))) {
    throw new UsageError('ERR_INVALID_ARGUMENT', 'withIdleTimeout takes readMs, writeMs or allMs, each above 0')
  }
  // A wrapper has the abilities of what it wraps; the type says so, the class cannot.
  return (below) => new IdleTimeout(below, options) as unknown as SameAs<typeof below>
}

class IdleTimeout<C extends Carries> extends WrappedTransport<C> {
  private readonly options: IdleTimeoutOptions
  private readonly clock: Clock
  private timer: unknown
  private readAtMs = 0
  private writeAtMs = 0
  private paused = false
  private closing = false
  /** Nothing more can come. */
  private readEnded = false
  /** When the queue below was last seen to shrink, or began to fill. */
  private progressAtMs = 0
  /** Bytes queued at the last write or look, and whether that look found any. */
  private queuedBefore = 0
  private hadBacklog = false
  private error: ConnectionError | undefined
  private mapped: Promise<CloseReason> | undefined

  constructor(below: Transport<C>, options: IdleTimeoutOptions) {
    super(below)
    this.options = options
    this.clock = options.clock ?? systemClock
  }

  override get closed(): Promise<CloseReason> {
    this.mapped ??= this.below.closed.then((reason) => this.reasonAbove(reason))
    return this.mapped
  }

  override onMade(): void {
    if (this.timer !== undefined || this.closing) return
    this.readAtMs = this.writeAtMs = this.progressAtMs = this.clock.nowMs()
    this.arm(this.clock.nowMs())
  }

  override write(data: Data): void {
    this.beforeWrite()
    super.write(data)
    this.queuedBefore = this.below.queuedBytes
  }

  override writeSequence(list: readonly Data[]): void {
    this.beforeWrite()
    super.writeSequence(list)
    this.queuedBefore = this.below.queuedBytes
  }

  override pause(side?: Side): void {
    this.paused = true
    super.pause(side)
  }

  override resume(side?: Side): void {
    if (this.paused) this.readAtMs = this.clock.nowMs()
    this.paused = false
    super.resume(side)
  }

  override close(options?: CloseOptions): void {
    this.closing = true
    this.disarm()
    super.close(options)
  }

  override abort(cause?: unknown): void {
    this.disarm()
    super.abort(cause)
  }

  override onData(data: C['in'], protocol: Protocol<C>): void {
    this.readAtMs = this.clock.nowMs()
    protocol.dataReceived(data)
  }

  override onEof(protocol: Protocol<C>): void {
    this.readEnded = true
    super.onEof(protocol)
  }

  override onLost(reason: CloseReason, protocol: Protocol<C>): void {
    if (reason.kind !== 'detached') this.disarm()
    protocol.connectionLost?.(this.reasonAbove(reason))
  }

  private reasonAbove(reason: CloseReason): CloseReason {
    if (this.error === undefined || reason.kind !== 'aborted') return reason
    return Object.freeze({ kind: 'timeout', error: this.error, unsentBytes: reason.unsentBytes, unreadBytes: reason.unreadBytes, below: reason })
  }

  /** What left since the last look is seen here, before it is made up for. */
  private beforeWrite(): void {
    this.writeAtMs = this.clock.nowMs()
    const queued = this.below.queuedBytes
    if (queued === 0 || queued < this.queuedBefore) this.progressAtMs = this.writeAtMs
  }

  /** The timer is not moved when something happens; when it fires it looks at what happened, and is set for what is left. */
  private arm(nowMs: number): void {
    const { readMs = Infinity, writeMs = Infinity, allMs = Infinity } = this.options
    const readDue = (this.paused || this.readEnded ? nowMs : this.readAtMs) + readMs
    const writeDue = (this.queuedBefore === 0 ? nowMs : this.progressAtMs) + writeMs
    const allDue = Math.max(this.readAtMs, this.writeAtMs, this.progressAtMs) + allMs
    this.timer = this.clock.setTimer(() => this.check(), Math.max(1, Math.min(readDue, writeDue, allDue) - nowMs))
  }

  private check(): void {
    const nowMs = this.clock.nowMs()
    const { readMs = Infinity, writeMs = Infinity, allMs = Infinity } = this.options
    const queued = this.below.queuedBytes
    // What is empty by now may have been so since the write: that is no news.
    if (queued > 0 ? queued < this.queuedBefore : this.hadBacklog) this.progressAtMs = nowMs
    this.queuedBefore = queued
    this.hadBacklog = queued > 0
    if (!this.paused && !this.readEnded && nowMs - this.readAtMs >= readMs) this.timeOut('read', readMs)
    else if (queued > 0 && nowMs - this.progressAtMs >= writeMs) this.timeOut('write', writeMs)
    else if (nowMs - Math.max(this.readAtMs, this.writeAtMs, this.progressAtMs) >= allMs) this.timeOut('all', allMs)
    else this.arm(nowMs)
  }

  private timeOut(which: string, ms: number): void {
    this.disarm()
    this.error = new ConnectionError('ERR_IDLE_TIMEOUT', `nothing happened for ${ms} ms (${which})`)
    super.abort(this.error)
  }

  private disarm(): void {
    if (this.timer !== undefined) this.clock.clearTimer(this.timer)
    this.timer = undefined
  }
}
