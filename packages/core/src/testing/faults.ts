/**
 * Faults on the way up: a layer over a stream that carries every byte, but as awkwardly as a network may, or breaks at a byte that you choose.
 * Flow control is strict through it. Put it below what is to be tested: `stack(transport, withFaults({ fragmentBytes: 1 }), line())`.
 */
import { LayerTransport } from '../base/layer-transport.ts'
import { ByteQueue } from '../base/byte-queue.ts'
import { afterTurn, type Clock, systemClock } from '../base/clock.ts'
import { ConnectionError } from '../errors.ts'
import type { Data, HalfClosable, Stream, StreamTransport, Transport } from '../transport.ts'
import { type Random, seededRandom } from './random.ts'

/** What goes wrong. Everything is off unless given. */
export interface FaultOptions {
  /** Deliveries have exactly so many bytes, but for the last of what is there. */
  readonly fragmentBytes?: number
  /** Deliveries have 1 to so many bytes, by `seed`. */
  readonly randomFragmentBytes?: number
  /** The seed of `randomFragmentBytes`. Default 1. */
  readonly seed?: number
  /** What comes in one turn is delivered as one piece. */
  readonly glue?: boolean
  /** Milliseconds on `clock` by which every delivery is late. */
  readonly delayMs?: number
  /** Bytes in a millisecond of `clock` that are taken from below: a slow reader, in front of which the peer's queue fills. */
  readonly bytesPerMs?: number
  /** After so many bytes the stream ends, as if the peer had ended it; the rest is dropped. */
  readonly cutAt?: number
  /** After so many bytes the connection is reset. */
  readonly resetAt?: number
  /** Where `delayMs` and `bytesPerMs` take their time. Default: the runtime's clock. */
  readonly clock?: Clock
}

/** A layer that makes these faults. */
export function withFaults(options: FaultOptions): (below: Transport<Stream>) => StreamTransport {
  return (below) => new FaultyTransport(below, options)
}

class FaultyTransport extends LayerTransport<Stream, Stream> implements HalfClosable {
  readonly carries = 'stream'
  private readonly options: FaultOptions
  private readonly clock: Clock
  private readonly pieces: ByteQueue = new ByteQueue()
  private readonly random: Random
  /** Bytes that may be delivered: all, unless time or a turn has to pass first. */
  private ripeBytes = 0
  private takenBytes = 0
  private waiting = false
  private readonly timers: Set<unknown> = new Set()

  constructor(below: Transport<Stream>, options: FaultOptions) {
    super(below)
    this.options = options
    this.clock = options.clock ?? systemClock
    this.random = seededRandom(options.seed ?? 1)
  }

  protected accept(data: Data): void {
    this.below.write(data)
  }

  protected acceptSequence(list: readonly Data[]): void {
    this.below.writeSequence(list)
  }

  protected decode(data: Uint8Array): void {
    const { cutAt = Infinity, resetAt = Infinity, delayMs, bytesPerMs, glue } = this.options
    const room = Math.min(cutAt, resetAt) - this.takenBytes
    if (room <= 0) return void (this.unreadBytes += data.length)
    this.pieces.append(data.subarray(0, room))
    this.takenBytes += Math.min(room, data.length)
    this.unreadBytes += Math.max(0, data.length - room)
    const breaks = data.length >= room
    const ripen = (bytes: number): void => {
      this.ripeBytes = Math.min(this.pieces.length, this.ripeBytes + bytes)
      this.goOn()
    }
    if (bytesPerMs !== undefined) this.drip(bytesPerMs)
    else if (delayMs !== undefined) this.later(() => ripen(Math.min(room, data.length)), delayMs)
    else if (glue === true) {
      if (!this.waiting) {
        this.waiting = true
        afterTurn(() => {
          this.waiting = false
          ripen(Infinity)
        })
      }
    } else this.ripeBytes = this.pieces.length
    if (!breaks) return
    if (resetAt <= cutAt) queueMicrotask(() => this.lost({ kind: 'reset', error: new ConnectionError('ERR_RESET', `reset after ${resetAt} bytes, as the test wanted it`) }))
    else queueMicrotask(() => this.eofReceived())
  }

  override eofReceived(): void {
    // An end does not overtake what is late.
    if (this.ripeBytes < this.pieces.length) {
      const poll = (): void => (this.ripeBytes < this.pieces.length && this.cause === undefined ? this.later(poll, 1) : super.eofReceived())
      poll()
    } else super.eofReceived()
  }

  protected deliverHeld(): boolean {
    const { protocol } = this
    while (this.ripeBytes > 0 && this.canDeliver(protocol)) {
      const piece = this.pieces.take(Math.min(this.ripeBytes, this.pieceBytes()))!
      this.ripeBytes -= piece.length
      protocol!.dataReceived(piece)
    }
    return true
  }

  protected unshift(bytes: Uint8Array): void {
    this.pieces.prepend(bytes)
    this.ripeBytes += bytes.length
  }

  protected hasHeld(): boolean {
    return this.pieces.length > 0
  }

  protected dropHeld(): number {
    this.ripeBytes = 0
    return this.pieces.skip(this.pieces.length)
  }

  protected undecodedBytes(): number {
    return 0
  }

  private pieceBytes(): number {
    const { fragmentBytes, randomFragmentBytes } = this.options
    if (fragmentBytes !== undefined) return fragmentBytes
    return randomFragmentBytes === undefined ? Infinity : 1 + this.random.below(randomFragmentBytes)
  }

  /** Some more is ripe: deliver it, from a clean stack. What a callback throws ends the layer. */
  private goOn(): void {
    if (this.readHalf !== 'flowing' || this.cause !== undefined) return
    try {
      this.deliverHeld()
    } catch (error) {
      return this.protocolThrew(error)
    }
    // A loss that waited for what was late: nobody resumes us to be told.
    if (this.pendingLoss !== undefined && this.pieces.length === 0) this.finish(this.pendingLoss)
  }

  /** A timer that ends with the layer. */
  private later(task: () => void, ms: number): void {
    const timer = this.clock.setTimer(() => {
      this.timers.delete(timer)
      task()
    }, ms)
    this.timers.add(timer)
  }

  protected override release(): void {
    for (const timer of this.timers) this.clock.clearTimer(timer)
    this.timers.clear()
    super.release()
  }

  private drip(bytesPerMs: number): void {
    if (this.waiting) return
    this.waiting = true
    this.below.pause('read')
    const tick = (): void => {
      if (this.cause !== undefined) return
      this.ripeBytes = Math.min(this.pieces.length, this.ripeBytes + bytesPerMs)
      this.goOn()
      if (this.pieces.length > this.ripeBytes || this.readHalf !== 'flowing') return this.later(tick, 1)
      this.waiting = false
      this.below.resume('read')
    }
    this.later(tick, 1)
  }
}
