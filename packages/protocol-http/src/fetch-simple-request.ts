import { addressOf } from './fetch-address.ts'
import { FetchRequest, type Source } from './fetch-request.ts'

/** Not every set of types has it as a class. */
const { AbortSignal: Signal } = globalThis as unknown as { readonly AbortSignal: new () => AbortSignal }

const simpleKeys: ReadonlySet<string> = new Set(['method', 'headers', 'body', 'signal', 'redirect'])
/** Those whose name no class changes, or refuses. */
const simpleMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])

/**
 * The request that most calls of `fetch` make, without the platform's Request, which costs several times an exchange: with a stream, Headers and a signal each.
 * Undefined for whatever is out of the ordinary, wrong things among them: that class has the last word on those.
 */
export function simpleRequest(input: string | URL | Request, init: RequestInit | undefined): FetchRequest | undefined {
  const text = typeof input === 'string' ? input : input instanceof URL ? input.href : undefined
  const address = text === undefined ? undefined : addressOf(text)
  if (address === undefined) return undefined
  if (init === undefined) return new FetchRequest(address, plain)
  if (Object.getPrototypeOf(init) !== Object.prototype) return undefined
  for (const key of Object.keys(init)) if (!simpleKeys.has(key)) return undefined
  const { method = 'GET', redirect = 'follow', signal, body } = init
  if (!simpleMethods.has(method) || (redirect !== 'follow' && redirect !== 'error' && redirect !== 'manual')) return undefined
  if (signal !== undefined && signal !== null && !(signal instanceof Signal && !signal.aborted)) return undefined
  const source = body === undefined || body === null ? undefined : simpleSource(body)
  if (body !== undefined && body !== null && (source === undefined || method === 'GET' || method === 'HEAD')) return undefined
  const headers = simpleHeaders(init.headers, typeof body === 'string')
  return headers === null ? undefined : new FetchRequest(address, { method, redirect, headers, signal: signal ?? undefined, source })
}

const plain = { method: 'GET', redirect: 'follow', headers: undefined, signal: undefined, source: undefined } as const

function simpleSource(body: NonNullable<RequestInit['body']>): Source | undefined {
  if (typeof body === 'string') return { bytes: body }
  // A copy: the caller may change it.
  return (body as Uint8Array).constructor === Uint8Array ? { bytes: new Uint8Array(body as Uint8Array) } : undefined
}

/** Null for what is none. */
function simpleHeaders(given: RequestInit['headers'], isText: boolean): Headers | undefined | null {
  if (given === undefined && !isText) return undefined
  try {
    const headers = new Headers(given)
    if (isText && !headers.has('content-type')) headers.set('content-type', 'text/plain;charset=UTF-8')
    return headers
  } catch {
    return null
  }
}
