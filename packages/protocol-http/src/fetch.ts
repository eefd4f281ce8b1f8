import { UsageError } from '@async/core'
import type { Connector, Stream, Transport } from '@async/core'
import type { ClientExchange } from './client-exchange.ts'
import { type HttpClientOptions, type PoolPolicy, poolPolicy } from './client-policy.ts'
import { Pool } from './client-pool.ts'
import { idempotent, requestTemplate } from './client-request.ts'
import type { HeaderList, ResponseHead } from './events.ts'
import { decodings, supportedCodings } from './fetch-decode.ts'
import { FetchRequest } from './fetch-request.ts'
import { ResponseBody, responseOf } from './fetch-response.ts'
import { pickLimits } from './limits.ts'
import { latin1 } from './text.ts'

/** How an origin is reached. */
export interface HttpRoute {
  /** Connects to the origin, or to the proxy that knows it. */
  readonly connector: Connector<Transport<Stream>>
  /** Ask for the whole URL, as a proxy wants it (RFC 9112 §3.2.2). Default false. */
  readonly absoluteForm?: boolean
  /** Fields for the proxy, `Proxy-Authorization` say; sent with each request on this route, and on no other. Default none. */
  readonly headers?: HeaderList
}

/** Options of `createFetch`. */
export interface FetchOptions extends HttpClientOptions {
  /** Fields that a request has unless it has its own: `Accept` and `User-Agent` are the defaults. */
  readonly headers?: HeaderList
  /** Whether to ask for compressed bodies, and decode them, where the runtime has a DecompressionStream. Default true. */
  readonly decode?: boolean
  /** Redirects in a row; one more is a network error. Default 20: the fetch standard. */
  readonly maxRedirectCount?: number
}

/** A function as `fetch`, with connections of its own. */
export interface HttpFetch {
  /** As the global function, but for what the README lists. */
  (input: string | URL | Request, init?: RequestInit): Promise<Response>
  /** Closes connections that are kept without an exchange. Later requests connect anew. */
  closeIdle(): void
  /** Further requests are refused; what runs after `graceMs` (30 000), a body that nobody reads say, is aborted. Resolves when the last connection is closed. */
  close(options?: { readonly graceMs?: number }): Promise<void>
  /** `close()`. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * Makes a `fetch` over connectors: `route` is asked for each origin (`http://example.test:8080`) that has no connection yet, and may be a
 * connector over TCP, TLS, a Unix socket, a proxy or a serial line. Requests, responses and signals are the platform's own.
 * @throws UsageError `ERR_INVALID_ARGUMENT` for an option that is out of range.
 */
export function createFetch(route: (origin: string) => Connector<Transport<Stream>> | HttpRoute, options: FetchOptions = {}): HttpFetch {
  const client = new FetchClient(route, options)
  return Object.assign((input: string | URL | Request, init?: RequestInit) => client.fetch(input, init), {
    closeIdle: () => client.closeIdle(),
    close: (how?: { readonly graceMs?: number }) => client.close(how?.graceMs),
    [Symbol.asyncDispose]: () => client.close(),
  })
}

interface Origin {
  readonly pool: Pool
  readonly route: HttpRoute
}

/** Statuses whose Location is followed. RFC 9110 §15.4, fetch §2.2.6 */
const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

class FetchClient {
  private readonly route: (origin: string) => Connector<Transport<Stream>> | HttpRoute
  private readonly policy: PoolPolicy
  private readonly headers: HeaderList
  private readonly decodes: boolean
  private readonly maxRedirectCount: number
  private readonly origins = new Map<string, Origin>()
  private isClosed = false

  constructor(route: (origin: string) => Connector<Transport<Stream>> | HttpRoute, options: FetchOptions) {
    const { headers = [], decode = true, maxRedirectCount = 20 } = options
    if (!(maxRedirectCount >= 0)) throw new UsageError('ERR_INVALID_ARGUMENT', `maxRedirectCount is ${maxRedirectCount}; it takes a number from 0`)
    this.route = route
    this.policy = poolPolicy(options)
    this.decodes = decode && supportedCodings().length > 0
    this.headers = [
      ...headers,
      ['accept', '*/*'],
      ['user-agent', 'async-protocol-http'],
      ...(this.decodes ? [['accept-encoding', supportedCodings().join(', ')] as const] : []),
    ]
    requestTemplate({ headers: this.headers.filter(([name]) => name.toLowerCase() !== 'host') })
    this.maxRedirectCount = maxRedirectCount
  }

  async fetch(input: string | URL | Request, init: RequestInit | undefined): Promise<Response> {
    const request = await FetchRequest.from(input, init)
    try {
      for (let count = 0; ; count++) {
        const { exchange, body, head } = await this.send(request)
        const location = redirects.has(head.status) ? locationOf(head) : undefined
        if (location === undefined || request.redirect === 'manual') return this.respond(request, head, body)
        exchange.close()
        if (request.redirect === 'error') throw new TypeError(`a redirect to another place (${head.status})`)
        if (count === this.maxRedirectCount) throw new TypeError(`more than ${this.maxRedirectCount} redirects`)
        request.follow(head.status, location)
      }
    } catch (error) {
      request.giveUp(error)
      if (request.signal?.aborted === true) throw request.signal.reason
      throw new TypeError('fetch failed', { cause: error })
    }
  }

  closeIdle(): void {
    for (const { pool } of this.origins.values()) pool.closeIdle()
  }

  async close(graceMs?: number): Promise<void> {
    this.isClosed = true
    await Promise.all([...this.origins.values()].map(({ pool }) => pool.close(graceMs)))
  }

  /** Sends it, until the response has begun; a second time if the first one met a server that was just closing. */
  private async send(request: FetchRequest): Promise<{ readonly exchange: ClientExchange; readonly body: ResponseBody; readonly head: ResponseHead }> {
    for (let attempt = 0; ; attempt++) {
      const { pool, route } = this.originOf(request.url)
      const target = `${request.url.pathname}${request.url.search}`
      const template = requestTemplate({
        method: request.method,
        target: route.absoluteForm === true ? `${request.url.protocol}//${request.url.host}${target}` : target,
        host: request.host,
        headers: [...request.fieldsWith(this.headers), ...(route.headers ?? [])],
        deliver: 'any',
      })
      const exchange = await pool.open(template, { signal: request.signal, fresh: attempt > 0 })
      const body = new ResponseBody(exchange, request.signal)
      request.sendBody(exchange)
      try {
        return { exchange, body, head: await exchange.response }
      } catch (error) {
        await exchange.closed
        if (attempt > 0 || !exchange.retriable || !idempotent.has(request.method) || !request.canReplay) throw error
      }
    }
  }

  private respond(request: FetchRequest, head: ResponseHead, body: ResponseBody): Response {
    const codings = this.decodes && !body.isNull(request.method, head.status) ? decodings(head.headers) : []
    return responseOf(head, request, body, codings)
  }

  private originOf(url: URL): Origin {
    const key = `${url.protocol}//${url.host}`
    const known = this.origins.get(key)
    if (known !== undefined) return known
    if (this.isClosed) throw new UsageError('ERR_CLOSED', 'this fetch was closed')
    const found = this.route(key)
    const route = 'connector' in found ? found : { connector: found }
    const origin: Origin = {
      route,
      // Limits of its own, though the same: what is remembered of responses is not shared with other origins.
      pool: new Pool(route.connector, { ...this.policy, limits: pickLimits({ ...this.policy.limits }) }, () => {
        if (this.origins.get(key) === origin) this.origins.delete(key)
      }),
    }
    this.origins.set(key, origin)
    return origin
  }
}

/** Location, read as UTF-8, which is what servers send when they send more than ASCII. */
function locationOf(head: ResponseHead): string | undefined {
  const value = head.headers.find(([name]) => name === 'location')?.[1]
  if (value === undefined || /^[\x20-\x7e]*$/.test(value)) return value
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(value, (character) => character.charCodeAt(0)))
  } catch {
    return latin1(Uint8Array.from(value, (character) => character.charCodeAt(0)), 0, value.length)
  }
}
