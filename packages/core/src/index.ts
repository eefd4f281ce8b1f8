export { AsyncError, ConnectionError, isAsyncError, LimitError, ProtocolError, UsageError } from './errors.ts'
export type { Consumer, Producer } from './flow.ts'
export * as limits from './limits.ts'
export type { Protocol } from './protocol.ts'
export type { Cause, CloseKind, CloseReason } from './reason.ts'
export { canHalfClose } from './transport.ts'
export type {
  Carries, CloseOptions, Connector, Data, HalfClosable, Info, Layer, Listener, Messages, Side, Stream, StreamTransport, Transport, UpgradeRequest,
} from './transport.ts'
export { formatStack, parseStack, StackSyntaxError } from './stack-string/index.ts'
export type { ParseStackOptions, StackDescription, StackLayer, StackParams, StackTransport } from './stack-string/index.ts'
