/**
 * A splitter and an encoder, tied to the transport below: what every layer here is. Reads go into the splitter; units are pulled out of
 * it one by one while the protocol above takes them, so that a pause or a close between two units of one read is obeyed at once.
 */
import type { Cause, CloseReason, Data, Messages, Stream, Transport } from '@async/core'
import { ConnectionError, isAsyncError, limits } from '@async/core'
import { byteLength, LayerTransport } from '@async/core/base'
import type { Encoder } from './encoder.ts'
import type { Overlong, Splitter } from './splitter.ts'

const none = new Uint8Array(0)

/** What the transports of one layer share: a connection has a reference to it, and nothing else while it is idle. */
export class Framing<D extends Data = Data> {
  readonly encoder: Encoder
  readonly onOverlong: ((overlong: Overlong) => void) | undefined
  private readonly makeSplitter: () => Splitter<D>
  private spare: Splitter<D> | undefined

  constructor(makeSplitter: () => Splitter<D>, encoder: Encoder, onOverlong?: (overlong: Overlong) => void) {
    this.makeSplitter = makeSplitter
    this.encoder = encoder
    this.onOverlong = onOverlong
  }

  /** A splitter that nothing came into. */
  take(): Splitter<D> {
    const { spare } = this
    this.spare = undefined
    return spare ?? this.makeSplitter()
  }

  /** Of a splitter that is blank again. */
  giveBack(splitter: Splitter<D>): void {
    this.spare = splitter
  }
}

/**
 * A transport of the units that a splitter makes. It has one only while a unit is unfinished: between two units a splitter is as good as new, weighs
 * more than the rest of the connection, and serves the next one that reads.
 */
export class FramedTransport<D extends Data = Data> extends LayerTransport<Stream, Messages<D>> implements Transport<Messages<D>> {
  readonly carries = 'message' as const
  private readonly framing: Framing<D>
  private present: Splitter<D> | undefined

  constructor(below: Transport<Stream>, framing: Framing<D>) {
    super(below)
    this.framing = framing
  }

  /** The splitter, to be fed or changed. */
  protected get splitter(): Splitter<D> {
    return (this.present ??= this.framing.take())
  }

  /** Bytes that came and were not delivered, yet. */
  get heldBytes(): number {
    return this.present?.heldBytes ?? 0
  }

  /** Removes and returns the bytes that came and were not delivered, for `below.start(next, leftover)`. (Y5) */
  takeLeftover(): Uint8Array {
    return this.present?.takeLeftover() ?? none
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
    const { protocol } = this
    // Bounded per turn only where it was held: a read is bounded by what is below.
    let budget = this.readHalf === 'resuming' ? limits.deliveryBudgetBytes : Infinity
    while (this.canDeliver(protocol)) {
      if (budget <= 0) return false
      // Asked for anew: what is below may have fed us from within a callback.
      const splitter = this.present
      if (splitter === undefined) break
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
      if (overlong === undefined) {
        if (splitter.isBlank) {
          this.present = undefined
          this.framing.giveBack(splitter)
        }
        break
      }
      budget -= overlong.bytes
      this.framing.onOverlong?.(overlong)
    }
    return true
  }

  protected accept(data: Data): void {
    this.framing.encoder.write(this.below, data)
  }

  protected acceptSequence(list: readonly Data[]): void {
    const pieces: Data[] = []
    for (const data of list) this.framing.encoder.append(pieces, data)
    this.below.writeSequence(pieces)
  }

  /** A message transport has no leftover: `start` refuses it. */
  protected unshift(): void {}

  /** While flowing, what is held is a part of a unit, which nothing waits for. */
  protected hasHeld(): boolean {
    return this.readHalf !== 'flowing' && this.heldBytes > 0
  }

  protected dropHeld(): number {
    return this.present === undefined ? 0 : byteLength(this.present.takeLeftover())
  }

  protected undecodedBytes(): number {
    return this.present?.truncatedBytes ?? 0
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
    if (this.present === undefined) return
    this.present.receiveEof()
    this.deliverHeld()
  }
}
