import type { Consumer, Data } from '@async/core'
import { byteLength, toBytes, utf8Length } from '@async/core/base'
import type { ChunkSettings } from './chunk-options.ts'
import { DelimiterSearch } from './delimiter-search.ts'
import type { DelimiterSet } from './delimiters.ts'
import { containsDelimiter, invalid, tooLong } from './errors.ts'
import { type LengthSettings } from './length-options.ts'
import type { LspSettings } from './lsp-options.ts'
import { type Text, textTools } from './text.ts'

/** Where an encoder writes to. */
export type Sink = Pick<Consumer, 'write'> & { writeSequence(list: readonly Data[]): void }

/** Turns units into a stream. It has no state: what it refuses leaves nothing behind. */
export interface Encoder {
  /**
   * Writes one unit in one call. @throws LimitError `ERR_CHUNK_TOO_LONG`; UsageError `ERR_CHUNK_CONTAINS_DELIMITER`: nothing is written.
   */
  write(sink: Sink, payload: Data): void
  /** Appends the pieces of one unit to `list`. @throws as `write` */
  append(list: Data[], payload: Data): void
}

/** @throws LimitError `ERR_CHUNK_TOO_LONG` */
function checkLength(payload: Data, maxChunkBytes: number): void {
  // A UTF-16 unit is at most three bytes: short strings need no count.
  if (payload.length * 3 <= maxChunkBytes) return
  const bytes = byteLength(payload)
  if (bytes > maxChunkBytes) throw tooLong(maxChunkBytes, bytes)
}

/** A delimiter behind each payload; a payload with which that would not be read back is refused. */
export class DelimiterEncoder implements Encoder {
  private readonly set: DelimiterSet
  private readonly maxChunkBytes: number
  private readonly delimiter: Uint8Array
  /** The delimiter as text, if it is ASCII: then a string is written as one string. */
  private readonly delimiterText: string | undefined

  constructor(settings: Pick<ChunkSettings, 'set' | 'maxChunkBytes'>) {
    this.set = settings.set
    this.maxChunkBytes = settings.maxChunkBytes
    this.delimiter = settings.set.written
    this.delimiterText = this.delimiter.every((byte) => byte < 0x80) ? String.fromCharCode(...this.delimiter) : undefined
  }

  write(sink: Sink, payload: Data): void {
    this.check(payload)
    if (typeof payload === 'string' && this.delimiterText !== undefined) sink.write(payload + this.delimiterText)
    else sink.writeSequence([payload, this.delimiter])
  }

  append(list: Data[], payload: Data): void {
    this.check(payload)
    if (typeof payload === 'string' && this.delimiterText !== undefined) list.push(payload + this.delimiterText)
    else list.push(payload, this.delimiter)
  }

  private check(payload: Data): void {
    checkLength(payload, this.maxChunkBytes)
    const { set } = this
    if (set.only?.length === 1) {
      const text = typeof payload === 'string' && this.delimiterText !== undefined ? payload : toText(payload)
      const at = text.indexOf(set.only, 0)
      if (at >= 0) throw containsDelimiter(at)
      return
    }
    // The reader's own search, over what it will read: the first delimiter that it finds has to be ours.
    const text = toText(payload)
    const search = new DelimiterSearch(set)
    const bytes = byteLength(payload)
    search.scan(text, 0, bytes)
    if (search.hasFound) throw containsDelimiter(search.start)
    search.nextRead()
    search.scan(textTools.look(this.delimiter), 0, this.delimiter.length)
    if (!search.hasFound || search.start !== 0) throw containsDelimiter(bytes + Math.min(search.start, 0))
  }
}

/** A payload as a reader's search sees it: its UTF-8 bytes. */
function toText(payload: Data): Text {
  if (typeof payload !== 'string') return textTools.look(payload)
  return utf8Length(payload) === payload.length ? payload : textTools.look(toBytes(payload))
}

/** Units of one length. */
export class CountEncoder implements Encoder {
  private readonly count: number

  constructor(count: number) {
    this.count = count
  }

  write(sink: Sink, payload: Data): void {
    this.check(payload)
    sink.write(payload)
  }

  append(list: Data[], payload: Data): void {
    this.check(payload)
    list.push(payload)
  }

  private check(payload: Data): void {
    const bytes = byteLength(payload)
    if (bytes !== this.count) throw invalid(`a chunk of ${bytes} bytes, each is to have ${this.count}`)
  }
}

/** A length in front of each payload. */
export class LengthEncoder implements Encoder {
  private readonly settings: LengthSettings

  constructor(settings: LengthSettings) {
    this.settings = settings
  }

  write(sink: Sink, payload: Data): void {
    sink.writeSequence([this.prefix(payload), payload])
  }

  append(list: Data[], payload: Data): void {
    list.push(this.prefix(payload), payload)
  }

  private prefix(payload: Data): Uint8Array {
    const { maxChunkBytes, adjustBytes, widthBytes, isLittle } = this.settings
    const bytes = byteLength(payload)
    if (bytes > maxChunkBytes) throw tooLong(maxChunkBytes, bytes)
    let value = bytes - adjustBytes
    if (value < 0) throw invalid(`a payload of ${bytes} bytes: with adjustBytes it has to have ${adjustBytes} at least`)
    if (widthBytes === 0) return varint(value)
    const prefix = new Uint8Array(widthBytes)
    for (let i = 0; i < widthBytes; i++, value = Math.floor(value / 256)) prefix[isLittle ? i : widthBytes - 1 - i] = value % 256
    return prefix
  }
}

function varint(value: number): Uint8Array {
  const bytes: number[] = []
  for (; value >= 0x80; value = Math.floor(value / 128)) bytes.push((value % 128) | 0x80)
  bytes.push(value)
  return Uint8Array.from(bytes)
}

/** A header with the length in front of each message. */
export class LspEncoder implements Encoder {
  private readonly settings: LspSettings

  constructor(settings: LspSettings) {
    this.settings = settings
  }

  write(sink: Sink, payload: Data): void {
    const header = this.header(payload)
    if (typeof payload === 'string') sink.write(header + payload)
    else sink.writeSequence([header, payload])
  }

  append(list: Data[], payload: Data): void {
    const header = this.header(payload)
    if (typeof payload === 'string') list.push(header + payload)
    else list.push(header, payload)
  }

  private header(payload: Data): string {
    const bytes = byteLength(payload)
    if (bytes > this.settings.maxChunkBytes) throw tooLong(this.settings.maxChunkBytes, bytes)
    return `Content-Length: ${bytes}\r\n\r\n`
  }
}
