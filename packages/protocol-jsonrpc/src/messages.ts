import { ProtocolError, UsageError } from '@async/core'
import type { Data } from '@async/core'
import { JsonRpcError } from './errors.ts'

/** An id of a request, as it came: compared with its type. (JSON-RPC 2.0 §4) */
export type Id = string | number | null

/** Params by position or by name. (JSON-RPC 2.0 §4.2) */
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

// With ignoreBOM the BOM stays in the text, where JSON.parse refuses it: RFC 8259 §8.1 forbids to send one.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The JSON value of a message. What is invalid UTF-8, starts with a BOM, is not JSON, or is nested too deep for the parser is the same
 * to the sender: −32700.
 * @throws ProtocolError `ERR_JSONRPC_PARSE`, with the beginning of the message.
 */
export function parse(data: Data): unknown {
  let text = ''
  try {
    text = typeof data === 'string' ? data : decoder.decode(data)
    return JSON.parse(text) as unknown
  } catch (cause) {
    throw new ProtocolError('ERR_JSONRPC_PARSE', text === '' ? unreadable(data) : `not JSON: ${excerpt(text)}`, { cause })
  }
}

function unreadable(data: Data): string {
  return data.length === 0 ? 'an empty message is not JSON' : `not UTF-8: ${data.length} bytes`
}

/** The first 32 characters, escaped, for error texts. */
function excerpt(text: string): string {
  const start = JSON.stringify(text.slice(0, 32))
  return text.length > 32 ? `${start}… (${text.length} characters)` : start
}

/**
 * Recognises one JSON value. What has a `method` is judged as a request, what has a `result` or an `error` as a response, all else is
 * an invalid request: so an error that answers an invalid message is never answered itself.
 * `value` comes from JSON.parse: its members are own properties, `__proto__` included, and none is undefined.
 */
export function recognise(value: unknown): Entry {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { kind: 'invalid', id: null }
  const { jsonrpc, method, params, id, result, error } = value as Record<string, unknown>
  if (method === undefined && (result !== undefined || error !== undefined)) return response(jsonrpc, id, result, error)
  const knownId = id === undefined || isId(id)
  if (jsonrpc !== '2.0' || typeof method !== 'string' || !knownId || (params !== undefined && !isParams(params))) {
    return { kind: 'invalid', id: isId(id) ? id : null }
  }
  if (id === undefined) return { kind: 'notification', id, method, params }
  return { kind: 'request', id, method, params }
}

function response(jsonrpc: unknown, id: unknown, result: unknown, error: unknown): Response {
  if (!isId(id)) return { kind: 'malformed', id: null, problem: 'a response needs an id: a string, a number or null' }
  if (jsonrpc !== '2.0') return { kind: 'malformed', id, problem: 'a response needs "jsonrpc": "2.0"' }
  if (error === undefined) return { kind: 'result', id, result }
  if (result !== undefined) return { kind: 'malformed', id, problem: 'a response has a result or an error, not both' }
  if (typeof error !== 'object' || error === null) return { kind: 'malformed', id, problem: 'the error of a response is an object' }
  const { code, message, data } = error as Record<string, unknown>
  if (!Number.isInteger(code) || typeof message !== 'string') {
    return { kind: 'malformed', id, problem: 'the error of a response needs an integer code and a message' }
  }
  return { kind: 'error', id, error: new JsonRpcError(code as number, message, data) }
}

/** 1e999 is a JSON number, but Infinity is none: it could not be sent back. */
function isId(id: unknown): id is Id {
  return typeof id === 'string' || id === null || (typeof id === 'number' && Number.isFinite(id))
}

function isParams(params: unknown): params is Params {
  return typeof params === 'object' && params !== null
}

/**
 * The text of a call (with an id) or a notification (without).
 * @throws UsageError `ERR_INVALID_ARGUMENT` for a method that is not a string, and for params that are neither array nor object or
 * that JSON cannot carry.
 */
export function requestText(method: string, params: Params | undefined, id: number | undefined): string {
  if (typeof method !== 'string') throw new UsageError('ERR_INVALID_ARGUMENT', `a method is named by a string, not by ${typeof method}`)
  const end = id === undefined ? '}' : `,"id":${id}}`
  const start = `{"jsonrpc":"2.0","method":${JSON.stringify(method)}`
  return params === undefined ? start + end : `${start},"params":${paramsText(method, params)}${end}`
}

function paramsText(method: string, params: Params): string {
  let text: string | undefined
  try {
    text = JSON.stringify(params)
  } catch (cause) {
    throw new UsageError('ERR_INVALID_ARGUMENT', `${method}: JSON cannot carry these params`, { cause })
  }
  // Asked of the text, because toJSON may have made anything of the value.
  if (text === undefined || (text[0] !== '[' && text[0] !== '{')) {
    throw new UsageError('ERR_INVALID_ARGUMENT', `${method}: params are an array or an object`)
  }
  return text
}

/**
 * The text of an answer that has a result; undefined counts as null.
 * @throws TypeError or RangeError, as JSON.stringify has it, for a result that JSON cannot carry.
 */
export function resultText(id: Id, result: unknown): string {
  const text = result === undefined ? 'null' : (JSON.stringify(result) as string | undefined)
  if (text === undefined) throw new TypeError(`JSON cannot carry a ${typeof result}`)
  return `{"jsonrpc":"2.0","result":${text},"id":${JSON.stringify(id)}}`
}

/**
 * The text of an answer that has an error; `data` is left out when undefined.
 * @throws as `resultText`, for data that JSON cannot carry.
 */
export function errorText(id: Id, code: number, message: string, data?: unknown): string {
  const more = data === undefined ? undefined : (JSON.stringify(data) as string | undefined)
  const end = more === undefined ? '' : `,"data":${more}`
  return `{"jsonrpc":"2.0","error":{"code":${code},"message":${JSON.stringify(message)}${end}},"id":${JSON.stringify(id)}}`
}
