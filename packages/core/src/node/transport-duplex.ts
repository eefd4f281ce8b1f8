import { Duplex } from 'node:stream'
import type { Protocol } from '../protocol.ts'
import type { CloseReason } from '../reason.ts'
import { lossError } from '../base/queued-transport.ts'
import { isAsyncError } from '../errors.ts'
import type { StreamTransport, Stream, Transport } from '../transport.ts'

/** Options of `toDuplex`. */
export interface TransportDuplexOptions {
  /** Bytes that the stream holds unread before the transport is paused. Default 65,536. */
  readonly readableHighWaterMark?: number
  /** Bytes written and not sent above which `write` gives false. Default 65,536. */
  readonly writableHighWaterMark?: number
}

/**
 * `transport` as a Duplex of Node, for libraries that take one: it is started with a protocol of ours, and belongs to the stream.
 * `end()` half-closes, or closes where there is no half-close; `destroy()` aborts. A write's callback comes when its bytes are sent, and may be
 * changed. A loss destroys the stream with the reason's error, once what came before it was read; 'close' comes when the transport is closed.
 * @throws UsageError `ERR_CLOSED` when the transport is closing or closed.
 */
export function toDuplex(transport: Transport<Stream>, options: TransportDuplexOptions = {}): Duplex {
  return new TransportDuplex(transport, options)
}

/** Bytes of a piece that a transport is given where it takes no more at once. */
const pieceBytes = 64 * 1024

class TransportDuplex extends Duplex implements Protocol<Stream> {
  private readonly transport: Transport<Stream>
  private paused = false
  private lost: CloseReason | undefined

  constructor(transport: Transport<Stream>, { readableHighWaterMark = 64 * 1024, writableHighWaterMark = 64 * 1024 }: TransportDuplexOptions) {
    super({ readableHighWaterMark, writableHighWaterMark, allowHalfOpen: transport.info.halfCloses })
    this.transport = transport
    transport.start(this)
  }

  // ── Protocol ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  readonly dataReceived = (data: Uint8Array): void => {
    if (this.destroyed || this.push(data) || this.paused) return
    this.paused = true
    this.transport.pause('read')
  }

  eofReceived(): void {
    this.push(null)
  }

  connectionLost(reason: CloseReason): void {
    this.lost = reason
    if (this.destroyed) return
    if ('error' in reason) return this.destroyBehindData(reason.error)
    // In order, or another protocol has taken over: nothing more comes, and nothing more can be sent. Where there is no half-close Node
    // ends our side by itself.
    this.push(null)
    if (this.allowHalfOpen && !this.writableEnded) this.destroyBehindData(undefined)
  }

  // ── Duplex ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  override _read(): void {
    if (!this.paused) return
    this.paused = false
    if (this.lost === undefined) this.transport.resume('read')
  }

  override _write(data: Buffer, _: BufferEncoding, finished: (error?: Error | null) => void): void {
    this.pass([data], finished)
  }

  override _writev(chunks: readonly { readonly chunk: Buffer }[], finished: (error?: Error | null) => void): void {
    this.pass(chunks.map(({ chunk }) => chunk), finished)
  }

  override _final(finished: (error?: Error | null) => void): void {
    if (this.lost !== undefined) return finished()
    if (this.transport.info.halfCloses) (this.transport as StreamTransport).halfClose()
    else this.transport.close()
    this.transport.drained(0).then(() => finished(), () => finished())
  }

  override _destroy(error: Error | null, finished: (error?: Error | null) => void): void {
    if (this.lost !== undefined) return finished(error)
    // Node's own call, behind both ends.
    if (this.readableEnded && this.writableFinished) this.transport.close()
    else this.transport.abort(error ?? undefined)
    this.whenLost(() => finished(error))
  }

  private pass(chunks: readonly Buffer[], finished: (error?: Error | null) => void): void {
    try {
      this.transport.writeSequence(chunks)
    } catch (error) {
      return isAsyncError(error, 'ERR_WRITE_QUEUE_FULL') ? void this.passSlowly(chunks, finished) : this.writeFailed(error as Error, finished)
    }
    this.transport.drained(0).then(() => finished(), (error: Error) => this.writeFailed(error, finished))
  }

  /** Node gives all that it has gathered at once, which may be more than the transport queues. */
  private async passSlowly(chunks: readonly Buffer[], finished: (error?: Error | null) => void): Promise<void> {
    try {
      for (const chunk of chunks) {
        for (let at = 0; at < chunk.length; at += pieceBytes) {
          this.transport.write(chunk.subarray(at, at + pieceBytes))
          await this.transport.drained(0)
        }
      }
    } catch (error) {
      return isAsyncError(error, 'ERR_WRITE_QUEUE_FULL') ? finished(error) : this.writeFailed(error as Error, finished)
    }
    finished()
  }

  /** Node would throw away what came before the loss. The loss itself comes by `connectionLost`, behind the data. */
  private writeFailed(error: Error, finished: (error?: Error | null) => void): void {
    if (this.lost !== undefined && !('error' in this.lost)) return finished(lossError(this.lost))
    this.whenLost((reason) => {
      if (this.destroyed) finished('error' in reason ? reason.error : error)
    })
  }

  private whenLost(tell: (reason: CloseReason) => void): void {
    void this.transport.closed.then(tell)
  }

  /** Node throws away what was not read, so a loss waits for it. */
  private destroyBehindData(error: Error | undefined): void {
    if (this.readableLength === 0) return void this.destroy(error)
    const read = this.read.bind(this)
    this.read = (size?: number) => {
      const data: unknown = read(size)
      if (this.readableLength === 0) process.nextTick(() => this.destroy(error))
      return data
    }
  }
}
