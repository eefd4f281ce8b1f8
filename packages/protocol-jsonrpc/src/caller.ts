import { LimitError, UsageError } from '@async/core'
import { utf8Length } from '@async/core/base'
import type { CallOptions } from './calls.ts'
import { isJsonRpcError } from './errors.ts'
import { exceeds, messageTooLong } from './limits.ts'
import type { Limits } from './limits.ts'
import type { Params } from './messages.ts'
import type { AnyMethods, BatchEntryOf, BatchResults, CallArguments, Outcome, ResultOf } from './method-types.ts'
import type { Setup } from './setup.ts'

/** One call or notification of a batch. */
export interface BatchEntry {
  /** The method's name. */
  readonly method: string
  /** Params by position or by name. Default: none. */
  readonly params?: Params
  /** Whether it is a notification: no answer. Default: false. */
  readonly notification?: boolean
}

/** What a `Peer` and a `Client` have in common. `R`: the other side's methods, as types; by default any. */
export interface Caller<R extends object = AnyMethods> {
  /**
   * Calls a method of the other side. Resolves with its result, as JSON has it. While the transport is above its high-water mark the
   * call waits here, and is sent in its turn.
   * @throws (rejects, exactly once) JsonRpcError: the answer is an error. ConnectionLostError `ERR_CONNECTION_CLOSED`,
   * `ERR_CONNECTION_LOST`: the connection ended. ConnectionError `ERR_TIMEOUT`. `signal.reason`. ProtocolError
   * `ERR_JSONRPC_INVALID_RESPONSE`: the answer is malformed; `ERR_JSONRPC_INVALID_RESULT`: the result is not as the contract has it. LimitError
   * `ERR_JSONRPC_TOO_MANY_CALLS`, `ERR_JSONRPC_MESSAGE_TOO_LONG`, and `ERR_WRITE_QUEUE_FULL`. UsageError `ERR_INVALID_ARGUMENT`: JSON
   * cannot carry the params, or `onProgress` without a convention.
   */
  call<M extends keyof R & string>(method: M, ...args: CallArguments<R[M], CallOptions>): Promise<ResultOf<R[M]>>
  /** As `call`, but an error that the other side answered with is a value, of the type that the method declares. */
  attempt<M extends keyof R & string>(method: M, ...args: CallArguments<R[M], CallOptions>): Promise<Outcome<R[M]>>
  /** Sends a notification: whether the method exists, and what became of it, is never known. Await it where it returns a promise. */
  notify<M extends keyof R & string>(method: M, ...args: CallArguments<R[M], never>): void | Promise<void>
  /**
   * Sends calls and notifications in one message. Returns a promise for each entry, in order; they settle separately, as those of
   * `call` do, and those of notifications resolve with undefined once sent. Rejections that nobody looks at are not reported
   * as unhandled. What keeps the whole from being sent rejects every one: also LimitError `ERR_JSONRPC_BATCH_TOO_LONG`.
   * An empty list sends nothing. Not in 1.0.
   */
  batch<const E extends readonly BatchEntryOf<R>[]>(entries: E, options?: CallOptions): BatchResults<R, E>
  /** Rejects the calls that wait, and closes. */
  close(): void
  /** Rejects the calls that wait, and aborts. */
  abort(cause?: unknown): void
  /** `close()`, then waits for the end. */
  [Symbol.asyncDispose](): Promise<void>
}

type Coding = Pick<Setup, 'codec' | 'limits'>

/** The message of a call or, without an id, of a notification. @throws as `call` rejects. */
export function callText(method: string, params: Params | undefined, id: number | undefined, { codec, limits }: Coding): string {
  return withinLimit(codec.requestText(method, params, id), limits)
}

/** The message of a batch. @throws as `batch` rejects. */
export function batchText(entries: readonly BatchEntry[], ids: readonly (number | undefined)[], { codec, limits }: Coding): string {
  const { maxBatchItems: allowed } = limits
  if (codec.old) throw new UsageError('ERR_INVALID_ARGUMENT', 'JSON-RPC 1.0 has no batches')
  if (entries.length > allowed) {
    throw new LimitError('ERR_JSONRPC_BATCH_TOO_LONG', { limit: 'maxBatchItems', allowed, actual: entries.length, unit: 'entries' })
  }
  return withinLimit(`[${entries.map(({ method, params }, at) => codec.requestText(method, params, ids[at])).join(',')}]`, limits)
}

function withinLimit(text: string, { maxMessageBytes }: Limits): string {
  if (!exceeds(text, maxMessageBytes)) return text
  throw messageTooLong(utf8Length(text), maxMessageBytes)
}

/** The same promise; a rejection that nobody looks at is nobody's. */
export function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}

/** What came of a call, errors of the other side included; all other rejections stay rejections. */
export async function attempted(call: Promise<unknown>): Promise<Outcome<any>> {
  try {
    return { ok: true, result: await call }
  } catch (error) {
    if (isJsonRpcError(error)) return { ok: false, error }
    throw error
  }
}
