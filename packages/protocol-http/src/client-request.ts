import { UsageError } from '@async/core'
import type { HeaderList, ResponseHead } from './events.ts'
import { checkHeaders, type OutgoingHeaders } from './outgoing-headers.ts'
import { checkHost, requestLine } from './writer.ts'

/** What a request begins with. */
export interface HttpRequestOptions {
  /** What is asked for: origin-form (`/rpc`), absolute-form (to a proxy), `*` with OPTIONS, host and port with CONNECT. Default `/`. */
  readonly target?: string
  /** Default POST: an exchange has a body to send. With GET, half-close without a write. */
  readonly method?: string
  /** Header fields beside Host, Expect and the length. Default none. A Content-Length is held against what is written; Upgrade needs `Connection: upgrade`. */
  readonly headers?: HeaderList
  /** The value of Host. Default `localhost`. */
  readonly host?: string
  /** A response whose body is of this media type (without parameters) is delivered whatever its status. Default none. */
  readonly mediaType?: string
  /**
   * Ask before the body is sent (`Expect: 100-continue`), and wait so many milliseconds for the answer; then it is sent all the same. A body
   * that is refused is dropped: the exchange ends behind the response. Default: not asked. RFC 9110 §10.1.1
   */
  readonly expectContinueMs?: number
  /** Told of each 1xx before the response: 103 with hints. What it throws ends the exchange. */
  readonly onInformational?: (head: ResponseHead) => void
  /** Which statuses have their body delivered; another one is the exchange's reason, `ERR_HTTP_STATUS`. Default `success`: 2xx. */
  readonly deliver?: 'success' | 'any'
  /**
   * Whether it may run twice, and so be sent again, and pipelined. With `true` also one with a body: that of JSON-RPC whose methods only read, say. Default: GET, HEAD,
   * OPTIONS, PUT, DELETE and TRACE may (RFC 9110 §9.2.2), and are pipelined without a body.
   */
  readonly idempotent?: boolean
  /** It shares its connection with no other exchange, whatever `maxPipelinedCount` is: for a response that takes long, or never ends. Default false. */
  readonly alone?: boolean
}

/** `HttpRequestOptions`, checked, with every default filled in. */
export interface RequestTemplate {
  readonly method: string
  /** The request line. */
  readonly line: string
  readonly headers: OutgoingHeaders
  /** The headers that ask for a 100, if one is to be asked for. */
  readonly asking: OutgoingHeaders | undefined
  readonly mediaType: string | undefined
  readonly deliversAll: boolean
  readonly expectContinueMs: number | undefined
  readonly onInformational: ((head: ResponseHead) => void) | undefined
  /** Whether others may be sent behind it before its response has begun. */
  readonly mayLead: boolean
  /** Whether it may be sent behind others whose responses are outstanding, unless it turns out to have a body. */
  readonly mayFollow: boolean
  /** Whether it may with a body, too. */
  readonly mayFollowWithBody: boolean
}

/** Methods that may run twice. RFC 9110 §9.2.2 */
export const idempotentMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE'])

/** @throws UsageError for what may not be sent. */
export function requestTemplate(options: HttpRequestOptions): RequestTemplate {
  const { target = '/', method = 'POST', headers = [], host = 'localhost', mediaType, deliver, expectContinueMs, onInformational, idempotent, alone = false } = options
  if (expectContinueMs !== undefined && !(expectContinueMs >= 0)) {
    throw new UsageError('ERR_INVALID_ARGUMENT', `expectContinueMs is ${expectContinueMs}; it takes a number from 0`)
  }
  const fieldList: HeaderList = [['Host', host], ...headers]
  const line = requestLine(method, target)
  const checked = checkHeaders(fieldList)
  const { fields } = checked
  checkHost(fields, target)
  if (fields.expect !== undefined) throw new UsageError('ERR_HTTP_BAD_HEADER', 'Expect is asked for with expectContinueMs')
  // An offer to switch has a Connection, too.
  const mayLead = !alone && (idempotent ?? idempotentMethods.has(method)) && expectContinueMs === undefined && fields.connection === undefined && !fields.connectionUpgrade
  return {
    method,
    line,
    headers: checked,
    asking: expectContinueMs === undefined ? undefined : checkHeaders([...fieldList, ['Expect', '100-continue']]),
    mediaType: mediaType?.toLowerCase(),
    deliversAll: deliver === 'any',
    expectContinueMs,
    onInformational,
    mayLead,
    // The point of a PUT is its body.
    mayFollow: mayLead && (idempotent === true || method !== 'PUT') && fields.contentLength === undefined,
    mayFollowWithBody: idempotent === true,
  }
}
