import { UsageError } from '@async/core'
import type { Connector, Stream, Transport } from '@async/core'
import { type HttpClientOptions, type PoolPolicy, poolPolicy } from './client-policy.ts'
import { Pool } from './client-pool.ts'
import { type RequestTemplate, requestTemplate } from './client-request.ts'
import type { HeaderList } from './events.ts'
import type { FetchAddress } from './fetch-address.ts'
import { supportedCodings } from './fetch-decode.ts'
import { FetchRequest } from './fetch-request.ts'
import { type FetchHost, FetchRun } from './fetch-run.ts'
import { simpleRequest } from './fetch-simple-request.ts'
import { pickLimits } from './limits.ts'

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
 * connector over TCP, TLS, a Unix socket, a proxy or a serial line. It takes the platform's requests and signals; a response passes as the
 * platform's, and makes a real one for what it has not itself.
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
  /** The request that came last which was made of its address and the defaults alone. */
  plain: { readonly address: FetchAddress; readonly method: string; readonly template: RequestTemplate } | undefined
}

class FetchClient implements FetchHost {
  readonly decodes: boolean
  readonly maxRedirectCount: number
  private readonly route: (origin: string) => Connector<Transport<Stream>> | HttpRoute
  private readonly policy: PoolPolicy
  private readonly headers: HeaderList
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

  fetch(input: string | URL | Request, init: RequestInit | undefined): Promise<Response> {
    const simple = simpleRequest(input, init)
    return simple === undefined ? FetchRequest.from(input, init).then((request) => this.run(request)) : this.run(simple)
  }

  closeIdle(): void {
    for (const { pool } of this.origins.values()) pool.closeIdle()
  }

  async close(graceMs?: number): Promise<void> {
    this.isClosed = true
    await Promise.all([...this.origins.values()].map(({ pool }) => pool.close(graceMs)))
  }

  prepare(request: FetchRequest): { readonly pool: Pool; readonly template: RequestTemplate } {
    const { address, method } = request
    const origin = this.originOf(address)
    const { pool, plain } = origin
    if (request.isPlain && plain !== undefined && plain.address === address && plain.method === method) return { pool, template: plain.template }
    const template = this.templateOf(request, origin.route)
    if (request.isPlain) origin.plain = { address, method, template }
    return { pool, template }
  }

  private run(request: FetchRequest): Promise<Response> {
    return new Promise((resolve, reject) => new FetchRun(this, request, resolve, reject).send())
  }

  private templateOf(request: FetchRequest, route: HttpRoute): RequestTemplate {
    const { address, method, host } = request
    return requestTemplate({
      method,
      target: route.absoluteForm === true ? `${address.origin}${address.target}` : address.target,
      host,
      headers: [...request.fieldsWith(this.headers), ...(route.headers ?? [])],
      deliver: 'any',
    })
  }

  private originOf({ origin: key }: FetchAddress): Origin {
    const known = this.origins.get(key)
    if (known !== undefined) return known
    if (this.isClosed) throw new UsageError('ERR_CLOSED', 'this fetch was closed')
    const found = this.route(key)
    const route = 'connector' in found ? found : { connector: found }
    // Limits of its own, though the same: what is remembered of responses is not shared with other origins.
    const policy = { ...this.policy, limits: pickLimits({ ...this.policy.limits }) }
    const origin: Origin = {
      route,
      pool: new Pool(route.connector, policy, () => {
        if (this.origins.get(key) === origin) this.origins.delete(key)
      }),
      plain: undefined,
    }
    this.origins.set(key, origin)
    return origin
  }
}
