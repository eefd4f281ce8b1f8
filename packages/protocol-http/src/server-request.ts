import type { Cause } from '@async/core'
import { lossError } from '@async/core/base'
import { HttpProtocolError, printable } from './errors.ts'
import { readWhole, RequestBody } from './request-body.ts'
import type { ServerExchange } from './server-exchange.ts'

/** What a request needs to know beside its exchange. */
export interface RequestOrigin {
  readonly scheme: 'http' | 'https'
  /** For a request without a Host: HTTP/1.0. */
  readonly host: string
  readonly maxHeldBodyBytes: number
}

/** The members of a Request that are read in place of a real one's. The rest are that one's, which is made when somebody asks for one of them. */
interface Known {
  readonly method: string
  readonly url: string
  readonly headers: Headers
  readonly body: ReadableStream<Uint8Array> | null
  readonly bodyUsed: boolean
  readonly signal: AbortSignal
}

/**
 * What passes as a Request, and makes only what is asked for: a URL, Headers, a signal or a stream costs more than the whole exchange, and most
 * handlers look at two of them. `asRequest` gives it the platform's prototype.
 */
export class ServerRequest implements Known {
  private readonly exchange: ServerExchange
  private readonly origin: RequestOrigin
  private knownContent: RequestBody | undefined
  private knownUrl: string | undefined
  private knownHeaders: Headers | undefined
  private knownStream: ReadableStream<Uint8Array> | undefined
  private controller: AbortController | undefined
  private failure: Error | undefined
  private real: Request | undefined

  constructor(exchange: ServerExchange, origin: RequestOrigin) {
    this.exchange = exchange
    this.origin = origin
  }

  get method(): string {
    return this.exchange.request.method
  }

  get url(): string {
    return (this.knownUrl ??= this.makeUrl())
  }

  get headers(): Headers {
    if (this.knownHeaders !== undefined) return this.knownHeaders
    const headers = new Headers()
    for (const [name, value] of this.exchange.request.headers) headers.append(name, value)
    return (this.knownHeaders = headers)
  }

  get signal(): AbortSignal {
    if (this.controller === undefined) {
      this.controller = new AbortController()
      if (this.failure !== undefined) this.controller.abort(this.failure)
    }
    return this.controller.signal
  }

  get body(): ReadableStream<Uint8Array> | null {
    if (this.real !== undefined) return this.real.body
    if (!this.hasBody()) return null
    if (this.isUsedWhole()) return new Response(new Uint8Array(0)).body
    return (this.knownStream ??= this.content.stream())
  }

  get bodyUsed(): boolean {
    if (this.isUsedWhole()) return true
    if (this.real !== undefined) return this.real.bodyUsed
    return this.knownStream !== undefined && isDisturbed(this.knownStream)
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = await this.bytes()
    return (bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer) as ArrayBuffer
  }

  async bytes(): Promise<Uint8Array> {
    if (this.isUsedWhole()) return this.content.whole()
    if (this.bodyUsed) throw new TypeError('Body is unusable: it has already been read')
    const stream = this.real === undefined ? this.knownStream : this.real.body
    if (stream !== undefined && stream !== null) return readWhole(stream, this.origin.maxHeldBodyBytes)
    return this.hasBody() && this.real === undefined ? this.content.whole() : new Uint8Array(0)
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes())
  }

  async json(): Promise<any> {
    return JSON.parse(await this.text())
  }

  async blob(): Promise<Blob> {
    return (await this.typed()).blob()
  }

  async formData(): Promise<FormData> {
    return ((await this.typed()) as unknown as { formData(): Promise<FormData> }).formData()
  }

  clone(): Request {
    if (this.isUsedWhole()) throw new TypeError('Body is unusable: it has already been read')
    return this.makeReal().clone()
  }

  /** The exchange cannot come to its end: who waits for the body, or listens to the signal, is told. */
  failed(cause: Cause): void {
    this.failure = lossError(cause)
    this.knownContent?.fail(this.failure)
    this.controller?.abort(this.failure)
  }

  /** A Request of the platform, which has the body from now on. */
  makeReal(): Request {
    if (this.real !== undefined) return this.real
    const { method, url, headers, signal } = this
    const body = this.isUsedWhole() ? null : this.body
    const init: RequestInit = { method, headers, signal }
    return (this.real = new Request(url, body === null || method === 'GET' || method === 'HEAD' ? init : { ...init, body, duplex: 'half' }))
  }

  private hasBody(): boolean {
    return this.exchange.hasBody
  }

  private isUsedWhole(): boolean {
    return this.knownStream === undefined && this.knownContent?.isTaken === true
  }

  /** The body, for who asks for it. */
  private get content(): RequestBody {
    if (this.knownContent !== undefined) return this.knownContent
    const content = new RequestBody(this.exchange, this.origin.maxHeldBodyBytes)
    if (this.failure !== undefined) content.fail(this.failure)
    return (this.knownContent = content)
  }

  /** The body with its type, for who takes it apart. */
  private async typed(): Promise<Response> {
    const type = this.headers.get('content-type')
    return new Response(await this.bytes(), type === null ? {} : { headers: { 'content-type': type } })
  }

  private makeUrl(): string {
    const { target, headers } = this.exchange.request
    const host = headers.find(([name]) => name === 'host')?.[1] ?? this.origin.host
    // An absolute target names the host (RFC 9112 §3.2.2).
    const isPath = target.charCodeAt(0) === 0x2f
    try {
      if (isPath && isPlainTarget(target)) return originOf(this.origin.scheme, host) + target
      return new URL(isPath ? `${this.origin.scheme}://${host}${target}` : target).href
    } catch (error) {
      // Hosts that URLs of the platform do not have, though RFC 3986 has them: 256.0.0.1, a%20b.
      throw new HttpProtocolError('ERR_HTTP_BAD_HOST', `No URL has the host "${printable(host)}"`, 400, { cause: error })
    }
  }
}

/** A target that a URL parser leaves as it is: no character that it would encode, no segment of dots. */
const plainTarget = /^(?:\/(?!\.)[\w\-~!$&()*+,;=:@.]*)+(?:\?[\w\-~!$&()*+,;=:@./]*)?$/

function isPlainTarget(target: string): boolean {
  return target === '/' || plainTarget.test(target)
}

let lastHost: string | undefined
let lastScheme: string | undefined
let lastOrigin = ''

/** A server has few names, and to parse one costs more than all else of a request. @throws TypeError if no URL has the host. */
function originOf(scheme: string, host: string): string {
  if (host === lastHost && scheme === lastScheme) return lastOrigin
  const origin = new URL(`${scheme}://${host}/`).href.slice(0, -1)
  lastHost = host
  lastScheme = scheme
  lastOrigin = origin
  return origin
}

/** Whether somebody has read of a stream: the platform does not make a body of one that was. */
function isDisturbed(stream: ReadableStream<Uint8Array>): boolean {
  try {
    return new Response(stream).bodyUsed
  } catch {
    return true
  }
}

let passes: boolean | undefined

/** A request for a handler: what passes as one, where the platform lets it; else a real one. */
export function makeRequest(exchange: ServerExchange, origin: RequestOrigin): ServerRequest {
  passes ??= adoptPlatform(origin)
  return new ServerRequest(exchange, origin)
}

/** What the handler is given for `request`. */
export function asRequest(request: ServerRequest): Request {
  if (passes === true) return request as unknown as Request
  const real = request.makeReal()
  // What holds a body is bounded here, too.
  for (const name of ['arrayBuffer', 'blob', 'bytes', 'formData', 'json', 'text'] as const) {
    Object.defineProperty(real, name, { value: () => request[name](), configurable: true, writable: true })
  }
  return real
}

/**
 * Gives `ServerRequest` the platform's prototype, so that it is an instance of Request, and sends what it has not itself to the real one, also
 * what Node's Request keeps under symbols. Whether that is enough (`new Request(request)` takes it) is tried out, not assumed.
 */
function adoptPlatform(origin: RequestOrigin): boolean {
  const { prototype } = ServerRequest
  const sample = new Request('http://localhost/')
  Object.setPrototypeOf(prototype, Object.getPrototypeOf(sample))
  const names = [...Object.getOwnPropertyNames(Object.getPrototypeOf(sample)), ...Object.getOwnPropertySymbols(sample)]
  for (const name of names) {
    if (Object.hasOwn(prototype, name)) continue
    Object.defineProperty(prototype, name, {
      configurable: true,
      get(this: ServerRequest): unknown {
        const real = this.makeReal() as unknown as Record<PropertyKey, unknown>
        const value = real[name]
        return typeof value === 'function' ? value.bind(real) : value
      },
    })
  }
  try {
    const lazy = new ServerRequest({ hasBody: false, request: { method: 'PUT', target: '/x', version: '1.1', headers: [['host', 'h']] } } as unknown as ServerExchange, origin)
    const copy = new Request(lazy as unknown as Request, { headers: { a: 'b' } })
    return copy.method === 'PUT' && copy.url === `${origin.scheme}://h/x` && copy.headers.get('a') === 'b'
  } catch {
    return false
  }
}
