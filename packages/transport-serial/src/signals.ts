import type { Clock } from '@async/core/base'
import type { InputSignals, OutputSignals, SerialBindingPort } from './binding.ts'

/**
 * The lines that we set. Bindings set all of them at each call, to defaults where nothing is said; so what was set is remembered here, and
 * calls go out one after the other.
 */
export class OutputLines {
  private readonly port: SerialBindingPort
  private state: OutputSignals & { readonly brk: boolean }
  private last: Promise<unknown> = Promise.resolve()

  /** `initial`: as the system leaves them when it opens the port. */
  constructor(port: SerialBindingPort, initial: OutputSignals) {
    this.port = port
    this.state = { ...initial, brk: false }
  }

  /** Sets what is named, and leaves the others as they are. */
  set(change: Partial<OutputSignals & { readonly brk: boolean }>): Promise<void> {
    const done = this.last.then(async () => {
      const state = { ...this.state, ...change }
      await this.port.set(state)
      this.state = state
    })
    this.last = done.catch(() => {})
    return done
  }
}

/** Watches one line of the other side. */
export class SignalWatch {
  private readonly port: SerialBindingPort
  private readonly line: 'dsr' | 'dcd'
  private readonly clock: Clock
  private readonly pollMs: number
  private readonly changed: (on: boolean) => void
  private on: boolean | undefined
  private timer: unknown
  private stopped = false

  constructor(port: SerialBindingPort, line: 'dsr' | 'dcd', clock: Clock, pollMs: number, changed: (on: boolean) => void) {
    this.port = port
    this.line = line
    this.clock = clock
    this.pollMs = pollMs
    this.changed = changed
    if (port.watchSignals === undefined) this.poll()
    else {
      port.watchSignals(() => void this.look())
      void this.look()
    }
  }

  /** Looks no more. */
  stop(): void {
    this.stopped = true
    if (this.timer !== undefined) this.clock.clearTimer(this.timer)
  }

  private async look(): Promise<void> {
    let signals: InputSignals
    try {
      signals = await this.port.get()
    } catch {
      // A device that is gone is noticed by who reads; one without lines never changes them.
      return
    }
    const on = signals[this.line]
    if (this.stopped || on === this.on) return
    this.on = on
    this.changed(on)
  }

  private poll(): void {
    void this.look().then(() => {
      if (!this.stopped) this.timer = this.clock.setTimer(() => this.poll(), this.pollMs)
    })
  }
}
