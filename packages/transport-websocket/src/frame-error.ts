import { type Cause, LimitError, ProtocolError } from '@async/core'
import type { IncomingLimits } from './incoming.ts'

/** Why bytes that `ws` or zlib refuse end the connection, and the code that tells the peer (RFC 6455 §7.4.1). */
export function frameError(error: Error & { readonly code?: string }, { maxMessageBytes, maxFragments }: IncomingLimits): { readonly cause: Cause; readonly closeCode: number } {
  switch (error.code) {
    case 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH':
    case 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH':
    case 'ERR_BUFFER_TOO_LARGE':
      return limit('ERR_WEBSOCKET_MESSAGE_TOO_LONG', { limit: 'maxMessageBytes', allowed: maxMessageBytes, actual: maxMessageBytes + 1, unit: 'bytes' }, 1009)
    case 'WS_ERR_TOO_MANY_BUFFERED_PARTS':
      return limit('ERR_WEBSOCKET_TOO_MANY_FRAGMENTS', { limit: 'maxFragments', allowed: maxFragments, actual: maxFragments + 1, unit: 'frames' }, 1008)
    case 'WS_ERR_INVALID_UTF8':
      return invalid('ERR_WEBSOCKET_INVALID_DATA', error, 1007)
    default:
      // zlib's own codes are Z_DATA_ERROR, Z_BUF_ERROR, …
      if (error.code?.startsWith('Z_') === true) return invalid('ERR_WEBSOCKET_INVALID_DATA', error, 1007)
      return invalid('ERR_WEBSOCKET_INVALID_FRAME', error, 1002)
  }
}

function limit(code: string, what: ConstructorParameters<typeof LimitError>[1], closeCode: number): { cause: Cause; closeCode: number } {
  return { cause: { kind: 'limit', error: new LimitError(code, what) }, closeCode }
}

function invalid(code: string, cause: Error, closeCode: number): { cause: Cause; closeCode: number } {
  return { cause: { kind: 'protocol', error: new ProtocolError(code, cause.message, { cause }) }, closeCode }
}
