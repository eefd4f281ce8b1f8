import type { Clock } from '../base/clock.ts'

interface Timer {
  readonly dueMs: number
  readonly order: number
  readonly task: () => void
}

/** Time that passes when told to. Give it to a transport or a listener as its `clock`. */
export class VirtualClock implements Clock {
  private now: number
  private order = 0
  private timers: Timer[] = []

  /** @param startMs what `nowMs()` says first; a large one finds arithmetic that loses precision */
  constructor(startMs = 1_000_000) {
    this.now = startMs
  }

  /** How many timers are set: 0 once everything that used this clock is over. */
  get pendingCount(): number {
    return this.timers.length
  }

  nowMs(): number {
    return this.now
  }

  setTimer(task: () => void, ms: number): unknown {
    const timer: Timer = { dueMs: this.now + Math.max(0, ms), order: this.order++, task }
    this.timers.push(timer)
    return timer
  }

  clearTimer(timer: unknown): void {
    this.timers = this.timers.filter((other) => other !== timer)
  }

  /**
   * Lets `ms` milliseconds pass: every timer that falls due runs, at its own time, in order, also those that are set meanwhile.
   * What a task throws comes through, and the clock stands at that task's time.
   */
  advance(ms: number): void {
    const end = this.now + ms
    for (let next = this.next(end); next !== undefined; next = this.next(end)) {
      this.clearTimer(next)
      this.now = Math.max(this.now, next.dueMs)
      next.task()
    }
    this.now = end
  }

  /** The machine slept: `ms` milliseconds are gone, and all that fell due meanwhile runs late, at the same moment. */
  jump(ms: number): void {
    this.now += ms
    this.advance(0)
  }

  private next(endMs: number): Timer | undefined {
    let first: Timer | undefined
    for (const timer of this.timers) {
      if (timer.dueMs <= endMs && (first === undefined || timer.dueMs < first.dueMs || (timer.dueMs === first.dueMs && timer.order < first.order))) first = timer
    }
    return first
  }
}
