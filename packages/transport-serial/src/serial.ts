import type { Connector } from '@async/core'
import type { SerialBinding, SerialPortInfo } from './binding.ts'
import { connectorOver, listOver, type SerialConnectOptions } from './connect.ts'
import { nativeBinding } from './native.ts'
import type { SerialTransport } from './transport.ts'

/** One for the process: ports that are being closed are known by their binding. */
let native: Promise<SerialBinding> | undefined

/**
 * Opens a serial port. Nothing is read before the transport is started.
 * @throws (rejects) `signal.reason` at once when aborted; UsageError `ERR_INVALID_ARGUMENT`; ConnectionError of phase `connect`:
 * `ERR_DEVICE_NOT_FOUND`, `ERR_DEVICE_BUSY`, `ERR_ACCESS`, `ERR_NOT_A_SERIAL_PORT`, `ERR_SETTING_REFUSED`, `ERR_LIST_FAILED`, … (L1–L3)
 */
export async function connectSerial(options: SerialConnectOptions & { readonly signal?: AbortSignal }): Promise<SerialTransport> {
  return serialConnector(options).connect(options.signal === undefined ? {} : { signal: options.signal })
}

/** A connector of transports over one serial port, or over one device wherever it is plugged in. @throws UsageError `ERR_INVALID_ARGUMENT`. */
export function serialConnector(options: SerialConnectOptions): Connector<SerialTransport> {
  return connectorOver(options, () => bindingOf(options.binding))
}

/** The ports of this machine. @throws (rejects) ConnectionError `ERR_LIST_FAILED`, on Linux where the program udevadm is missing; `ERR_BINDING`. */
export async function listSerialPorts(options: { readonly binding?: SerialBinding } = {}): Promise<readonly SerialPortInfo[]> {
  return listOver(await bindingOf(options.binding))
}

function bindingOf(given: SerialBinding | undefined): Promise<SerialBinding> {
  return given === undefined ? (native ??= nativeBinding()) : Promise.resolve(given)
}
