import type { JsonRpcError } from './errors.ts'

/**
 * An id of a request, as it came: compared with its type (JSON-RPC 2.0 §4). A bigint comes only from a reviver. In 1.0 it may be any
 * JSON value; it is echoed, whatever it is.
 */
export type Id = string | number | bigint | null

/** Params by position or by name. (JSON-RPC 2.0 §4.2) In 1.0 by position only. */
export type Params = readonly unknown[] | { readonly [name: string]: unknown }

/** A call that came: an answer is owed. */
export interface Request {
  readonly kind: 'request'
  readonly id: Id
  readonly method: string
  readonly params: Params | undefined
}

/** A call that came without an id: no answer is owed, nor allowed. */
export interface Notification {
  readonly kind: 'notification'
  readonly id: undefined
  readonly method: string
  readonly params: Params | undefined
}

/** An answer that came. */
export type Response =
  | { readonly kind: 'result'; readonly id: Id; readonly result: unknown }
  | { readonly kind: 'error'; readonly id: Id; readonly error: JsonRpcError }
  | { readonly kind: 'malformed'; readonly id: Id; readonly problem: string }

/** What is neither: owed −32600, with the id if there is a valid one. */
export interface Invalid {
  readonly kind: 'invalid'
  readonly id: Id
}

/** One entry of a message, recognised. */
export type Entry = Request | Notification | Response | Invalid
