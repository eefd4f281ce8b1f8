import type { Clock } from '@async/core/base'

/** Whose deadline it is. */
export interface DeadlineOwner {
  /** It has passed. */
  timedOut(): void
}

/** One deadline that is moved often and passes rarely: moving it later, or away, costs no timer. Times are whole milliseconds, which take no object. */
export class Deadline {
  private readonly clock: Clock
  private readonly owner: DeadlineOwner
  private dueMs: number | undefined
  private timer: unknown
  private timerDueMs: number | undefined

  constructor(clock: Clock, owner: DeadlineOwner) {
    this.clock = clock
    this.owner = owner
  }

  /** So many milliseconds from now, which who knows it need not ask for again. Infinity: never. */
  set(ms: number, nowMs: number = this.clock.nowMs()): void {
    if (ms === Infinity) return this.clear()
    const dueMs = Math.floor(nowMs + ms)
    this.dueMs = dueMs
    if (this.timerDueMs === undefined || dueMs < this.timerDueMs) this.arm(ms, dueMs)
  }

  /** Not now. A timer may stay behind until it fires or `stop()`. */
  clear(): void {
    this.dueMs = undefined
  }

  /** Leaves no timer behind. */
  stop(): void {
    this.dueMs = undefined
    if (this.timer !== undefined) this.clock.clearTimer(this.timer)
    this.timer = undefined
    this.timerDueMs = undefined
  }

  private arm(ms: number, dueMs: number): void {
    if (this.timer !== undefined) this.clock.clearTimer(this.timer)
    this.timerDueMs = dueMs
    this.timer = this.clock.setTimer(() => this.fire(), ms)
  }

  private fire(): void {
    const { dueMs } = this
    this.timer = undefined
    this.timerDueMs = undefined
    if (dueMs === undefined) return
    const leftMs = dueMs - this.clock.nowMs()
    // (A timer may fire a part of a millisecond early.)
    if (leftMs >= 1) return this.arm(leftMs, dueMs)
    this.dueMs = undefined
    this.owner.timedOut()
  }
}

/**
 * The clock of the exchanges on one connection, of which one at a time has one timer at a time: most are cleared at once, so they share a
 * `Deadline`, and cost no timer of the runtime's each.
 */
export class ExchangeClock implements Clock, DeadlineOwner {
  private readonly clock: Clock
  private readonly deadline: Deadline
  private task: (() => void) | undefined

  constructor(clock: Clock) {
    this.clock = clock
    this.deadline = new Deadline(clock, this)
  }

  nowMs(): number {
    return this.clock.nowMs()
  }

  setTimer(task: () => void, ms: number): unknown {
    this.task = task
    this.deadline.set(ms)
    return task
  }

  clearTimer(timer: unknown): void {
    if (this.task !== timer) return
    this.task = undefined
    this.deadline.clear()
  }

  /** For its deadline alone. */
  timedOut(): void {
    const { task } = this
    this.task = undefined
    task?.()
  }

  /** Leaves no timer behind, unless an exchange still has one. */
  stop(): void {
    if (this.task === undefined) this.deadline.stop()
  }
}
