import { HttpLimitError, HttpProtocolError, printable } from './errors.ts'
import { closedEvent, endEvent, noTrailers } from './events.ts'
import type { HeaderList, HttpEvent, HttpVersion, RequestHead, ResponseHead } from './events.ts'
import { gatherFields, mayTrail, offersSwitch, persists, requestFraming, responseFraming, wasOffered } from './framing.ts'
import type { Fields, Framing } from './framing.ts'
import { isChunkExtensions, isTarget, isTokenByte, methodOf, parseField, parseVersion } from './grammar.ts'
import { flat, type HeadMemo, memoOf } from './head-memo.ts'
import type { HttpLimits } from './limits.ts'
import { ReadQueue } from './read-queue.ts'

/**
 * Theory of operation. Bytes to events, one message at a time. `phase` is the one variable; `next()` runs the phase's step until one
 * gives an event or wants more bytes. Lines are found in a latin-1 text of the read (read-queue.ts), bodies are views of it.
 * Every check runs at the earliest byte that decides it, whatever the reads were: so a cut anywhere changes no event and no error.
 * Which message may come when is the connection's business (state.ts).
 */
export type Phase = 'start' | 'blank' | 'headers' | 'length' | 'chunkSize' | 'chunkData' | 'chunkEnd' | 'trailers' | 'untilClose' | 'complete'

const maxChunkSizeDigits = 16

type HeaderField = readonly [string, string]
type StatusLine = Omit<ResponseHead, 'headers'>

/** Reads the messages of one direction. */
export class Reader {
  /** Where in the message it is. `blank`: after the one empty line that may precede a request (RFC 9112 §2.2). */
  phase: Phase = 'start'
  /** Whether the last head allows another message after its own. */
  persistent: boolean = true
  /** The method of the request that the next response answers. */
  requestMethod: string = ''
  /** What the Upgrade of the request that came last, or that is to be answered next, had, if it offers to switch. */
  requestUpgrade: string | undefined
  /** Fed, and not yet read. */
  readonly input: ReadQueue = new ReadQueue()

  protected readonly requests: boolean
  protected readonly limits: HttpLimits
  protected method = ''
  protected target = ''
  protected version: HttpVersion = '1.1'
  protected status: StatusLine | undefined
  protected headers: HeaderList = noTrailers
  /** The field lines that are being read, if they shall be remembered. */
  protected block: string | undefined
  protected readonly memo: HeadMemo
  protected trailers: (readonly [string, string])[] | undefined
  protected lineBytes = 0
  protected bodyBytes = 0
  protected extensionBytes = 0
  /** Bytes of the body, or of the HTTP chunk, that are still to come. */
  protected left = 0

  constructor(role: 'client' | 'server', limits: HttpLimits) {
    this.requests = role === 'server'
    this.limits = limits
    this.memo = memoOf(limits)
  }

  /** The next message may begin. */
  begin(): void {
    this.phase = 'start'
    // A connection may be idle for long.
    this.target = ''
    this.status = undefined
    this.headers = noTrailers
    this.trailers = undefined
  }

  /**
   * The next event, or undefined until there are more bytes.
   * @throws HttpProtocolError, HttpLimitError
   */
  next(): HttpEvent | undefined {
    for (;;) {
      const event = this.step()
      if (event !== again) return event
    }
  }

  protected step(): HttpEvent | undefined | typeof again {
    switch (this.phase) {
      case 'start':
      case 'blank':
        return this.readStartLine()
      case 'headers':
        return this.readHeader()
      case 'length':
      case 'chunkData':
        return this.readData()
      case 'chunkSize':
        return this.readChunkSize()
      case 'chunkEnd': {
        const line = this.line(0)
        if (line === undefined) return undefined
        this.phase = 'chunkSize'
        return again
      }
      case 'trailers':
        return this.readTrailer()
      case 'untilClose': {
        // What the limit allows is told before it is passed, whatever the reads were.
        const data = this.input.take(Math.max(1, this.limits.maxBodyBytes - this.bodyBytes))
        if (data !== undefined) {
          this.countBody(data.length)
          return { type: 'data', data }
        }
        return this.input.ended ? this.end() : undefined
      }
      case 'complete':
        return undefined
    }
  }

  protected readStartLine(): HttpEvent | undefined | typeof again {
    if (this.input.ended && this.input.heldBytes === 0 && !this.input.inLine) return closedEvent
    // What is no HTTP at all (a TLS hello, say) is known by its first byte.
    const first = this.input.peek()
    if (first !== undefined && !this.input.inLine && !(first === 0x0d && this.requests && this.phase === 'start')) {
      if (!isTokenByte(first)) throw this.badStartLine('')
    }
    if (this.requests && this.phase === 'start') {
      const { input } = this
      const head = this.memo.heads.find(input.look(), input.aheadAt)
      if (head !== undefined) {
        input.takeAhead(head.text.length)
        this.method = head.method
        this.target = head.target
        this.version = head.version
        this.headers = head.block.headers
        return this.requestEvent(head.block.fields)
      }
    }
    const line = this.line(this.limits.maxStartLineBytes)
    if (line === undefined) return undefined
    if (line === '' && this.requests && this.phase === 'start') {
      this.phase = 'blank'
      return again
    }
    this.headers = []
    this.lineBytes = 0
    if (this.requests) this.requestLine(line)
    else this.status = this.statusLine(line)
    this.phase = 'headers'
    return again
  }

  protected readHeader(): HttpEvent | undefined | typeof again {
    if (this.headers.length === 0) {
      const { input } = this
      const block = this.memo.blocks.find(input.ahead, input.aheadAt)
      if (block !== undefined) {
        input.takeAhead(block.text.length)
        this.headers = block.headers
        this.lineBytes = block.lineBytes
        if (!this.requests) return this.responseEvent(block.fields)
        const event = this.requestEvent(block.fields)
        this.memo.keepHead(this.method, this.target, this.version, block)
        return event
      }
      if (this.memo.blocks.wants) this.noteBlock()
    }
    const line = this.line(this.limits.maxHeaderBytes - this.lineBytes - 2)
    if (line === undefined) return undefined
    if (line === '') return this.requests ? this.requestEvent() : this.responseEvent()
    this.lineBytes += line.length + 2
    const headers = this.headers as HeaderField[]
    this.checkCount(headers)
    headers.push(parseField(line, 'ERR_HTTP_BAD_HEADER'))
    return again
  }

  /** The block that is read next is worth remembering, if it is all there. */
  protected noteBlock(): void {
    const { ahead, aheadAt } = this.input
    const end = ahead.indexOf('\r\n\r\n', aheadAt)
    this.block = end < 0 ? undefined : ahead.slice(aheadAt, end + 4)
  }

  protected keepBlock(): void {
    // The length says that the block is these lines, and not what is behind a head without any.
    if (this.block !== undefined && this.block.length === this.lineBytes + 2) this.memo.keepBlock(this.block, this.headers, this.lineBytes)
    this.block = undefined
  }

  protected checkCount(lines: readonly unknown[]): void {
    const { maxHeaderCount } = this.limits
    if (lines.length < maxHeaderCount) return
    throw new HttpLimitError('ERR_HTTP_TOO_MANY_HEADERS', 'maxHeaderCount', maxHeaderCount, maxHeaderCount + 1, 'header lines', 431)
  }

  protected requestLine(line: string): void {
    const methodEnd = line.indexOf(' ')
    // A version has eight characters. (What is none is refused below, wherever its last space is; `lastIndexOf` takes as long as all else here.)
    const targetEnd = line.length - 9
    if (methodEnd < 1 || targetEnd <= methodEnd || line.charCodeAt(targetEnd) !== 0x20) throw this.badStartLine(line)
    const method = methodOf(line, methodEnd)
    const target = line.slice(methodEnd + 1, targetEnd)
    const version = parseVersion(line.slice(targetEnd + 1), 'ERR_HTTP_BAD_REQUEST_LINE')
    if (method === undefined) throw this.badStartLine(line)
    if (!isTarget(target, method)) throw this.badStartLine(line)
    this.method = method
    this.target = target
    this.version = version
  }

  protected requestEvent(known?: Fields): HttpEvent {
    const { method, target, version } = this
    const head: RequestHead = { method, target, version, headers: this.headers }
    const fields = known ?? gatherFields(head.headers)
    const framing = requestFraming(head, fields, this.limits.maxBodyBytes)
    this.persistent = persists(fields, head.version)
    this.keepBlock()
    this.enterBody(framing)
    const expectsContinue = fields.expect !== undefined && head.version === '1.1' && framing !== 0
    const upgrade = offersSwitch(head.method, head.version, fields)
    this.requestUpgrade = upgrade ? fields.upgrade : undefined
    return { type: 'request', head, bodyBytes: typeof framing === 'number' ? framing : undefined, expectsContinue, upgrade }
  }

  protected statusLine(line: string): StatusLine {
    // A server has few.
    if (line === lastLine) return lastStatus
    // status-line = HTTP-version SP status-code SP [ reason-phrase ]; the second space is there even without a phrase. RFC 9112 §4
    const own = flat(line)
    const match = /^([^ ]+) ([1-9][0-9]{2}) ([\t\x20-\x7e\x80-\xff]*)$/.exec(own)
    if (match === null) throw this.badStartLine(line)
    const [, version = '', status = '', reason = ''] = match
    lastStatus = { status: Number(status), reason, version: parseVersion(version, 'ERR_HTTP_BAD_STATUS_LINE') }
    lastLine = own
    return lastStatus
  }

  protected responseEvent(known?: Fields): HttpEvent {
    const { status, reason, version } = this.status!
    const head: ResponseHead = { status, reason, version, headers: this.headers }
    const fields = known ?? gatherFields(head.headers)
    this.keepBlock()
    if (this.switches(head, fields)) {
      this.phase = 'complete'
      return { type: 'switched', head, leftover: this.input.takeAll() }
    }
    const framing = responseFraming(head, this.requestMethod, fields, this.limits.maxBodyBytes)
    if (head.status < 200) {
      this.phase = 'start'
      return { type: 'informational', head }
    }
    this.persistent = framing !== 'untilClose' && persists(fields, head.version)
    this.enterBody(framing)
    return { type: 'response', head, bodyBytes: typeof framing === 'number' ? framing : undefined }
  }

  /** Whether the connection is another protocol's behind this head. RFC 9110 §7.8, §9.3.6 (the length of a 2xx to CONNECT means nothing) */
  protected switches({ status }: ResponseHead, fields: Fields): boolean {
    if (status !== 101) return this.requestMethod === 'CONNECT' && status >= 200 && status < 300
    if (this.requestUpgrade === undefined) throw new HttpProtocolError('ERR_HTTP_UNEXPECTED_RESPONSE', 'A 101 that was not asked for')
    if (!fields.connectionUpgrade || !wasOffered(fields.upgrade, this.requestUpgrade)) {
      throw new HttpProtocolError('ERR_HTTP_UNEXPECTED_RESPONSE', `A 101 to "${printable(fields.upgrade ?? '')}", which was not offered`)
    }
    return true
  }

  protected enterBody(framing: Framing): void {
    this.bodyBytes = 0
    this.extensionBytes = 0
    this.lineBytes = 0
    this.left = typeof framing === 'number' ? framing : 0
    this.trailers = undefined
    this.phase = framing === 'chunked' ? 'chunkSize' : framing === 'untilClose' ? 'untilClose' : 'length'
  }

  protected readData(): HttpEvent | undefined | typeof again {
    if (this.left === 0) {
      if (this.phase === 'length') return this.end()
      this.phase = 'chunkEnd'
      return again
    }
    const data = this.input.take(this.left)
    if (data === undefined) {
      if (this.input.ended) throw this.truncated()
      return undefined
    }
    this.left -= data.length
    return { type: 'data', data }
  }

  protected readChunkSize(): HttpEvent | undefined | typeof again {
    const line = this.line(maxChunkSizeDigits + this.limits.maxChunkExtensionBytes - this.extensionBytes)
    if (line === undefined) return undefined
    const semicolon = line.indexOf(';')
    const digits = semicolon < 0 ? line : line.slice(0, semicolon)
    if (digits.length > maxChunkSizeDigits || !/^[0-9A-Fa-f]+$/.test(digits)) {
      throw new HttpProtocolError('ERR_HTTP_BAD_CHUNK_SIZE', `No chunk size: "${printable(line)}"`)
    }
    const size = Number.parseInt(digits, 16)
    if (size > Number.MAX_SAFE_INTEGER) throw new HttpProtocolError('ERR_HTTP_BAD_CHUNK_SIZE', `The chunk size is ${printable(digits)}`)
    if (semicolon >= 0) {
      this.extensionBytes += line.length - semicolon
      if (this.extensionBytes > this.limits.maxChunkExtensionBytes) throw this.tooLong(this.extensionBytes, line)
      if (!isChunkExtensions(line.slice(semicolon))) throw new HttpProtocolError('ERR_HTTP_BAD_CHUNK_EXTENSION', `No chunk extension: "${printable(line)}"`)
    }
    if (size === 0) this.phase = 'trailers'
    else {
      this.countBody(size)
      this.left = size
      this.phase = 'chunkData'
    }
    return again
  }

  protected countBody(bytes: number): void {
    this.bodyBytes += bytes
    const { maxBodyBytes } = this.limits
    if (this.bodyBytes > maxBodyBytes) throw new HttpLimitError('ERR_HTTP_BODY_TOO_LARGE', 'maxBodyBytes', maxBodyBytes, this.bodyBytes, 'bytes', 413)
  }

  protected readTrailer(): HttpEvent | undefined | typeof again {
    const line = this.line(this.limits.maxTrailerBytes - this.lineBytes - 2)
    if (line === undefined) return undefined
    if (line === '') return this.end()
    this.lineBytes += line.length + 2
    this.trailers ??= []
    this.checkCount(this.trailers)
    const field = parseField(line, 'ERR_HTTP_BAD_TRAILER')
    if (!mayTrail(field[0])) throw new HttpProtocolError('ERR_HTTP_BAD_TRAILER', `${printable(field[0])} may not be a trailer`)
    this.trailers.push(field)
    return again
  }

  protected end(): HttpEvent {
    this.phase = 'complete'
    const { trailers } = this
    return trailers === undefined ? endEvent : { type: 'end', trailers }
  }

  /** The next line of at most `maxBytes`, without its CRLF, or undefined until it is whole. */
  protected line(maxBytes: number): string | undefined {
    const line = this.input.line(Math.max(0, maxBytes))
    if (line === undefined) {
      if (this.input.ended) throw this.truncated()
      return undefined
    }
    if (typeof line === 'string') return line
    if (line.tooLong === undefined) throw new HttpProtocolError('ERR_HTTP_BAD_LINE_ENDING', 'A line that ends in LF without CR')
    throw this.tooLong(line.seenBytes, line.tooLong)
  }

  protected tooLong(actual: number, text: string): Error {
    const { maxStartLineBytes, maxHeaderBytes, maxTrailerBytes, maxChunkExtensionBytes } = this.limits
    switch (this.phase) {
      case 'headers':
        return new HttpLimitError('ERR_HTTP_HEADER_TOO_LARGE', 'maxHeaderBytes', maxHeaderBytes, this.lineBytes + actual, 'bytes', 431)
      case 'trailers':
        return new HttpLimitError('ERR_HTTP_TRAILER_TOO_LARGE', 'maxTrailerBytes', maxTrailerBytes, this.lineBytes + actual, 'bytes', 431)
      case 'chunkSize': {
        if (!text.slice(0, maxChunkSizeDigits + 1).includes(';')) break
        return new HttpLimitError('ERR_HTTP_CHUNK_EXTENSION_TOO_LARGE', 'maxChunkExtensionBytes', maxChunkExtensionBytes, maxChunkExtensionBytes + 1, 'bytes', 413)
      }
      case 'chunkEnd':
        return new HttpProtocolError('ERR_HTTP_BAD_CHUNK_END', `An HTTP chunk is followed by "${printable(text)}" instead of CRLF`)
      default:
        return new HttpLimitError('ERR_HTTP_START_LINE_TOO_LONG', 'maxStartLineBytes', maxStartLineBytes, actual, 'bytes', this.requests ? 414 : 400)
    }
    return new HttpProtocolError('ERR_HTTP_BAD_CHUNK_SIZE', `No chunk size: "${printable(text)}"`)
  }

  protected badStartLine(line: string): Error {
    return this.requests
      ? new HttpProtocolError('ERR_HTTP_BAD_REQUEST_LINE', `No request line: "${printable(line)}"`)
      : new HttpProtocolError('ERR_HTTP_BAD_STATUS_LINE', `No status line: "${printable(line)}"`)
  }

  protected truncated(): Error {
    return new HttpProtocolError('ERR_HTTP_TRUNCATED', `The end came in the ${this.phase} of a message`)
  }
}

/** The status line that came last, and what it says. */
let lastLine: string | undefined
let lastStatus: StatusLine = { status: 200, reason: 'OK', version: '1.1' }

/** The step consumed something, and the next may run. */
const again: unique symbol = Symbol('again')
