export type {
  FlushDirection, InputSignals, LineError, LineSettings, OutputSignals, SerialBinding, SerialBindingOptions, SerialBindingPort, SerialPortInfo,
} from './binding.ts'
export type { SerialConnectOptions } from './connect.ts'
export { connectSerial, listSerialPorts, serialConnector } from './serial.ts'
export type { SerialOptions } from './options.ts'
export type { DrainOptions, SerialTransport } from './transport.ts'
