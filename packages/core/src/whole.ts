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

const none = new Uint8Array(0)

class WholeTransport extends LayerTransport<Stream, Messages<Uint8Array>> {
  readonly carries = 'message'
  private readonly maxBytes: number
  /** What came, which as a rule is one piece, and needs no queue. */
  private only: Uint8Array | undefined
  private pieces: ByteQueue | undefined
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
    const actual = this.heldBytes() + data.length
    if (actual > this.maxBytes) {
      this.unreadBytes += data.length
      this.finish({ kind: 'limit', error: new LimitError('ERR_MESSAGE_TOO_LONG', { limit: 'maxBytes', allowed: this.maxBytes, actual, unit: 'bytes' }) })
    } else if (this.only === undefined && this.pieces === undefined) this.only = data
    else {
      const pieces = (this.pieces ??= new ByteQueue())
      if (this.only !== undefined) pieces.append(this.only)
      this.only = undefined
      pieces.append(data)
    }
  }

  protected deliverHeld(): boolean {
    if (this.hasHeld() && this.canDeliver(this.protocol)) this.protocol!.dataReceived(this.takeHeld())
    return true
  }

  /** The end brings the message; a pause in its delivery holds the end back. */
  protected override deliverEof(): void {
    if (this.heldBytes() === 0) return super.deliverEof()
    this.pendingEof = true
    this.readHalf = 'resuming'
    this.pump()
  }

  protected unshift(): void {}

  protected hasHeld(): boolean {
    return this.complete && this.heldBytes() > 0
  }

  protected dropHeld(): number {
    const bytes = this.heldBytes()
    this.only = this.pieces = undefined
    return bytes
  }

  protected undecodedBytes(): number {
    return this.complete ? 0 : this.heldBytes()
  }

  private heldBytes(): number {
    return this.only?.length ?? this.pieces?.length ?? 0
  }

  private takeHeld(): Uint8Array {
    const held = this.only ?? this.pieces?.takeAll() ?? none
    this.only = this.pieces = undefined
    return held
  }
}
