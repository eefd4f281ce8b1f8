export type {
  FlushDirection, InputSignals, LineError, LineSettings, OutputSignals, SerialBinding, SerialBindingOptions, SerialBindingPort, SerialPortInfo,
} from '../binding.ts'
export type { SerialOptions } from '../options.ts'
export type { DrainOptions, SerialTransport } from '../transport.ts'
export { connectSerial, listSerialPorts, serialConnector, type WebConnectOptions } from './serial.ts'
export type { WebReadable, WebReader, WebSerial, WebSerialOptions, WebSerialPort, WebWritable, WebWriter } from './types.ts'
