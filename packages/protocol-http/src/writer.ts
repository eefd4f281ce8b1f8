import { isAsyncError, UsageError } from '@async/core'
import type { Data } from '@async/core'
import { byteLength } from '@async/core/base'
import { printable } from './errors.ts'
import type { HeaderList } from './events.ts'
import { gatherFields, mayTrail } from './framing.ts'
import type { Fields, Framing } from './framing.ts'
import { isFieldValue, isHost, isHostOfTarget, isMethod, isTarget, isToken } from './grammar.ts'
import { reasonPhrase } from './reason-phrase.ts'
import { latin1Bytes } from './text.ts'

/**
 * Heads and bodies to bytes. A head is one string, and a body that is a string joins it, so that a small message is one write: the
 * fastest that a socket takes. Nothing that a caller passes reaches the wire unchecked: no header can smuggle a second one in.
 */
export class Writer {
  /** How the end of the message that is being sent is marked. */
  protected framing: Framing = 0
  protected left = 0
  protected out: Data[] | undefined

  get isChunked(): boolean {
    return this.framing === 'chunked'
  }

  /** What is to be sent, in order, and forgets it. Strings are ASCII or a body's own text: their UTF-8 bytes are meant. */
  take(): Data[] {
    const { out = [] } = this
    this.out = undefined
    return out
  }

  /** A checked head. `lines` are the fields that the caller did not give. */
  head(startLine: string, headers: HeaderList, lines: string, framing: Framing): void {
    let text = `${startLine}\r\n`
    let isAscii = !obsText.test(startLine)
    for (const [name, value] of headers) {
      text += `${name}: ${value}\r\n`
      if (isAscii && obsText.test(value)) isAscii = false
    }
    text += `${lines}\r\n`
    this.put(isAscii ? text : latin1Bytes(text))
    this.framing = framing
    this.left = typeof framing === 'number' ? framing : 0
  }

  /** Bytes of the body, as one HTTP chunk if at all. @throws UsageError `ERR_HTTP_BODY_LENGTH` for more than was announced; nothing is sent then. */
  data(list: readonly Data[]): void {
    let bytes = 0
    for (const data of list) bytes += byteLength(data)
    if (bytes === 0) return
    if (this.framing === 'chunked') this.put(`${bytes.toString(16)}\r\n`)
    else if (this.framing !== 'untilClose') {
      if (bytes > this.left) throw new UsageError('ERR_HTTP_BODY_LENGTH', `${bytes - this.left} bytes more than the body was to have`)
      this.left -= bytes
    }
    for (const data of list) this.put(data)
    if (this.framing === 'chunked') this.put('\r\n')
  }

  /** The end of the body; trailers (checked ones) only where there are HTTP chunks. @throws UsageError `ERR_HTTP_BODY_LENGTH` for less than was announced; nothing is sent then. */
  end(trailers: HeaderList): void {
    if (this.framing === 'chunked') {
      if (trailers.length === 0) return this.put('0\r\n\r\n')
      let text = '0\r\n'
      for (const [name, value] of trailers) text += `${name}: ${value}\r\n`
      this.put(obsText.test(text) ? latin1Bytes(`${text}\r\n`) : `${text}\r\n`)
    } else if (this.left > 0) throw new UsageError('ERR_HTTP_BODY_LENGTH', `${this.left} bytes of the announced body were not sent`)
  }

  protected put(item: Data): void {
    const { out } = this
    if (out === undefined) {
      this.out = [item]
      return
    }
    const last = out[out.length - 1]
    if (typeof item === 'string' && typeof last === 'string' && !splitsPair(last, item)) out[out.length - 1] = last + item
    else out.push(item)
  }
}

/** In a field or reason it is one byte a character, not UTF-8. RFC 9110 §5.5 */
const obsText = /[\x80-\xff]/

/** Whether two strings would be other bytes as one: a lone high surrogate, then a lone low one. */
function splitsPair(before: string, after: string): boolean {
  return (before.charCodeAt(before.length - 1) & 0xfc00) === 0xd800 && (after.charCodeAt(0) & 0xfc00) === 0xdc00
}

/**
 * Checks fields that are to be sent, and gathers those that concern the connection.
 * @throws UsageError `ERR_HTTP_BAD_HEADER` for a name that is no token, a value with control characters or white space around it,
 * Transfer-Encoding (the machine's business), Upgrade without `Connection: upgrade` (RFC 9110 §7.8); `ERR_HTTP_BAD_CONTENT_LENGTH`
 * also for two that are equal; `ERR_HTTP_BAD_HOST`.
 */
export function checkHeaders(headers: HeaderList): Fields {
  let lengths = 0
  for (const [name, value] of headers) {
    checkField(name, value, 'ERR_HTTP_BAD_HEADER')
    if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') throw new UsageError('ERR_HTTP_BAD_HEADER', `${name} is not the caller's to set`)
    if (name.length === 14 && name.toLowerCase() === 'content-length' && ++lengths > 1) throw new UsageError('ERR_HTTP_BAD_CONTENT_LENGTH', 'More than one Content-Length')
  }
  let fields: Fields
  try {
    fields = gatherFields(headers)
  } catch (error) {
    if (isAsyncError(error)) throw new UsageError(error.code, error.message)
    throw error
  }
  if (fields.upgrade !== undefined && !fields.connectionUpgrade) throw new UsageError('ERR_HTTP_BAD_HEADER', 'Upgrade without Connection: upgrade')
  return fields
}

/** Checks trailers that are to be sent. @throws UsageError `ERR_HTTP_BAD_TRAILER` for what is no field, or may not be a trailer. */
export function checkTrailers(trailers: HeaderList): void {
  for (const [name, value] of trailers) {
    checkField(name, value, 'ERR_HTTP_BAD_TRAILER')
    if (!mayTrail(name.toLowerCase())) throw new UsageError('ERR_HTTP_BAD_TRAILER', `${name} may not be a trailer`)
  }
}

function checkField(name: string, value: string, code: string): void {
  if (typeof name !== 'string' || !isToken(name)) throw new UsageError(code, `No field name: "${printable(String(name))}"`)
  if (typeof value !== 'string' || !isFieldValue(value) || /^[\t ]|[\t ]$/.test(value)) {
    throw new UsageError(code, `The value of ${printable(name)} has characters that a field may not have there`)
  }
}

/** The request line. @throws UsageError `ERR_HTTP_BAD_REQUEST_LINE`. */
export function requestLine(method: string, target: string): string {
  if (!isMethod(method) || !isTarget(target, method)) {
    throw new UsageError('ERR_HTTP_BAD_REQUEST_LINE', `No request: ${printable(method)} ${printable(target)}`)
  }
  return `${method} ${target} HTTP/1.1`
}

/** The status line, of any status but 101 unless it is a switch. @throws UsageError `ERR_HTTP_BAD_STATUS_LINE`. */
export function statusLine(status: number, reason?: string, switches: boolean = false): string {
  const made = reason === undefined ? statusLines.get(status) : undefined
  if (made !== undefined && (status !== 101 || switches)) return made
  const line = makeStatusLine(status, reason ?? reasonPhrase(status), switches)
  // Three digits: nobody can fill it.
  if (reason === undefined) statusLines.set(status, line)
  return line
}

const statusLines: Map<number, string> = new Map()

function makeStatusLine(status: number, reason: string, switches: boolean): string {
  if (!Number.isInteger(status) || status < 100 || status > 999 || (status === 101 && !switches) || !isFieldValue(reason)) {
    throw new UsageError('ERR_HTTP_BAD_STATUS_LINE', `No status: ${printable(String(status))} ${printable(reason)}`)
  }
  return `HTTP/1.1 ${status} ${reason}`
}

/** @throws UsageError `ERR_HTTP_BAD_HOST` unless a valid Host is there, and it is that of an absolute `target`. */
export function checkHost(fields: Fields, target: string = '/'): void {
  if (fields.host === undefined || !isHost(fields.host)) throw new UsageError('ERR_HTTP_BAD_HOST', 'A request needs one valid Host')
  if (!isHostOfTarget(fields.host, target)) throw new UsageError('ERR_HTTP_BAD_HOST', 'Host is not that of the target')
}
