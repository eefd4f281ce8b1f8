import type { Data } from '@async/core'
import { notUtf8 } from './errors.ts'
import { Input } from './input.ts'
import { textTools, type TextTools } from './text.ts'

const none = new Uint8Array(0)

/** What units are: bytes, or text, which has to be UTF-8. */
export type Mode = 'bytes' | 'text'

/** The type of a unit in a mode. */
export type UnitOf<M extends Mode> = M extends 'text' ? string : Uint8Array

/** A chunk that was over the limit, reported once, when its end has come. */
export interface Overlong {
  /** Bytes of the chunk as it came, delimiter not counted. */
  readonly bytes: number
  /** Bytes of it that are delivered, as the next unit; 0 if it was discarded. */
  readonly deliveredBytes: number
}

/**
 * A sans-IO machine that turns a stream into units: bytes in, units out, no transport, no timer. One that threw is dead: every later call
 * throws the same error. Pull with `next`, and stop when you like: nothing is decoded ahead.
 */
export interface Splitter<D extends Data = Data> {
  /** Takes a read, which belongs to the splitter from now on: units are views of it where they can be. */
  receiveData(bytes: Uint8Array): void
  /** No more will come: what the end decides (a `\r` that may have become `\r\n`) follows from `next`. */
  receiveEof(): void
  /**
   * The next unit, or `undefined`: more bytes are needed, or `takeOverlong` has something to say before it goes on.
   * @throws LimitError `ERR_CHUNK_TOO_LONG`; ProtocolError `ERR_CHUNK_NOT_UTF8` and what the framing has of its own.
   */
  next(): D | undefined
  /** An overlong chunk, once. Until it is taken, `next` returns `undefined`. Only with a policy other than `'abort'`. */
  takeOverlong(): Overlong | undefined
  /** Bytes held: not yet returned as part of a unit. */
  readonly heldBytes: number
  /** Whether it is as it was made: between two units, with nothing held, and no end in sight. Then another connection can read with it. */
  readonly isBlank: boolean
  /** After `receiveEof`, and `next` has nothing more: bytes of the unit that the end cut off, 0 if it came between two. */
  readonly truncatedBytes: number
  /** Removes and returns what is held, for whoever reads on. The splitter begins anew. */
  takeLeftover(): Uint8Array
}

/** What splitters have in common. */
export abstract class SplitterBase<D extends Data> implements Splitter<D> {
  protected readonly input: Input
  protected readonly asText: boolean
  protected readonly tools: TextTools
  protected hasEof = false
  private failure: Error | undefined

  constructor(mode: Mode, tools: TextTools = textTools) {
    this.asText = mode === 'text'
    this.tools = tools
    this.input = new Input(this.asText, tools)
  }

  /** The next unit, of what is there. */
  protected abstract decodeNext(): D | undefined
  /** Whether anything is known of the next unit, or its end is looked for in another way than at first. */
  protected abstract hasBegun(): boolean
  /** Forget what was decoded of an unfinished unit. */
  protected abstract reset(): void
  /** What was taken from the input of an unfinished unit: its header. */
  protected begun(): Uint8Array {
    return none
  }

  get heldBytes(): number {
    return this.begun().length + this.input.length
  }

  get isBlank(): boolean {
    return this.input.isBlank && !this.hasEof && this.failure === undefined && !this.hasBegun()
  }

  get truncatedBytes(): number {
    return this.heldBytes
  }

  receiveData(bytes: Uint8Array): void {
    if (this.failure !== undefined) throw this.failure
    this.input.push(bytes)
  }

  receiveEof(): void {
    if (this.failure !== undefined) throw this.failure
    this.hasEof = true
  }

  next(): D | undefined {
    if (this.failure !== undefined) throw this.failure
    return this.decodeNext()
  }

  takeOverlong(): Overlong | undefined {
    return undefined
  }

  takeLeftover(): Uint8Array {
    const begun = this.begun()
    const rest = this.input.takeAll()
    this.reset()
    if (begun.length === 0) return rest
    const leftover = new Uint8Array(begun.length + rest.length)
    leftover.set(begun)
    leftover.set(rest, begun.length)
    return leftover
  }

  /** The next `bytes` as a unit. They are at hand. */
  protected cut(bytes: number): D {
    if (!this.asText) return this.input.take(bytes) as D
    return (this.input.takeText(bytes) ?? this.fail(notUtf8(bytes))) as D
  }

  /** Ends the machine. */
  protected fail(error: Error): never {
    this.failure = error
    throw error
  }
}
