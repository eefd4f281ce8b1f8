/**
 * Header and length, as the base protocol of LSP 3.17 has it: lines of `name: value`, each ended by CR LF, an empty line, then as many
 * bytes as Content-Length says. Strict, since two readers that differ on where a message begins are a way to smuggle one past the other:
 * ASCII, CR LF, exactly one Content-Length of digits alone, no space before the colon. Names are compared without case, unknown ones
 * ignored. Each line is judged when it ends, so that output that strayed into the stream is named at once, not waited upon.
 */
import { type Data, LimitError, ProtocolError } from '@async/core'
import { toBytes } from '@async/core/base'
import { tooLong } from './errors.ts'
import type { LspSettings } from './lsp-options.ts'
import { SplitterBase } from './splitter.ts'
import type { TextTools } from './text.ts'

const LF = 10
const CR = 13
const TAB = 9
const usualName = 'Content-Length: '
const usualEnd = '\r\n\r\n'
const field = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([ -~\t]*?)[ \t]*$/
const utf8Charset = /;[ \t]*charset[ \t]*=[ \t]*"?utf-?8"?[ \t]*(;|$)/i

/** Splits at headers. */
export class LspSplitter<D extends Data = Data> extends SplitterBase<D> {
  private readonly settings: LspSettings
  /** What came of the header: ASCII, a character for each byte. */
  private header = ''
  /** Where in it the present line begins. */
  private lineStart = 0
  private contentLength = -1
  private isBody = false

  constructor(settings: LspSettings, tools?: TextTools) {
    super(settings.mode, tools)
    this.settings = settings
  }

  protected decodeNext(): D | undefined {
    const { input } = this
    while (!this.isBody) {
      if (this.header === '' && input.carriedBytes === 0 && this.readUsualHeader()) break
      if (input.atHand === 0 && !input.advance()) return undefined
      this.readHeader(input.takeByte())
    }
    while (input.atHand < this.contentLength) if (!input.advance()) return undefined
    const bytes = this.contentLength
    this.reset()
    return this.cut(bytes)
  }

  protected override begun(): Uint8Array {
    return toBytes(this.header)
  }

  protected reset(): void {
    this.header = ''
    this.lineStart = 0
    this.contentLength = -1
    this.isBody = false
  }

  /**
   * The header that nearly everybody sends, whole and in this read: one comparison instead of a step for each byte. False: it is not
   * that.
   */
  private readUsualHeader(): boolean {
    const { input } = this
    const text = input.text()
    if (typeof text !== 'string' || !text.startsWith(usualName, input.position)) return false
    const start = input.position + usualName.length
    let end = start
    let value = 0
    for (let char = text.charCodeAt(end); char >= 0x30 && char <= 0x39; char = text.charCodeAt(++end)) value = value * 10 + char - 0x30
    const headerBytes = end + usualEnd.length - input.position
    if (end === start || headerBytes > this.settings.maxHeaderBytes || !text.startsWith(usualEnd, end)) return false
    this.contentLength = value
    this.header = text.slice(input.position, input.position + headerBytes)
    input.position += headerBytes
    this.endHeader()
    return true
  }

  private readHeader(byte: number): void {
    const { maxHeaderBytes } = this.settings
    if (this.header.length === maxHeaderBytes) {
      const what = { limit: 'maxHeaderBytes', allowed: maxHeaderBytes, actual: maxHeaderBytes + 1, unit: 'bytes' }
      this.fail(new LimitError('ERR_HEADER_TOO_LARGE', what))
    }
    const isText = byte >= 0x20 && byte <= 0x7e
    if (!isText && byte !== LF && byte !== CR && byte !== TAB) this.fail(badHeader('a byte that is not ASCII text', this.line()))
    const hadCr = this.header.length > this.lineStart && this.header.charCodeAt(this.header.length - 1) === CR
    if (hadCr && byte !== LF) this.fail(badHeader('a CR without LF', this.line()))
    if (byte === LF && !hadCr) this.fail(badHeader('a line that does not end in CR LF', this.line()))
    const line = byte === LF ? this.line().slice(0, -1) : undefined
    this.header += String.fromCharCode(byte)
    if (line === undefined) return
    this.lineStart = this.header.length
    if (line === '') this.endHeader()
    else this.readField(line)
  }

  /** What came of the present line. */
  private line(): string {
    return this.header.slice(this.lineStart)
  }

  private readField(line: string): void {
    const parts = field.exec(line)
    if (parts === null) this.fail(badHeader('not a header field', line))
    const name = parts[1]!.toLowerCase()
    const value = parts[2]!
    if (name === 'content-length') {
      if (this.contentLength >= 0) this.fail(badHeader('a second Content-Length', line))
      if (!/^[0-9]+$/.test(value)) this.fail(badHeader('a Content-Length that is not a number', line))
      this.contentLength = Number(value)
    } else if (name === 'content-type' && /charset/i.test(value) && !utf8Charset.test(value)) {
      this.fail(badHeader('a charset other than UTF-8', line))
    }
  }

  private endHeader(): void {
    if (this.contentLength < 0) this.fail(badHeader('a header without Content-Length', ''))
    if (this.contentLength > this.settings.maxChunkBytes) this.fail(tooLong(this.settings.maxChunkBytes, this.contentLength))
    this.isBody = true
  }
}

/** Says what was read, since what most often strays here is a line that somebody printed. */
function badHeader(what: string, line: string): ProtocolError {
  return new ProtocolError('ERR_CHUNK_BAD_HEADER', line === '' ? what : `${what}: ${JSON.stringify(line.slice(0, 32))}`)
}
