/**
 * Theory of operation. Three modes, switched between two units and effective for the very next byte: up to a delimiter, an exact count,
 * raw.
 *
 *   delimited   scan the read at hand from `searched`; found: cut. Not found: carry the read, and go on in the next one.
 *   skipping    the chunk is known to be too long. Of what is scanned only bytes that may begin a delimiter are kept; at the delimiter the
 *               chunk is reported, and (truncated) its head delivered.
 *
 * A chunk is too long when more than `maxChunkBytes` came that belong to no delimiter: that depends on the bytes alone, never on how reads
 * cut them. After the end of the input nothing is scanned: what the search held open is decided, and what is left is the tail.
 */
import type { Data } from '@async/core'
import type { ChunkSettings } from './chunk-options.ts'
import { type Delimiter, type DelimiterSet, compileDelimiters } from './delimiters.ts'
import { DelimiterSearch } from './delimiter-search.ts'
import { notUtf8, tooLong, wholeNumber } from './errors.ts'
import { type Overlong, SplitterBase } from './splitter.ts'
import { incompleteTail, type Text, type TextTools } from './text.ts'

/** Splits at delimiters, or by exact counts, or not at all. */
export class ChunkSplitter<D extends Data = Data> extends SplitterBase<D> {
  private readonly settings: ChunkSettings
  private set: DelimiterSet
  private search: DelimiterSearch
  private firstChar: string
  private reads: 'delimited' | 'counted' | 'raw' = 'delimited'
  /** Bytes of each unit in mode `counted`. */
  private count = 0
  /** Where in the read at hand the search goes on. */
  private searched = 0
  /** Bytes of the present chunk that are held no more. */
  private skippedBytes = 0
  private isSkipping = false
  /** What a truncated chunk will be. */
  private head: Uint8Array | undefined
  private overlong: Overlong | undefined
  private truncated: Uint8Array | undefined
  private isFinished = false

  constructor(settings: ChunkSettings, tools?: TextTools) {
    super(settings.mode, tools)
    this.settings = settings
    this.set = settings.set
    this.search = new DelimiterSearch(settings.set)
    this.firstChar = firstChar(settings.set)
  }

  /** The head of a chunk that was too long is held as well, once it is to be returned. */
  override get heldBytes(): number {
    return super.heldBytes + (this.truncated?.length ?? 0)
  }

  override get truncatedBytes(): number {
    return this.reads === 'delimited' && this.settings.deliverTail ? 0 : this.skippedBytes + this.input.length
  }

  override receiveData(bytes: Uint8Array): void {
    const { current } = this.input
    super.receiveData(bytes)
    if (this.input.current === current) return
    // The read before was used up by a unit behind which nobody has asked for another yet: the search goes on in this one.
    this.searched = 0
    this.search.nextRead()
  }

  override takeOverlong(): Overlong | undefined {
    const { overlong } = this
    this.overlong = undefined
    return overlong
  }

  /** From the next byte on, units end at `delimiter`; without one, at the one it was made with. */
  setDelimiter(delimiter?: Delimiter): void {
    const set = delimiter === undefined ? this.settings.set : compileDelimiters(delimiter)
    if (this.reads === 'delimited' && set === this.set) return
    this.leaveMode()
    this.reads = 'delimited'
    if (set !== this.set) {
      this.set = set
      this.search = new DelimiterSearch(set)
      this.firstChar = firstChar(set)
    }
    this.searched = this.input.position
  }

  /** From the next byte on, each unit is `bytes` long. @throws LimitError `ERR_CHUNK_TOO_LONG`; UsageError `ERR_INVALID_ARGUMENT` */
  setCount(bytes: number): void {
    wholeNumber('count', bytes, 1)
    if (bytes > this.settings.maxChunkBytes) throw tooLong(this.settings.maxChunkBytes, bytes)
    this.leaveMode()
    this.reads = 'counted'
    this.count = bytes
  }

  /** From the next byte on, units are what comes, as it comes. */
  setRaw(): void {
    this.leaveMode()
    this.reads = 'raw'
  }

  protected decodeNext(): D | undefined {
    if (this.overlong !== undefined) return undefined
    if (this.truncated !== undefined) return this.takeTruncated()
    if (this.reads === 'counted') return this.nextCounted()
    if (this.reads === 'raw') return this.nextRaw()
    // The hot path: there is one delimiter, and the chunk lies in this read. A false start, or anything else, is left to the search.
    const { only } = this.set
    const { input } = this
    if (only !== undefined && input.carriedBytes === 0 && !this.isSkipping && !this.isFinished) {
      const text = input.text()
      const end = text.indexOf(this.firstChar, this.searched)
      const bytes = end - input.position
      if (end < 0) this.searched = input.current.length
      else if (bytes <= this.settings.maxChunkBytes && end + only.length <= input.current.length && isAt(text, only, end)) {
        this.searched = end + only.length
        if (this.settings.keepDelimiter) return this.cut(bytes + only.length)
        const chunk = this.cut(bytes)
        input.position += only.length
        return chunk
      } else this.search.beginAt(end)
    }
    return this.nextDelimited()
  }

  protected hasBegun(): boolean {
    return this.reads !== 'delimited' || this.set !== this.settings.set || this.isSkipping || this.overlong !== undefined || this.truncated !== undefined
  }

  protected reset(): void {
    this.search.reset()
    this.searched = this.input.position
    this.skippedBytes = 0
    this.isSkipping = false
    this.isFinished = false
  }

  private nextDelimited(): D | undefined {
    const { input, search } = this
    for (;;) {
      if (search.hasFound) return this.endChunk(search.start, search.end)
      if (this.isFinished) return this.tail()
      const end = input.current.length
      if (this.searched < end) {
        this.searched = search.scan(input.text(), this.searched, end)
        if (search.hasFound) continue
      }
      const certainBytes = input.atHand - search.pendingBytes
      if (this.isSkipping) this.skip(certainBytes)
      else if (certainBytes > this.settings.maxChunkBytes) this.beginSkipping(certainBytes)
      const goesOn = input.advance()
      this.searched = 0
      search.nextRead()
      if (goesOn) continue
      if (!this.hasEof) return undefined
      this.isFinished = true
      search.finish(0)
    }
  }

  /** A delimiter lies from `start` to `end` in the read at hand, or begins, or even ends, before it. */
  private endChunk(start: number, end: number): D | undefined {
    const { input, settings } = this
    const payloadHeld = input.carriedBytes + start - input.position
    const payloadBytes = this.skippedBytes + payloadHeld
    this.search.consume()
    if (!this.isSkipping && payloadBytes <= settings.maxChunkBytes) {
      if (settings.keepDelimiter) return this.cut(payloadBytes + end - start)
      const chunk = this.cut(payloadBytes)
      input.drop(end - start)
      return chunk
    }
    if (!this.isSkipping) this.beginSkipping(payloadHeld)
    else this.skip(payloadHeld)
    input.drop(end - start)
    this.endSkipping()
    return undefined
  }

  /** What the end left, if it is wanted. */
  private tail(): D | undefined {
    if (!this.settings.deliverTail) return undefined
    const bytes = this.input.atHand
    if (!this.isSkipping && bytes > this.settings.maxChunkBytes) this.beginSkipping(bytes)
    else if (!this.isSkipping) return bytes === 0 ? undefined : this.cut(bytes)
    else this.skip(bytes)
    this.endSkipping()
    return undefined
  }

  /** The first `bytes` that are at hand belong to a chunk that is too long. */
  private beginSkipping(bytes: number): void {
    const { maxChunkBytes, overlong } = this.settings
    if (overlong === 'abort') this.fail(tooLong(maxChunkBytes, maxChunkBytes + 1))
    this.isSkipping = true
    if (overlong === 'truncate') {
      this.head = this.input.take(maxChunkBytes)
      this.skippedBytes = maxChunkBytes
      bytes -= maxChunkBytes
    }
    this.skip(bytes)
  }

  private skip(bytes: number): void {
    this.input.drop(bytes)
    this.skippedBytes += bytes
  }

  private endSkipping(): void {
    const head = this.asText && this.head !== undefined ? this.head.subarray(0, this.head.length - incompleteTail(this.head)) : this.head
    this.overlong = { bytes: this.skippedBytes, deliveredBytes: head?.length ?? 0 }
    this.truncated = head
    this.head = undefined
    this.isSkipping = false
    this.skippedBytes = 0
  }

  private takeTruncated(): D {
    const bytes = this.truncated!
    this.truncated = undefined
    return (this.asText ? (this.tools.decode(bytes) ?? this.fail(notUtf8(bytes.length))) : bytes) as D
  }

  private nextCounted(): D | undefined {
    while (this.input.atHand < this.count) if (!this.input.advance()) return undefined
    return this.cut(this.count)
  }

  private nextRaw(): D | undefined {
    const { input } = this
    while (input.atHand === 0) if (!input.advance()) return undefined
    if (!this.asText) return this.cut(input.carriedBytes > 0 ? input.carriedBytes : input.atHand)
    for (;;) {
      // A sequence that the read cuts waits for its end: at most three bytes, so at most one more read of carried ones.
      const bytes = input.take(input.atHand)
      const incomplete = incompleteTail(bytes)
      if (incomplete < bytes.length) {
        input.unread(bytes.subarray(bytes.length - incomplete))
        const whole = bytes.subarray(0, bytes.length - incomplete)
        return (this.tools.decode(whole) ?? this.fail(notUtf8(whole.length))) as D
      }
      input.unread(bytes)
      if (!input.advance()) return undefined
    }
  }

  /** What was searched for one mode has to be seen anew by the next one. */
  private leaveMode(): void {
    if (this.isSkipping) this.endSkipping()
    this.input.rewind()
    this.reset()
  }
}

/** Whether the rest of `delimiter` follows its first byte, which is at `index`. */
function isAt(text: Text, delimiter: string, index: number): boolean {
  for (let i = 1; i < delimiter.length; i++) if (text.charCodeAt(index + i) !== delimiter.charCodeAt(i)) return false
  return true
}

function firstChar(set: DelimiterSet): string {
  return set.only?.charAt(0) ?? ''
}
