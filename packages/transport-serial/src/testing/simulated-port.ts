/**
 * An open port of the simulation: a UART and what the system keeps before and behind it, as a binding gives it.
 *
 * Bytes that are written go to the output buffer, from there in bursts of the UART's FIFO to the wire, at the pace of the line; what comes goes to the
 * input buffer, where it waits to be read, holds the other side back if there is flow control, and is lost if there is no room. Between
 * different rates or character formats bytes arrive damaged. A break is one zero byte, as on Linux.
 */
import { afterTurn, ByteQueue, type Clock } from '@async/core/base'
import { type Random, seededRandom } from '@async/core/testing'
import type { FlushDirection, InputSignals, LineError, OutputSignals, SerialBindingPort } from '../binding.ts'
import type { FullSettings } from '../options.ts'

/** What the other end of a cable does with its lines. What is not set follows `dtr`, as in a null-modem cable, or is off. */
export interface FarSignals extends OutputSignals {
  /** The carrier, where it is not the same as `dtr`. */
  readonly dcd?: boolean
  /** The bell. */
  readonly ri?: boolean
}

/** Damage on a line. */
export interface NoiseOptions {
  /** How probable it is that a bit is turned over, 0 to 1. */
  readonly bitErrorRate: number
  /** The same seed, the same damage. Default 1. */
  readonly seed?: number
}

/** What a port is given by its socket. */
export interface Wiring {
  readonly clock: Clock
  /** Whether bytes take their time. */
  readonly pacing: boolean
  /** Bytes of each buffer of the system. */
  readonly bufferBytes: number
  /** How the line is set up; `undefined`: as the other end. */
  settings: FullSettings | undefined
  /** The port at the other end, while it is open. */
  far(): SimulatedPort | undefined
  /** That, or one that was closed and left its lines as they were. */
  farLines(): SimulatedPort | undefined
  /** It was closed; `leaves`: with its lines as they were. */
  closed(leaves: boolean): void
}

/** Bytes that a UART sends before it looks at its lines again. */
const fifoBytes = 16
const xon = 0x11
const xoff = 0x13
/** Rates that differ by no more than this share are the same. */
const tolerance = 0.03

interface Waiter<T> {
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}

/** An open port. */
export class SimulatedPort implements SerialBindingPort {
  readonly flushesSeparately = true
  /** Lines as they are set, without flow control. */
  out: FarSignals & { readonly brk: boolean } = { dtr: true, rts: true, brk: false }
  /** Bytes that came and found no room. */
  overrunBytes = 0
  /** Damage to what comes. */
  noise: { readonly bitErrorRate: number; readonly random: Random } | undefined
  /** Called when a break of the other end is over. */
  onBreak: ((durationMs: number) => void) | undefined
  private readonly wiring: Wiring
  private readonly incoming = new ByteQueue()
  private readonly outgoing = new ByteQueue()
  private reader: (Waiter<{ readonly bytesRead: number }> & { readonly buffer: Uint8Array; readonly offset: number; readonly length: number }) | undefined
  private writer: (Waiter<void> & { bytes: Uint8Array }) | undefined
  private drains: Waiter<void>[] = []
  private burst: unknown
  private failure: unknown
  /** XOFF came, and no XON. */
  private held = false
  /** We have asked the other end to stop: by RTS, by XOFF. */
  private asksToStop = false
  private emptyReads = 0
  private breakBeganMs = 0
  private readonly garbage: Random = seededRandom(7)
  private onSignals: (() => void) | undefined
  private onError: ((error: LineError) => void) | undefined

  constructor(wiring: Wiring) {
    this.wiring = wiring
  }

  /** Request to send, as the other end sees it. */
  get requestsToSend(): boolean {
    return this.wiring.settings?.rtscts === true ? !this.asksToStop : this.out.rts
  }

  /** Bytes that wait to be read. */
  get incomingBytes(): number {
    return this.incoming.length
  }

  // ── what a binding has ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  read(buffer: Uint8Array, offset: number, length: number): Promise<{ readonly bytesRead: number }> {
    return new Promise((resolve, reject) => {
      if (this.failure !== undefined) return reject(this.failure)
      this.reader = { buffer, offset, length, resolve, reject }
      this.serveReader()
    })
  }

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.failure !== undefined) return reject(this.failure)
      this.writer = { bytes, resolve, reject }
      this.serveWriter()
    })
  }

  async update({ baudRate }: { readonly baudRate: number }): Promise<void> {
    this.check()
    if (this.wiring.settings !== undefined) this.wiring.settings = { ...this.wiring.settings, baudRate }
    // As the systems do.
    await this.flush('both')
  }

  async set(signals: Partial<FarSignals & { readonly brk: boolean }>): Promise<void> {
    this.check()
    const before = this.out
    // As `serialport` does: what is not said is off.
    this.out = { ...signals, dtr: signals.dtr ?? false, rts: signals.rts ?? false, brk: signals.brk ?? false }
    if (this.out.brk && !before.brk) this.breakBeganMs = this.wiring.clock.nowMs()
    if (!this.out.brk && before.brk) this.wiring.far()?.breakCame(this.wiring.clock.nowMs() - this.breakBeganMs)
    this.wiring.far()?.farChanged()
    this.transmit()
  }

  async get(): Promise<InputSignals> {
    this.check()
    const far = this.wiring.farLines()
    if (far === undefined) return { cts: false, dsr: false, dcd: false, ri: false }
    return { cts: far.requestsToSend, dsr: far.out.dtr, dcd: far.out.dcd ?? far.out.dtr, ri: far.out.ri ?? false }
  }

  async flush(direction: FlushDirection = 'both'): Promise<void> {
    this.check()
    if (direction !== 'out') {
      this.incoming.takeAll()
      this.asksLess()
    }
    if (direction !== 'in') {
      this.outgoing.takeAll()
      this.serveWriter()
      this.settleDrains()
    }
  }

  drain(): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.failure !== undefined) return reject(this.failure)
      this.drains.push({ resolve, reject })
      this.settleDrains()
    })
  }

  async close(): Promise<void> {
    this.check()
    this.end(Object.assign(new Error('Canceled'), { canceled: true }))
    this.wiring.closed(this.wiring.settings?.hupcl === false)
  }

  watchSignals(listener: () => void): void {
    this.onSignals = listener
  }

  watchErrors(listener: (error: LineError) => void): void {
    this.onError = listener
  }

  // ── from the other end ───────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Characters come, sent with `settings`. */
  receive(bytes: Uint8Array, settings: FullSettings): void {
    if (this.failure !== undefined) return
    const own = this.wiring.settings ?? settings
    let came = agree(own, settings) ? bytes.map((byte) => byte & (2 ** own.dataBits - 1)) : this.damaged(bytes)
    if (this.noise !== undefined) came = this.noisy(came, own)
    if (own.xon) came = this.obey(came)
    const room = this.wiring.bufferBytes - this.incoming.length
    if (came.length > room) {
      this.overrunBytes += came.length - room
      this.onError?.('overrun')
      came = came.subarray(0, room)
    }
    if (came.length > 0) this.incoming.append(new Uint8Array(came))
    this.serveReader()
    this.asksLess()
  }

  /** A break is over. */
  breakCame(durationMs: number): void {
    this.onBreak?.(durationMs)
    this.onError?.('break')
    this.receive(Uint8Array.of(0), this.wiring.settings ?? this.wiring.far()?.wiring.settings ?? unreachable())
  }

  /** Lines of the other end have changed, or it was opened or closed. */
  farChanged(): void {
    this.transmit()
    this.onSignals?.()
  }

  /** The device is gone: everything fails, now and later. */
  fail(error: unknown): void {
    this.end(error)
  }

  /** Has the next `times` reads resolve with no bytes, at once: some devices do. */
  giveNothing(times: number): void {
    this.emptyReads += times
    this.serveReader()
  }

  // ── own ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  private check(): void {
    if (this.failure !== undefined) throw this.failure
  }

  private end(error: unknown): void {
    this.failure = error
    if (this.burst !== undefined) this.wiring.clock.clearTimer(this.burst)
    this.outgoing.takeAll()
    const waiting = [this.reader, this.writer, ...this.drains]
    this.reader = this.writer = undefined
    this.drains = []
    for (const waiter of waiting) waiter?.reject(error)
    this.wiring.far()?.farChanged()
  }

  private serveReader(): void {
    const { reader } = this
    if (reader === undefined || (this.incoming.length === 0 && this.emptyReads === 0)) return
    this.reader = undefined
    if (this.emptyReads > 0) {
      this.emptyReads--
      return reader.resolve({ bytesRead: 0 })
    }
    const bytes = this.incoming.take(Math.min(reader.length, this.incoming.length))!
    reader.buffer.set(bytes, reader.offset)
    reader.resolve({ bytesRead: bytes.length })
    this.asksLess()
  }

  private serveWriter(): void {
    const { writer } = this
    if (writer === undefined) return
    const part = writer.bytes.subarray(0, this.wiring.bufferBytes - this.outgoing.length)
    if (part.length > 0) this.outgoing.append(new Uint8Array(part)) // a copy: `slice` of a Buffer is none
    writer.bytes = writer.bytes.subarray(part.length)
    if (writer.bytes.length === 0) {
      this.writer = undefined
      writer.resolve()
    }
    this.transmit()
  }

  private settleDrains(): void {
    if (this.outgoing.length > 0 || this.burst !== undefined || this.writer !== undefined) return
    for (const { resolve } of this.drains.splice(0)) resolve()
  }

  /** Begins a burst, if one may begin. */
  private transmit(): void {
    const { wiring } = this
    const settings = wiring.settings ?? wiring.far()?.wiring.settings
    if (this.burst !== undefined || this.failure !== undefined || this.outgoing.length === 0 || settings === undefined) return
    if (this.out.brk || this.held || (settings.rtscts && wiring.far()?.requestsToSend !== true)) return
    const bytes = this.outgoing.take(Math.min(this.outgoing.length, wiring.pacing ? fifoBytes : wiring.bufferBytes / 4))!
    const over = (): void => {
      this.burst = undefined
      if (this.failure !== undefined) return
      wiring.far()?.receive(bytes, settings)
      this.serveWriter()
      this.transmit()
      this.settleDrains()
    }
    if (wiring.pacing) this.burst = wiring.clock.setTimer(over, bytes.length * characterMs(settings))
    else {
      this.burst = bytes
      afterTurn(over)
    }
  }

  /** Tells the other end to stop when three quarters of the buffer are full, and to go on at one. */
  private asksLess(): void {
    const { settings, bufferBytes } = this.wiring
    if (settings === undefined || this.failure !== undefined) return
    const asks = this.incoming.length > (this.asksToStop ? bufferBytes / 4 : (bufferBytes * 3) / 4)
    if (asks === this.asksToStop) return
    this.asksToStop = asks
    if (settings.rtscts) this.wiring.far()?.farChanged()
    if (settings.xoff) this.wiring.far()?.receive(Uint8Array.of(asks ? xoff : xon), settings)
  }

  /** Takes XON and XOFF out, and does what they say. */
  private obey(bytes: Uint8Array): Uint8Array {
    const { held } = this
    const data = bytes.filter((byte) => {
      if (byte === xoff) this.held = true
      else if (byte === xon || this.wiring.settings?.xany === true) this.held = false
      return byte !== xoff && byte !== xon
    })
    if (held && !this.held) this.transmit()
    return data
  }

  private damaged(bytes: Uint8Array): Uint8Array {
    this.onError?.('framing')
    return bytes.map((byte) => byte ^ (1 + this.garbage.below(255)))
  }

  private noisy(bytes: Uint8Array, settings: FullSettings): Uint8Array {
    const { bitErrorRate, random } = this.noise!
    const came: number[] = []
    for (const byte of bytes) {
      let flips = 0
      for (let bit = 0; bit < settings.dataBits; bit++) if (random.below(1_000_000) < bitErrorRate * 1_000_000) flips |= 1 << bit
      // One parity bit finds an odd number of errors; the system then drops the character.
      const odd = [...flips.toString(2)].filter((digit) => digit === '1').length % 2 === 1
      if (odd && settings.parity !== 'none') this.onError?.('parity')
      else came.push(byte ^ flips)
    }
    return Uint8Array.from(came)
  }
}

/** Milliseconds that a character takes: a start bit, the data, the parity, the stop bits. */
export function characterMs({ baudRate, dataBits, parity, stopBits }: FullSettings): number {
  return ((1 + dataBits + (parity === 'none' ? 0 : 1) + stopBits) * 1000) / baudRate
}

function agree(one: FullSettings, other: FullSettings): boolean {
  return Math.abs(one.baudRate - other.baudRate) <= tolerance * one.baudRate && one.dataBits === other.dataBits && one.parity === other.parity
}

function unreachable(): never {
  throw new Error('a break came from nowhere')
}
