/**
 * Bytes that came and were not taken: appended without a copy, joined at most once per take. What a decoder holds between two reads.
 * Every operation is linear in the bytes that it returns; none rescans.
 */
export class ByteQueue {
  private pieces: Uint8Array[] = []
  private head = 0
  private offset = 0
  private total = 0

  /** Bytes in the queue. */
  get length(): number {
    return this.total
  }

  /** Appends `bytes`, which belong to the queue from now on. */
  append(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.pieces.push(bytes)
    this.total += bytes.length
  }

  /** Puts `bytes` in front of everything. */
  prepend(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    const first = this.pieces[this.head]
    const rest = this.pieces.slice(this.head)
    if (first !== undefined && this.offset > 0) rest[0] = first.subarray(this.offset)
    this.pieces = [bytes, ...rest]
    this.head = 0
    this.offset = 0
    this.total += bytes.length
  }

  /** The first `count` bytes, removed: a view where they lie in one piece, else one copy. `undefined` if there are fewer. */
  take(count: number): Uint8Array | undefined {
    if (count > this.total) return undefined
    const first = this.pieces[this.head]
    if (first !== undefined && first.length - this.offset >= count) {
      const view = new Uint8Array(first.buffer, first.byteOffset + this.offset, count)
      this.skip(count)
      return view
    }
    const joined = new Uint8Array(count)
    let at = 0
    for (let i = this.head, from = this.offset; at < count; i++, from = 0) {
      const piece = this.pieces[i]!
      const part = piece.subarray(from, Math.min(piece.length, from + count - at))
      joined.set(part, at)
      at += part.length
    }
    this.skip(count)
    return joined
  }

  /** Everything, removed. */
  takeAll(): Uint8Array {
    return this.take(this.total)!
  }

  /** The byte at `index`, or `undefined`. Constant in the first piece, else linear in the number of pieces. */
  at(index: number): number | undefined {
    if (index >= this.total) return undefined
    for (let i = this.head, from = this.offset; i < this.pieces.length; i++, from = 0) {
      const piece = this.pieces[i]!
      if (index < piece.length - from) return piece[from + index]
      index -= piece.length - from
    }
    return undefined
  }

  /** Index of `byte` at or after `from`, or -1. Remember the length that you searched: `from` saves the rescan. */
  indexOf(byte: number, from = 0): number {
    let base = -this.offset
    for (let i = this.head; i < this.pieces.length; i++) {
      const piece = this.pieces[i]!
      if (base + piece.length > from) {
        const found = piece.indexOf(byte, Math.max(from - base, i === this.head ? this.offset : 0))
        if (found >= 0) return base + found
      }
      base += piece.length
    }
    return -1
  }

  /** Forgets the first `count` bytes, or all if there are fewer; says how many. */
  skip(count: number): number {
    let left = Math.min(count, this.total)
    const skipped = left
    this.total -= left
    while (left > 0) {
      const size = this.pieces[this.head]!.length - this.offset
      if (left < size) {
        this.offset += left
        break
      }
      left -= size
      this.offset = 0
      this.head++
    }
    // Shifting an array is linear: drop what was taken when it is half of it, so that it costs constant time per piece.
    if (this.head > 16 && this.head * 2 > this.pieces.length) {
      this.pieces = this.pieces.slice(this.head)
      this.head = 0
    } else if (this.total === 0) {
      this.pieces = []
      this.head = 0
    }
    return skipped
  }
}
