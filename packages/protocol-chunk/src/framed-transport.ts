/**
 * A splitter and an encoder, tied to the transport below: what every layer here is. Reads go into the splitter; units are pulled out of
 * it one by one while the protocol above takes them, so that a pause or a close between two units of one read is obeyed at once.
 */
import type { Cause, CloseReason, Data, Messages, Stream, Transport } from '@async/core'
import { ConnectionError, isAsyncError, limits } from '@async/core'
import { byteLength, LayerTransport } from '@async/core/base'
import type { Encoder } from './encoder.ts'
import type { Overlong, Splitter } from './splitter.ts'

/** A transport of the units that a splitter makes. */
export class FramedTransport<D extends Data = Data> extends LayerTransport<Stream, Messages<D>> implements Transport<Messages<D>> {
  readonly carries = 'message' as const
  protected readonly splitter: Splitter<D>
  private readonly encoder: Encoder
  private readonly onOverlong: ((overlong: Overlong) => void) | undefined

  constructor(below: Transport<Stream>, splitter: Splitter<D>, encoder: Encoder, onOverlong?: (overlong: Overlong) => void) {
    super(below)
    this.splitter = splitter
    this.encoder = encoder
    this.onOverlong = onOverlong
  }

  /** Bytes that came and were not delivered, yet. */
  get heldBytes(): number {
    return this.splitter.heldBytes
  }

  /** Removes and returns the bytes that came and were not delivered, for `below.start(next, leftover)`. (Y5) */
  takeLeftover(): Uint8Array {
    return this.splitter.takeLeftover()
  }

  override eofReceived(): void {
    this.splitterEnds()
    super.eofReceived()
  }

  override connectionLost(reason: CloseReason): void {
    if (reason.kind === 'closed' && reason.by === 'peer') {
      try {
        this.splitterEnds()
      } catch (error) {
        // What is below is over: nobody there would tell us.
        this.protocolThrew(error)
      }
    }
    super.connectionLost(reason)
  }

  protected decode(data: Uint8Array): void {
    this.splitter.receiveData(data)
  }

  protected deliverHeld(): boolean {
    const { protocol, splitter } = this
    // Bounded per turn only where it was held: a read is bounded by what is below.
    let budget = this.readHalf === 'resuming' ? limits.deliveryBudgetBytes : Infinity
    while (this.canDeliver(protocol)) {
      if (budget <= 0) return false
      let unit: D | undefined
      try {
        unit = splitter.next()
      } catch (error) {
        const isLimit = isAsyncError(error, 'ERR_CHUNK_TOO_LONG') || isAsyncError(error, 'ERR_HEADER_TOO_LARGE')
        this.finish({ kind: isLimit ? 'limit' : 'protocol', error: error as Error })
        continue
      }
      if (unit !== undefined) {
        budget -= unit.length + 1
        protocol!.dataReceived(unit)
        continue
      }
      const overlong = splitter.takeOverlong()
      if (overlong === undefined) break
      budget -= overlong.bytes
      this.onOverlong?.(overlong)
    }
    return true
  }

  protected accept(data: Data): void {
    this.encoder.write(this.below, data)
  }

  protected acceptSequence(list: readonly Data[]): void {
    const pieces: Data[] = []
    for (const data of list) this.encoder.append(pieces, data)
    this.below.writeSequence(pieces)
  }

  /** A message transport has no leftover: `start` refuses it. */
  protected unshift(): void {}

  /** While flowing, what is held is a part of a unit, which nothing waits for. */
  protected hasHeld(): boolean {
    return this.readHalf !== 'flowing' && this.splitter.heldBytes > 0
  }

  protected dropHeld(): number {
    return byteLength(this.splitter.takeLeftover())
  }

  protected undecodedBytes(): number {
    return this.splitter.truncatedBytes
  }

  protected override reasonAbove(reason: CloseReason): Cause {
    return reason.kind === 'closed' ? { kind: 'closed', by: reason.by } : super.reasonAbove(reason)
  }

  /** Where the transport below knows no end of one side alone, whether its end cut a unit is known when what is held was delivered. */
  protected override finish(cause: Cause): void {
    const bytes = cause.kind === 'closed' && cause.by === 'peer' && this.endedBy !== 'local' ? this.undecodedBytes() : 0
    if (bytes === 0) super.finish(cause)
    else super.finish({ kind: 'truncated', error: new ConnectionError('ERR_TRUNCATED', `the end came ${bytes} bytes into a chunk`) })
  }

  private splitterEnds(): void {
    if (this.readHalf === 'discarding' || this.readHalf === 'ended') return
    this.splitter.receiveEof()
    this.deliverHeld()
  }
}
