import type { Connector, Stream, Transport } from '@async/core'
import type { HttpClientExchange } from './client-exchange.ts'
import { type HttpClientOptions, poolPolicy } from './client-policy.ts'
import { Pool } from './client-pool.ts'
import { type HttpRequestOptions, type RequestTemplate, requestTemplate } from './client-request.ts'

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
export function httpConnector(connector: Connector<Transport<Stream>>, options: HttpConnectorOptions = {}): HttpConnector {
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

  exchange(request: HttpRequestOptions, options?: { readonly signal?: AbortSignal }): Promise<HttpClientExchange> {
    try {
      return this.pool.open(requestTemplate({ ...this.options, ...request }), options)
    } catch (error) {
      return Promise.reject(error)
    }
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
