/**
 * A service behind HTTP: one request, one message, one answer. It knows of HTTP what an exchange shows of itself, so that any server whose
 * exchanges look like this will do.
 */
import { UsageError, whole } from '@async/core'
import type { CloseOptions, Data, HalfClosable, Messages, StreamTransport, Transport } from '@async/core'
import { WrappedTransport } from '@async/core/base'
import { jsonText } from './json-text.ts'
import { defaultLimits } from './limits.ts'
import { jsonRpc } from './peer.ts'
import type { PeerOptions } from './peer.ts'
import type { Service } from './service.ts'

/** Header fields: names and values, in order. */
export type HeaderFields = readonly (readonly [name: string, value: string])[]

/** What is needed of an exchange: `HttpServerExchange` of @async/protocol-http is one. */
export interface ServerExchangeLike extends StreamTransport {
  /** The request's head; names of fields are in lower case. */
  readonly request: { readonly method: string; readonly target: string; readonly headers: HeaderFields }
  /** Says status and fields before anything is written. */
  respond(response: { readonly status?: number; readonly headers?: HeaderFields }): void
}

/** Who may call from a web page of another origin. (Fetch, "CORS protocol") */
export interface CorsOptions {
  /** Origins as browsers write them (`https://example.test`), a function that decides, or `'*'` for everybody's pages. */
  readonly origins: '*' | readonly string[] | ((origin: string) => boolean)
  /** Header fields that a page may send beside Content-Type. Default none. */
  readonly headers?: readonly string[]
  /** Whether pages may send cookies and the like. Not with `'*'`. Default false. */
  readonly credentials?: boolean
  /** Seconds for which a browser may keep the answer to its question. Default 600. */
  readonly maxAgeSeconds?: number
}

/** Options of `httpService`; those of peers are the exchanges'. */
export interface HttpServiceOptions extends PeerOptions {
  /** The path that is served, queries aside; any other is answered 404. Default: every path. */
  readonly path?: string
  /** The status of an answer to notifications alone. Default 204. */
  readonly notifiedStatus?: 204 | 202
  /** Web pages of other origins. Default: they are refused with 403, and their question beforehand with 405. */
  readonly cors?: CorsOptions
}

const mediaTypes = ['application/json', 'application/json-rpc', 'application/jsonrequest']

/**
 * What takes the exchanges of an HTTP server: `httpServer({ onExchange: httpService(service) })`. A POST of `application/json` is answered
 * 200 with the answer, errors of JSON-RPC included, or 204 if none is owed. Else: 405 for another method, 415 for another type,
 * charset or a content coding, 413 for a body that is announced as too long (one that turns out so ends the connection), 404 for another path, 403 for a web
 * page of another origin. With `version: '1.0'` a body has any number of messages, and the answer one for each that is owed (1.0 §2.2).
 * @throws UsageError `ERR_INVALID_ARGUMENT` as `jsonRpc`, and for `'*'` with credentials.
 */
export function httpService(service: Service, options: HttpServiceOptions = {}): (exchange: ServerExchangeLike) => void {
  const { path, notifiedStatus = 204, cors, ...peerOptions } = options
  if (cors?.origins === '*' && cors.credentials === true) throw new UsageError('ERR_INVALID_ARGUMENT', "origins: '*' does not go with credentials")
  const maxBytes = peerOptions.maxMessageBytes ?? service.options.maxMessageBytes ?? defaultLimits.maxMessageBytes
  const frame: (below: StreamTransport) => Transport<Messages> & HalfClosable = peerOptions.version === '1.0' ? jsonText({ maxTextBytes: maxBytes }) : whole({ maxBytes })
  const serve = jsonRpc(service, peerOptions)
  const gate = new Gate(path, cors, maxBytes)
  return (exchange) => {
    const { status, headers } = gate.judge(exchange.request)
    if (status === 200) serve(new AnsweringTransport(frame(exchange), exchange, headers, notifiedStatus))
    else refuse(exchange, status, headers)
  }
}

interface Verdict {
  /** 200: it is served. */
  readonly status: number
  readonly headers: HeaderFields
}

/** Looks at heads. */
class Gate {
  private readonly path: string | undefined
  private readonly cors: CorsOptions | undefined
  private readonly maxBytes: number

  constructor(path: string | undefined, cors: CorsOptions | undefined, maxBytes: number) {
    this.path = path
    this.cors = cors
    this.maxBytes = maxBytes
  }

  judge({ method, target, headers }: ServerExchangeLike['request']): Verdict {
    if (this.path !== undefined && target.split('?', 1)[0] !== this.path) return { status: 404, headers: [] }
    const origin = field(headers, 'origin')
    const fields = this.corsFields(origin)
    if (method === 'OPTIONS' && this.cors !== undefined) return this.preflight(fields)
    if (method !== 'POST') return { status: 405, headers: [['Allow', this.cors === undefined ? 'POST' : 'POST, OPTIONS'], ...(fields ?? [])] }
    // A page of any origin may post to any server, and only the server can refuse it.
    if (fields === undefined && origin !== undefined && !isSameOrigin(origin, field(headers, 'host'))) return { status: 403, headers: [] }
    const allowed = fields ?? []
    const isPlain = (field(headers, 'content-encoding') ?? 'identity').toLowerCase() === 'identity'
    if (!isPlain || !isJson(field(headers, 'content-type'))) return { status: 415, headers: [['Accept-Post', 'application/json'], ...allowed] }
    if (Number(field(headers, 'content-length') ?? 0) > this.maxBytes) return { status: 413, headers: allowed }
    return { status: 200, headers: allowed }
  }

  /** The answer to a browser's question whether a page may. */
  private preflight(fields: HeaderFields | undefined): Verdict {
    if (fields === undefined) return { status: 403, headers: [['Vary', 'Origin']] }
    const { headers = [], maxAgeSeconds = 600 } = this.cors!
    return {
      status: 204,
      headers: [
        ...fields,
        ['Access-Control-Allow-Methods', 'POST'],
        ['Access-Control-Allow-Headers', ['Content-Type', ...headers].join(', ')],
        ['Access-Control-Max-Age', String(maxAgeSeconds)],
      ],
    }
  }

  /** What tells a browser that this origin may read the answer; undefined: it may not. */
  private corsFields(origin: string | undefined): HeaderFields | undefined {
    if (this.cors === undefined || origin === undefined) return undefined
    const { origins, credentials } = this.cors
    if (origins === '*') return [['Access-Control-Allow-Origin', '*']]
    if (typeof origins === 'function' ? !origins(origin) : !origins.includes(origin)) return undefined
    const fields: [string, string][] = [['Access-Control-Allow-Origin', origin], ['Vary', 'Origin']]
    if (credentials === true) fields.push(['Access-Control-Allow-Credentials', 'true'])
    return fields
  }
}

/** The value of a field that comes once; twice is as bad as wrong. */
function field(headers: HeaderFields, name: string): string | undefined {
  const values = headers.filter(([each]) => each.toLowerCase() === name).map(([, text]) => text)
  return values.length <= 1 ? values[0] : values.join(', ')
}

function isJson(contentType: string | undefined): boolean {
  const [type = '', ...parameters] = (contentType ?? '').toLowerCase().split(';')
  if (!mediaTypes.includes(type.trim())) return false
  return parameters.every((each) => !/^\s*charset\s*=/.test(each) || /^\s*charset\s*=\s*"?utf-?8"?\s*$/.test(each))
}

/** Whether the page came from where the request went; behind a proxy that speaks TLS the scheme is not known here. */
function isSameOrigin(origin: string, host: string | undefined): boolean {
  return host !== undefined && /^https?:\/\/(.+)$/.exec(origin)?.[1]?.toLowerCase() === host.toLowerCase()
}

function refuse(exchange: ServerExchangeLike, status: number, headers: HeaderFields): void {
  exchange.respond({ status, headers })
  exchange.start({ dataReceived() {} })
  exchange.close()
}

/** Says the status when it is known: 200 with the first answer, the other one at an end without any. */
class AnsweringTransport extends WrappedTransport<Messages> {
  private readonly exchange: ServerExchangeLike
  private readonly fields: HeaderFields
  private readonly notifiedStatus: number
  private responded = false

  constructor(below: Transport<Messages>, exchange: ServerExchangeLike, fields: HeaderFields, notifiedStatus: number) {
    super(below)
    this.exchange = exchange
    this.fields = fields
    this.notifiedStatus = notifiedStatus
  }

  override write(data: Data): void {
    this.respond(200, [['Content-Type', 'application/json'], ...this.fields])
    super.write(data)
  }

  override halfClose(): void {
    this.respond(this.notifiedStatus, this.fields)
    super.halfClose()
  }

  override close(options?: CloseOptions): void {
    this.respond(this.notifiedStatus, this.fields)
    super.close(options)
  }

  private respond(status: number, headers: HeaderFields): void {
    if (this.responded) return
    this.responded = true
    try {
      this.exchange.respond({ status, headers })
    } catch {
      // The exchange is over: whoever writes is told there.
    }
  }
}
