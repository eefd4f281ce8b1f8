export { type Dialled, dial } from './dial.ts'
export { socketError } from './socket-error.ts'
export { SocketListener, type SocketKind } from './socket-listener.ts'
export { SocketTransport } from './socket-transport.ts'
