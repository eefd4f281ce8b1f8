import { LayerTransport } from './base/layer-transport.ts'
import { ByteQueue } from './base/byte-queue.ts'
import { UsageError, LimitError } from './errors.ts'
import * as limits from './limits.ts'
import type { Data, HalfClosable, Layer, Messages, Stream, StreamTransport, Transport } from './transport.ts'

/**
 * Makes any half-closable stream a transport of one message each way: what is written ends our side, what comes until the peer's end is
 * one delivery. An HTTP exchange becomes a request or an answer. A stream cannot tell an empty message from none: both are an end
 * without a delivery. A second write throws `ERR_HALF_CLOSED`; `halfClose()` without a write says that there is no message. (Y6)
 *
 * @param options `maxBytes`: a longer message ends the connection with kind `limit`, `ERR_MESSAGE_TOO_LONG`. Default 1 MiB.
 */
export function whole(options: { readonly maxBytes?: number } = {}): Layer<StreamTransport, Transport<Messages<Uint8Array>> & HalfClosable> {
  const maxBytes = options.maxBytes ?? limits.maxMessageBytes
  if (!(maxBytes > 0)) throw new UsageError('ERR_INVALID_ARGUMENT', `maxBytes is ${maxBytes}; it takes a number above 0`)
  return (below) => new WholeTransport(below, maxBytes)
}

class WholeTransport extends LayerTransport<Stream, Messages<Uint8Array>> {
  readonly carries = 'message'
  private readonly maxBytes: number
  private readonly pieces = new ByteQueue()
  private complete = false

  constructor(below: StreamTransport, maxBytes: number) {
    super(below)
    this.maxBytes = maxBytes
  }

  override eofReceived(): void {
    this.complete = true
    super.eofReceived()
  }

  protected accept(data: Data): void {
    this.below.write(data)
    this.halfClose()
  }

  protected acceptSequence(list: readonly Data[]): void {
    if (list.length > 1) throw new UsageError('ERR_HALF_CLOSED', 'this transport carries one message each way')
    if (list.length === 1) this.accept(list[0]!)
  }

  protected decode(data: Uint8Array): void {
    if (this.pieces.length + data.length > this.maxBytes) {
      const actual = this.pieces.length + data.length
      this.unreadBytes += data.length
      this.finish({ kind: 'limit', error: new LimitError('ERR_MESSAGE_TOO_LONG', { limit: 'maxBytes', allowed: this.maxBytes, actual, unit: 'bytes' }) })
    } else this.pieces.append(data)
  }

  protected deliverHeld(): boolean {
    if (this.complete && this.pieces.length > 0 && this.canDeliver(this.protocol)) this.protocol!.dataReceived(this.pieces.takeAll())
    return true
  }

  /** The end brings the message; a pause in its delivery holds the end back. */
  protected override deliverEof(): void {
    if (this.pieces.length === 0) return super.deliverEof()
    this.pendingEof = true
    this.readHalf = 'resuming'
    this.pump()
  }

  protected unshift(): void {}

  protected hasHeld(): boolean {
    return this.complete && this.pieces.length > 0
  }

  protected dropHeld(): number {
    return this.pieces.skip(this.pieces.length)
  }

  protected undecodedBytes(): number {
    return this.complete ? 0 : this.pieces.length
  }
}
