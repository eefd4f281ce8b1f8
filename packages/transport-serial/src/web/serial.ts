import { ConnectionError, type Connector } from '@async/core'
import type { SerialBinding, SerialPortInfo } from '../binding.ts'
import { connectorOver, listOver, type SerialConnectOptions } from '../connect.ts'
import { type SerialOptions } from '../options.ts'
import type { SerialTransport } from '../transport.ts'
import { bindingOfPort, webBinding } from './port.ts'
import type { WebSerial, WebSerialPort } from './types.ts'

/** Options of `connectSerial` and `serialConnector` in a browser. */
export interface WebConnectOptions extends SerialOptions {
  /** The port, from `navigator.serial.requestPort()`. Needed, unless one that the user allowed before is named by its ids. */
  readonly port?: WebSerialPort
  /** USB's number of the maker, four hexadecimal digits. */
  readonly vendorId?: string
  /** The maker's number of the product, four hexadecimal digits. */
  readonly productId?: string
  /** Milliseconds to wait for the device to be there. Default 0: `ERR_DEVICE_NOT_FOUND` at once. */
  readonly waitForDeviceMs?: number
  /** Where ports are found. Default: `navigator.serial`. */
  readonly serial?: WebSerial
}

const found = new WeakMap<WebSerial, SerialBinding>()

/**
 * Opens a serial port of the browser. Nothing is read before the transport is started.
 * @throws (rejects) `signal.reason` at once when aborted; UsageError `ERR_INVALID_ARGUMENT`, `ERR_UNSUPPORTED`; ConnectionError of phase `connect`. (L1–L3)
 */
export async function connectSerial(options: WebConnectOptions & { readonly signal?: AbortSignal }): Promise<SerialTransport> {
  return serialConnector(options).connect(options.signal === undefined ? {} : { signal: options.signal })
}

/** A connector of transports over one port of the browser. @throws UsageError `ERR_INVALID_ARGUMENT`. */
export function serialConnector(options: WebConnectOptions): Connector<SerialTransport> {
  const { port, serial, ...rest } = options
  const named: SerialConnectOptions = port === undefined ? rest : { ...rest, path: 'web' }
  return connectorOver(named, async () => (port === undefined ? bindingOf(serial) : bindingOfPort(port)))
}

/** The ports that the user allowed this page to use. @throws (rejects) ConnectionError `ERR_BINDING`, `ERR_LIST_FAILED` */
export async function listSerialPorts(options: { readonly serial?: WebSerial } = {}): Promise<readonly SerialPortInfo[]> {
  return listOver(bindingOf(options.serial))
}

function bindingOf(given: WebSerial | undefined): SerialBinding {
  const serial = given ?? (globalThis as { readonly navigator?: { readonly serial?: WebSerial } }).navigator?.serial
  if (serial === undefined) throw new ConnectionError('ERR_BINDING', 'this runtime has no Web Serial, or not on this page (it needs a secure context)', { phase: 'connect' })
  let binding = found.get(serial)
  if (binding === undefined) found.set(serial, (binding = webBinding(serial)))
  return binding
}
