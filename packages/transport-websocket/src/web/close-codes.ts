import { type Cause, type CloseReason, ConnectionError } from '@async/core'

/** What a Close frame says (RFC 6455 §7.4). */
export interface WebSocketClose {
  /** The code; 1005 stands for a frame without one. */
  readonly code: number
  /** The text beside it, at most 123 bytes. */
  readonly text: string
}

/** Longest text of a Close frame, in bytes (RFC 6455 §5.5). */
export const maxCloseTextBytes = 123

const announced: unique symbol = Symbol.for('@async/transport-websocket/close') as never

/**
 * Why a connection ended of which the peer said `code`. 1000, and 1005 (a Close frame without a code: what `close()` of a browser sends),
 * are ends in order. 1001 is a peer that goes away; every other code says that something was wrong there. (Y20, docs/decisions/0057)
 */
export function closeCause(code: number, text: string): Cause {
  if (code === 1000 || code === 1005) return { kind: 'closed', by: 'peer' }
  const error = new ConnectionError('ERR_WEBSOCKET_CLOSED', `the peer closed with code ${code}${text === '' ? '' : `, ${JSON.stringify(text)}`}`)
  Object.defineProperty(error, announced, { value: { code, text } })
  return { kind: code === 1001 ? 'gone' : 'reset', error }
}

/** The code and the text with which the peer closed, where it was not in order; also of a layer above. `undefined`: another reason. */
export function webSocketClose(reason: CloseReason): WebSocketClose | undefined {
  const error = 'error' in reason ? (reason.error as { readonly [announced]?: WebSocketClose }) : undefined
  return error?.[announced] ?? (reason.below === undefined ? undefined : webSocketClose(reason.below))
}

/** Whether `code` may stand in a Close frame that a program sends: 1000 to 1003, 1007 to 1014, 3000 to 4999. */
export function isSendableCode(code: number): boolean {
  return Number.isInteger(code) && ((code >= 1000 && code <= 1014 && code !== 1004 && code !== 1005 && code !== 1006) || (code >= 3000 && code <= 4999))
}

/** The same for the built-in WebSocket, which says 1006 whatever happened to the connection. */
export function builtInCloseCause(code: number, text: string): Cause {
  if (code !== 1006) return closeCause(code, text)
  return { kind: 'reset', error: new ConnectionError('ERR_RESET', 'the connection was lost without a Close frame') }
}
