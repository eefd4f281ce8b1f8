/**
 * Finds JSON texts, objects and arrays, one after another in a stream of bytes: bytes in, texts out, no transport.
 *
 * Theory of operation. Between texts there is white space, and what else there is is noise. `{` and `[` begin a text; the grammar of JSON
 * says at each byte what may follow (`state`, and `open` for what is open), so that a text ends at the bracket that closes it, and what is
 * none is known for noise at the first byte that cannot be. There the search for a text goes on: each byte is looked at once, or twice
 * where it ends a number. What is left to `JSON.parse` are the forms of numbers, escapes, and UTF-8.
 *
 *   between ──{ [──► text ──its last bracket──► between       text ──a byte that cannot be──► between, at that byte
 */
import { LimitError, ProtocolError } from '@async/core'

/** What was between two texts, and is no white space. */
export interface Noise {
  /** How many bytes. */
  readonly bytes: number
  /** The first of them, 64 at most, as text; what is not UTF-8 is U+FFFD. */
  readonly start: string
}

/** Settings of a scanner. */
export interface ScannerSettings {
  readonly maxTextBytes: number
  readonly onNoise: 'skip' | 'abort'
}

const between = 0
const value = 1
const valueOrEnd = 2
const keyOrEnd = 3
const key = 4
const colon = 5
const commaOrEnd = 6
const stringValue = 7
const stringKey = 8
const number = 9
const word = 10

const startBytes = 64
/** An object for each read takes more memory than a short read has bytes. */
const maxLoosePieces = 1024
const none = new Uint8Array(0)
const lenient = new TextDecoder('utf-8')
const words: { readonly [first: number]: string } = { 0x74: 'true', 0x66: 'false', 0x6e: 'null' }

/** The machine. One that threw is dead: every later call throws the same error. */
export class JsonScanner {
  private readonly settings: ScannerSettings
  private readonly queue: Uint8Array[] = []
  private current: Uint8Array = none
  private at = 0
  /** Where in `current` the text at hand begins, or what is left of it. */
  private from = 0
  /** What earlier reads brought of it. */
  private pieces: Uint8Array[] = []
  private pieceBytes = 0
  /** How many of them, at most, were not joined. */
  private loosePieces = 0
  private state = between
  /** A byte for each that is open: `{` or `[`. */
  private open: number[] = []
  private escaped = false
  private expected = ''
  private noiseBytes = 0
  private noiseStart: number[] = []
  private noise: Noise | undefined
  private failure: Error | undefined

  constructor(settings: ScannerSettings) {
    this.settings = settings
  }

  /** Bytes held: not returned as part of a text, nor counted as noise. */
  get heldBytes(): number {
    let bytes = this.textBytes
    if (this.state === between) bytes = this.current.length - this.at
    for (const each of this.queue) bytes += each.length
    return bytes
  }

  /** Bytes of a text that is not complete. */
  get truncatedBytes(): number {
    return this.state === between ? 0 : this.textBytes
  }

  /** Takes a read, which belongs to the scanner from now on. */
  receiveData(bytes: Uint8Array): void {
    if (this.failure !== undefined) throw this.failure
    if (bytes.length === 0) return
    if (this.at === this.current.length && this.queue.length === 0) this.begin(bytes)
    else this.queue.push(bytes)
  }

  /** No more will come: what is left of a line of noise is told of. */
  receiveEof(): void {
    if (this.state === between) this.endNoise()
  }

  /**
   * The next text; undefined: more bytes are needed, or `takeNoise` has something to say before it goes on.
   * @throws LimitError `ERR_JSON_TEXT_TOO_LONG`; ProtocolError `ERR_JSON_NOISE` if noise is not to be skipped.
   */
  next(): Uint8Array | undefined {
    if (this.failure !== undefined) throw this.failure
    for (;;) {
      // What came before a text is told of before it.
      if (this.noise !== undefined) return undefined
      if (this.state !== between && this.open.length === 0) return this.takeText()
      if (this.at === this.current.length) {
        if (!this.advance()) return undefined
      } else if (this.state === between) this.findText()
      else if (this.readText()) this.endNoise()
    }
  }

  /** Noise, once; until it is taken, `next` returns undefined. */
  takeNoise(): Noise | undefined {
    const { noise } = this
    this.noise = undefined
    return noise
  }

  /** Removes and returns what is held. The scanner begins anew. */
  takeLeftover(): Uint8Array {
    const rest = [...this.pieces, this.current.subarray(this.state === between ? this.at : this.from), ...this.queue]
    this.queue.length = 0
    this.state = between
    this.begin(none)
    this.pieces = []
    this.pieceBytes = 0
    return join(rest)
  }

  private get textBytes(): number {
    return this.pieceBytes + this.current.length - this.from
  }

  private begin(bytes: Uint8Array): void {
    this.current = bytes
    this.at = 0
    this.from = 0
  }

  /** Keeps what the present read has of a text, and goes on to the next one. False: there is none. */
  private advance(): boolean {
    if (this.state !== between && this.from < this.current.length) {
      this.pieces.push(this.current.subarray(this.from))
      this.pieceBytes += this.current.length - this.from
      if (++this.loosePieces >= maxLoosePieces) this.joinPieces()
      this.checkLength(this.pieceBytes)
    }
    const next = this.queue.shift()
    this.begin(next ?? none)
    return next !== undefined
  }

  /** The last pieces become one: each byte is copied once by this. */
  private joinPieces(): void {
    this.loosePieces = 0
    this.pieces.push(join(this.pieces.splice(-maxLoosePieces)))
  }

  private findText(): void {
    const { current } = this
    for (; this.at < current.length; this.at++) {
      const byte = current[this.at]!
      if (byte === 0x7b || byte === 0x5b) {
        this.from = this.at++
        this.open = [byte]
        this.state = byte === 0x7b ? keyOrEnd : valueOrEnd
        return
      }
      if (byte === 0x0a && this.noiseBytes > 0) {
        this.at++
        return this.endNoise()
      }
      if (!isSpace(byte) || this.noiseBytes > 0) this.addNoise(byte)
    }
  }

  /** Returns whether the text is complete; `at` is behind it, or at the first byte that cannot be part of it. */
  private readText(): boolean {
    const { current } = this
    while (this.at < current.length) {
      const byte = current[this.at]!
      if (this.state === stringValue || this.state === stringKey) {
        if (this.escaped) this.escaped = false
        else if (byte === 0x5c) this.escaped = true
        else if (byte === 0x22) this.state = this.state === stringKey ? colon : commaOrEnd
        if (byte < 0x20) return this.notText()
        this.at++
        continue
      }
      if (this.state === number) {
        if ((byte >= 0x30 && byte <= 0x39) || byte === 0x2e || byte === 0x2d || byte === 0x2b || (byte | 0x20) === 0x65) {
          this.at++
          continue
        }
        this.state = commaOrEnd
      } else if (this.state === word) {
        if (byte !== this.expected.charCodeAt(0)) return this.notText()
        this.expected = this.expected.slice(1)
        if (this.expected === '') this.state = commaOrEnd
        this.at++
        continue
      }
      if (isSpace(byte)) {
        this.at++
        continue
      }
      if (!this.step(byte)) return this.notText()
      this.at++
      if (this.open.length === 0) {
        this.checkLength(this.pieceBytes + this.at - this.from)
        return true
      }
    }
    return false
  }

  /** A byte of structure. False: it cannot be here. */
  private step(byte: number): boolean {
    const top = this.open[this.open.length - 1]!
    // ] and } are two above [ and {.
    const closes = byte === top + 2
    switch (this.state) {
      case commaOrEnd:
        if (closes) this.close()
        else if (byte === 0x2c) this.state = top === 0x7b ? key : value
        else return false
        return true
      case colon:
        this.state = value
        return byte === 0x3a
      case keyOrEnd:
      case key:
        if (closes && this.state === keyOrEnd) this.close()
        else this.state = stringKey
        return closes ? this.state !== stringKey : byte === 0x22
      default:
        if (closes && this.state === valueOrEnd) this.close()
        else return this.beginValue(byte)
        return true
    }
  }

  private beginValue(byte: number): boolean {
    const rest = words[byte]
    if (byte === 0x7b || byte === 0x5b) {
      this.open.push(byte)
      this.state = byte === 0x7b ? keyOrEnd : valueOrEnd
    } else if (byte === 0x22) this.state = stringValue
    else if (byte === 0x2d || (byte >= 0x30 && byte <= 0x39)) this.state = number
    else if (rest === undefined) return false
    else {
      this.state = word
      this.expected = rest.slice(1)
    }
    return true
  }

  private close(): void {
    this.open.pop()
    this.state = commaOrEnd
  }

  /** What looked like a text is none: it is noise up to here. */
  private notText(): false {
    for (const piece of this.pieces) this.addNoiseOf(piece)
    this.addNoiseOf(this.current.subarray(this.from, this.at))
    this.pieces = []
    this.pieceBytes = 0
    this.escaped = false
    this.state = between
    return false
  }

  private takeText(): Uint8Array {
    const last = this.current.subarray(this.from, this.at)
    const text = this.pieces.length === 0 ? last : join([...this.pieces, last])
    this.pieces = []
    this.pieceBytes = 0
    this.state = between
    return text
  }

  private addNoiseOf(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length && this.noiseStart.length < startBytes; at++) this.noiseStart.push(bytes[at]!)
    this.noiseBytes += bytes.length
    this.refuseNoise(this.at)
  }

  private addNoise(byte: number): void {
    if (this.noiseStart.length < startBytes) this.noiseStart.push(byte)
    this.noiseBytes++
    this.refuseNoise(this.at + 1)
  }

  /** `behind`: where what is not yet counted begins; a part of it makes the message clearer. */
  private refuseNoise(behind: number): void {
    if (this.settings.onNoise === 'skip' || this.noiseBytes === 0) return
    const line = lenient.decode(Uint8Array.from([...this.noiseStart, ...this.current.subarray(behind, behind + startBytes - this.noiseStart.length)]))
    this.fail(new ProtocolError('ERR_JSON_NOISE', `neither an object nor an array: ${JSON.stringify(line.slice(0, 32))}`))
  }

  private endNoise(): void {
    if (this.noiseBytes === 0) return
    this.noise = { bytes: this.noiseBytes, start: lenient.decode(Uint8Array.from(this.noiseStart)).replace(/[\s]+$/, '') }
    this.noiseBytes = 0
    this.noiseStart = []
  }

  private checkLength(actual: number): void {
    const allowed = this.settings.maxTextBytes
    if (actual > allowed) this.fail(new LimitError('ERR_JSON_TEXT_TOO_LONG', { limit: 'maxTextBytes', allowed, actual, unit: 'bytes' }))
  }

  private fail(error: Error): never {
    this.failure = error
    throw error
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

function join(pieces: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const piece of pieces) length += piece.length
  const joined = new Uint8Array(length)
  let at = 0
  for (const piece of pieces) {
    joined.set(piece, at)
    at += piece.length
  }
  return joined
}
