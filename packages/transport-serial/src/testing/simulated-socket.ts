import type { SerialPortInfo } from '../binding.ts'
import type { FullSettings } from '../options.ts'
import { type NoiseOptions, SimulatedPort, type Wiring } from './simulated-port.ts'
import { seededRandom } from '@async/core/testing'

/** What every socket of one simulation has in common. */
export type Surroundings = Pick<Wiring, 'clock' | 'pacing' | 'bufferBytes'>

/** One end of a cable: a place where a port can be opened, as long as it is plugged in. */
export class SimulatedSocket {
  /** How it is listed. The path may change when it is plugged in again. */
  info: SerialPortInfo
  /** Whether the device is there. */
  isPlugged = true
  /** The port, while somebody has it open. */
  port: SimulatedPort | undefined
  /** Whose lines the other end sees: the open port, or the last one, if it left them as they were. */
  lines: SimulatedPort | undefined
  /** The other end. */
  far!: SimulatedSocket
  private readonly surroundings: Surroundings
  private noise: NoiseOptions | undefined

  constructor(surroundings: Surroundings, info: SerialPortInfo) {
    this.surroundings = surroundings
    this.info = info
  }

  /** Opens it, with the errors of `serialport` on Linux. */
  open(settings: FullSettings | undefined): SimulatedPort {
    if (!this.isPlugged) throw new Error(`Error: No such file or directory, cannot open ${this.info.path}`)
    if (this.port !== undefined) throw new Error('Error Resource temporarily unavailable Cannot lock port')
    const port: SimulatedPort = new SimulatedPort({
      ...this.surroundings,
      settings,
      far: () => this.far.port,
      farLines: () => this.far.lines,
      closed: (leaves) => {
        if (this.port === port) this.port = undefined
        if (this.lines === port && !leaves) this.lines = undefined
        this.far.port?.farChanged()
      },
    })
    this.port = this.lines = port
    this.applyNoise()
    this.far.port?.farChanged()
    return port
  }

  /** The device is pulled out: whoever has it open sees it fail, and nobody finds it. */
  unplug(): void {
    this.isPlugged = false
    const { port } = this
    this.port = this.lines = undefined
    port?.fail(Object.assign(new Error('bad file descriptor'), { code: 'EBADF' }))
    this.far.port?.farChanged()
  }

  /** It is plugged in again, perhaps to be found on another path. */
  replug(path: string = this.info.path): void {
    this.info = { ...this.info, path }
    this.isPlugged = true
  }

  /** What comes to this end is damaged from now on; without options, no more. */
  setNoise(noise?: NoiseOptions): void {
    this.noise = noise
    this.applyNoise()
  }

  private applyNoise(): void {
    if (this.port === undefined) return
    this.port.noise = this.noise === undefined ? undefined : { bitErrorRate: this.noise.bitErrorRate, random: seededRandom(this.noise.seed ?? 1) }
  }
}
