/**
 * Bytes that came and were not taken: the part of an unfinished unit that earlier reads brought (`carried`), the read at hand (`current`,
 * from `position` on), and reads that wait behind it. Carried bytes come first, and then `position` is 0.
 *
 * Every byte is copied at most three times, however small the reads: pieces are joined once, when the unit is taken, and small ones are
 * gathered in blocks meanwhile, since a thousand one-byte pieces would weigh a hundred times what they hold.
 */
import { indexOfNonAscii, isAscii, type Text, textTools, type TextTools } from './text.ts'

const none = new Uint8Array(0)
/** Pieces shorter than this are copied into a block. */
const smallBytes = 1024
const maxBlockBytes = 16 * 1024
/** Units longer than this are found faster in the bytes than in a string made of them. */
const largeUnitBytes = 2048
/** In a read that is not all ASCII, units longer than this are decoded faster than they are searched for what is not. */
const longInMixedBytes = 200

/** What a splitter reads from. */
export class Input {
  /** The read at hand. */
  current: Uint8Array = none
  /** How far it was taken. */
  position = 0
  /** Bytes of earlier reads, in front of `current`. */
  carriedBytes = 0
  private pieces: Uint8Array[] = []
  private block: Uint8Array | undefined
  private blockBytes = 0
  private waiting: Uint8Array[] = []
  private waitingHead = 0
  private waitingBytes = 0
  private opened: Text | undefined
  /** The text of `current`, if it is a string. */
  private string: string | undefined
  /** Characters of `string` from `position` up to here are ASCII; -1: not looked at, yet. */
  private asciiUntil = -1
  private buffer: ArrayBufferLike = none.buffer
  private offset = 0
  private lastTakenBytes = 0
  private readonly asText: boolean
  private readonly tools: TextTools

  constructor(asText: boolean, tools: TextTools = textTools) {
    this.asText = asText
    this.tools = tools
  }

  /** All bytes held. */
  get length(): number {
    return this.carriedBytes + this.current.length - this.position + this.waitingBytes
  }

  /** Nothing is held, the last read included. */
  get isBlank(): boolean {
    return this.current === none && this.carriedBytes === 0 && this.waitingBytes === 0
  }

  /** Bytes that can be taken without another read. */
  get atHand(): number {
    return this.carriedBytes + this.current.length - this.position
  }

  /** Appends a read, which belongs to the input from now on. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    if (this.position === this.current.length && this.waitingBytes === 0) this.setCurrent(bytes)
    else {
      this.waiting.push(bytes)
      this.waitingBytes += bytes.length
    }
  }

  /** The read at hand, to be searched. */
  text(): Text {
    if (this.opened === undefined) {
      const { current, tools } = this
      this.opened = this.lastTakenBytes > largeUnitBytes && !this.asText ? tools.look(current) : tools.open(current)
      this.string = typeof this.opened === 'string' ? this.opened : undefined
    }
    return this.opened
  }

  /** Carries what is left of the read at hand, and goes on to the next one. False: there is none. */
  advance(): boolean {
    if (this.position < this.current.length) this.carry(rest(this.current, this.position))
    const next = this.waiting[this.waitingHead]
    if (next === undefined) {
      this.setCurrent(none)
      return false
    }
    this.waitingBytes -= next.length
    if (++this.waitingHead === this.waiting.length) {
      this.waiting = []
      this.waitingHead = 0
    }
    this.setCurrent(next)
    return true
  }

  /** Makes what was carried the read at hand again, for a search with another aim. */
  rewind(): void {
    if (this.carriedBytes > 0) this.setCurrent(this.takeAll())
  }

  /** The first `count` bytes, removed: a view of the read if they lie in it, else one copy. `count` is at most `atHand`. */
  take(count: number): Uint8Array {
    this.lastTakenBytes = count
    if (this.carriedBytes === 0) {
      const view = new Uint8Array(this.buffer, this.offset + this.position, count)
      this.position += count
      return view
    }
    const joined = new Uint8Array(count)
    let at = 0
    this.seal()
    for (const piece of [...this.pieces, this.current]) {
      const part = piece.subarray(0, count - at)
      joined.set(part, at)
      at += part.length
    }
    this.drop(count)
    return joined
  }

  /** The first byte of the read at hand, removed. There is one, and nothing is carried. */
  takeByte(): number {
    return this.current[this.position++]!
  }

  /** `take`, as text; `undefined` if it is not UTF-8. */
  takeText(count: number): string | undefined {
    const start = this.position
    if (this.carriedBytes === 0 && start + count <= this.asciiUntil) {
      this.position = start + count
      return this.string!.slice(start, this.position)
    }
    return this.takeTextSlowly(count)
  }

  /** Forgets the first `count` bytes, at most `atHand`. */
  drop(count: number): void {
    if (this.carriedBytes === 0) {
      this.position += count
      return
    }
    if (count >= this.carriedBytes) {
      this.position = count - this.carriedBytes
      this.carriedBytes = 0
      this.pieces = []
      this.block = undefined
      return
    }
    this.seal()
    this.carriedBytes -= count
    let dropped = 0
    while (this.pieces[dropped]!.length <= count) count -= this.pieces[dropped++]!.length
    this.pieces = this.pieces.slice(dropped)
    if (count > 0) this.pieces[0] = rest(this.pieces[0]!, count)
  }

  /** Puts `bytes`, the end of what was just taken, back. Nothing of the read at hand is left. */
  unread(bytes: Uint8Array): void {
    this.setCurrent(none)
    this.carry(bytes)
  }

  /** All bytes, removed. */
  takeAll(): Uint8Array {
    while (this.waitingBytes > 0) this.advance()
    return this.take(this.atHand)
  }

  private takeTextSlowly(count: number): string | undefined {
    const { tools } = this
    if (this.carriedBytes > 0) return tools.decode(this.take(count))
    // One string for many units of this read, unless there are only few.
    if (this.opened === undefined && count * 4 < this.current.length - this.position) this.text()
    const { string, position } = this
    if (string === undefined) return tools.decode(this.take(count))
    if (this.asciiUntil < 0) {
      this.asciiUntil = isAscii(string) ? string.length : 0
      return this.takeText(count)
    }
    if (count > longInMixedBytes) return tools.decode(this.take(count))
    if (this.asciiUntil <= position) this.asciiUntil = indexOfNonAscii(string, position)
    return position + count <= this.asciiUntil ? this.takeText(count) : tools.decode(this.take(count))
  }

  private setCurrent(bytes: Uint8Array): void {
    this.current = bytes
    this.buffer = bytes.buffer
    this.offset = bytes.byteOffset
    this.position = 0
    this.opened = undefined
    this.string = undefined
    this.asciiUntil = -1
  }

  private carry(piece: Uint8Array): void {
    const { block } = this
    if (piece.length < smallBytes) {
      if (block !== undefined && this.blockBytes + piece.length <= block.length) {
        block.set(piece, this.blockBytes)
        this.blockBytes += piece.length
      } else {
        this.seal()
        this.block = new Uint8Array(Math.min(maxBlockBytes, Math.max(64, 2 * piece.length, this.carriedBytes)))
        this.block.set(piece)
        this.blockBytes = piece.length
      }
    } else {
      this.seal()
      // The end of a long read must not keep all of it.
      this.pieces.push(piece.length * 4 < piece.buffer.byteLength ? piece.slice() : piece)
    }
    this.carriedBytes += piece.length
  }

  /** Puts the block among the pieces. */
  private seal(): void {
    const { block } = this
    if (block === undefined) return
    this.pieces.push(block.slice(0, this.blockBytes))
    this.block = undefined
  }
}

/** `bytes` from `from` on. Not `subarray`: on a Buffer that makes a Buffer, at a quarter more. */
function rest(bytes: Uint8Array, from: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + from, bytes.length - from)
}
