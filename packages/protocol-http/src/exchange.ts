import { ProtocolError, UsageError } from '@async/core'
import type { Cause, CloseOptions, Data, Info, Stream, StreamTransport } from '@async/core'
import { QueuedTransport, soon, type TransportPolicy } from '@async/core/base'
import type { HttpConnection } from './connection.ts'
import { noTrailers } from './events.ts'
import type { HeaderList } from './events.ts'
import { Handing, portionBytes, portionPieces } from './handing.ts'
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
  /** What `send` was given and is not sent yet, unless it went at once. */
  private handing: Handing | undefined
  private ownTrailers: HeaderList = noTrailers
  /** Whether its handler is being called; and has written what is not flushed yet. */
  private calling: 'no' | 'yes' | 'written' = 'no'

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
    return this.queue.bytes - (this.handing?.handedBytes ?? 0) + this.bytesBelow()
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
    this.writeFailed(cause)
  }

  /** The transport below takes more. From a clean stack. */
  writable(): void {
    const { handing } = this
    if (handing === undefined || this.cause !== undefined || this.writeHalf === 'broken') return
    const sentBytes = handing.handedBytes - this.bytesBelow()
    handing.handedBytes -= sentBytes
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
    if (this.calling === 'written') this.calling = 'yes'
    super.flush()
  }

  protected scheduleFlush(): void {
    if (this.calling === 'no') soon(flush, this)
    else this.calling = 'written'
  }

  /** Its handler is called now. What that writes and ends at once, as most do, needs no microtask. */
  beginCall(): void {
    this.calling = 'yes'
  }

  /** It was called. */
  endCall(): void {
    const { calling } = this
    this.calling = 'no'
    if (calling === 'written') soon(flush, this as Exchange)
  }

  protected send(batch: Data[], bytes: number): void {
    try {
      if (!this.headSent) this.sendHead(this.writeHalf === 'ending' && !this.sendsTrailers ? bytes : 'unknown')
      // The rule: the rest of a message, or all of it, that fits. (Asked behind the head: one that expects a 100 holds the body back.)
      if (this.writeHalf === 'ending' && bytes <= portionBytes && batch.length <= portionPieces && !this.host.full) return this.sendRest(batch, bytes)
      this.handing = new Handing(batch, bytes)
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
    if (this.writeHalf !== 'ending') return
    this.flush()
    this.released()
  }

  protected override endWrites(): void {
    super.endWrites()
    if (this.writeHalf === 'ending') this.released()
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
    if (!on) this.released()
  }

  /** What was held may go: we were resumed, or end, which does not wait. */
  protected released(): void {
    if (this.handing !== undefined) soon(writable, this as Exchange)
  }

  protected destroy(): void {
    // What was handed over and is dropped below was not sent either. (What it had of ours is counted by now.)
    if (this.cause!.kind !== 'closed' && this.host.below.queuedBytes > 0) this.unsentBytes += this.bytesBelow() - (this.handing?.handedBytes ?? 0)
    this.handing = undefined
    this.reads = false
    this.host.exchangeOver(this, this.cause!)
  }

  /** Hands over what is taken below, a portion at a time. */
  private passDown(): void {
    const { host, handing } = this
    if (handing === undefined) return
    while (this.writeHalf !== 'held' && !host.full && this.handing === handing && !handing.isDone) {
      const pieces = handing.next()
      if (this.dropsBody()) continue
      host.machine.sendPieces(pieces)
      host.flush()
    }
    if (this.handing !== handing || this.cause !== undefined) return
    if (!handing.isDone) {
      handing.hasWaited = true
      return
    }
    // The last of a body is as good as sent; of what goes on the queue below is part of ours, or a producer would not feel it.
    if (this.writeHalf === 'ending' || host.below.queuedBytes <= this.policy.lowWaterMarkBytes) this.batchSent(handing)
    // A transport below that is full says when it takes more, without a promise.
    else if (!host.full) host.below.drained(this.policy.lowWaterMarkBytes).then(() => {
      if (this.handing === handing) this.batchSent(handing)
    }, () => {})
  }

  private batchSent({ handedBytes, hasWaited }: Handing): void {
    this.handing = undefined
    this.queue.taken(!hasWaited)
    this.sent(handedBytes)
  }

  /** How many bytes of ours are in the queue below: all of it, unless we know better. */
  private bytesBelow(): number {
    const { below, machine } = this.host
    return this.handing === undefined || this.handing.handedBytes === 0 ? below.queuedBytes : this.handing.bytesAmong(below.queuedBytes, machine.isChunked)
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
