import { ConnectionError } from '@async/core'

const statusOf: unique symbol = Symbol.for('@async/transport-websocket/status') as never

/** A handshake that one side refused with an HTTP status. */
export function refusedError(status: number, message: string, cause?: unknown): ConnectionError {
  const error = new ConnectionError('ERR_WEBSOCKET_REFUSED', message, { phase: 'handshake', cause })
  Object.defineProperty(error, statusOf, { value: status })
  return error
}

/** The HTTP status with which a handshake was refused, of an error `ERR_WEBSOCKET_REFUSED`; undefined for any other. */
export function refusedStatus(error: unknown): number | undefined {
  return (error as { readonly [statusOf]?: number } | null | undefined)?.[statusOf]
}
