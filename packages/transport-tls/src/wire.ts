import { Duplex } from 'node:stream'
import type { CloseReason, Data, Protocol, Stream, StreamTransport, Transport } from '@async/core'
import { isAsyncError } from '@async/core'

/** What the wire reports. */
export interface WireOwner {
  /** Encrypted bytes have come, and TLS has them, or will read them. */
  wireMoved(): void
  /** The transport below has ended its side. */
  wireEnded(): void
  /** The transport below is over. */
  wireLost(reason: CloseReason): void
  /** Node has written close_notify. */
  closeNotifyWritten(): void
}

/**
 * The transport below, as Node's TLS wants to see it: a Duplex of encrypted bytes. Its end is never handed on: whether close_notify came
 * before is for the owner to find out. A write is complete when the transport below has sent all of it, which is what paces TLS.
 */
export class Wire extends Duplex implements Protocol<Stream> {
  private readonly below: Transport<Stream>
  private readonly owner: WireOwner
  private held = false
  /** Called when the pieces were written whole, or could not be. */
  private gone = false

  constructor(below: Transport<Stream>, owner: WireOwner) {
    super({ allowHalfOpen: true, autoDestroy: false, readableHighWaterMark: 64 * 1024, writableHighWaterMark: 256 * 1024 })
    this.below = below
    this.owner = owner
  }

  // ── Protocol ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  readonly dataReceived = (data: Uint8Array): void => {
    if (this.gone) return
    if (!this.push(data) && !this.held) {
      this.held = true
      this.below.pause('read')
    }
    this.owner.wireMoved()
  }

  eofReceived(): void {
    this.owner.wireEnded()
  }

  connectionLost(reason: CloseReason): void {
    this.owner.wireLost(reason)
  }

  // ── Duplex ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  override _read(): void {
    if (!this.held) return
    this.held = false
    this.below.resume('read')
  }

  override _write(data: Buffer, _: BufferEncoding, finished: (error?: Error | null) => void): void {
    this.pass([data], finished)
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], finished: (error?: Error | null) => void): void {
    this.pass(chunks.map(({ chunk }) => chunk), finished)
  }

  override _final(finished: (error?: Error | null) => void): void {
    this.owner.closeNotifyWritten()
    finished()
  }

  override _destroy(error: Error | null, finished: (error?: Error | null) => void): void {
    this.gone = true
    finished(error)
  }

  /** What can't be written is lost with the transport below, which tells the owner; TLS then waits for ever, and is destroyed. */
  private pass(pieces: readonly Data[], finished: () => void): void {
    if (this.gone) return
    try {
      this.below.writeSequence(pieces)
    } catch (error) {
      if (isAsyncError(error, 'ERR_WRITE_QUEUE_FULL')) void this.passSlowly(pieces, finished)
      return
    }
    if (this.below.queuedBytes === 0) finished()
    else this.below.drained(0).then(finished, ignore)
  }

  /** The queue below has less room than one batch: piece by piece. */
  private async passSlowly(pieces: readonly Data[], finished: () => void): Promise<void> {
    try {
      for (const piece of pieces) {
        await this.below.drained(0)
        this.below.write(piece)
      }
      await this.below.drained(0)
    } catch (error) {
      // Not even one record fits: nobody can speak TLS through that.
      if (isAsyncError(error, 'ERR_WRITE_QUEUE_FULL')) this.below.abort(error)
      return
    }
    finished()
  }
}

/** Whether `below` can say its end and go on reading. */
export function halfCloses(below: Transport<Stream>): below is StreamTransport {
  return below.info.halfCloses
}

function ignore(): void {}
