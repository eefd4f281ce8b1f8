/** A desk with serial ports, their cables and devices, in memory and on any clock: the binding to give to `connectSerial` in a test. */
import { type Clock, systemClock } from '@async/core/base'
import type { LineSettings, SerialBinding, SerialBindingOptions, SerialPortInfo } from '../binding.ts'
import { lineSettings } from '../options.ts'
import { SimulatedDevice } from './simulated-device.ts'
import type { SimulatedPort } from './simulated-port.ts'
import { SimulatedSocket, type Surroundings } from './simulated-socket.ts'

/** Options of the whole simulation. */
export interface SimulatedSerialOptions {
  /** What bytes take their time from: a `VirtualClock` of `@async/core/testing`, as a rule. Default: the runtime's clock. */
  readonly clock?: Clock
  /** Whether a character takes as long as its bits do. Without, bytes arrive in the next turn. Default true. */
  readonly pacing?: boolean
  /** Bytes of the system's buffer in each direction of a port. Default 4,096, as a tty's on Linux. */
  readonly bufferBytes?: number
}

/** What a port is listed as. */
export type PlugOptions = Partial<SerialPortInfo> & { readonly path: string }

/** A simulation. It is a binding: its ports are opened by path, or found by what they are listed as. */
export class SimulatedSerial implements SerialBinding {
  private readonly surroundings: Surroundings
  private readonly sockets: SimulatedSocket[] = []

  constructor(options: SimulatedSerialOptions = {}) {
    this.surroundings = { clock: options.clock ?? systemClock, pacing: options.pacing ?? true, bufferBytes: options.bufferBytes ?? 4096 }
  }

  /** Plugs a device in that a test plays. `settings`: how its side of the line is set up; default: as the host's, whatever that is. */
  plugDevice(options: PlugOptions, settings?: LineSettings): SimulatedDevice {
    const socket = this.socket(options)
    const end = new SimulatedSocket(this.surroundings, { path: `${options.path} (device)` })
    tie(socket, end)
    return new SimulatedDevice(socket, end, settings === undefined ? undefined : lineSettings(settings))
  }

  /** Puts a null-modem cable between two ports: data, RTS to CTS, and DTR to DSR and DCD are crossed. */
  plugCable(one: PlugOptions, other: PlugOptions): readonly [SimulatedSocket, SimulatedSocket] {
    const ends = [this.socket(one), this.socket(other)] as const
    tie(...ends)
    return ends
  }

  async list(): Promise<readonly SerialPortInfo[]> {
    return this.sockets.filter(({ isPlugged }) => isPlugged).map(({ info }) => info)
  }

  async open(options: SerialBindingOptions): Promise<SimulatedPort> {
    const { path, ...settings } = options
    const socket = this.sockets.find(({ info, isPlugged }) => isPlugged && info.path === path)
    if (socket === undefined) throw new Error(`Error: No such file or directory, cannot open ${path}`)
    return socket.open(settings)
  }

  private socket(info: SerialPortInfo): SimulatedSocket {
    const socket = new SimulatedSocket(this.surroundings, { ...info })
    this.sockets.push(socket)
    return socket
  }
}

function tie(one: SimulatedSocket, other: SimulatedSocket): void {
  one.far = other
  other.far = one
}
