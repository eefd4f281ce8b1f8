/**
 * The lowest transport of a stack: it owns the queue, the schedule, the deadlines. A subclass ties it to a socket, a pipe, a port or another
 * memory transport with seven short methods, and reports with `received`, `receivedEof`, `sent`, `endSent`, `writeFailed` and `lost`.
 *
 * Writes of one turn leave together: the first asks for `scheduleFlush`, which calls `flush` once the turn is over. While a batch is on
 * its way the next one gathers.
 */
import { ConnectionError, type LimitError, UsageError } from '../errors.ts'
import type { Producer } from '../flow.ts'
import type { BudgetMember } from '../memory-budget.ts'
import type { Cause } from '../reason.ts'
import type { Carries, CloseOptions, Data } from '../transport.ts'
import { byteLength } from './byte-length.ts'
import { checkData } from './check-data.ts'
import * as limits from '../limits.ts'
import type { Clock } from './clock.ts'
import type { TransportPolicy } from './options.ts'
import { closedBy, TransportBase } from './transport-base.ts'
import { WriteQueue } from './write-queue.ts'

/** A lowest transport. */
export abstract class QueuedTransport<C extends Carries> extends TransportBase<C> implements BudgetMember {
  protected readonly policy: TransportPolicy
  protected readonly queue: WriteQueue
  /** What came while it could not be delivered, from `heldAt` on. */
  private held: C['in'][] | undefined
  private heldAt = 0
  private flushScheduled = false
  private inFlight = false
  private reading = false
  private wantsReading = false
  private budgetHolds = false
  /** The deadline of `close`, of lingering, or of reading with a broken write half: one at a time. */
  private timer: unknown
  private timerDueMs = 0
  /** A deadline of `close` that is set when the flush of this turn has not ended the write half: most do, and need none. */
  private owedMs: number | undefined
  private lingerMs: number
  private brokenBy: Cause | undefined
  private brokenLeftMs = 0

  constructor(policy: TransportPolicy) {
    super()
    this.policy = policy
    this.lingerMs = policy.lingerMs
    this.queue = new WriteQueue(policy, this)
    policy.memoryBudget?.join(this)
  }

  // ── what subclasses say ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Call `flush()` when this turn, its microtasks included, is over. */
  protected abstract scheduleFlush(): void
  /** Hand `batch` to the OS, then say `sent(bytes)` or `writeFailed`, now or later. */
  protected abstract send(batch: Data[], bytes: number): void
  /** Announce the end of what we send, then say `endSent()`, now or later. Only when `info.halfCloses` or closing. */
  protected abstract sendEnd(): void
  /** Begin or stop taking data from the OS. Nothing is delivered inside the call. */
  protected abstract startReading(): void
  /** See `startReading`. What comes in spite of it is held. */
  protected abstract stopReading(): void
  /** Free the OS's object: in order, or (`reset`) so that the peer sees a reset if it can. No report afterwards. */
  protected abstract destroy(reset: boolean): void

  // ── from the OS ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Data came. From a clean stack. The transport gives them away: never reuse them. */
  protected received(data: C['in']): void {
    if (this.readHalf === 'flowing') {
      try {
        this.protocol!.dataReceived(data)
      } catch (error) {
        this.protocolThrew(error)
      }
    } else if (this.readHalf === 'discarding' || this.readHalf === 'ended') this.unreadBytes += byteLength(data)
    else (this.held ??= []).push(data)
  }

  /** The OS has `bytes` of the batch, and not yet the rest. */
  protected progressed(bytes: number): void {
    if (this.cause === undefined && this.writeHalf !== 'broken') this.queue.sent(bytes)
  }

  /** The OS has the batch, of which these `bytes` were not reported before. */
  protected sent(bytes: number): void {
    if (this.cause !== undefined || this.writeHalf === 'broken') return
    this.inFlight = false
    this.queue.sent(bytes)
    if (!this.flushScheduled) this.flush()
  }

  /** The OS has the batch, of which these `bytes` were not reported before, and our end behind it. Only when `ending`, with nothing else queued. */
  protected sentWithEnd(bytes: number): void {
    if (this.cause !== undefined || this.writeHalf === 'broken') return
    this.inFlight = false
    this.queue.sent(bytes)
    this.endSent()
  }

  /** The OS has our end. */
  protected endSent(): void {
    if (this.writeHalf !== 'ending') return
    this.writeHalf = 'ended'
    this.stopTimer()
    if (this.readHalf === 'discarding') this.linger()
    else this.settle()
  }

  /** The OS takes no more, while data may still be readable. */
  protected writeFailed(cause: Cause): void {
    if (this.cause !== undefined || this.writeHalf === 'broken' || this.writeHalf === 'ended') return
    this.dropThisTurn()
    this.breakWrites(cause)
    if (this.readHalf === 'ended' || this.readHalf === 'discarding') return this.finish(cause)
    this.brokenBy = cause
    this.brokenLeftMs = this.policy.brokenReadMs
    if (this.readHalf === 'flowing') this.setDeadline(this.brokenLeftMs)
  }

  // ── budget ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  get heldBytes(): number {
    return this.queue.bytes
  }

  holdReading(on: boolean): void {
    this.budgetHolds = on
    this.applyReading()
  }

  overBudget(error: LimitError): void {
    this.finish({ kind: 'limit', error })
  }

  // ── the contract ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  get queuedBytes(): number {
    return this.queue.bytes
  }

  register(producer: Producer): void {
    const over = this.cause !== undefined || this.writeHalf === 'broken'
    if (!over && this.writeHalf !== 'open' && this.writeHalf !== 'held') throw this.refusal()
    if (this.queue.hasProducer) throw alreadyRegistered()
    producer.halfRegister(this as never)
    if (over || this.cause !== undefined) return producer.stop()
    if (this.queue.hasProducer) throw alreadyRegistered()
    this.queue.setProducer(producer)
  }

  unregister(): void {
    this.queue.unsetProducer()
  }

  drained(belowBytes?: number, signal?: AbortSignal): Promise<void> {
    const over = this.cause ?? this.pendingLoss ?? this.brokenBy
    return over === undefined ? this.queue.drained(belowBytes, signal) : Promise.reject(lossError(over))
  }

  // ── TransportBase ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  protected accept(data: Data): void {
    checkData(data)
    if (data.length === 0 && this.carries === 'stream') return
    this.queue.push(data)
    this.flushLater()
  }

  protected acceptSequence(list: readonly Data[]): void {
    if (list.length === 0) return
    for (const data of list) checkData(data)
    this.queue.pushSequence(this.carries === 'stream' ? list.filter((data) => data.length > 0) : list)
    this.flushLater()
  }

  /** Hands over what has gathered. Subclasses call it from where `scheduleFlush` led. */
  protected flush(): void {
    this.flushScheduled = false
    this.sendQueued()
    const ms = this.owedMs
    if (ms === undefined) return
    this.owedMs = undefined
    if (this.writeHalf === 'ending' && this.cause === undefined) this.setDeadline(ms)
  }

  /** What a flush does. A layer that opens has more to ask for before anything can be sent. */
  protected sendQueued(): void {
    if (this.inFlight || this.writeHalf === 'held' || this.writeHalf === 'broken' || this.cause !== undefined) return
    if (!this.queue.isEmpty) {
      this.inFlight = true
      this.send(this.queue.take(), this.queue.bytes)
    } else if (this.writeHalf === 'ending') this.sendEnd()
  }

  protected endWrites(): void {
    this.queue.stopProducer()
    if (!this.flushScheduled) this.flush()
  }

  protected closeWrites(options: CloseOptions | undefined): void {
    if (this.brokenBy !== undefined) return this.finish(this.brokenBy)
    this.stopTimer()
    this.queue.stopProducer()
    if (this.cause !== undefined) return
    this.lingerMs = options?.lingerMs ?? this.lingerMs
    this.applyReading()
    if (this.writeHalf === 'open' || this.writeHalf === 'held') {
      this.writeHalf = 'ending'
      this.owedMs = options?.timeoutMs ?? this.policy.closeTimeoutMs
      if (!this.flushScheduled) this.flush()
    } else if (this.writeHalf === 'ending') this.setDeadline(options?.timeoutMs ?? this.policy.closeTimeoutMs)
    else if (this.readHalf === 'discarding') this.linger()
    else this.settle()
  }

  protected closeAgain(options: CloseOptions | undefined): void {
    if (this.writeHalf !== 'ending') return
    const timeoutMs = options?.timeoutMs ?? this.policy.closeTimeoutMs
    if (this.owedMs !== undefined) this.owedMs = Math.min(this.owedMs, timeoutMs)
    else if (this.timer === undefined || this.clock.nowMs() + timeoutMs < this.timerDueMs) this.setDeadline(timeoutMs)
  }

  protected setReading(on: boolean): void {
    this.wantsReading = on
    this.applyReading()
    if (this.brokenBy === undefined) return
    // With a broken write half the time to read is limited, and stands while paused.
    if (on) this.setDeadline(this.brokenLeftMs)
    else {
      this.brokenLeftMs = Math.max(0, this.timerDueMs - this.clock.nowMs())
      this.stopTimer()
    }
  }

  protected setHold(on: boolean): void {
    if (!on) this.flushLater()
  }

  protected open(): void {
    this.announce()
    if (this.readHalf === 'flowing') this.setReading(true)
  }

  protected deliverHeld(): boolean {
    const { protocol, held } = this
    if (held === undefined) return true
    let bytes = 0
    while (this.heldAt < held.length && bytes < limits.deliveryBudgetBytes && this.canDeliver(protocol)) {
      const data = held[this.heldAt++]!
      bytes += byteLength(data)
      protocol!.dataReceived(data)
    }
    if (this.held !== held) return true
    if (this.heldAt === held.length) this.forgetHeld()
    return this.held === undefined || !this.canDeliver(protocol)
  }

  protected unshift(bytes: Uint8Array): void {
    this.held = [bytes, ...(this.held ?? []).slice(this.heldAt)]
    this.heldAt = 0
  }

  protected hasHeld(): boolean {
    return this.held !== undefined
  }

  protected dropHeld(): number {
    const { held } = this
    if (held === undefined) return 0
    let bytes = 0
    for (let at = this.heldAt; at < held.length; at++) bytes += byteLength(held[at]!)
    this.forgetHeld()
    return bytes
  }

  private forgetHeld(): void {
    this.held = undefined
    this.heldAt = 0
  }

  protected breakWrites(cause: Cause): void {
    if (this.writeHalf === 'broken') return
    this.writeHalf = 'broken'
    this.unsentBytes += this.queue.drop()
    this.queue.stopProducer()
    this.queue.rejectWaiters(lossError(cause))
  }

  protected override deliverEof(): void {
    super.deliverEof()
    if (this.brokenBy !== undefined) this.finish(this.brokenBy)
  }

  protected release(): void {
    this.stopTimer()
    this.unsentBytes += this.queue.drop()
    this.policy.memoryBudget?.leave(this)
    this.queue.stopProducer()
    if (this.queue.hasWaiters) this.queue.rejectWaiters(lossError(this.cause!))
    this.reading = false
    this.destroy(this.cause!.kind !== 'closed')
    this.deliverLossSoon()
  }

  protected report(error: unknown): void {
    this.policy.onError(error)
  }

  /** For the queue: a method of the producer threw. */
  producerThrew(error: unknown): void {
    this.protocolThrew(error)
  }

  /** Where its deadlines come from. A subclass whose transports are many and short may have a cheaper one. */
  protected get clock(): Clock {
    return this.policy.clock
  }

  // ── own ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  private flushLater(): void {
    if (this.flushScheduled || this.inFlight || this.writeHalf === 'held') return
    this.flushScheduled = true
    this.scheduleFlush()
  }

  private applyReading(): void {
    if (this.cause !== undefined) return
    const on = this.readHalf === 'discarding' || (this.wantsReading && !this.budgetHolds)
    if (on === this.reading) return
    this.reading = on
    if (on) this.startReading()
    else this.stopReading()
  }

  private linger(): void {
    if (this.lingerMs > 0) this.setDeadline(this.lingerMs)
    else this.deadline()
  }

  private setDeadline(ms: number): void {
    this.stopTimer()
    this.timerDueMs = this.clock.nowMs() + ms
    this.timer = this.clock.setTimer(() => this.deadline(), ms)
  }

  private stopTimer(): void {
    this.owedMs = undefined
    if (this.timer !== undefined) this.clock.clearTimer(this.timer)
    this.timer = undefined
  }

  private deadline(): void {
    this.timer = undefined
    if (this.brokenBy !== undefined) this.finish(this.brokenBy)
    else if (this.writeHalf === 'ending') {
      this.finish({ kind: 'timeout', error: new ConnectionError('ERR_CLOSE_TIMEOUT', 'close() could not send what was queued in time', { phase: 'close' }) })
    } else this.finish(closedBy[this.endedBy ?? 'local'])
  }
}

/** What waits for a connection that ended is rejected with this: the reason's own error, or one that says that it closed in order. */
export function lossError(cause: Cause): Error {
  return 'error' in cause ? cause.error : new ConnectionError('ERR_CONNECTION_CLOSED', 'the connection was closed', { phase: 'close' })
}

function alreadyRegistered(): UsageError {
  return new UsageError('ERR_ALREADY_REGISTERED', 'a producer is registered; unregister it first')
}
