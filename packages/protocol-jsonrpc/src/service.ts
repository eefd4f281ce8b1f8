import { UsageError } from '@async/core'
import type { Info } from '@async/core'
import { isJsonRpcError, JsonRpcError } from './errors.ts'
import type { Limits } from './limits.ts'
import type { Id } from './messages.ts'
import { definitionOf } from './method.ts'
import type { AnyMethods } from './method-types.ts'
import { openRpcDocument } from './openrpc.ts'
import type { DiscoverOptions, OpenRpcDocument } from './openrpc.ts'
import type { Peer } from './peer.ts'

/** What a handler is told beside the params. `R`: the methods of the peer that called, as types; by default any. */
export interface Context<R extends object = AnyMethods> {
  /** The method's name, as called. */
  readonly method: string
  /** Whether nobody waits for an answer: the result is thrown away. */
  readonly notification: boolean
  /** The peer that called; call back through it where the transport carries more than one message each way (not in an HTTP exchange). */
  readonly peer: Peer<R>
  /** Facts about the transport that the call came by: addresses, abilities. */
  readonly info: Info
  /** The id of the call; undefined: a notification. */
  readonly id: Id | undefined
  /**
   * Aborts when nobody waits for the result any more: the caller cancelled, and the peer's `conventions` say how (`reason`: a JsonRpcError),
   * or the connection is over (ConnectionLostError). What a handler throws because of it is not reported.
   */
  readonly signal: AbortSignal
  /**
   * Reports progress to the caller, if it asked for it and the peer's `conventions` say how; else, and once the call is over, it has no
   * effect. Throws as `notify`.
   */
  readonly progress: (value: unknown) => void
}

/**
 * Does a method's work. Returns the result, or a promise of it; undefined is sent as null. Params are as they came: an array, an
 * object, or undefined if there were none; nobody has checked them, unless `method` made the handler. Throws (or returns)
 * `JsonRpcError` for the caller; anything else becomes −32603 without detail and is reported to `onError`.
 */
// `any` for the params, because they come from JSON: a handler says what it takes, and checks it. A method's parameters are compared
// both ways, so that a handler may say what it knows of the peer.
export type Handler = { handle(params: any, context: Context): unknown }['handle']

/** What a service has done so far, over all its peers. */
export interface Counters {
  /** Peers that are open. */
  readonly peers: number
  /** Calls and notifications that were started. */
  readonly started: number
  /** Handlers that are in flight. */
  readonly running: number
  /** Calls and notifications that wait for a handler. */
  readonly queued: number
  /** Errors that were sent, for whatever reason: for calls, for what was no call, and for what was refused. */
  readonly errors: number
  /** Calls refused with −32000 and notifications dropped, because the queue was full. */
  readonly refused: number
}

/** For those who count. */
export type Counting = { -readonly [name in keyof Counters]: number }

/** What a caller is told of an error: what a `JsonRpcError` is, or any object like it. */
export interface ErrorForCaller {
  /** An integer; anything else counts as no error for the caller. */
  readonly code: number
  /** One sentence. */
  readonly message: string
  /** Any JSON value, or undefined for none. */
  readonly data?: unknown
}

/** Options of `createService`: limits, and what becomes of errors. */
export interface ServiceOptions extends Partial<Limits> {
  /**
   * What else than `JsonRpcError` the caller may see: the error to send, or undefined for −32603 without detail. `integerCodes` is one.
   */
  readonly mapError?: (error: unknown, context: Context) => ErrorForCaller | undefined
  /**
   * Told once of each error that the caller does not see: what a handler threw, a result that JSON cannot carry or that is too long.
   * Default: `console.error`.
   */
  readonly onError?: (error: unknown, context: { readonly method: string }) => void
  /**
   * `'ordered'`: one request at a time, in the order in which they came; while a handler waits for a call that it made through
   * `context.peer`, the next one is started, so that peers which call each other back do not hang. Default `'concurrent'`.
   */
  readonly execution?: 'concurrent' | 'ordered'
  /**
   * What `rpc.discover` says of the service, or false: it is −32601. Default: it is there as soon as one method was made by `method`
   * or `implement`.
   */
  readonly discover?: DiscoverOptions | false
}

/** What is served: methods, limits and counters. It outlives connections; make one and give it to every peer. */
export interface Service<M = any> {
  /** The methods by name; nothing else can be called. */
  readonly methods: ReadonlyMap<string, Handler>
  /** What it has done so far. */
  readonly counters: Counters
  /** As given. */
  readonly options: ServiceOptions
  /** For the compiler alone: what it was made of. */
  readonly types?: M
}

/** The methods of a service, as types: what a peer of it calls. `type Api = MethodsOf<typeof service>`. */
export type MethodsOf<S> = S extends { readonly types?: infer M } ? (M extends ReadonlyMap<string, unknown> ? AnyMethods : Extract<M, object>) : never

/** Methods by name: an object's own functions, or a Map's. */
export type Methods = { readonly [name: string]: Handler } | ReadonlyMap<string, Handler>

/**
 * Makes a service of an object's own functions, or of a Map's. Names are looked up in a Map: `constructor` or `__proto__` are methods
 * only if they were registered.
 * @throws UsageError `ERR_INVALID_ARGUMENT` for a method that is not a function, and for names that begin with `rpc.`: they are the
 * specification's. (JSON-RPC 2.0 §8)
 */
export function createService<M extends Methods>(methods: M, options: ServiceOptions = {}): Service<M> {
  const own = new Map<string, Handler>(methods instanceof Map ? methods : Object.entries(methods))
  for (const [name, handler] of own) {
    if (typeof handler !== 'function') throw new UsageError('ERR_INVALID_ARGUMENT', `method ${name}: not a function`)
    if (name.startsWith('rpc.')) throw new UsageError('ERR_INVALID_ARGUMENT', `method ${name}: names that begin with rpc. are reserved`)
  }
  if (options.execution !== undefined && options.execution !== 'concurrent' && options.execution !== 'ordered') {
    throw new UsageError('ERR_INVALID_ARGUMENT', `execution is 'concurrent' or 'ordered', not ${JSON.stringify(options.execution)}`)
  }
  const { discover } = options
  if (discover !== false && (discover !== undefined || [...own.values()].some((handler) => definitionOf(handler) !== undefined))) {
    let document: OpenRpcDocument | undefined
    own.set('rpc.discover', () => (document ??= openRpcDocument(own, discover)))
  }
  const counters: Counters = { peers: 0, started: 0, running: 0, queued: 0, errors: 0, refused: 0 }
  return { methods: own, counters, options }
}

/** A `mapError` that lets through whatever has an integer `code`: with it go `message` and `data`. */
export function integerCodes(error: unknown): JsonRpcError | undefined {
  if (typeof error !== 'object' || error === null) return undefined
  const { code, message, data } = error as { readonly code?: unknown; readonly message?: unknown; readonly data?: unknown }
  return Number.isInteger(code) ? new JsonRpcError(code as number, typeof message === 'string' ? message : '', data) : undefined
}

/** What the caller is told of what a handler threw; undefined: −32603 and nothing else. */
export function errorForCaller(service: Service, error: unknown, context: Context): ErrorForCaller | undefined {
  if (isJsonRpcError(error)) return error
  const mapped = service.options.mapError?.(error, context)
  if (mapped === undefined || !Number.isInteger(mapped.code)) return undefined
  return { code: mapped.code, message: String(mapped.message ?? ''), data: mapped.data }
}

/** Tells `onError`. What that throws goes to the console: it must not change what happens to the connection. */
export function reportError(service: Service, error: unknown, method: string): void {
  try {
    if (service.options.onError === undefined) console.error(error)
    else service.options.onError(error, { method })
  } catch (thrown) {
    console.error(thrown)
  }
}
