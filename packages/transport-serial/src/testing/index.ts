export { SimulatedDevice } from './simulated-device.ts'
export { type PlugOptions, SimulatedSerial, type SimulatedSerialOptions } from './simulated-serial.ts'
export { SimulatedSocket } from './simulated-socket.ts'
export type { FarSignals, NoiseOptions } from './simulated-port.ts'
