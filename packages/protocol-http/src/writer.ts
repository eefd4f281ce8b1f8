import { UsageError } from '@async/core'
import type { Data } from '@async/core'
import { byteLength } from '@async/core/base'
import { printable } from './errors.ts'
import type { HeaderList } from './events.ts'
import type { Fields, Framing } from './framing.ts'
import { isFieldValue, isHost, isHostOfTarget, isMethod, isTarget } from './grammar.ts'
import { noHeaders, obsText, type OutgoingHeaders } from './outgoing-headers.ts'
import { reasonPhrase } from './reason-phrase.ts'
import { latin1Bytes } from './text.ts'

/** The field that says how the end of a message is marked, if one does. */
type HeadLength = number | 'chunked' | undefined

/**
 * Heads and bodies to bytes. A head is one string, and a body that is a string joins it, so that a small message is one write: the
 * fastest that a socket takes. Nothing that a caller passes reaches the wire unchecked: no header can smuggle a second one in.
 */
export class Writer {
  /** How the end of the message that is being sent is marked. */
  protected framing: Framing = 0
  protected left = 0
  protected out: Data[] | undefined
  protected outBytes = 0
  /** Whether what was put last is text that may end in half of a surrogate pair. */
  protected endsInHalf = false
  get isChunked(): boolean {
    return this.framing === 'chunked'
  }

  /** How many bytes wait for `take`. */
  get waitingBytes(): number {
    return this.outBytes
  }

  /** What is to be sent, in order, and forgets it. Strings are ASCII or a body's own text: their UTF-8 bytes are meant. */
  take(): Data[] {
    const { out = [] } = this
    this.out = undefined
    this.outBytes = 0
    return out
  }

  /**
   * A checked head, and how the end of the message behind it is marked. `lines` are fields that the caller did not give, as Date; `connection` is the line of that
   * field, if he gave none. (No object of them all: one for each message.)
   */
  head(framing: Framing, startLine: string, headers: OutgoingHeaders, length: HeadLength, lines: string = '', connection: string = ''): void {
    this.put(textOf(startLine, headers, length, lines, connection))
    this.framing = framing
    this.left = typeof framing === 'number' ? framing : 0
  }

  /** Bytes of the body, as one HTTP chunk if at all. @throws UsageError `ERR_HTTP_BODY_LENGTH` for more than was announced; nothing is sent then. */
  data(list: readonly Data[], bytes: number = bytesOf(list)): void {
    if (bytes === 0) return
    if (this.framing === 'chunked') this.put(`${bytes.toString(16)}\r\n`)
    else if (this.framing !== 'untilClose') {
      if (bytes > this.left) throw new UsageError('ERR_HTTP_BODY_LENGTH', `${bytes - this.left} bytes more than the body was to have`)
      this.left -= bytes
    }
    this.outBytes += bytes
    for (const data of list) this.append(data)
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

  /** Bytes, or ASCII. */
  protected put(item: Data): void {
    this.outBytes += item.length
    this.append(item)
  }

  protected append(item: Data): void {
    if (item.length === 0) return
    const { out } = this
    if (typeof item !== 'string') {
      this.endsInHalf = false
      if (out === undefined) this.out = [item]
      else out.push(item)
      return
    }
    // Two strings are other bytes as one if the seam makes a pair of a lone high and a lone low surrogate. (Only the new one is looked
    // at: to look at the end of what has gathered would flatten it each time.)
    const { endsInHalf } = this
    this.endsInHalf = (item.charCodeAt(item.length - 1) & 0xfc00) === 0xd800
    if (out === undefined) this.out = [item]
    else {
      const last = out[out.length - 1]
      if (typeof last === 'string' && !(endsInHalf && (item.charCodeAt(0) & 0xfc00) === 0xdc00)) out[out.length - 1] = last + item
      else out.push(item)
    }
  }
}

function bytesOf(list: readonly Data[]): number {
  let bytes = 0
  for (const data of list) bytes += byteLength(data)
  return bytes
}

/** What the head that was made last was made of, and its text: from one message to the next, and from one connection to the next, often nothing changes. */
const last: { startLine: string; headers: OutgoingHeaders; length: HeadLength; lines: string; connection: string; text: string } = {
  startLine: '', headers: noHeaders, length: undefined, lines: '', connection: '', text: '\r\n\r\n',
}

function textOf(startLine: string, headers: OutgoingHeaders, length: HeadLength, lines: string, connection: string): Data {
  if (startLine === last.startLine && headers === last.headers && lines === last.lines && length === last.length && connection === last.connection) return last.text
  const text = `${startLine}\r\n${headers.text}${lines}${lengthLine(length)}${connection}\r\n`
  // Bytes are their taker's, who may transfer them: a head that is not ASCII is made anew each time.
  if (!headers.isAscii || obsText.test(startLine)) return latin1Bytes(text)
  last.startLine = startLine
  last.headers = headers
  last.length = length
  last.lines = lines
  last.connection = connection
  last.text = text
  return text
}

function lengthLine(length: HeadLength): string {
  return length === undefined ? '' : length === 'chunked' ? 'Transfer-Encoding: chunked\r\n' : `Content-Length: ${length}\r\n`
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
  // (A caller without types may name a property of the list.)
  const made = reason === undefined && typeof status === 'number' ? statusLines[status] : undefined
  if (made !== undefined && (status !== 101 || switches)) return made
  const line = makeStatusLine(status, reason ?? reasonPhrase(status), switches)
  // Three digits: nobody can fill it.
  if (reason === undefined) statusLines[status] = line
  return line
}

const statusLines: (string | undefined)[] = new Array<undefined>(1000).fill(undefined)

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
