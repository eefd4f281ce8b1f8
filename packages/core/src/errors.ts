/**
 * The taxonomy: four classes that answer "whose fault", and codes that say what. Codes are API, messages are not.
 * Two copies of core may be loaded, so match with `isAsyncError`, never with `instanceof` across packages.
 */

const brand: symbol = Symbol.for('@async/error')

/** What every error of `@async/*` has in common. */
export class AsyncError extends Error {
  /** Stable, upper case, `ERR_…`: what to match on. */
  readonly code: string

  constructor(code: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
Object.defineProperty(AsyncError.prototype, brand, { value: true })

/** The caller broke the contract. Thrown synchronously, and nothing has changed. */
export class UsageError extends AsyncError {
  override readonly name: string = 'UsageError'
}

/** Bytes broke the protocol. */
export class ProtocolError extends AsyncError {
  override readonly name: string = 'ProtocolError'
  /** Who sent, or wanted to send, what is not allowed. */
  readonly side: 'local' | 'remote'

  constructor(code: string, message: string, options?: { readonly cause?: unknown; readonly side?: 'local' | 'remote' }) {
    super(code, message, options)
    this.side = options?.side ?? 'remote'
  }
}

/** A limit was hit. A send limit refuses the call; a receive limit ends the connection. */
export class LimitError extends AsyncError {
  override readonly name: string = 'LimitError'
  /** The option that would raise the limit, or the limit's name. */
  readonly limit: string
  /** The limit's value. */
  readonly allowed: number
  /** What was asked for, or came; at least this much. */
  readonly actual: number
  /** What `allowed` and `actual` count. */
  readonly unit: string

  constructor(code: string, what: { readonly limit: string; readonly allowed: number; readonly actual: number; readonly unit: string }) {
    super(code, `${what.limit}: ${what.actual} ${what.unit}, allowed are ${what.allowed}`)
    this.limit = what.limit
    this.allowed = what.allowed
    this.actual = what.actual
    this.unit = what.unit
  }
}

/** The outside world: the peer, the network, the device, a time-out, or an abort. */
export class ConnectionError extends AsyncError {
  override readonly name: string = 'ConnectionError'
  /** When it happened: while connecting, while a layer (TLS) opened, while open, or while closing. */
  readonly phase: 'connect' | 'handshake' | 'open' | 'close'

  constructor(code: string, message: string, options?: { readonly cause?: unknown; readonly phase?: ConnectionError['phase'] }) {
    super(code, message, options)
    this.phase = options?.phase ?? 'open'
  }
}

/**
 * Whether `error` is one of `@async/*`'s, of any copy of core, and has `code` if one is given.
 */
export function isAsyncError(error: unknown, code?: string): error is AsyncError {
  if (typeof error !== 'object' || error === null) return false
  const marked = error as { readonly [brand: symbol]: unknown; readonly code?: unknown }
  return marked[brand] === true && (code === undefined || marked.code === code)
}
