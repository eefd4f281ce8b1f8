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
import { type Overlong, SplitterBase } from './splitter.ts'
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
  private readonly noise: Noise | undefined

  constructor(settings: LspSettings, tools?: TextTools) {
    super(settings.mode, tools)
    this.settings = settings
    if (settings.skipsNoise) this.noise = new Noise()
  }

  override receiveEof(): void {
    super.receiveEof()
    this.noise?.end()
  }

  override takeOverlong(): Skipped | undefined {
    return this.noise?.take()
  }

  protected decodeNext(): D | undefined {
    const { input } = this
    while (!this.isBody) {
      if (this.noise?.isToldOf === true) return undefined
      if (this.noise?.isOpen === true) {
        if (input.atHand === 0 && !input.advance()) return undefined
        this.skip(this.noise, input.takeByte())
        continue
      }
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

  protected hasBegun(): boolean {
    return this.header !== '' || this.noise?.isOpen === true || this.noise?.isToldOf === true
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
      if (this.noise === undefined) this.fail(new LimitError('ERR_HEADER_TOO_LARGE', what))
      return this.notHeader(this.noise, byte)
    }
    const isText = byte >= 0x20 && byte <= 0x7e
    const hadCr = this.header.length > this.lineStart && this.header.charCodeAt(this.header.length - 1) === CR
    let problem: string | undefined
    if (!isText && byte !== LF && byte !== CR && byte !== TAB) problem = 'a byte that is not ASCII text'
    else if (hadCr && byte !== LF) problem = 'a CR without LF'
    else if (byte === LF && !hadCr) problem = 'a line that does not end in CR LF'
    if (problem !== undefined) {
      if (this.noise === undefined) this.fail(badHeader(problem, this.line()))
      return this.notHeader(this.noise, byte)
    }
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
    if (this.noise !== undefined && this.isNoise(line, parts)) return this.notHeader(this.noise)
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

  /** Whether a whole line is none of a header, or has something in front of the field that matters. */
  private isNoise(line: string, parts: RegExpExecArray | null): boolean {
    if (parts === null) return true
    if (parts[1]!.toLowerCase() === 'content-length') return this.contentLength >= 0 || !/^[0-9]+$/.test(parts[2]!)
    return this.contentLength < 0 && behindNoise.test(line)
  }

  /** What came of a header is none: it is noise, with the byte that shows it, up to the end of its line. */
  private notHeader(noise: Noise, byte?: number): void {
    noise.begin(this.header)
    this.reset()
    if (byte !== undefined) this.skip(noise, byte)
    else this.lineSkipped(noise)
  }

  private skip(noise: Noise, byte: number): void {
    noise.add(byte)
    if (byte === LF) this.lineSkipped(noise)
  }

  /** A line of noise has ended; a header may have begun within it, where somebody printed without an end of line. */
  private lineSkipped(noise: Noise): void {
    const found = behindNoise.exec(noise.tail)
    if (found === null) return noise.end()
    noise.giveBack(found[1]!.length)
    this.header = found[1]!
    this.lineStart = this.header.length
    this.contentLength = Number(found[2])
  }

  private endHeader(): void {
    if (this.contentLength < 0) {
      if (this.noise !== undefined) return this.notHeader(this.noise)
      this.fail(badHeader('a header without Content-Length', ''))
    }
    if (this.contentLength > this.settings.maxChunkBytes) this.fail(tooLong(this.settings.maxChunkBytes, this.contentLength))
    this.isBody = true
  }
}

/** What was read where a header had to be, and is none. */
export interface Skipped extends Overlong {
  /** The first of it, 64 bytes at most, as text. */
  readonly start: string
}

const startBytes = 64
/** As much of a line as is needed to find a field at its end. */
const tailLength = 64
const behindNoise = /(Content-Length:[ \t]*([0-9]{1,15})[ \t]*(?:\r\n)?)$/i

/** Noise as it comes, a line at a time. */
class Noise {
  /** There is some, and its line has not ended. */
  isOpen = false
  /** The end of its line, a character for each byte. */
  tail = ''
  private bytes = 0
  private start: number[] = []
  private told: Skipped | undefined

  get isToldOf(): boolean {
    return this.told !== undefined
  }

  begin(header: string): void {
    this.isOpen = true
    this.bytes = header.length
    this.start = Array.from(header.slice(0, startBytes), (each) => each.charCodeAt(0))
    this.tail = header
  }

  add(byte: number): void {
    this.bytes++
    if (this.start.length < startBytes) this.start.push(byte)
    this.tail = (this.tail.length > 4 * tailLength ? this.tail.slice(-tailLength) : this.tail) + String.fromCharCode(byte)
  }

  /** The last of it is a header after all. */
  giveBack(bytes: number): void {
    this.bytes -= bytes
    this.start.length = Math.min(this.start.length, this.bytes)
    this.end()
  }

  end(): void {
    if (this.isOpen && this.bytes > 0) {
      this.told = { bytes: this.bytes, deliveredBytes: 0, start: new TextDecoder().decode(Uint8Array.from(this.start)).trimEnd() }
    }
    this.isOpen = false
  }

  take(): Skipped | undefined {
    const { told } = this
    this.told = undefined
    return told
  }
}

/** Says what was read, since what most often strays here is a line that somebody printed. */
function badHeader(what: string, line: string): ProtocolError {
  return new ProtocolError('ERR_CHUNK_BAD_HEADER', line === '' ? what : `${what}: ${JSON.stringify(line.slice(0, 32))}`)
}
