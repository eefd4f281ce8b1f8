import { UsageError } from '@async/core'
import type { Id, Params } from './messages.ts'
import type { ErrorForCaller } from './service.ts'

/**
 * How the other side is told that a call is cancelled, and how progress is reported: JSON-RPC says neither. Plain data and functions of
 * params, so that one of your own is an object literal. Both sides have to use the same.
 */
export interface Conventions {
  /** Cancellation; without it a call that is given up is given up here alone. */
  readonly cancel?: CancelConvention
  /** Progress; without it `onProgress` is refused, and `context.progress` has no effect. */
  readonly progress?: ProgressConvention
}

/** How a call is cancelled. */
export interface CancelConvention {
  /** The notification that cancels. It is not dispatched to the service. */
  readonly method: string
  /** Its params. `reason` is `signal.reason`, or the error of a time-out. */
  readonly params: (id: number, reason: unknown) => Params
  /** The id of the call that is cancelled by such params, as they came; undefined: they name none, and nothing happens. */
  readonly id: (params: unknown) => Id | undefined
  /** Why, if the params say it. Default: nothing. */
  readonly reason?: (params: unknown) => unknown
  /** What a cancelled call is answered with, if its handler has not come to a result. Undefined: it is never answered. */
  readonly answer?: ErrorForCaller
}

/** How progress is reported. */
export interface ProgressConvention {
  /** The notification that reports. One for a call of ours is not dispatched to the service; any other is. */
  readonly method: string
  /** The params of a call, with a token by which its progress is told. */
  readonly withToken: (params: Params | undefined, token: number) => Params
  /** The token in the params of a call, as they came; undefined: its progress is of no interest. */
  readonly token: (params: unknown) => string | number | undefined
  /** The params of the notification. */
  readonly params: (token: string | number, value: unknown) => Params
  /** Token and value of such params, as they came; undefined: they are none. */
  readonly read: (params: unknown) => { readonly token: string | number; readonly value: unknown } | undefined
}

/**
 * The Language Server Protocol's: `$/cancelRequest`, answered with −32800 unless there is a result; `$/progress` by `workDoneToken`.
 * (LSP 3.17, "Cancellation Support", "Progress Support")
 */
export const lspConventions: Conventions = {
  cancel: {
    method: '$/cancelRequest',
    params: (id) => ({ id }),
    id: (params) => idIn(params, 'id'),
    answer: { code: -32800, message: 'Request cancelled' },
  },
  progress: {
    method: '$/progress',
    withToken: (params, token) => ({ ...byName(params), workDoneToken: token }),
    token: (params) => tokenIn(params, 'workDoneToken') ?? tokenIn(params, 'partialResultToken'),
    params: (token, value) => ({ token, value }),
    read: (params) => tokenAndValue(tokenIn(params, 'token'), member(params, 'value')),
  },
}

/**
 * The Model Context Protocol's, which agents and their tools speak: `notifications/cancelled`, never answered; `notifications/progress`
 * by `_meta.progressToken`, whose value is an object with `progress`, and perhaps `total` and `message`. Its `initialize` must not be
 * cancelled: give it no signal. (MCP 2025-06-18, "Cancellation", "Progress")
 */
export const mcpConventions: Conventions = {
  cancel: {
    method: 'notifications/cancelled',
    params: (id, reason) => (reason === undefined ? { requestId: id } : { requestId: id, reason: textOf(reason) }),
    id: (params) => idIn(params, 'requestId'),
    reason: (params) => member(params, 'reason'),
  },
  progress: {
    method: 'notifications/progress',
    withToken: (params, token) => ({ ...byName(params), _meta: { ...(member(params, '_meta') as object | undefined), progressToken: token } }),
    token: (params) => tokenIn(member(params, '_meta'), 'progressToken'),
    params: (token, value) => ({ ...(isObject(value) ? value : typeof value === 'number' ? { progress: value } : { message: String(value) }), progressToken: token }),
    read: (params) => {
      const { progressToken: _, ...value } = (isObject(params) ? params : {}) as { progressToken?: unknown }
      return tokenAndValue(tokenIn(params, 'progressToken'), value)
    },
  },
}

/** The params of a call, with a token if its progress is asked for. @throws UsageError `ERR_INVALID_ARGUMENT` where nobody said how that is done. */
export function withToken({ progress }: Conventions, params: Params | undefined, id: number, options: { readonly onProgress?: unknown } | undefined): Params | undefined {
  if (options?.onProgress === undefined) return params
  if (progress === undefined) throw new UsageError('ERR_INVALID_ARGUMENT', 'onProgress needs conventions.progress')
  return progress.withToken(params, id)
}

/** A token has a name, and so have the params beside it. */
function byName(params: Params | undefined): object | undefined {
  if (Array.isArray(params)) throw new UsageError('ERR_INVALID_ARGUMENT', 'progress is asked for by a name in the params: give params by name')
  return params
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

/** An own member: names from outside are never looked up in a prototype. */
function member(params: unknown, name: string): unknown {
  return isObject(params) && Object.hasOwn(params, name) ? (params as Record<string, unknown>)[name] : undefined
}

function idIn(params: unknown, name: string): Id | undefined {
  const id = member(params, name)
  return typeof id === 'string' || typeof id === 'number' || typeof id === 'bigint' ? id : undefined
}

function tokenIn(params: unknown, name: string): string | number | undefined {
  const token = member(params, name)
  return typeof token === 'string' || typeof token === 'number' ? token : undefined
}

function tokenAndValue(token: string | number | undefined, value: unknown): { token: string | number; value: unknown } | undefined {
  return token === undefined ? undefined : { token, value }
}

function textOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason)
}
