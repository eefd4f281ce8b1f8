import { HttpLimitError, HttpProtocolError, printable } from './errors.ts'
import type { HeaderList, HttpVersion, RequestHead, ResponseHead } from './events.ts'
import { isDigits, isHost, isToken, parseList } from './grammar.ts'

/** How a message's end is found: after so many bytes (0: no body), after the last HTTP chunk, or with the connection. RFC 9112 §6.3 */
export type Framing = number | 'chunked' | 'untilClose'

/** What the fields that concern the connection say, gathered in one pass. */
export interface Fields {
  readonly contentLength: string | undefined
  readonly transferEncoding: string | undefined
  readonly host: string | undefined
  readonly expect: string | undefined
  readonly date: string | undefined
  /** `close` or `keep-alive` of Connection; `close` wins. */
  readonly connection: 'close' | 'keep-alive' | undefined
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
  let connection: Fields['connection']
  for (const [written, value] of headers) {
    // By length, most fields concern nobody here.
    const { length } = written
    if (length !== 4 && length !== 6 && length !== 10 && length !== 14 && length !== 17) continue
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
    else if (name === 'expect') {
      expect = expect === undefined ? value : `${expect}, ${value}`
    } else if (name === 'connection') {
      for (const option of parseList(value)) {
        if (!isToken(option)) throw new HttpProtocolError('ERR_HTTP_BAD_HEADER', `No connection option: "${printable(option)}"`)
        if (option === 'close') connection = 'close'
        else if (option === 'keep-alive') connection ??= 'keep-alive'
      }
    }
  }
  return { contentLength, transferEncoding, host, expect, date, connection }
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
