/**
 * Bytes that came and were not taken: the part of an unfinished unit that earlier reads brought (`carried`), the read at hand (`current`,
 * from `position` on), and reads that wait behind it. Carried bytes come first, and then `position` is 0.
 *
 * Every byte is copied at most twice, however small the reads: where a unit spans reads, its bytes are gathered as they come, and joined once, when it
 * is taken.
 */
import { forUnit } from './blocks.ts'
import { Carried, view } from './carried.ts'
import { indexOfNonAscii, isAscii, type Text, textTools, type TextTools } from './text.ts'

const none = new Uint8Array(0)
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
  private readonly carried = new Carried()
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

  /** Bytes of earlier reads, in front of `current`. */
  get carriedBytes(): number {
    return this.carried.length
  }

  /** All bytes held. */
  get length(): number {
    return this.carriedBytes + this.current.length - this.position + this.waitingBytes
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
    const { current, position } = this
    if (position < current.length) this.carried.add(view(current, position, current.length - position))
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
      const unit = new Uint8Array(this.buffer, this.offset + this.position, count)
      this.position += count
      return unit
    }
    const joined = forUnit(count)
    const carried = Math.min(count, this.carriedBytes)
    this.carried.remove(carried, joined)
    if (count > carried) {
      this.position = count - carried
      joined.set(view(this.current, 0, this.position), carried)
    }
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
    const carried = Math.min(count, this.carriedBytes)
    this.carried.remove(carried)
    this.position = count - carried
  }

  /** Puts `bytes`, the end of what was just taken, back. Nothing of the read at hand is left. */
  unread(bytes: Uint8Array): void {
    this.setCurrent(none)
    this.carried.add(bytes)
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
}
