import { ProtocolError, UsageError } from '@async/core'
import type { Cause, CloseOptions, Data, Info, Stream, StreamTransport } from '@async/core'
import { byteLength, QueuedTransport, soon, toBytes, type TransportPolicy } from '@async/core/base'
import type { HttpConnection } from './connection.ts'
import { noTrailers } from './events.ts'
import type { HeaderList } from './events.ts'
import { checkTrailers } from './outgoing-headers.ts'

/** What an exchange asks of the connection that it is on. */
export interface ExchangeHost {
  readonly below: StreamTransport
  readonly machine: HttpConnection
  /** The facts of every exchange on this connection. */
  readonly info: Info
  /** Whether the transport below has enough for now. When it no longer has, the host calls `writable()`. */
  readonly full: boolean
  /** The exchange wants data again: soon, and never inside this call. */
  pullLater(): void
  /** Hands the machine's output to the transport below. */
  flush(): void
  /** The same, where our message is complete: it may wait for the others of the read that is being dealt with. */
  flushEnd(): void
  /** The exchange is over. May come from any stack. */
  exchangeOver(exchange: Exchange, cause: Cause): void
}

/** Bytes that are made one HTTP chunk of at most, and that are handed down between two looks at how full it is below. */
const portionBytes = 64 * 1024
/** And in so many pieces. */
const portionPieces = 1024

/**
 * One request and its response, as a transport: what both ends have in common. Writes are our body, `halfClose` is its end, deliveries are
 * the other body, its end is `eofReceived`. The exchange has a queue of its own, since the transport below is not its own, and hands
 * over what that one takes. The writes of one turn are handed over in the microtask behind it, so that a body that was ended in the same
 * turn has a Content-Length; when they leave the machine is decided below.
 */
export abstract class Exchange extends QueuedTransport<Stream> {
  readonly carries = 'stream' as const
  /** Whether it takes data now. */
  reads = false
  /** The trailer fields behind the other body; there when its end is delivered. Names in lower case. */
  trailers: HeaderList = noTrailers
  /** The connection that it is on. A client's may be moved to another one. */
  protected host: ExchangeHost
  /** What `send` was given and is not handed over yet. */
  private handing: readonly Data[] | undefined
  private handingAt = 0
  private handingBytes = 0
  private portion: Uint8Array | undefined
  /** Bytes that were handed over and are not reported as sent: they still count as ours. */
  private handedBytes = 0
  /** The portions that these bytes were handed over in, where they are several; else it was one, of `firstPortionBytes`. */
  private portions: number[] | undefined
  private firstPortionBytes = 0
  private ownTrailers: HeaderList = noTrailers

  constructor(host: ExchangeHost, policy: TransportPolicy) {
    super(policy)
    this.host = host
  }

  /** The facts of its connection. */
  get info(): Info {
    return this.host.info
  }

  protected override get halfCloses(): boolean {
    return true
  }

  /** Whether our head is sent. */
  abstract get headSent(): boolean
  /** Send our head, for a body of so many bytes. */
  protected abstract sendHead(bodyBytes: number | 'unknown'): void
  /** Whether our body is dropped: the answer to HEAD. */
  protected abstract dropsBody(): boolean

  override get queuedBytes(): number {
    return this.queue.bytes - this.handedBytes + this.bytesBelow()
  }

  override async drained(belowBytes: number = this.policy.lowWaterMarkBytes, signal?: AbortSignal): Promise<void> {
    await super.drained(belowBytes, signal)
    if (this.host.below.queuedBytes > belowBytes) await this.host.below.drained(belowBytes, signal)
  }

  /**
   * Says what trailer fields follow our body, before it is ended. The body goes out in HTTP chunks then; who cannot take trailers (a 1.0
   * peer, an answer to HEAD) gets none.
   * @throws UsageError `ERR_HTTP_BAD_TRAILER` for fields that may not be trailers, `ERR_HTTP_STATE` when the body is ended, or a head
   * with a length was sent. Nothing changes then.
   */
  sendTrailers(trailers: HeaderList): void {
    if (this.writeHalf !== 'open' && this.writeHalf !== 'held') throw this.refusal()
    if (this.headSent ? !this.host.machine.takesTrailers : this.declaresLength()) throw new UsageError('ERR_HTTP_STATE', 'trailers need a body without a Content-Length')
    checkTrailers(trailers)
    this.ownTrailers = trailers
  }

  /** Whether trailers are to follow. */
  get sendsTrailers(): boolean {
    return this.ownTrailers.length > 0
  }

  // ── from the connection ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Data of the other body. From a clean stack. */
  bodyReceived(data: Uint8Array): void {
    this.received(data)
  }

  /** The other body is complete. From a clean stack. */
  bodyEnded(): void {
    this.receivedEof()
  }

  /** The connection ended, or the peer broke it. What was received before is delivered first. */
  connectionFailed(cause: Cause): void {
    this.lost(cause)
  }

  /** The transport below takes no more. */
  connectionBroke(cause: Cause): void {
    this.handing = undefined
    this.writeFailed(cause)
  }

  /** The transport below takes more. From a clean stack. */
  writable(): void {
    if (this.handing === undefined || this.cause !== undefined) return
    const sentBytes = this.handedBytes - this.bytesBelow()
    this.handedBytes -= sentBytes
    this.progressed(sentBytes)
    try {
      this.passDown()
    } catch (error) {
      this.notSent(error)
    }
  }

  /** Send the head if it waits for a first write that did not come. */
  flushHead(): void {
    if (this.headSent || this.cause !== undefined || this.writeHalf !== 'open') return
    if (this.queue.isEmpty) {
      try {
        this.sendHead('unknown')
      } catch (error) {
        return this.notSent(error)
      }
      this.host.flush()
    } else this.flush()
  }

  /** Whether the head that is to be sent has a Content-Length of the caller's. */
  protected declaresLength(): boolean {
    return false
  }

  // ── QueuedTransport ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** For the scheduled flush alone. */
  override flush(): void {
    super.flush()
  }

  protected scheduleFlush(): void {
    soon(flush, this)
  }

  protected send(batch: Data[], bytes: number): void {
    try {
      if (!this.headSent) this.sendHead(this.writeHalf === 'ending' && !this.sendsTrailers ? bytes : 'unknown')
      // The rule: the rest of a message, or all of it, that fits. (Asked behind the head: one that expects a 100 holds the body back.)
      if (this.writeHalf === 'ending' && bytes <= portionBytes && batch.length <= portionPieces && !this.host.full) return this.sendRest(batch, bytes)
      this.handing = batch
      this.handingAt = 0
      this.handingBytes = bytes
      this.passDown()
    } catch (error) {
      this.notSent(error)
    }
  }

  private sendRest(batch: Data[], bytes: number): void {
    if (!this.dropsBody()) this.host.machine.sendPieces(batch, bytes)
    this.sendTheEnd()
    this.sentWithEnd(bytes)
  }

  /** Nothing can be added to the message any more, so nothing is won by waiting for the microtask that a write has asked for. */
  protected override closeWrites(options: CloseOptions | undefined): void {
    super.closeWrites(options)
    if (this.writeHalf === 'ending') this.flush()
  }

  protected sendEnd(): void {
    try {
      if (!this.headSent) this.sendHead(this.sendsTrailers ? 'unknown' : 0)
      this.sendTheEnd()
      this.endSent()
    } catch (error) {
      this.notSent(error)
    }
  }

  private sendTheEnd(): void {
    const { host } = this
    host.machine.sendEnd(this.ownTrailers)
    host.flushEnd()
  }

  protected startReading(): void {
    this.reads = true
    this.host.pullLater()
  }

  protected stopReading(): void {
    this.reads = false
  }

  protected override setHold(on: boolean): void {
    super.setHold(on)
    if (!on && this.handing !== undefined) soon(writable, this as Exchange)
  }

  protected destroy(): void {
    // What was handed over and is dropped below was not sent either. (`handedBytes` is counted by now.)
    if (this.cause!.kind !== 'closed' && this.host.below.queuedBytes > 0) this.unsentBytes += this.bytesBelow() - this.handedBytes
    this.handing = undefined
    this.portion = undefined
    this.handedBytes = 0
    this.portions = undefined
    this.reads = false
    this.host.exchangeOver(this, this.cause!)
  }

  /** Hands over what is taken below, a portion at a time; small pieces share a portion, and so an HTTP chunk. */
  private passDown(): void {
    const { host } = this
    while (this.handing !== undefined && this.writeHalf !== 'held' && !host.full && !this.isHandedOver()) {
      const pieces = this.nextPortion(this.handing)
      if (this.dropsBody()) continue
      host.machine.sendPieces(pieces)
      host.flush()
    }
    const batch = this.handing
    if (batch === undefined || this.cause !== undefined || !this.isHandedOver()) return
    // The last of a body is as good as sent; of what goes on the queue below is part of ours, or a producer would not feel it.
    if (this.writeHalf === 'ending' || host.below.queuedBytes <= this.policy.lowWaterMarkBytes) this.batchSent()
    // A transport below that is full says when it takes more, without a promise.
    else if (!host.full) host.below.drained(this.policy.lowWaterMarkBytes).then(() => {
      if (this.handing === batch) this.batchSent()
    }, () => {})
  }

  private isHandedOver(): boolean {
    return this.portion === undefined && this.handing !== undefined && this.handingAt === this.handing.length
  }

  private batchSent(): void {
    const bytes = this.handedBytes
    this.handing = undefined
    this.handedBytes = 0
    this.portions = undefined
    this.sent(bytes)
  }

  /** How many bytes of ours are in the queue below: without the framing around them, where we know what that is. */
  private bytesBelow(): number {
    let wireBytes = this.host.below.queuedBytes
    if (this.handedBytes === 0) return wireBytes
    const { isChunked } = this.host.machine
    const portions = this.portions ?? [this.firstPortionBytes]
    let bytes = 0
    for (let i = portions.length - 1; i >= 0 && wireBytes > (isChunked ? 2 : 0); i--) {
      const portion = portions[i]!
      if (isChunked) wireBytes -= 2
      bytes += Math.min(portion, wireBytes)
      wireBytes -= portion + (isChunked ? portion.toString(16).length + 2 : 0)
    }
    return Math.min(bytes, this.handedBytes)
  }

  private nextPortion(batch: readonly Data[]): readonly Data[] {
    // The rule: all of it.
    if (this.handingAt === 0 && this.portion === undefined && this.handingBytes <= portionBytes && batch.length <= portionPieces) {
      this.handingAt = batch.length
      this.countPortion(this.handingBytes)
      return batch
    }
    const pieces: Data[] = []
    let bytes = 0
    while (bytes < portionBytes && pieces.length < portionPieces) {
      const piece: Data | undefined = this.portion ?? batch[this.handingAt]
      if (piece === undefined) break
      const length = byteLength(piece)
      if (bytes + length <= portionBytes) {
        pieces.push(piece)
        bytes += length
        this.portion = undefined
        this.handingAt++
        continue
      }
      if (bytes > 0) break
      const whole = toBytes(piece)
      pieces.push(whole.subarray(0, portionBytes))
      bytes = portionBytes
      this.portion = whole.subarray(portionBytes)
    }
    this.countPortion(bytes)
    return pieces
  }

  private countPortion(bytes: number): void {
    if (this.handedBytes === 0 && this.portions === undefined) this.firstPortionBytes = bytes
    else (this.portions ??= [this.firstPortionBytes]).push(bytes)
    this.handedBytes += bytes
  }

  /** What the machine refuses to send is our side's fault, and cannot be mended: the peer must not take what was sent for the whole. */
  private notSent(error: unknown): void {
    this.finish({ kind: 'protocol', error: new ProtocolError('ERR_HTTP_NOT_SENT', 'what was written is not what was announced', { cause: error, side: 'local' }) })
  }
}

function flush(exchange: Exchange): void {
  exchange.flush()
}

function writable(exchange: Exchange): void {
  exchange.writable()
}
