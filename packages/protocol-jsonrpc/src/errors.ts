import { ConnectionError, UsageError } from '@async/core'
import type { CloseReason } from '@async/core'

const brand: symbol = Symbol.for('@async/jsonrpc-error')

/** The codes that the specification predefines, and the one of its range for servers that this package uses. (JSON-RPC 2.0 §5.1) */
export const errorCodes: {
  readonly parseError: -32700
  readonly invalidRequest: -32600
  readonly methodNotFound: -32601
  readonly invalidParams: -32602
  readonly internalError: -32603
  readonly serverBusy: -32000
  readonly requestCancelled: -32800
} = {
  /** The message is not JSON. */
  parseError: -32700,
  /** The JSON is not a request. */
  invalidRequest: -32600,
  /** There is no such method. */
  methodNotFound: -32601,
  /** The method does not take these params. Handlers throw it: `throw invalidParams(…)`. */
  invalidParams: -32602,
  /** A handler failed; the caller is not told how. */
  internalError: -32603,
  /** The queue of requests is full: try again later. */
  serverBusy: -32000,
  /** The call was cancelled, as the Language Server Protocol has it. (LSP 3.17, ErrorCodes) */
  requestCancelled: -32800,
}

/** What the caller is told of a failure that is none of its business. */
export const internalErrorMessage: string = 'Internal error'

/**
 * An error that crosses the wire: thrown or returned by a handler, it reaches the caller with all three members; a call that was
 * answered by an error is rejected with one. Returned, its type is part of the method's type, and `attempt` of the caller knows it.
 */
export class JsonRpcError<Data = unknown, Code extends number = number> extends Error {
  override readonly name: string = 'JsonRpcError'
  /** An integer; −32768 to −32000 are the specification's. */
  readonly code: Code
  /** What else the other side is told; any JSON value, or undefined for none. */
  readonly data: Data

  /** @throws UsageError `ERR_INVALID_ARGUMENT` if `code` is not an integer. */
  constructor(code: Code, message: string, data?: Data) {
    if (!Number.isInteger(code)) {
      throw new UsageError('ERR_INVALID_ARGUMENT', `the code of a JsonRpcError is an integer, not ${String(code)}`)
    }
    super(message)
    this.code = code
    this.data = data as Data
  }
}
Object.defineProperty(JsonRpcError.prototype, brand, { value: true })

/** Whether `error` is a `JsonRpcError`, of any copy of this package, and has `code` if one is given. */
export function isJsonRpcError(error: unknown, code?: number): error is JsonRpcError {
  if (typeof error !== 'object' || error === null) return false
  const marked = error as { readonly [brand: symbol]: unknown; readonly code?: unknown }
  return marked[brand] === true && (code === undefined || marked.code === code)
}

/** −32602, for handlers to throw; `data` may say what is wrong. */
export function invalidParams<Data = undefined>(data?: Data): JsonRpcError<Data | undefined, -32602> {
  return new JsonRpcError<Data | undefined, -32602>(errorCodes.invalidParams, 'Invalid params', data)
}

/**
 * The connection ended before the answer came. `reason` (also `cause`) says why; codes: `ERR_CONNECTION_CLOSED` after an end in
 * order, by either side, and `ERR_CONNECTION_LOST` otherwise. Whether the method ran is not known.
 */
export class ConnectionLostError extends ConnectionError {
  /** Why the connection ended. */
  readonly reason: CloseReason

  constructor(reason: CloseReason) {
    const inOrder = reason.kind === 'closed' || reason.kind === 'detached'
    super(inOrder ? 'ERR_CONNECTION_CLOSED' : 'ERR_CONNECTION_LOST', `no answer: ${describe(reason)}`, { cause: reason })
    this.reason = reason
  }
}

function describe(reason: CloseReason): string {
  if (reason.kind === 'closed') return reason.by === 'local' ? 'the connection was closed here' : 'the peer closed the connection'
  if (reason.kind === 'detached') return 'another protocol took over the connection'
  return `${reason.kind}, ${reason.error.message}`
}
