import type { Data } from '@async/core'

/** Bytes given to TLS at a time. Each such piece is encrypted, written and known to be sent before the next: less costs time, more memory. */
const maxPieceBytes = 64 * 1024

/** What is left of a batch that is on its way into TLS, in pieces: small data joined, large ones cut. */
export class Pieces {
  private readonly pieceBytes: number
  private batch: Data[] = []
  private at = 0

  constructor(maxQueuedBytes: number) {
    // A piece in flight counts in the queue, whatever of it has left.
    this.pieceBytes = Math.max(1, Math.min(maxPieceBytes, maxQueuedBytes >> 3))
  }

  get isEmpty(): boolean {
    return this.at === this.batch.length
  }

  /** A batch, when the one before is over. It is changed. */
  begin(batch: Data[]): void {
    this.batch = batch
    this.at = 0
  }

  /** The next piece, of one that is not empty. */
  next(): Buffer {
    const { batch, pieceBytes } = this
    const first = toBuffer(batch[this.at++]!)
    if (first.length > pieceBytes) {
      batch[--this.at] = first.subarray(pieceBytes)
      return first.subarray(0, pieceBytes)
    }
    const joined = [first]
    let bytes = first.length
    for (; this.at < batch.length && bytes < pieceBytes; this.at++) {
      const next = toBuffer(batch[this.at]!)
      if (bytes + next.length > pieceBytes) break
      joined.push(next)
      bytes += next.length
    }
    // What has left is held by nobody.
    if (this.isEmpty) this.begin([])
    return joined.length === 1 ? first : Buffer.concat(joined, bytes)
  }
}

function toBuffer(data: Data): Buffer {
  return typeof data === 'string' ? Buffer.from(data) : Buffer.from(data.buffer, data.byteOffset, data.length)
}
