import { JsonRpcError } from './errors.ts'
import type { Entry, Id, Response } from './messages.ts'

/**
 * Recognises one JSON value as JSON-RPC 1.0 has it (§1.1 to §1.3): what has a `method` is a request, or a notification if its id is null;
 * all else that has a `result` or an `error` is a response. Peers that leave out what is null are understood.
 */
export function recogniseOld(value: unknown): Entry {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { kind: 'invalid', id: null }
  const { method, params, id = null, result, error } = value as Record<string, unknown>
  if (method === undefined) {
    if (result === undefined && error === undefined) return { kind: 'invalid', id: id as Id }
    return response(id as Id, result, error)
  }
  if (typeof method !== 'string' || (params !== undefined && !Array.isArray(params)) || id === Infinity || id === -Infinity) {
    return { kind: 'invalid', id: null }
  }
  if (id === null) return { kind: 'notification', id: undefined, method, params }
  return { kind: 'request', id: id as Id, method, params }
}

function response(id: Id, result: unknown, error: unknown): Response {
  if (error === undefined || error === null) return { kind: 'result', id, result: result ?? null }
  if (result !== undefined && result !== null) return { kind: 'malformed', id, problem: 'a response has a result or an error, not both' }
  return { kind: 'error', id, error: errorOf(error) }
}

/** 1.0 does not say what an error is. Whatever it is, nothing of it is lost; one that has no integer code has code 0. */
function errorOf(error: unknown): JsonRpcError {
  if (typeof error === 'string') return new JsonRpcError(0, error)
  const { code, message, data } = error as Record<string, unknown>
  const text = typeof message === 'string' ? message : 'the other side answered with an error'
  return Number.isInteger(code) && typeof message === 'string' ? new JsonRpcError(code as number, message, data) : new JsonRpcError(0, text, error)
}
