import { UsageError } from '@async/core'
import type { HeaderList } from './events.ts'
import { checkHeaders, checkHost, requestLine } from './writer.ts'

/** What a request begins with. */
export interface HttpRequestOptions {
  /** What is asked for: origin-form (`/rpc`), absolute-form (to a proxy), or `*` with OPTIONS. Default `/`. */
  readonly target?: string
  /** Default POST: an exchange has a body to send. With GET, half-close without a write. */
  readonly method?: string
  /** Header fields beside Host and the length. Default none. A Content-Length is held against what is written. */
  readonly headers?: HeaderList
  /** The value of Host. Default `localhost`. */
  readonly host?: string
  /** A response whose body is of this media type (without parameters) is delivered whatever its status. Default none. */
  readonly mediaType?: string
  /** Which statuses have their body delivered; another one is the exchange's reason, `ERR_HTTP_STATUS`. Default `success`: 2xx. */
  readonly deliver?: 'success' | 'any'
}

/** `HttpRequestOptions`, checked, with every default filled in. */
export interface RequestTemplate {
  readonly method: string
  readonly target: string
  readonly headers: HeaderList
  readonly mediaType: string | undefined
  readonly deliversAll: boolean
}

/** @throws UsageError for what may not be sent. */
export function requestTemplate(options: HttpRequestOptions): RequestTemplate {
  const { target = '/', method = 'POST', headers = [], host = 'localhost', mediaType, deliver } = options
  const template = { method, target, headers: [['Host', host] as const, ...headers], mediaType: mediaType?.toLowerCase(), deliversAll: deliver === 'any' }
  requestLine(method, target)
  const fields = checkHeaders(template.headers)
  checkHost(fields, target)
  if (fields.expect !== undefined) throw new UsageError('ERR_HTTP_BAD_HEADER', 'Expect is not supported')
  return template
}
