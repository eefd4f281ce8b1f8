import type { Data } from '@async/core'
import { byteLength, toBytes } from '@async/core/base'

/** Bytes that are made one HTTP chunk of at most, and that are handed down between two looks at how full it is below. */
export const portionBytes: number = 64 * 1024
/** And in so many pieces. */
export const portionPieces: number = 1024

/** A batch of a body that is handed to the transport below a portion at a time, as that takes it. Small pieces share a portion, and so an HTTP chunk. */
export class Handing {
  readonly bytes: number
  /** Bytes that were handed over and are not reported as sent: they still count as the exchange's. */
  handedBytes = 0
  /** Whether the transport below was full before all of it was handed over. */
  hasWaited = false
  private readonly batch: readonly Data[]
  private at = 0
  /** What is left of a piece that is larger than a portion. */
  private rest: Uint8Array | undefined
  /** The portions that these bytes were handed over in, where they are several; else it was one, of `firstBytes`. */
  private portions: number[] | undefined
  private firstBytes = 0

  constructor(batch: readonly Data[], bytes: number) {
    this.batch = batch
    this.bytes = bytes
  }

  /** Whether all of it is handed over. */
  get isDone(): boolean {
    return this.rest === undefined && this.at === this.batch.length
  }

  /** What is handed over next. */
  next(): readonly Data[] {
    const { batch } = this
    // The rule: all of it.
    if (this.at === 0 && this.rest === undefined && this.bytes <= portionBytes && batch.length <= portionPieces) {
      this.at = batch.length
      this.count(this.bytes)
      return batch
    }
    const pieces: Data[] = []
    let bytes = 0
    while (bytes < portionBytes && pieces.length < portionPieces) {
      const piece: Data | undefined = this.rest ?? batch[this.at]
      if (piece === undefined) break
      const length = byteLength(piece)
      if (bytes + length <= portionBytes) {
        pieces.push(piece)
        bytes += length
        this.rest = undefined
        this.at++
        continue
      }
      if (bytes > 0) break
      const whole = toBytes(piece)
      pieces.push(whole.subarray(0, portionBytes))
      bytes = portionBytes
      this.rest = whole.subarray(portionBytes)
    }
    this.count(bytes)
    return pieces
  }

  /** How many of these bytes are among the `wireBytes` that are queued below: without the framing around them, which is known. */
  bytesAmong(wireBytes: number, isChunked: boolean): number {
    const portions = this.portions ?? [this.firstBytes]
    let left = wireBytes
    let bytes = 0
    for (let i = portions.length - 1; i >= 0 && left > (isChunked ? 2 : 0); i--) {
      const portion = portions[i]!
      if (isChunked) left -= 2
      bytes += Math.min(portion, left)
      left -= portion + (isChunked ? portion.toString(16).length + 2 : 0)
    }
    return Math.min(bytes, this.handedBytes)
  }

  private count(bytes: number): void {
    if (this.handedBytes === 0 && this.portions === undefined) this.firstBytes = bytes
    else (this.portions ??= [this.firstBytes]).push(bytes)
    this.handedBytes += bytes
  }
}
