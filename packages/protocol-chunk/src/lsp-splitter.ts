/**
 * Header and length, as the base protocol of LSP 3.17 has it: lines of `name: value`, each ended by CR LF, an empty line, then as many bytes as
 * Content-Length says. Strict, since two readers that differ on where a message begins are a way to smuggle one past the other: ASCII, CR LF,
 * exactly one Content-Length of digits alone, no space before the colon. Names are compared without case, unknown ones ignored.
 * Each line is judged when it ends, so that output that strayed into the stream is named at once, not waited upon.
 */
import { type Data, LimitError, ProtocolError } from '@async/core'
import { tooLong } from './errors.ts'
import type { LspSettings } from './lsp-options.ts'
import { SplitterBase } from './splitter.ts'
import type { OpenText } from './text.ts'

const LF = 10
const CR = 13
const field = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([ -~\t]*?)[ \t]*$/
const utf8Charset = /;[ \t]*charset[ \t]*=[ \t]*"?utf-?8"?[ \t]*(;|$)/i

/** Splits at headers. */
export class LspSplitter<D extends Data = Data> extends SplitterBase<D> {
  private readonly settings: LspSettings
  private line = ''
  private headerBytes = 0
  private contentLength = -1
  private isBody = false

  constructor(settings: LspSettings, open?: OpenText) {
    super(settings.mode, open)
    this.settings = settings
  }

  override get truncatedBytes(): number {
    return this.headerBytes + this.input.length
  }

  protected decodeNext(): D | undefined {
    const { input } = this
    while (!this.isBody) {
      if (input.atHand === 0 && !input.advance()) return undefined
      if (input.atHand > 0) this.readHeader(input.takeByte())
    }
    while (input.atHand < this.contentLength) if (!input.advance()) return undefined
    const bytes = this.contentLength
    this.reset()
    return this.cut(bytes)
  }

  protected reset(): void {
    this.line = ''
    this.headerBytes = 0
    this.contentLength = -1
    this.isBody = false
  }

  private readHeader(byte: number): void {
    if (++this.headerBytes > this.settings.maxHeaderBytes) {
      this.fail(new LimitError('ERR_HEADER_TOO_LARGE', {
        limit: 'maxHeaderBytes', allowed: this.settings.maxHeaderBytes, actual: this.headerBytes, unit: 'bytes',
      }))
    }
    if (byte > 0x7e || (byte < 0x20 && byte !== LF && byte !== CR && byte !== 9)) this.fail(badHeader('a byte that is not ASCII text', this.line))
    const hadCr = this.line.charCodeAt(this.line.length - 1) === CR
    if (byte !== LF) {
      if (hadCr) this.fail(badHeader('a CR without LF', this.line))
      this.line += String.fromCharCode(byte)
      return
    }
    if (!hadCr) this.fail(badHeader('a line that does not end in CR LF', this.line))
    const line = this.line.slice(0, -1)
    this.line = ''
    if (line === '') this.endHeader()
    else this.readField(line)
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
