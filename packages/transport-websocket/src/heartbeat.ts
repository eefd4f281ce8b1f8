import type { Clock } from '@async/core/base'

/** What a heartbeat needs of a connection. */
export interface Beating {
  /** Whether there was a sign of life since the last call, or nobody listens for one. */
  isAlive(): boolean
  /** Ask for one. */
  ping(): void
  /** There was none. */
  died(): void
}

/** Asks a silent peer whether it is there. One timer, whatever comes. */
export class Heartbeat {
  private readonly clock: Clock
  private readonly everyMs: number
  private readonly timeoutMs: number
  private readonly connection: Beating
  private timer: unknown
  private asked = false

  constructor(clock: Clock, everyMs: number, timeoutMs: number, connection: Beating) {
    this.clock = clock
    this.everyMs = everyMs
    this.timeoutMs = timeoutMs
    this.connection = connection
  }

  start(): void {
    if (this.everyMs !== Infinity) this.wait(this.everyMs)
  }

  stop(): void {
    this.clock.clearTimer(this.timer)
  }

  private wait(ms: number): void {
    this.timer = this.clock.setTimer(() => this.due(), ms)
  }

  private due(): void {
    if (this.connection.isAlive()) this.asked = false
    else if (this.asked) return this.connection.died()
    else {
      this.asked = true
      this.connection.ping()
      return this.wait(this.timeoutMs)
    }
    this.wait(this.everyMs)
  }
}
