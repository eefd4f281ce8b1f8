import type { Clock } from '@async/core/base'

/** One deadline that is moved often and passes rarely: moving it later, or away, costs no timer. */
export class Deadline {
  private readonly clock: Clock
  private readonly passed: () => void
  private dueMs = Infinity
  private timer: unknown
  private timerDueMs = Infinity

  constructor(clock: Clock, passed: () => void) {
    this.clock = clock
    this.passed = passed
  }

  /** So many milliseconds from now, which who knows it need not ask for again. Infinity: never. */
  set(ms: number, nowMs: number = this.clock.nowMs()): void {
    this.dueMs = nowMs + ms
    if (this.dueMs < this.timerDueMs) this.arm(ms)
  }

  /** Not now. A timer may stay behind until it fires or `stop()`. */
  clear(): void {
    this.dueMs = Infinity
  }

  /** Leaves no timer behind. */
  stop(): void {
    this.dueMs = Infinity
    if (this.timer !== undefined) this.clock.clearTimer(this.timer)
    this.timer = undefined
    this.timerDueMs = Infinity
  }

  private arm(ms: number): void {
    if (this.timer !== undefined) this.clock.clearTimer(this.timer)
    this.timerDueMs = this.clock.nowMs() + ms
    this.timer = this.clock.setTimer(() => this.fire(), ms)
  }

  private fire(): void {
    this.timer = undefined
    this.timerDueMs = Infinity
    const leftMs = this.dueMs - this.clock.nowMs()
    if (leftMs === Infinity) return
    if (leftMs > 0) return this.arm(leftMs)
    this.dueMs = Infinity
    this.passed()
  }
}

/**
 * The clock of the exchanges on one connection, of which one at a time has one timer at a time: most are cleared at once, so they share a
 * `Deadline`, and cost no timer of the runtime's each.
 */
export class ExchangeClock implements Clock {
  private readonly clock: Clock
  private readonly deadline: Deadline
  private task: (() => void) | undefined

  constructor(clock: Clock) {
    this.clock = clock
    this.deadline = new Deadline(clock, () => {
      const { task } = this
      this.task = undefined
      task?.()
    })
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

  /** Leaves no timer behind, unless an exchange still has one. */
  stop(): void {
    if (this.task === undefined) this.deadline.stop()
  }
}
