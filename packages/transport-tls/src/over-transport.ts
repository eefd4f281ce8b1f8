import type { Duplex } from 'node:stream'
import type { Cause, CloseOptions, CloseReason, Producer, Stream, Transport } from '@async/core'
import { openError, truncated } from './errors.ts'
import type { Side } from './side.ts'
import { TlsLayer } from './transport.ts'
import { halfCloses, Wire, type WireOwner } from './wire.ts'

/** TLS over any transport: what is below stays a transport, and TLS sees it as a Duplex. */
export class TlsOverTransport extends TlsLayer implements WireOwner {
  private wire: Wire | undefined
  /** We are the protocol of what is below. */
  protected startedBelow = false
  private readonly leftover: Uint8Array | undefined
  protected ourEnd: 'none' | 'written' | 'below' = 'none'
  private watching = false
  protected lostBelow: CloseReason | undefined
  /** `deliverLoss` was called, and waits for the end of what is below. */
  private lossDue = false

  /** `leftover`: encrypted bytes that were read already. */
  constructor(below: Transport<Stream>, side: Side, leftover?: Uint8Array) {
    super(below, side)
    this.leftover = leftover
  }

  override get closed(): Promise<CloseReason> {
    this.watch()
    return super.closed
  }

  /** Of what TLS has been given, what is below counts what has not left. What it says of its own (tickets, close_notify) is not counted. */
  override get queuedBytes(): number {
    return this.queue.bytes - this.givenBytes + Math.min(this.below.queuedBytes, this.givenBytes)
  }

  /** Ends it before anything began. */
  reject(error: Error): void {
    this.finish({ kind: 'protocol', error })
  }

  // ── WireOwner ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  wireMoved(): void {
    if (this.inputOver !== undefined) this.checkInput()
  }

  wireEnded(): void {
    this.inputEnds(truncated())
  }

  wireLost(reason: CloseReason): void {
    if (this.lostBelow !== undefined) return
    this.lostBelow = reason
    if (this.lossDue) return super.deliverLoss(reason)
    if (this.cause === undefined) this.inputEnds(this.endOf(reason))
  }

  closeNotifyWritten(): void {
    this.ourEnd = 'written'
    this.below.drained(0).then(() => this.endSent(), ignore)
    if (this.isClosing()) this.endBelow()
  }

  // ── TlsLayer ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  protected lay(): Duplex {
    const wire = new Wire(this.below, this)
    this.wire = wire
    this.below.start(wire, this.leftover)
    this.startedBelow = true
    this.below.register(new BrokenBelow((error) => this.writesBroke(error), this.below))
    return wire
  }

  protected get unreadBelowBytes(): number {
    return this.wire?.readableLength ?? 0
  }

  protected letGo(reset: boolean): void {
    this.watch()
    if (this.lostBelow !== undefined) return
    if (reset) this.below.abort('error' in this.cause! ? this.cause.error : undefined)
    else this.below.close(this.heardEnd ? undefined : { lingerMs: 0 })
  }

  protected override unsentBelow(): number {
    return Math.min(this.givenBytes, this.queue.bytes)
  }

  protected override closeWrites(options: CloseOptions | undefined): void {
    super.closeWrites(options)
    if (this.cause === undefined && this.ourEnd === 'written') this.endBelow()
  }

  protected override deliverLoss(): void {
    if (this.lostBelow !== undefined) super.deliverLoss(this.lostBelow)
    else this.lossDue = true
  }

  // ── own ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Behind close_notify: the peer's TLS may wait for the end of what is below before it says its own. */
  protected endBelow(): void {
    if (!halfCloses(this.below)) return
    this.ourEnd = 'below'
    this.below.halfClose()
  }

  /** Below nothing can be written any more. What can still be read is read. */
  private writesBroke(error: Error): void {
    const { code } = error as { readonly code?: unknown }
    if (this.cause !== undefined || code === 'ERR_CONNECTION_CLOSED') return
    const cause: Cause = { kind: code === 'ERR_TIMEOUT' ? 'timeout' : 'reset', error }
    if (this.phase === 'open' && this.ourEnd === 'none') this.writeFailed(cause)
  }

  /** Not started, we are not told of the end below. */
  protected watch(): void {
    if (this.watching || this.startedBelow || this.lostBelow !== undefined) return
    this.watching = true
    void this.below.closed.then((reason) => this.wireLost(reason))
  }
}

/** Tells of a write half that broke, which only a producer hears of at once. Pauses are not its business: every write waits for its end. */
class BrokenBelow implements Producer {
  private readonly tell: (error: Error) => void
  private readonly below: Transport<Stream>

  constructor(tell: (error: Error) => void, below: Transport<Stream>) {
    this.tell = tell
    this.below = below
  }

  halfRegister(): void {}
  pause(): void {}
  resume(): void {}

  stop(): void {
    // After an end of our own it resolves, or fails later, with what the end of what is below tells anyway.
    this.below.drained(0).catch((error: unknown) => this.tell(openError(error)))
  }
}

function ignore(): void {}
