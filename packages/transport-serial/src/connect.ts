/** Opening ports, by path or by what the device says of itself. What drives them comes in from outside; see index.ts and web/index.ts. */
import { ConnectionError, type Connector, UsageError } from '@async/core'
import { type Clock, transportPolicy } from '@async/core/base'
import type { SerialBinding, SerialBindingOptions, SerialPortInfo } from './binding.ts'
import { listError, openError, signalError } from './errors.ts'
import { checkMs, checkSerialOptions, lineSettings, type SerialOptions } from './options.ts'
import { PortTransport, type SerialTransport } from './transport.ts'

/** Options of `connectSerial` and `serialConnector`. */
export interface SerialConnectOptions extends SerialOptions {
  /** What to open: `/dev/ttyUSB0`, `/dev/cu.usbserial-1`, `COM3`. Needed, unless the device is named by what follows. */
  readonly path?: string
  /** The device's own number, as `listSerialPorts` tells it: finds it again on whatever path it has. */
  readonly serialNumber?: string
  /** USB's number of the maker, four hexadecimal digits. */
  readonly vendorId?: string
  /** The maker's number of the product, four hexadecimal digits. */
  readonly productId?: string
  /** Milliseconds to wait for the device to be there. Default 0: `ERR_DEVICE_NOT_FOUND` at once. */
  readonly waitForDeviceMs?: number
  /** What drives ports. Default: that of `serialport`. */
  readonly binding?: SerialBinding
}

/** Milliseconds between two looks whether the device is there. */
const lookMs = 250

/** Ports that are being closed: the system lets nobody have them before. */
const closing = new WeakMap<SerialBinding, Map<string, Promise<void>>>()

/** One call of `connect`. */
interface Attempt {
  isGivenUp: boolean
  /** Ends its sleep. */
  wake: (() => void) | undefined
}

/** A connector whose binding is got when it connects. @throws UsageError `ERR_INVALID_ARGUMENT` */
export function connectorOver(options: SerialConnectOptions, getBinding: () => Promise<SerialBinding>): Connector<SerialTransport> {
  const policy = transportPolicy(options)
  const settings = lineSettings(options)
  checkSerialOptions(options)
  if (options.waitForDeviceMs !== undefined) checkMs('waitForDeviceMs', options.waitForDeviceMs)
  const hasIds = [options.serialNumber, options.vendorId, options.productId].some((value) => value !== undefined)
  if ((options.path === undefined) !== hasIds || options.path === '') {
    throw new UsageError('ERR_INVALID_ARGUMENT', 'either path, or serialNumber, vendorId and productId, or some of those, say what to open')
  }

  async function open(attempt: Attempt): Promise<SerialTransport> {
    const binding = await getBinding()
    const untilMs = policy.clock.nowMs() + (options.waitForDeviceMs ?? 0)
    for (;;) {
      try {
        const path = options.path ?? (await find(binding, options))
        await closing.get(binding)?.get(path)
        // To open it moves its lines, which resets some devices.
        if (attempt.isGivenUp) throw givenUp()
        return await openPort(binding, path)
      } catch (error) {
        const missing = (error as { readonly code?: unknown }).code === 'ERR_DEVICE_NOT_FOUND'
        if (!missing || attempt.isGivenUp || policy.clock.nowMs() >= untilMs) throw error
      }
      await sleep(policy.clock, Math.min(lookMs, untilMs - policy.clock.nowMs()), attempt)
    }
  }

  const { dtr, rts } = options
  const named = { ...(dtr === undefined ? {} : { dtr }), ...(rts === undefined ? {} : { rts }) }

  async function openPort(binding: SerialBinding, path: string): Promise<SerialTransport> {
    let port
    try {
      port = await binding.open({ ...(settings as SerialBindingOptions), path })
    } catch (error) {
      throw openError(error, path)
    }
    const signals = { ...(port.initialSignals ?? { dtr: true, rts: true }), ...named }
    if (Object.keys(named).length > 0) {
      try {
        await port.set({ ...signals, brk: false })
      } catch (error) {
        await port.close().catch(() => {})
        throw signalError(error, path)
      }
    }
    return new PortTransport(policy, port, path, settings, signals, options, (released) => noteClosing(binding, path, released))
  }

  return {
    connect: (how) =>
      new Promise((resolve, reject) => {
        const signal = how?.signal
        if (signal?.aborted === true) return reject(signal.reason)
        const attempt: Attempt = { isGivenUp: false, wake: undefined }
        const aborted = (): void => {
          attempt.isGivenUp = true
          attempt.wake?.()
          reject(signal?.reason)
        }
        signal?.addEventListener('abort', aborted)
        open(attempt)
          .then((transport) => (attempt.isGivenUp ? transport.abort() : resolve(transport)), reject)
          .finally(() => signal?.removeEventListener('abort', aborted))
      }),
  }
}

/** Lists ports. @throws (rejects) ConnectionError `ERR_LIST_FAILED` */
export async function listOver(binding: SerialBinding): Promise<readonly SerialPortInfo[]> {
  try {
    return await binding.list()
  } catch (error) {
    throw listError(error)
  }
}

/** Nobody hears of it: the attempt was rejected with the reason of its signal. */
function givenUp(): ConnectionError {
  return new ConnectionError('ERR_ABORTED', 'given up', { phase: 'connect' })
}

async function find(binding: SerialBinding, wanted: SerialConnectOptions): Promise<string> {
  const names = ['serialNumber', 'vendorId', 'productId'] as const
  const ports = await listOver(binding)
  const found = ports.filter((port) => names.every((name) => wanted[name] === undefined || sameId(wanted[name], port[name])))
  const [first] = found
  const text = names.flatMap((name) => (wanted[name] === undefined ? [] : [`${name} ${wanted[name]}`])).join(', ')
  if (first === undefined) {
    throw new ConnectionError('ERR_DEVICE_NOT_FOUND', `there is no device with ${text}`, { phase: 'connect' })
  }
  if (found.length > 1) {
    throw new ConnectionError('ERR_DEVICE_AMBIGUOUS', `${found.length} devices have ${text}: ${found.map(({ path }) => path).join(', ')}`, { phase: 'connect' })
  }
  return first.path
}

/** Systems differ in how they write hexadecimal digits. */
function sameId(one: string, other: string | undefined): boolean {
  return one.toLowerCase() === other?.toLowerCase()
}

function noteClosing(binding: SerialBinding, path: string, released: Promise<void>): void {
  let ports = closing.get(binding)
  if (ports === undefined) closing.set(binding, (ports = new Map()))
  const done = released.then(() => {}, () => {}).then(() => {
    if (closing.get(binding)?.get(path) === done) closing.get(binding)?.delete(path)
  })
  ports.set(path, done)
}

function sleep(clock: Clock, ms: number, attempt: Attempt): Promise<void> {
  return new Promise((resolve) => {
    const timer = clock.setTimer(resolve, ms)
    attempt.wake = () => {
      clock.clearTimer(timer)
      resolve()
    }
  })
}
