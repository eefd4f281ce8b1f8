import { UsageError } from '@async/core'
import type { TransportOptions } from '@async/core/base'
import type { LineError, LineSettings } from './binding.ts'

/** What an open port can be told, whatever drives it. */
export interface SerialOptions extends LineSettings, TransportOptions {
  /** Set DTR right after opening. Default: as the system leaves it, which is raised on most (see the README). */
  readonly dtr?: boolean
  /** Set RTS right after opening. Default: as the system leaves it. */
  readonly rts?: boolean
  /** Milliseconds that `drain`, `setBaudRate` and `break` wait for what was written before them; then `ERR_DRAIN_TIMEOUT`. Default 30,000. */
  readonly drainTimeoutMs?: number
  /** The line whose loss, after it was on, is the other side's end: kind `closed`, by the peer. Default: none is. */
  readonly hangUpOn?: 'dsr' | 'dcd'
  /** Milliseconds between two looks at that line, where the port does not tell by itself. Default 250. */
  readonly signalPollMs?: number
  /** Told of characters that were lost or damaged on the line, where the port tells: Web Serial and the simulation do. */
  readonly onLineError?: (error: LineError) => void
}

/** The settings of a line, all of them. */
export type FullSettings = Required<LineSettings>

/** Fills in the defaults. @throws UsageError `ERR_INVALID_ARGUMENT` */
export function lineSettings(options: LineSettings): FullSettings {
  const settings: FullSettings = {
    baudRate: options.baudRate ?? 9600,
    dataBits: options.dataBits ?? 8,
    stopBits: options.stopBits ?? 1,
    parity: options.parity ?? 'none',
    rtscts: options.rtscts ?? false,
    xon: options.xon ?? false,
    xoff: options.xoff ?? false,
    xany: options.xany ?? false,
    hupcl: options.hupcl ?? true,
    lock: options.lock ?? true,
  }
  checkBaudRate(settings.baudRate)
  oneOf('dataBits', settings.dataBits, [5, 6, 7, 8])
  oneOf('stopBits', settings.stopBits, [1, 1.5, 2])
  oneOf('parity', settings.parity, ['none', 'even', 'odd', 'mark', 'space'])
  for (const name of ['rtscts', 'xon', 'xoff', 'xany', 'hupcl', 'lock'] as const) oneOf(name, settings[name], [true, false])
  return settings
}

/** @throws UsageError `ERR_INVALID_ARGUMENT` */
export function checkSerialOptions(options: SerialOptions): void {
  for (const name of ['drainTimeoutMs', 'signalPollMs'] as const) if (options[name] !== undefined) checkMs(name, options[name])
  for (const name of ['dtr', 'rts'] as const) if (options[name] !== undefined) oneOf(name, options[name], [true, false])
  if (options.hangUpOn !== undefined) oneOf('hangUpOn', options.hangUpOn, ['dsr', 'dcd'])
  if (options.rtscts === true && options.rts !== undefined) {
    throw new UsageError('ERR_INVALID_ARGUMENT', 'rts with rtscts: the system drives that line then')
  }
}

/** @throws UsageError `ERR_INVALID_ARGUMENT` */
export function checkBaudRate(baudRate: number): void {
  if (!Number.isInteger(baudRate) || baudRate < 1) throw new UsageError('ERR_INVALID_ARGUMENT', `baudRate is ${String(baudRate)}; it takes an integer from 1`)
}

/** @throws UsageError `ERR_INVALID_ARGUMENT` */
export function checkMs(name: string, value: unknown): void {
  if (typeof value !== 'number' || !(value >= 0)) throw new UsageError('ERR_INVALID_ARGUMENT', `${name} is ${String(value)}; it takes a number from 0`)
}

function oneOf(name: string, value: unknown, values: readonly unknown[]): void {
  if (!values.includes(value)) throw new UsageError('ERR_INVALID_ARGUMENT', `${name} is ${String(value)}; it takes one of ${values.join(', ')}`)
}
