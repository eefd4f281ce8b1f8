import { isAsyncError, UsageError } from '@async/core'
import type { Cause, Info } from '@async/core'
import { lossError } from '@async/core/base'
import { HttpLimitError, HttpProtocolError } from './errors.ts'
import { asLight } from './light-response.ts'
import { type HttpServer, httpServer, type HttpServerOptions } from './server.ts'
import type { HttpServerExchange, ServerExchange } from './server-exchange.ts'
import { asRequest, makeRequest, type RequestOrigin, type ServerRequest } from './server-request.ts'
import { ResponseSender, sendLight } from './server-response.ts'

/** What a handler is told beside the request. */
export interface FetchInfo {
  /** The client's address, as text, where there is one. */
  readonly remote: string | undefined
  /** Our own. */
  readonly local: string | undefined
  /** The facts of the transport below, and of those below it. */
  readonly transport: Info
  /** The exchange, for what a Request cannot express: 1xx, trailers. Its body and its response are the handler's Request and Response. */
  readonly exchange: HttpServerExchange
}

/** A handler as the ecosystem has them: `app.fetch` of Hono, the `fetch` of a module for workers, Deno or Bun. */
export type FetchHandler = (request: Request, info: FetchInfo) => Response | Promise<Response>

/** Options of `fetchHandler`. */
export interface FetchHandlerOptions {
  /** The scheme of `request.url`. Default: `https` where TLS is below, else `http`. */
  readonly scheme?: 'http' | 'https'
  /** The host of `request.url` for a request without one: HTTP/1.0. Default `localhost`. */
  readonly host?: string
  /** Bytes of a body that `text()`, `json()` and the like hold; beyond it they reject, and 413 is the answer. Default 16777216. (Fastify: 1 MiB; Bun: 128 MiB.) */
  readonly maxHeldBodyBytes?: number
}

/** Options of `serveFetch`: those of `httpServer` and of `fetchHandler`. */
export interface ServeFetchOptions extends Omit<HttpServerOptions, 'onExchange'>, FetchHandlerOptions {}

/**
 * A server of requests and responses: `httpServer` with `fetchHandler(handler)`.
 * @throws UsageError `ERR_INVALID_ARGUMENT` for an option that is out of range.
 */
export function serveFetch(handler: FetchHandler, options: ServeFetchOptions = {}): HttpServer {
  return httpServer({ ...options, onExchange: fetchHandler(handler, options) })
}

/**
 * Makes an `onExchange` of a handler of requests and responses. `request.signal` is aborted when the client resets the connection, takes no
 * more, or a time-out ends the exchange; not when it has merely ended its side. What the handler throws is reported once, and answered
 * with 500 without detail (413 for a body beyond `maxHeldBodyBytes`, 400 for a Host that makes no URL); a body whose source fails after the head is sent cuts the connection.
 * `OPTIONS *` is answered with 204 and TRACE with 501: a Request can express neither.
 * @throws UsageError `ERR_INVALID_ARGUMENT` for an option that is out of range.
 */
export function fetchHandler(handler: FetchHandler, options: FetchHandlerOptions = {}): (exchange: HttpServerExchange) => void {
  const { scheme, host = 'localhost', maxHeldBodyBytes = 16 * 1024 * 1024 } = options
  if (typeof handler !== 'function') throw new UsageError('ERR_INVALID_ARGUMENT', 'the handler is no function')
  if (!(maxHeldBodyBytes >= 0)) throw new UsageError('ERR_INVALID_ARGUMENT', `maxHeldBodyBytes is ${maxHeldBodyBytes}; it takes a number from 0`)
  const plain: RequestOrigin = { scheme: scheme ?? 'http', host, maxHeldBodyBytes }
  const secure: RequestOrigin = { ...plain, scheme: scheme ?? 'https' }
  return (given) => {
    const exchange = given as ServerExchange
    const { method, target } = exchange.request
    if (method === 'TRACE' || target === '*') return answer(exchange, target === '*' ? 204 : 501)
    new FetchExchange(exchange, makeRequest(exchange, exchange.isSecure ? secure : plain)).run(handler)
  }
}

/** A request on its way to its response. */
class FetchExchange implements FetchInfo {
  readonly exchange: ServerExchange
  private readonly request: ServerRequest
  /** Who sends a response that has a stream. */
  private sender: ResponseSender | undefined

  constructor(exchange: ServerExchange, request: ServerRequest) {
    this.exchange = exchange
    this.request = request
    exchange.watcher = this
  }

  get transport(): Info {
    return this.exchange.info.below!
  }

  get remote(): string | undefined {
    return this.exchange.info.remote
  }

  get local(): string | undefined {
    return this.exchange.info.local
  }

  /** For the exchange: it cannot come to its end. */
  exchangeFailed(cause: Cause): void {
    const { error } = cause as { readonly error?: unknown }
    // A handler's fault that nothing threw for: nobody else would hear of it.
    if (isAsyncError(error, 'ERR_HTTP_NOT_SENT')) this.exchange.reportThrown(error)
    this.request.failed(cause)
    this.sender?.cancel(lossError(cause))
  }

  run(handler: FetchHandler): void {
    try {
      const response = handler(asRequest(this.request), this)
      if (typeof (response as Partial<Promise<Response>> | undefined)?.then === 'function') this.await(response as Promise<Response>)
      else this.send(response as Response)?.catch((error: unknown) => this.threw(error))
    } catch (error) {
      this.threw(error)
    }
  }

  private await(response: Promise<Response>): void {
    Promise.resolve(response).then((it) => this.send(it)).catch((error: unknown) => this.threw(error))
  }

  /** Returns a promise where the body takes time. */
  private send(response: Response): Promise<void> | undefined {
    const light = asLight(response)
    if (light !== undefined && sendLight(this.exchange, light)) return undefined
    this.sender = new ResponseSender(this.exchange)
    return this.sender.send(response)
  }

  private threw(error: unknown): void {
    const { exchange } = this
    this.sender?.cancel(error)
    // Who left is told by the signal; that the handler stopped for it is no error.
    if (exchange.isOver) return exchange.abort(error)
    const isTheirs = error instanceof HttpProtocolError || error instanceof HttpLimitError
    try {
      if (!isTheirs) exchange.reportThrown(error)
    } finally {
      this.end(error, isTheirs ? error.status : 500)
    }
  }

  /** The answer to a client whose handler threw. */
  private end(error: unknown, status: number): void {
    const { exchange } = this
    try {
      if (exchange.headSent) exchange.abort(error)
      else answer(exchange, status)
    } catch {
      // The handler has ended the exchange by other means.
      exchange.abort(error)
    }
  }
}

/** A status without detail, in place of what was said and not sent. */
function answer(exchange: ServerExchange, status: number): void {
  exchange.respondInstead({ status })
  exchange.close()
}
