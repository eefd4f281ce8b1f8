export { type MessagePortLike, messagePort, type MessagePortOptions } from './message-port.ts'
