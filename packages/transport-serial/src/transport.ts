/**
 * A Transport over an open serial port, whatever drives it.
 *
 * A line has no end that could be sent: there is no half-close, and `close()` is over when everything is on the wire and the port is closed.
 * Every failure of a read or a write means that the device is gone; who notices first says so, and the others are not heard any more.
 */
import { type Cause, ConnectionError, type Data, type Info, type Stream, type Transport, UsageError } from '@async/core'
import { afterTurn, byteLength, lossError, QueuedTransport, type TransportPolicy } from '@async/core/base'
import type { FlushDirection, InputSignals, OutputSignals, SerialBindingPort } from './binding.ts'
import { newMemory } from './bytes.ts'
import { goneError, settingError, signalError } from './errors.ts'
import { checkBaudRate, checkMs, type FullSettings, type SerialOptions } from './options.ts'
import { Outgoing } from './outgoing.ts'
import { OutputLines, SignalWatch } from './signals.ts'

/** Options of `drain`, and of what waits for it. */
export interface DrainOptions {
  /** Milliseconds to wait for what was written before. Default: the option `drainTimeoutMs`. */
  readonly timeoutMs?: number
  /** Gives it up. */
  readonly signal?: AbortSignal
}

/** One end of a serial line. */
export interface SerialTransport extends Transport<Stream> {
  /** What it was opened by. */
  readonly path: string
  /** Symbols in a second, at present. */
  readonly baudRate: number

  /**
   * Changes the rate, in its place among the writes: what was written before leaves at the old rate and is on the wire first, what is written
   * afterwards leaves at the new one. Systems discard what came and was not read yet.
   * @throws (rejects) UsageError `ERR_INVALID_ARGUMENT`, `ERR_CLOSED`; ConnectionError `ERR_SETTING_REFUSED`, `ERR_DRAIN_TIMEOUT`, and the rate
   * is as it was; `signal.reason`; the error of the close reason.
   */
  setBaudRate(baudRate: number, options?: DrainOptions): Promise<void>

  /**
   * Resolves when everything written before is on the wire, which is later than `drained(0)`. What is written afterwards waits for it.
   * @throws (rejects) ConnectionError `ERR_DRAIN_TIMEOUT`, and the connection is unharmed; `signal.reason`; UsageError `ERR_CLOSED`; the error of the close reason.
   */
  drain(options?: DrainOptions): Promise<void>

  /**
   * Discards at once: `in`, what came and was not delivered; `out`, what was written and is not on the wire; `both`. Bytes of ours that are
   * discarded are counted in the close reason as unsent and unread.
   * @throws (rejects) UsageError `ERR_UNSUPPORTED` for one direction where the port can only do both, `ERR_CLOSED`; ConnectionError `ERR_DEVICE_GONE`.
   */
  flush(direction: FlushDirection): Promise<void>

  /**
   * Sends a break of `durationMs` milliseconds, in its place among the writes.
   * @throws (rejects) as `setBaudRate`; UsageError `ERR_UNSUPPORTED` where the port has no lines.
   */
  break(durationMs: number, options?: DrainOptions): Promise<void>

  /**
   * Sets the lines that are named, at once, and leaves the others as they are.
   * @throws (rejects) UsageError `ERR_UNSUPPORTED` where the port has no lines, `ERR_INVALID_ARGUMENT`, `ERR_CLOSED`; ConnectionError `ERR_SIGNALS`.
   */
  setSignals(signals: Partial<OutputSignals>): Promise<void>

  /**
   * Reads the lines that the other side sets.
   * @throws (rejects) UsageError `ERR_UNSUPPORTED` where the port has no lines, `ERR_CLOSED`; ConnectionError `ERR_SIGNALS`.
   */
  getSignals(): Promise<InputSignals>
}

/** Reads go into memory of this size, which is given away piece by piece and never written to again. */
const slabBytes = 64 * 1024
/** With less room than this left, another one is begun. */
const leastRoomBytes = 1024

/** A serial port as a transport. */
export class PortTransport extends QueuedTransport<Stream> implements SerialTransport {
  readonly carries = 'stream'
  readonly info: Info
  readonly path: string
  baudRate: number
  /** Resolves when the port is closed. Set once that has begun. */
  released: Promise<void> | undefined
  private readonly port: SerialBindingPort
  private readonly outgoing: Outgoing
  private readonly lines: OutputLines
  private readonly watch: SignalWatch | undefined
  private readonly drainTimeoutMs: number
  private readonly signalPollMs: number
  private readonly onRelease: (released: Promise<void>) => void
  private slab = newMemory(slabBytes)
  private slabUsed = 0
  private wantsData = false
  private readPending = false
  /** How many flushes of what came are under way: what comes meanwhile is discarded with it. */
  private flushesIn = 0
  /** The other side hung up: when nothing comes any more, it is the end. */
  private hungUp = false
  private wasOn = false
  private cameSinceLook = false
  private readonly timers = new Set<unknown>()

  /** `port` is open, with `signals` on its lines, and becomes the transport's. `onRelease` is called when it begins to close it. */
  constructor(
    policy: TransportPolicy, port: SerialBindingPort, path: string, settings: FullSettings, signals: OutputSignals, options: SerialOptions,
    onRelease: (released: Promise<void>) => void,
  ) {
    super(policy)
    this.port = port
    this.path = path
    this.baudRate = settings.baudRate
    this.drainTimeoutMs = options.drainTimeoutMs ?? 30_000
    this.signalPollMs = options.signalPollMs ?? 250
    this.onRelease = onRelease
    // Without flow control it is up to the device: USB holds back, a UART loses what nobody takes.
    this.info = { pausable: settings.rtscts || settings.xoff, resets: false, halfCloses: false, readsAfterWriteError: false, local: path }
    this.lines = new OutputLines(port, signals)
    this.outgoing = new Outgoing(port, path, policy.clock, {
      settled: (bytes, done) => (done ? this.sent(bytes) : this.progressed(bytes)),
      dropped: (bytes) => {
        this.unsentBytes += bytes
      },
      failed: (error) => this.gone(error),
    })
    if (options.onLineError !== undefined) port.watchErrors?.(options.onLineError)
    if (options.hangUpOn !== undefined) {
      this.watch = new SignalWatch(port, options.hangUpOn, policy.clock, this.signalPollMs, (on) => this.lineChanged(on))
    }
  }

  // ── what only a serial line has ──────────────────────────────────────────────────────────────────────────────────────────────────

  async setBaudRate(baudRate: number, options: DrainOptions = {}): Promise<void> {
    checkBaudRate(baudRate)
    return this.inItsPlace(options, async () => {
      try {
        await this.port.update({ baudRate })
      } catch (error) {
        throw settingError(error, this.path, baudRate)
      }
      this.baudRate = baudRate
    })
  }

  async drain(options: DrainOptions = {}): Promise<void> {
    return this.inItsPlace(options, async () => {})
  }

  async break(durationMs: number, options: DrainOptions = {}): Promise<void> {
    checkMs('durationMs', durationMs)
    return this.inItsPlace(options, async () => {
      await this.setLines({ brk: true })
      await this.sleep(durationMs)
      await this.setLines({ brk: false })
    })
  }

  /** Without a direction it is the base's: hand over what has gathered. */
  override flush(): void
  override flush(direction: FlushDirection): Promise<void>
  override flush(direction?: FlushDirection): void | Promise<void> {
    return direction === undefined ? super.flush() : this.discard(direction)
  }

  private async discard(direction: FlushDirection): Promise<void> {
    this.checkOpen()
    if (direction !== 'in' && direction !== 'out' && direction !== 'both') {
      throw new UsageError('ERR_INVALID_ARGUMENT', `direction is ${String(direction)}; it takes in, out or both`)
    }
    if (direction !== 'both' && this.port.flushesSeparately !== true) {
      throw new UsageError('ERR_UNSUPPORTED', `${this.path} can only flush both directions at once`)
    }
    const incoming = direction !== 'out'
    if (incoming) {
      this.unreadBytes += this.dropHeld()
      this.flushesIn++
    }
    if (direction !== 'in') this.dropQueued()
    const onItsWay = direction === 'in' ? undefined : this.outgoing.onItsWay
    try {
      await this.port.flush(direction)
      // A piece that was on its way may have got into the system's buffer where that flush made room.
      if (onItsWay !== undefined) {
        await onItsWay
        await this.port.flush(direction)
      }
    } catch (error) {
      throw this.cause === undefined ? goneError(error, this.path) : lossError(this.cause)
    } finally {
      if (incoming) this.flushesIn--
    }
  }

  async setSignals(signals: Partial<OutputSignals>): Promise<void> {
    this.checkOpen()
    const { dtr, rts } = signals
    for (const [name, value] of Object.entries({ dtr, rts })) {
      if (value !== undefined && typeof value !== 'boolean') throw new UsageError('ERR_INVALID_ARGUMENT', `${name} is ${String(value)}; it takes true or false`)
    }
    return this.setLines({ ...(dtr === undefined ? {} : { dtr }), ...(rts === undefined ? {} : { rts }) })
  }

  async getSignals(): Promise<InputSignals> {
    this.checkOpen()
    try {
      const { cts, dsr, dcd, ri } = await this.port.get()
      return { cts, dsr, dcd, ...(ri === undefined ? {} : { ri }) }
    } catch (error) {
      throw signalError(error, this.path)
    }
  }

  private async setLines(change: Partial<OutputSignals & { readonly brk: boolean }>): Promise<void> {
    try {
      await this.lines.set(change)
    } catch (error) {
      throw signalError(error, this.path)
    }
  }

  /** Acts behind what has been written so far, once that is on the wire. */
  private async inItsPlace(options: DrainOptions, act: () => Promise<void>): Promise<void> {
    this.checkOpen()
    if (options.timeoutMs !== undefined) checkMs('timeoutMs', options.timeoutMs)
    const { timeoutMs = this.drainTimeoutMs, signal } = options
    return this.outgoing.operate(this.outgoing.settledBytes + this.queue.bytes, act, { timeoutMs, signal })
  }

  private checkOpen(): void {
    const over = this.cause ?? this.pendingLoss
    if (over !== undefined && 'error' in over) throw over.error
    if (over !== undefined || this.isClosing()) throw this.refusal()
  }

  private dropQueued(): void {
    let bytes = 0
    for (const data of [...this.queue.take(), ...this.outgoing.dropBatch()]) bytes += byteLength(data)
    if (bytes === 0) return
    this.unsentBytes += bytes
    // A producer is resumed, and waiters are told, from a clean stack.
    queueMicrotask(() => this.cause === undefined && this.outgoing.skip(bytes))
  }

  private sleep(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.policy.clock.setTimer(() => {
        this.timers.delete(timer)
        resolve()
      }, ms)
      this.timers.add(timer)
    })
  }

  // ── QueuedTransport ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

  protected scheduleFlush(): void {
    afterTurn(() => this.flush())
  }

  protected send(batch: Data[]): void {
    this.outgoing.send(batch)
  }

  protected sendEnd(): void {
    // The deadline is that of close(). What the system has for us by now is read, and counted, before the port is closed.
    const last = (): Promise<void> => new Promise<void>(afterTurn).then(() => this.letGo(false))
    this.outgoing.operate(this.outgoing.settledBytes, last, { timeoutMs: Infinity }).then(
      () => {
        // There is no end of the other side to wait for.
        this.receivedEof()
        this.endSent()
      },
      // It is over by now, unless the port itself could not be closed.
      (error: unknown) => this.gone(error),
    )
  }

  protected startReading(): void {
    this.wantsData = true
    this.read()
    this.lookForEnd()
  }

  protected stopReading(): void {
    this.wantsData = false
  }

  /** A loss may wait behind what is held; who waits for the line need not. */
  protected override breakWrites(cause: Cause): void {
    super.breakWrites(cause)
    this.outgoing.end(lossError(cause))
  }

  protected destroy(reset: boolean): void {
    this.wantsData = false
    this.watch?.stop()
    for (const timer of this.timers) this.policy.clock.clearTimer(timer)
    this.outgoing.end(lossError(this.cause!))
    this.letGo(reset).catch(() => {})
  }

  /** Closes the port, once; what the system still has of ours is discarded first, if `discard`, for a close waits for it. */
  private letGo(discard: boolean): Promise<void> {
    if (this.released === undefined) {
      this.released = (discard ? this.port.flush('both').catch(() => {}) : Promise.resolve()).then(() => this.port.close())
      this.onRelease(this.released)
    }
    return this.released
  }

  // ── reading ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  private read(): void {
    if (this.readPending || !this.wantsData || this.released !== undefined) return
    if (this.slab.length - this.slabUsed < leastRoomBytes) {
      this.slab = newMemory(slabBytes)
      this.slabUsed = 0
    }
    this.readPending = true
    this.port.read(this.slab, this.slabUsed, this.slab.length - this.slabUsed).then(
      ({ bytesRead }) => this.dataRead(bytesRead),
      (error: unknown) => {
        this.readPending = false
        if (this.released === undefined) this.gone(error)
      },
    )
  }

  private dataRead(bytes: number): void {
    this.readPending = false
    if (this.cause !== undefined) return
    // No bytes are no end; but who gives none at once may give none for long.
    if (bytes === 0) return afterTurn(() => this.read())
    this.cameSinceLook = true
    const data = new Uint8Array(this.slab.buffer, this.slab.byteOffset + this.slabUsed, bytes)
    this.slabUsed += bytes
    if (this.flushesIn > 0) this.unreadBytes += bytes
    else this.received(data)
    this.read()
  }

  private gone(error: unknown): void {
    this.lost({ kind: 'gone', error: goneError(error, this.path) })
  }

  // ── hanging up ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  private lineChanged(on: boolean): void {
    this.hungUp = !on && this.wasOn
    this.wasOn ||= on
    this.lookForEnd()
  }

  /** What came before the other side hung up is delivered first: the end is when a read waits, and nothing came since the last look. */
  private lookForEnd(): void {
    if (!this.hungUp || !this.wantsData || this.cause !== undefined) return
    if (this.readPending && !this.cameSinceLook) {
      if (this.queuedBytes === 0) return this.lost({ kind: 'closed', by: this.endedBy ?? 'peer' })
      return this.lost({ kind: 'gone', error: new ConnectionError('ERR_HUNG_UP', `${this.path}: the other side hung up before everything was sent`) })
    }
    this.cameSinceLook = false
    if (this.port.watchSignals !== undefined) afterTurn(() => this.lookForEnd())
    else void this.sleep(this.signalPollMs).then(() => this.lookForEnd())
  }
}
