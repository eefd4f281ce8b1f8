import { UsageError } from '@async/core'
import type { Connector, StreamTransport } from '@async/core'
import { type TransportOptions, transportPolicy } from '@async/core/base'
import type { HttpClientExchange } from './client-exchange.ts'
import { Pool, type PoolPolicy } from './client-pool.ts'
import { type HttpRequestOptions, type RequestTemplate, requestTemplate } from './client-request.ts'
import type { HttpLimits } from './limits.ts'
import { pickLimits } from './limits.ts'

/** What every client lets its user choose. Options of transports are the exchanges'. */
export interface HttpClientOptions extends TransportOptions, Partial<HttpLimits> {
  /** Connections at a time to one origin; further exchanges wait. Default 100. */
  readonly maxConnectionCount?: number
  /** Exchanges that may wait for a connection; then `connect` rejects with `ERR_HTTP_POOL_FULL`. Default 1000. */
  readonly maxWaitingCount?: number
  /** Milliseconds for which a connection without an exchange is kept. Default 4000: undici; a second less than servers wait. */
  readonly idleTimeoutMs?: number
  /** Milliseconds by which a connection is given up before the server would, where it says when (`Keep-Alive: timeout`). Default 1000. */
  readonly keepAliveMarginMs?: number
  /** Milliseconds for a connection to be made; then `ERR_CONNECT_TIMEOUT`. Default 10000: undici. */
  readonly connectTimeoutMs?: number
  /** Milliseconds from the end of the request to the response's head; then kind `timeout`, `ERR_HTTP_HEAD_TIMEOUT`. Default 300000: undici. */
  readonly headTimeoutMs?: number
  /**
   * Milliseconds without a byte of the response's body while it is read, or of the request's while there is one to send; then kind `timeout`,
   * `ERR_HTTP_BODY_TIMEOUT`. Stands while paused. Default 300000: undici.
   */
  readonly bodyIdleTimeoutMs?: number
  /** Milliseconds for all of an exchange, waiting for a connection included; then `ERR_HTTP_TIMEOUT`. Default Infinity. */
  readonly totalTimeoutMs?: number
}

/** Options of `httpConnector`. */
export interface HttpConnectorOptions extends HttpClientOptions, HttpRequestOptions {}

/** Makes exchanges. Keeps the connections below, and uses them again. */
export interface HttpConnector extends Connector<HttpClientExchange> {
  /**
   * An exchange with a request of its own; what it does not say is as the connector's options say.
   * @throws (rejects) as `connect`; UsageError for what may not be sent.
   */
  exchange(request: HttpRequestOptions, options?: { readonly signal?: AbortSignal }): Promise<HttpClientExchange>
  /** Closes connections that are kept without an exchange. Later exchanges connect anew. */
  closeIdle(): void
  /**
   * No exchange begins any more, and those that wait for a connection are refused, with `ERR_CLOSED`; what runs after `graceMs` (30 000) is
   * aborted. Again: no effect but another grace. Resolves when the last connection is closed.
   */
  close(options?: { readonly graceMs?: number }): Promise<void>
  /** `close()`. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * A client: a connector of exchanges over the connections that `connector` makes. The request's head leaves with the first write, the
 * half-close, or at the end of the turn in which `connect` resolved. A body that is ended in the turn of its first write has a
 * Content-Length; any other goes out in HTTP chunks.
 * @throws UsageError `ERR_INVALID_ARGUMENT`, `ERR_HTTP_BAD_HEADER`, `ERR_HTTP_BAD_HOST`, `ERR_HTTP_BAD_REQUEST_LINE`.
 */
export function httpConnector(connector: Connector<StreamTransport>, options: HttpConnectorOptions = {}): HttpConnector {
  return new PooledConnector(new Pool(connector, poolPolicy(options), () => {}), options)
}

class PooledConnector implements HttpConnector {
  private readonly pool: Pool
  private readonly options: HttpRequestOptions
  private readonly template: RequestTemplate

  constructor(pool: Pool, options: HttpRequestOptions) {
    this.pool = pool
    this.options = options
    this.template = requestTemplate(options)
  }

  connect(options?: { readonly signal?: AbortSignal }): Promise<HttpClientExchange> {
    return this.pool.open(this.template, options)
  }

  async exchange(request: HttpRequestOptions, options?: { readonly signal?: AbortSignal }): Promise<HttpClientExchange> {
    return this.pool.open(requestTemplate({ ...this.options, ...request }), options)
  }

  closeIdle(): void {
    this.pool.closeIdle()
  }

  close(options?: { readonly graceMs?: number }): Promise<void> {
    return this.pool.close(options?.graceMs)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.pool.close()
  }
}

/** Fills in the defaults. @throws UsageError `ERR_INVALID_ARGUMENT` for an option that is out of range. */
export function poolPolicy(options: HttpClientOptions): PoolPolicy {
  const policy = {
    maxConnectionCount: options.maxConnectionCount ?? 100,
    maxWaitingCount: options.maxWaitingCount ?? 1000,
    idleTimeoutMs: options.idleTimeoutMs ?? 4_000,
    keepAliveMarginMs: options.keepAliveMarginMs ?? 1_000,
    connectTimeoutMs: options.connectTimeoutMs ?? 10_000,
    headTimeoutMs: options.headTimeoutMs ?? 300_000,
    bodyIdleTimeoutMs: options.bodyIdleTimeoutMs ?? 300_000,
    totalTimeoutMs: options.totalTimeoutMs ?? Infinity,
  }
  for (const [name, value] of Object.entries(policy)) {
    if (!(value >= 0)) throw new UsageError('ERR_INVALID_ARGUMENT', `${name} is ${value}; it takes a number from 0`)
  }
  if (policy.maxConnectionCount < 1) throw new UsageError('ERR_INVALID_ARGUMENT', 'maxConnectionCount is less than 1')
  return { ...policy, limits: pickLimits(options), transport: transportPolicy(options) }
}
