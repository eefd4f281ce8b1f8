import { HttpLimitError, HttpProtocolError, printable } from './errors.ts'
import type { HeaderList, HttpVersion, RequestHead, ResponseHead } from './events.ts'
import { isDigits, isHost, isHostOfTarget, isToken, isUpgrade, parseList } from './grammar.ts'

/** How a message's end is found: after so many bytes (0: no body), after the last HTTP chunk, or with the connection. RFC 9112 §6.3 */
export type Framing = number | 'chunked' | 'untilClose'

/** What the fields that concern the connection say, gathered in one pass. */
export interface Fields {
  readonly contentLength: string | undefined
  readonly transferEncoding: string | undefined
  readonly host: string | undefined
  readonly expect: string | undefined
  readonly date: string | undefined
  readonly upgrade: string | undefined
  /** `close` or `keep-alive` of Connection; `close` wins. */
  readonly connection: 'close' | 'keep-alive' | undefined
  /** Whether Connection has `upgrade`. */
  readonly connectionUpgrade: boolean
}

/** Fields that would change the message's framing, routing, authentication or meaning after the fact. RFC 9110 §6.5.1, RFC 7230 §4.1.2 */
const noTrailer: ReadonlySet<string> = new Set([
  'transfer-encoding', 'content-length', 'trailer', 'te', 'connection', 'keep-alive', 'proxy-connection', 'upgrade', 'host',
  'cache-control', 'expect', 'max-forwards', 'pragma', 'range', 'if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since',
  'if-range', 'authorization', 'proxy-authorization', 'www-authenticate', 'proxy-authenticate', 'cookie', 'set-cookie',
  'age', 'date', 'expires', 'location', 'retry-after', 'vary', 'content-encoding', 'content-type', 'content-range',
])

/** Whether a field, its name in lower case, may stand in a trailer. */
export function mayTrail(name: string): boolean {
  return !noTrailer.has(name)
}

/**
 * Gathers the fields, and refuses those that may stand once and stand twice.
 * @throws HttpProtocolError `ERR_HTTP_BAD_CONTENT_LENGTH`, `ERR_HTTP_BAD_HOST`, `ERR_HTTP_BAD_HEADER`.
 */
export function gatherFields(headers: HeaderList): Fields {
  let contentLength: string | undefined
  let transferEncoding: string | undefined
  let host: string | undefined
  let expect: string | undefined
  let date: string | undefined
  let upgrade: string | undefined
  let connection: Fields['connection']
  let connectionUpgrade = false
  for (const [written, value] of headers) {
    // By length, most fields concern nobody here.
    const { length } = written
    if (length !== 4 && length !== 6 && length !== 7 && length !== 10 && length !== 14 && length !== 17) continue
    const name = written.toLowerCase()
    if (name === 'content-length') {
      if (!isDigits(value)) throw new HttpProtocolError('ERR_HTTP_BAD_CONTENT_LENGTH', `Content-Length is "${printable(value)}"`)
      if (contentLength !== undefined && contentLength !== value) {
        throw new HttpProtocolError('ERR_HTTP_BAD_CONTENT_LENGTH', 'Two values of Content-Length')
      }
      contentLength = value
    } else if (name === 'transfer-encoding') {
      transferEncoding = transferEncoding === undefined ? value : `${transferEncoding}, ${value}`
    } else if (name === 'host') {
      if (host !== undefined) throw new HttpProtocolError('ERR_HTTP_BAD_HOST', 'More than one Host')
      host = value
    } else if (name === 'date') date = value
    else if (name === 'upgrade') {
      if (!isUpgrade(value)) throw new HttpProtocolError('ERR_HTTP_BAD_HEADER', `Upgrade is "${printable(value)}"`)
      upgrade = upgrade === undefined ? value : `${upgrade}, ${value}`
    } else if (name === 'expect') {
      expect = expect === undefined ? value : `${expect}, ${value}`
    } else if (name === 'connection') {
      for (const option of parseList(value)) {
        if (!isToken(option)) throw new HttpProtocolError('ERR_HTTP_BAD_HEADER', `No connection option: "${printable(option)}"`)
        if (option === 'close') connection = 'close'
        else if (option === 'keep-alive') connection ??= 'keep-alive'
        else if (option === 'upgrade') connectionUpgrade = true
      }
    }
  }
  const isNone = host === undefined && contentLength === undefined && transferEncoding === undefined && expect === undefined && date === undefined
  if (isNone && upgrade === undefined && connection === undefined && !connectionUpgrade) {
    return noFields
  }
  return { contentLength, transferEncoding, host, expect, date, upgrade, connection, connectionUpgrade }
}

/** What most responses have of them. */
export const noFields: Fields = Object.freeze({
  contentLength: undefined, transferEncoding: undefined, host: undefined, expect: undefined, date: undefined, upgrade: undefined, connection: undefined, connectionUpgrade: false,
})

/** Whether a request offers to go on in another protocol. RFC 9110 §7.8, §9.3.6 */
export function offersSwitch(method: string, version: HttpVersion, fields: Fields): boolean {
  return method === 'CONNECT' || (version === '1.1' && fields.connectionUpgrade && fields.upgrade !== undefined)
}

/** Whether all that `upgrade` names was among `offered`. */
export function wasOffered(upgrade: string | undefined, offered: string): boolean {
  const names = parseList(offered)
  return upgrade !== undefined && parseList(upgrade).every((name) => names.includes(name))
}

/** Whether the connection may serve another message after this one. RFC 9112 §9.3 */
export function persists(fields: Fields, version: HttpVersion): boolean {
  return version === '1.1' ? fields.connection !== 'close' : fields.connection === 'keep-alive'
}

/**
 * How the end of a request is found. Also what concerns a request alone: Host, Expect.
 * @throws HttpProtocolError or HttpLimitError with the status of the answer.
 */
export function requestFraming(head: RequestHead, fields: Fields, maxBodyBytes: number): Framing {
  if (fields.host === undefined) {
    if (head.version === '1.1') throw new HttpProtocolError('ERR_HTTP_BAD_HOST', 'No Host')
  } else if (!isHost(fields.host)) throw new HttpProtocolError('ERR_HTTP_BAD_HOST', `Host is "${printable(fields.host)}"`)
  else if (!isHostOfTarget(fields.host, head.target)) throw new HttpProtocolError('ERR_HTTP_BAD_HOST', `Host is "${printable(fields.host)}", and the target names another`)
  // RFC 9110 §9.3.6 gives it no meaning, and what is behind the head is the tunnel's.
  if (head.method === 'CONNECT' && fields.transferEncoding !== undefined) throw new HttpProtocolError('ERR_HTTP_BAD_TRANSFER_ENCODING', 'Transfer-Encoding with CONNECT')
  if (head.method === 'CONNECT' && fields.contentLength !== undefined) throw new HttpProtocolError('ERR_HTTP_BAD_CONTENT_LENGTH', 'Content-Length with CONNECT')
  const framing = lengthOf(fields, head.version, maxBodyBytes)
  if (fields.expect !== undefined && head.version === '1.1' && fields.expect.toLowerCase() !== '100-continue') {
    throw new HttpProtocolError('ERR_HTTP_UNSUPPORTED_EXPECTATION', `Expect is "${printable(fields.expect)}"`, 417)
  }
  return framing ?? 0
}

/**
 * How the end of a response is found, `method` being what was asked. A response without a body may carry the fields of one (HEAD, 304);
 * they must be well formed all the same.
 */
export function responseFraming(head: ResponseHead, method: string, fields: Fields, maxBodyBytes: number): Framing {
  if (hasNoBody(head.status, method)) {
    lengthOf(fields, head.version, Infinity)
    return 0
  }
  return lengthOf(fields, head.version, maxBodyBytes) ?? 'untilClose'
}

/** Whether a response never has a body, whatever its head says. RFC 9110 §6.4.1 */
export function hasNoBody(status: number, method: string): boolean {
  return status < 200 || status === 204 || status === 304 || method === 'HEAD'
}

function lengthOf(fields: Fields, version: HttpVersion, maxBodyBytes: number): Framing | undefined {
  const { transferEncoding, contentLength } = fields
  if (transferEncoding !== undefined) {
    if (contentLength !== undefined) {
      throw new HttpProtocolError('ERR_HTTP_BAD_TRANSFER_ENCODING', 'Transfer-Encoding beside Content-Length')
    }
    if (version === '1.0') throw new HttpProtocolError('ERR_HTTP_BAD_TRANSFER_ENCODING', 'Transfer-Encoding in HTTP/1.0')
    if (transferEncoding.toLowerCase() === 'chunked') return 'chunked'
    const codings = parseList(transferEncoding)
    if (codings.length > 0 && codings.some((coding) => coding !== 'chunked')) {
      throw new HttpProtocolError('ERR_HTTP_UNSUPPORTED_TRANSFER_ENCODING', `Transfer-Encoding is "${printable(transferEncoding)}"`, 501)
    }
    throw new HttpProtocolError('ERR_HTTP_BAD_TRANSFER_ENCODING', `Transfer-Encoding is "${printable(transferEncoding)}"`)
  }
  if (contentLength === undefined) return undefined
  const length = contentLength.length > 15 ? Infinity : Number(contentLength)
  if (length > maxBodyBytes || length === Infinity) throw new HttpLimitError('ERR_HTTP_BODY_TOO_LARGE', 'maxBodyBytes', maxBodyBytes, length, 'bytes', 413)
  return length
}
