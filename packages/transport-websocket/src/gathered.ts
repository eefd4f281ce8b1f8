/** Pieces shorter than this are gathered. */
const shortBytes = 1024
/** Into memory of this size. */
const gatherBytes = 4096

/**
 * Short pieces of a payload, copied together: a parser keeps an object for each piece, which would cost many times its bytes, so that it had to
 * refuse a message for how it was cut.
 */
export class Gathered {
  private memory: Buffer | undefined
  private used = 0

  /** Takes a piece in, if it is short, and leaves some of the `missing` bytes to come; then `full` may be given what was gathered before. */
  takes(piece: Uint8Array, missing: number, full: (bytes: Buffer) => void): boolean {
    const { used } = this
    if (piece.length >= shortBytes || used + piece.length >= missing) return false
    if (this.memory === undefined || used + piece.length > this.memory.length) {
      const before = this.take()
      if (before !== undefined) full(before)
      this.memory = Buffer.allocUnsafeSlow(Math.min(gatherBytes, missing - used))
    }
    this.memory.set(piece, this.used)
    this.used += piece.length
    return true
  }

  /** What was gathered, if anything. */
  take(): Buffer | undefined {
    const { memory, used } = this
    this.memory = undefined
    this.used = 0
    return memory?.subarray(0, used)
  }
}
