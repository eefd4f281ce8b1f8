import { LimitError, ProtocolError } from '@async/core'
import type { Data } from '@async/core'
import type { Reviver } from './codec.ts'
import { JsonRpcError } from './errors.ts'
import type { Entry, Id, Params, Response } from './messages.ts'

// With ignoreBOM the BOM stays in the text, where JSON.parse refuses it: RFC 8259 §8.1 forbids to send one.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The JSON value of a message. What is invalid UTF-8, starts with a BOM, is not JSON, or is nested too deep is the same to the sender:
 * −32700.
 * @throws ProtocolError `ERR_JSONRPC_PARSE`, with the beginning of the message; LimitError `ERR_JSONRPC_NESTED_TOO_DEEP`.
 */
export function parse(data: Data, maxDepth: number = Infinity, reviver?: Reviver): unknown {
  let text = ''
  try {
    text = typeof data === 'string' ? data : decode(data)
    // A text that is deeper than this is longer than twice that: most messages need not be looked at.
    if (text.length > maxDepth * 2) checkDepth(text, maxDepth)
    return JSON.parse(text, reviver) as unknown
  } catch (cause) {
    if (cause instanceof LimitError) throw cause
    throw new ProtocolError('ERR_JSONRPC_PARSE', text === '' ? unreadable(data) : `not JSON: ${excerpt(text)}`, { cause })
  }
}

interface Utf8Slice {
  readonly Buffer?: { readonly prototype: { readonly utf8Slice?: (this: Uint8Array, start: number, end: number) => string } }
}

/** Node's own, which takes any Uint8Array, at a quarter of what a TextDecoder takes for a short message. */
const utf8Slice = (globalThis as Utf8Slice).Buffer?.prototype.utf8Slice

function decode(data: Uint8Array): string {
  if (utf8Slice === undefined) return decoder.decode(data)
  const text = utf8Slice.call(data, 0, data.length)
  // Such a character was sent, or stands for what is not UTF-8: rare enough to decode again, strictly.
  return text.includes('\ufffd') ? decoder.decode(data) : text
}

const quote = 0x22
const backslash = 0x5c

/** @throws LimitError `ERR_JSONRPC_NESTED_TOO_DEEP`, if arrays and objects are within more than `allowed` others. */
function checkDepth(text: string, allowed: number): void {
  let depth = 0
  let deepest = 0
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (char === quote) at = endOfString(text, at)
    // [ and { differ in one bit; so do ] and }.
    else if ((char | 0x20) === 0x7b) {
      if (++depth > deepest) deepest = depth
    } else if ((char | 0x20) === 0x7d) depth--
  }
  if (deepest <= allowed) return
  throw new LimitError('ERR_JSONRPC_NESTED_TOO_DEEP', { limit: 'maxNestingDepth', allowed, actual: deepest, unit: 'levels' })
}

/** Index of the quote that ends the string which begins at `start`, or the text's length. */
function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let escapes = 0
    while (text.charCodeAt(at - 1 - escapes) === backslash) escapes++
    if (escapes % 2 === 0) return at
  }
  return text.length
}

function unreadable(data: Data): string {
  return data.length === 0 ? 'an empty message is not JSON' : `not UTF-8: ${data.length} bytes`
}

/** The first 32 characters, escaped, for error texts. */
export function excerpt(text: string): string {
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
  return typeof id === 'string' || id === null || (typeof id === 'number' && Number.isFinite(id)) || typeof id === 'bigint'
}

function isParams(params: unknown): params is Params {
  return typeof params === 'object' && params !== null
}
