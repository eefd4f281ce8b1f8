import { toBytes } from '@async/core/base'
import type { Data } from '@async/core'
import type { OutputSignals } from '../binding.ts'
import type { FullSettings } from '../options.ts'
import type { FarSignals, NoiseOptions, SimulatedPort } from './simulated-port.ts'
import type { SimulatedSocket } from './simulated-socket.ts'

/** A device at the other end of a port, played by a test. */
export class SimulatedDevice {
  /** Called with what the host sends, as it comes; else it gathers in `received`. */
  onData: ((bytes: Uint8Array) => void) | undefined
  /** Called when a break of the host's is over. */
  onBreak: ((durationMs: number) => void) | undefined
  /** Called when the host has changed its lines, or opened or closed the port. */
  onSignals: ((signals: OutputSignals) => void) | undefined
  /** Where the host's port is. */
  readonly socket: SimulatedSocket
  private readonly end: SimulatedSocket
  private port: SimulatedPort
  private pieces: Uint8Array[] = []
  private writes: Promise<void> = Promise.resolve()
  private settings: FullSettings | undefined
  private lines: FarSignals = { dtr: true, rts: true }

  constructor(socket: SimulatedSocket, end: SimulatedSocket, settings: FullSettings | undefined) {
    this.socket = socket
    this.end = end
    this.settings = settings
    this.port = this.begin()
  }

  /** What came, and was not taken. */
  get received(): Uint8Array {
    const all = new Uint8Array(this.pieces.reduce((sum, { length }) => sum + length, 0))
    let at = 0
    for (const piece of this.pieces) {
      all.set(piece, at)
      at += piece.length
    }
    return all
  }

  /** Gives what came, and forgets it. */
  take(): Uint8Array {
    const all = this.received
    this.pieces = []
    return all
  }

  /** The lines that the host sets; off while nobody has the port open, unless `hupcl` was off. */
  get hostSignals(): OutputSignals {
    const host = this.socket.lines
    return host === undefined ? { dtr: false, rts: false } : { dtr: host.out.dtr, rts: host.requestsToSend }
  }

  /** Sends, at the pace of the line. Resolves when it is in the device's own buffer. */
  write(data: Data): Promise<void> {
    const { port } = this
    this.writes = this.writes.then(() => port.write(toBytes(data)))
    this.writes.catch(() => {})
    return this.writes
  }

  /** Changes the lines that are named: the host sees `rts` as CTS, `dtr` as DSR, and as DCD unless that is named. */
  setSignals(signals: Partial<FarSignals>): void {
    this.lines = { ...this.lines, ...signals }
    this.port.set({ ...this.lines, brk: false }).catch(() => {})
  }

  /** Sends a break: the host reads a zero byte. */
  break(): void {
    this.socket.port?.breakCame(0)
  }

  /** Changes the rate of the device's side. */
  setBaudRate(baudRate: number): Promise<void> {
    return this.port.update({ baudRate })
  }

  /** What the host receives is damaged from now on; without options, no more. */
  setNoise(noise?: NoiseOptions): void {
    this.socket.setNoise(noise)
  }

  /** The next `times` reads of the host resolve with no bytes. */
  giveNothing(times: number): void {
    this.socket.port?.giveNothing(times)
  }

  /** It is pulled out. */
  unplug(): void {
    this.socket.unplug()
  }

  /** It is plugged in again, perhaps on another path, and has forgotten everything. */
  replug(path?: string): void {
    this.end.unplug()
    this.end.replug()
    this.socket.replug(path)
    this.writes = Promise.resolve()
    this.pieces = []
    this.port = this.begin()
  }

  private begin(): SimulatedPort {
    const port = this.end.open(this.settings)
    port.watchSignals(() => this.onSignals?.(this.hostSignals))
    port.onBreak = (durationMs) => this.onBreak?.(durationMs)
    void port.set({ ...this.lines, brk: false })
    void this.readFrom(port)
    return port
  }

  private async readFrom(port: SimulatedPort): Promise<void> {
    const buffer = new Uint8Array(4096)
    try {
      for (;;) {
        const { bytesRead } = await port.read(buffer, 0, buffer.length)
        const piece = buffer.slice(0, bytesRead)
        if (this.onData === undefined) this.pieces.push(piece)
        else this.onData(piece)
      }
    } catch {
      // Pulled out.
    }
  }
}
