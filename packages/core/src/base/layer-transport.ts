/**
 * A layer that decodes: a protocol towards what is below, a transport towards what is above. Calls pass down directly, and the one below
 * decides what can be written when; a layer adds only what it alone knows: its encoding, what it has not decoded yet, its own reasons.
 *
 * Reading: `dataReceived` takes bytes in; `deliverHeld` decodes and delivers while `canDeliver(protocol)`, and stops at once when paused.
 * The end of a layer is the end of what is below: `finish` aborts that, and its `connectionLost` brings ours, with our reason if we had one.
 */
import { ConnectionError } from '../errors.ts'
import type { Producer } from '../flow.ts'
import type { Protocol } from '../protocol.ts'
import type { Cause, CloseReason } from '../reason.ts'
import type { Carries, CloseOptions, HalfClosable, Info, Transport } from '../transport.ts'
import { ForwardedProducer } from './forwarded-producer.ts'
import { lossError } from './queued-transport.ts'
import { byteLength } from './byte-length.ts'
import { reportToConsole } from './options.ts'
import { TransportBase } from './transport-base.ts'

/** A layer over one transport whose ends are its own ends. */
export abstract class LayerTransport<Below extends Carries, Above extends Carries> extends TransportBase<Above> implements Protocol<Below> {
  protected readonly below: Transport<Below>
  private madeInfo: Info | undefined
  private watching = false
  private lostBelow: CloseReason | undefined

  constructor(below: Transport<Below>) {
    super()
    this.below = below
  }

  /** Made when somebody asks, which few do: it weighs more than the rest of a layer. */
  get info(): Info {
    return (this.madeInfo ??= this.makeInfo())
  }

  /** The facts of this layer. Called once. */
  protected makeInfo(): Info {
    return layerInfo(this.below)
  }

  /** The end came: bytes that make no whole message are left. How many, or 0. */
  protected abstract undecodedBytes(): number
  /** Data for the decoder. */
  protected abstract decode(data: Below['in']): void

  // ── Protocol: from below ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  connectionMade(): void {
    this.announce()
  }

  dataReceived(data: Below['in']): void {
    if (this.readHalf === 'discarding' || this.readHalf === 'ended') {
      this.unreadBytes += byteLength(data)
      return
    }
    this.decode(data)
    // No try/catch: what a callback throws is for the lowest transport, which is in the stack below us.
    if (this.readHalf === 'flowing') this.deliverHeld()
  }

  eofReceived(): void {
    this.receivedEof()
  }

  connectionLost(reason: CloseReason): void {
    if (this.lostBelow !== undefined) return
    this.lostBelow = reason
    if (this.cause !== undefined) return this.deliverLoss()
    // Detached: the next protocol has what we had not decoded, so nothing of ours is waited for.
    if (reason.kind === 'detached') this.finish(reason)
    else this.lost(this.reasonAbove(reason))
  }

  // ── the contract ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  override get closed(): Promise<CloseReason> {
    this.watch()
    return super.closed
  }

  get queuedBytes(): number {
    return this.below.queuedBytes
  }

  register(producer: Producer): void {
    this.below.register(new ForwardedProducer(producer, this as never))
  }

  unregister(): void {
    this.below.unregister()
  }

  drained(belowBytes?: number, signal?: AbortSignal): Promise<void> {
    const over = this.cause ?? this.pendingLoss
    if (over !== undefined) return Promise.reject(lossError(over))
    // An end that began here has its reason here.
    return this.below.drained(belowBytes, signal).catch((error: unknown) => {
      throw this.cause !== undefined && signal?.aborted !== true ? lossError(this.cause) : error
    })
  }

  // ── TransportBase ────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  protected open(): void {
    if (this.readHalf === 'paused') this.below.pause('read')
    try {
      this.below.start(this as never)
    } catch (error) {
      // It is over, or nearly so, and has not told us, for we were not started: nothing has changed (T6).
      this.protocol = undefined
      this.readHalf = this.readHalf === 'paused' ? 'idlePaused' : 'idle'
      throw error
    }
  }

  protected endWrites(): void {
    ;(this.below as Transport<Below> & HalfClosable).halfClose()
  }

  protected closeWrites(options: CloseOptions | undefined): void {
    if (this.writeHalf !== 'broken') this.writeHalf = 'ending'
    this.watch()
    this.below.close(options)
  }

  protected closeAgain(options: CloseOptions | undefined): void {
    this.below.close(options)
  }

  protected setReading(on: boolean): void {
    if (on) this.below.resume('read')
    else this.below.pause('read')
  }

  protected setHold(on: boolean): void {
    if (on) this.below.pause('both')
    else {
      // Reading goes on when what is held here was delivered, not now.
      this.below.resume('both')
      if (this.readHalf !== 'flowing') this.below.pause('read')
    }
  }

  protected breakWrites(): void {
    this.writeHalf = 'broken'
  }

  protected override deliverEof(): void {
    const bytes = this.undecodedBytes()
    if (bytes === 0) return super.deliverEof()
    this.finish({ kind: 'truncated', error: new ConnectionError('ERR_TRUNCATED', `the end came ${bytes} bytes into a message`) })
  }

  protected release(): void {
    if (this.lostBelow === undefined) {
      this.watch()
      this.below.abort(lossError(this.cause!))
    } else if (this.pendingLoss === undefined) this.deliverLoss()
    // It waited behind what was held, and may be let go by a call of the user's.
    else this.deliverLossSoon()
  }

  protected override deliverLoss(): void {
    super.deliverLoss(this.lostBelow)
  }

  protected report(error: unknown): void {
    reportThrown(this.below, error)
  }

  /** Our reason when what is below ended with `reason`. */
  protected reasonAbove(reason: CloseReason): Cause {
    const bytes = this.undecodedBytes()
    if (reason.kind === 'closed' && this.endedBy !== 'local' && bytes > 0) {
      return { kind: 'truncated', error: new ConnectionError('ERR_TRUNCATED', `the end came ${bytes} bytes into a message`) }
    }
    return 'error' in reason ? { kind: reason.kind, error: reason.error } : reason.kind === 'closed' ? { kind: 'closed', by: reason.by } : reason
  }

  /** Not started, we are not told of the end below; its `closed` tells. */
  private watch(): void {
    if (this.watching || this.protocol !== undefined || this.lostBelow !== undefined) return
    this.watching = true
    void this.below.closed.then((reason) => {
      if (this.protocol === undefined || this.cause !== undefined) this.connectionLost(reason)
    })
  }
}

/**
 * Reports what a callback threw to the `onError` of the lowest transport, through every layer. It is no part of the contract: a transport
 * that does not know it has the console.
 */
export function reportThrown(transport: Transport, error: unknown): void {
  const knowing = transport as { reportThrown?: (error: unknown) => void }
  if (knowing.reportThrown === undefined) reportToConsole(error)
  else knowing.reportThrown(error)
}

/** By the facts of what is below: those of a layer follow from them alone, and many exchanges share one connection's. */
const layerInfos = new WeakMap<Info, Info>()

/** The facts of a layer are those of what is below, addresses included, which are looked up there when asked for. */
export function layerInfo(below: Transport): Info {
  const { info } = below
  let above = layerInfos.get(info)
  if (above === undefined) {
    above = Object.create(info, { below: { value: info, enumerable: true } }) as Info
    layerInfos.set(info, above)
  }
  return above
}
