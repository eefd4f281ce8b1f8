import { giveBack, lend, maxBlockBytes } from './blocks.ts'

/** Reads of this size and more are kept as they are, unless they are views of much larger memory: to copy them would cost more than to join them. */
const largeBytes = 16 * 1024
const leastBlockBytes = 64

interface Piece {
  readonly bytes: Uint8Array
  /** What of it is carried. */
  start: number
  end: number
  readonly isLent: boolean
}

/**
 * What earlier reads brought of an unfinished unit: copied into blocks that grow as it grows, or kept as it came where that is long. A block is left
 * unfilled only by a read that is longer than what is free in it, so all of it together weighs at most three times what it holds.
 */
export class Carried {
  /** Bytes carried. */
  length = 0
  private readonly pieces: Piece[] = []

  /** Appends `read`, which belongs to this from now on. */
  add(read: Uint8Array): void {
    const bytes = read.length
    const last = this.pieces.at(-1)
    if (last !== undefined && last.isLent && bytes <= last.bytes.length - last.end) {
      last.bytes.set(read, last.end)
      last.end += bytes
    } else if (bytes >= largeBytes && bytes * 2 >= read.buffer.byteLength) this.push(read, bytes, false)
    // Not `slice`, which on a Buffer copies nothing.
    else if (bytes > maxBlockBytes) this.push(new Uint8Array(read), bytes, false)
    else {
      const block = lend(Math.max(leastBlockBytes, 2 * bytes, this.length))
      block.set(read)
      this.push(block, bytes, true)
    }
    this.length += bytes
  }

  /** Removes the first `count` bytes, at most `length`; copies them to the beginning of `to`, if there is one. */
  remove(count: number, to?: Uint8Array): void {
    const { pieces } = this
    this.length -= count
    let done = 0
    for (let at = 0; at < count; ) {
      const piece = pieces[done]!
      const bytes = Math.min(count - at, piece.end - piece.start)
      to?.set(view(piece.bytes, piece.start, bytes), at)
      at += bytes
      piece.start += bytes
      if (piece.start < piece.end) break
      if (piece.isLent) giveBack(piece.bytes)
      done++
    }
    if (done > 0) pieces.splice(0, done)
  }

  private push(bytes: Uint8Array, end: number, isLent: boolean): void {
    this.pieces.push({ bytes, start: 0, end, isLent })
  }
}

/** `length` of `bytes` from `start` on. Not `subarray`: on a Buffer that makes a Buffer, at a quarter more. */
export function view(bytes: Uint8Array, start: number, length: number): Uint8Array {
  return start === 0 && length === bytes.length ? bytes : new Uint8Array(bytes.buffer, bytes.byteOffset + start, length)
}
