import { latin1 } from './text.ts'

/** Why there is no line: it ends in a bare LF, or (then with its beginning) it is longer than allowed. */
export interface NoLine {
  readonly tooLong: string | undefined
  readonly seenBytes: number
}

/** Reads this small are gathered while they wait, so that a peer that sends single bytes costs no object a byte. */
const smallBytes = 1024
const gatherBytes = 4096
/** Pieces of a line that are kept as they came. */
const joinAtCount = 64
const nothing = new Uint8Array(0)
/** How much of a read is looked at as text at once: a head, or some dozen pipelined ones, without the body behind. */
const windowBytes = 8192

/**
 * What was fed and not yet read. It gives lines, searched in a latin-1 text of the current read (one decoding and `indexOf`, cheaper than
 * byte loops and than `Buffer.indexOf` at these distances), and bytes, as views. A line that is cut is kept in pieces and joined once;
 * nothing is searched twice.
 */
export class ReadQueue {
  /** Bytes fed and not read. */
  heldBytes: number = 0
  /** Whether the peer's end was fed. */
  ended: boolean = false

  /** Behind `read`. */
  protected waiting: Uint8Array[] | undefined
  protected nextWaiting = 0
  protected gathering: Uint8Array | undefined
  protected gatheredBytes = 0
  protected read: Uint8Array = nothing
  /** `text` is the read from `base` on; `at` is how much of it is read. */
  protected base = 0
  protected text = ''
  protected at = 0
  protected pieces: string[] | undefined
  /** How many of the pieces are joined ones. */
  protected joinedCount = 0
  protected piecesBytes = 0

  /** Whether a line is begun and not yet whole. */
  get inLine(): boolean {
    return this.piecesBytes > 0
  }

  /** Bytes of the line that is begun. */
  get lineBytes(): number {
    return this.piecesBytes
  }

  /** Adds what came. The bytes are the queue's from now on. */
  feed(data: Uint8Array): void {
    if (data.length === 0) return
    // The rule: nothing waits.
    if (this.heldBytes === 0) {
      this.read = data
      this.base = 0
      this.at = 0
      this.text = ''
    } else if (data.length < smallBytes) this.gather(data)
    else {
      this.gathering = undefined
      ;(this.waiting ??= []).push(data)
    }
    this.heldBytes += data.length
  }

  /** Forgets everything that waits. */
  clear(): void {
    this.waiting = undefined
    this.nextWaiting = 0
    this.gathering = undefined
    this.read = nothing
    this.base = 0
    this.text = ''
    this.at = 0
    this.heldBytes = 0
  }

  /** The next byte, without reading it. */
  peek(): number | undefined {
    if (this.at < this.text.length) return this.text.charCodeAt(this.at)
    return this.advance() ? this.read[this.base] : undefined
  }

  /** The next line of at most `maxBytes` without its CRLF; undefined until it is whole. */
  line(maxBytes: number): string | NoLine | undefined {
    for (;;) {
      if (this.at === this.text.length && !this.open()) return undefined
      const { text, at } = this
      const found = text.indexOf('\n', at)
      const end = found < 0 ? text.length : found
      const seenBytes = this.piecesBytes + end - at
      // As far as single bytes would have told it: where the read ends changes no error.
      if (seenBytes > maxBytes + 1) return { tooLong: this.join(text.slice(at, at + maxBytes + 2 - this.piecesBytes)), seenBytes: maxBytes + 2 }
      if (found < 0) {
        this.keep(text.slice(at))
        this.piecesBytes = seenBytes
        this.skip(end - at)
        continue
      }
      this.skip(found + 1 - at)
      if (this.piecesBytes === 0) {
        if (found === at || text.charCodeAt(found - 1) !== 13) return { tooLong: undefined, seenBytes }
        return text.slice(at, found - 1)
      }
      const line = this.join(text.slice(at, found))
      if (line.charCodeAt(line.length - 1) !== 13) return { tooLong: undefined, seenBytes }
      return line.slice(0, -1)
    }
  }

  /** The text of what comes next, as far as it is looked at at once, from `aheadAt` on. Empty in the middle of a line. */
  look(): string {
    if (this.at === this.text.length) this.open()
    return this.ahead
  }

  /** The text that is looked at, from where reading goes on. Empty in the middle of a line. */
  get ahead(): string {
    return this.piecesBytes > 0 ? '' : this.text
  }

  /** Where in `ahead` reading goes on. */
  get aheadAt(): number {
    return this.at
  }

  /** Reads `characters` of `ahead` at once. */
  takeAhead(characters: number): void {
    this.skip(characters)
  }

  /** The next bytes, at most `maxBytes`, as they came; undefined if there are none. */
  take(maxBytes: number): Uint8Array | undefined {
    if (this.at === this.text.length && !this.advance()) return undefined
    const from = this.base + this.at
    const bytes = Math.min(maxBytes, this.read.length - from)
    const { read } = this
    this.skip(bytes)
    if (bytes === read.length) return read
    return new Uint8Array(read.buffer, read.byteOffset + from, bytes)
  }

  /** Everything that is left, joined. */
  takeAll(): Uint8Array {
    const all = new Uint8Array(this.heldBytes)
    let at = 0
    for (let data = this.take(Infinity); data !== undefined; data = this.take(Infinity)) {
      all.set(data, at)
      at += data.length
    }
    return all
  }

  /** Makes `base` the first byte that is not read, in the next read if need be. */
  protected advance(): boolean {
    this.base += this.at
    this.at = 0
    this.text = ''
    if (this.base < this.read.length) return true
    const { waiting } = this
    if (waiting === undefined) {
      // What was read is not held on to: it may be a view of much more.
      this.read = nothing
      this.base = 0
      return false
    }
    this.read = waiting[this.nextWaiting++]!
    if (this.nextWaiting === waiting.length) {
      this.waiting = undefined
      this.nextWaiting = 0
      this.gathering = undefined
    }
    this.base = 0
    return true
  }

  /** Makes `text` of what comes next. */
  protected open(): boolean {
    if (!this.advance()) return false
    this.text = latin1(this.read, this.base, Math.min(this.base + windowBytes, this.read.length))
    return true
  }

  /** Marks `bytes` as read, within the text's window or beyond it. */
  protected skip(bytes: number): void {
    this.heldBytes -= bytes
    if (this.at + bytes < this.text.length) {
      this.at += bytes
      return
    }
    this.base += this.at + bytes
    this.at = 0
    this.text = ''
  }

  protected join(last: string): string {
    const { pieces } = this
    if (pieces === undefined) return last
    pieces.push(last)
    const line = pieces.join('')
    this.pieces = undefined
    this.joinedCount = 0
    this.piecesBytes = 0
    return line
  }

  /** Keeps a piece of a line. Who sends single bytes has some dozen of them made one now and then, so that they cost no string each. */
  protected keep(piece: string): void {
    const pieces = (this.pieces ??= [])
    pieces.push(piece)
    if (pieces.length - this.joinedCount < joinAtCount) return
    const joined = pieces.splice(this.joinedCount).join('')
    pieces.push(joined)
    this.joinedCount++
  }

  protected gather(data: Uint8Array): void {
    let into = this.gathering
    if (into === undefined || this.gatheredBytes + data.length > into.length) {
      into = new Uint8Array(gatherBytes)
      this.gathering = into
      this.gatheredBytes = 0
      ;(this.waiting ??= []).push(data)
    }
    into.set(data, this.gatheredBytes)
    this.gatheredBytes += data.length
    const waiting = this.waiting!
    waiting[waiting.length - 1] = into.subarray(0, this.gatheredBytes)
  }
}
