/**
 * Theory of operation.
 *
 *   phase   new ──start/handshake──► opening ──► open ──► over
 *
 * The states of a transport are the base class's; the phase says what they mean for the handshake: in `new` nothing was read or written
 * below, in `opening` writes gather and nothing can be delivered, `connectionMade` comes with `open`, also where the protocol was started
 * long before. Node's TLSSocket encrypts and decrypts. What it stands on is said by a subclass: any transport, seen as a Duplex, or a socket.
 *
 * The end of input. close_notify makes Node's socket emit 'end'. An end below that comes first is a truncation, but "first" is only known
 * once TLS has read all that came before: TLS must be flowing, its buffers empty, and a turn must have passed since the last data.
 * (`inputOver`, `checkInput`.) A loss waits in the same way, so that what came before it is delivered before it.
 *
 * Our end. `halfClose` is close_notify alone. `close` half-closes what is below behind it, where that can be, then waits for the peer's
 * close_notify, or the end below, `lingerMs`; then below is closed, which does not wait again.
 */
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { type Cause, type CloseReason, ConnectionError, type Data, type HalfClosable, isAsyncError, type Protocol, type Stream, type Transport } from '@async/core'
import { afterTurn, QueuedTransport, soon } from '@async/core/base'
import { endedInHandshake, failedHandshake, handshakeError, openError, truncated } from './errors.ts'
import { LayerInfo, type TlsInfo } from './info.ts'
import { Pieces } from './pieces.ts'
import type { Side } from './side.ts'
import { giveBackDestroy, listenToData, own, type SocketOwner } from './socket-owner.ts'

/** What a TLS layer gives: a stream with half-close, and the facts of its handshake. */
export interface TlsTransport extends Transport<Stream>, HalfClosable {
  /** Facts, those of the handshake among them. */
  readonly info: TlsInfo
  /**
   * Begins the handshake, unless it has begun, and resolves when it is over; data wait for `start`. Not needed: `start` begins it, too.
   * @throws (rejects) the error that ends the transport: ConnectionError of phase `handshake` with an `ERR_TLS_…` code, or that of what is below.
   */
  handshake(): Promise<void>
}

/** Bytes that may leave before the event loop goes on, which Node's TLS does not let it by itself: a peer that keeps up must not keep all others waiting. */
const maxBurstBytes = 4 * 1024 * 1024

/** Who counts layers: a listener, which a promise for each of them would cost more. */
export interface Keeper {
  /** The handshake is over. From a microtask. */
  opened(layer: TlsLayer): void
  /** It failed. From a microtask. */
  refused(layer: TlsLayer, error: Error): void
  /** The layer is over. */
  over(layer: TlsLayer): void
}

/** What both roads have in common. */
export abstract class TlsLayer extends QueuedTransport<Stream> implements TlsTransport, SocketOwner {
  readonly carries = 'stream'
  readonly info: LayerInfo
  protected readonly side: Side
  protected readonly below: Transport<Stream>
  protected socket: TLSSocket | undefined
  protected phase: 'new' | 'opening' | 'open' | 'over' = 'new'
  /** Bytes of our queue that TLS has been given, and has not reported as sent. */
  protected givenBytes = 0
  /** What the end of input below means, unless close_notify is found in what came before it. */
  protected inputOver: Cause | undefined
  /** The peer's end has come, by close_notify or below. */
  protected heardEnd = false
  private checking = false
  private deliveries = 0
  private listening = false
  private handshakeTimer: unknown
  private readonly pieces: Pieces
  /** Bytes that left since the last turn of the event loop that was waited for. */
  private burstBytes = 0
  private opened: Promise<void> | undefined
  private settleOpened: ((error?: Error) => void) | undefined
  private keeper: Keeper | undefined
  private pieceDone: ((error?: Error | null) => void) | undefined

  constructor(below: Transport<Stream>, side: Side) {
    super(side.policy)
    this.below = below
    this.side = side
    this.info = new LayerInfo(below.info)
    this.pieces = new Pieces(this.policy.maxQueuedBytes)
  }

  // ── what subclasses say ──────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** What Node's TLS is laid upon. */
  protected abstract lay(): Duplex
  /** Called once Node's socket is made. */
  protected laid?(socket: TLSSocket): void
  /** Encrypted bytes that came and that TLS has not read. */
  protected abstract get unreadBelowBytes(): number
  /** Lets go what is below: in order, or so that the peer sees a reset. `deliverLoss` follows. */
  protected abstract letGo(reset: boolean): void
  /** What is below was not started: be told of its end. */
  protected abstract watch(): void
  // ── opening ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  handshake(): Promise<void> {
    this.opened ??= new Promise((resolve, reject) => {
      if (this.phase === 'open') return resolve()
      if (this.cause !== undefined) return reject(overError(this.cause))
      this.settleOpened = (error) => (error === undefined ? resolve() : reject(error))
    })
    // Whoever asked has it from here; who has started a protocol is told there.
    this.opened.catch(ignore)
    if (this.phase === 'new' && this.cause === undefined) this.begin()
    return this.opened
  }

  /** As `handshake`, for a listener. */
  handshakeFor(keeper: Keeper): void {
    this.keeper = keeper
    if (this.phase === 'new' && this.cause === undefined) this.begin()
  }

  /** For the microtask in which the listener hears how the handshake went. */
  tellKeeper(how: 'opened' | 'refused'): void {
    if (how === 'opened') this.keeper!.opened(this)
    else this.keeper!.refused(this, overError(this.cause!))
  }

  protected begin(): void {
    const { side } = this
    try {
      side.enter()
    } catch (error) {
      return this.finish({ kind: 'limit', error: error as Error })
    }
    this.phase = 'opening'
    const ms = side.handshakeTimeoutMs
    this.handshakeTimer = this.policy.clock.setTimer(() => {
      this.finish({ kind: 'timeout', error: new ConnectionError('ERR_TLS_HANDSHAKE_TIMEOUT', `TLS: no handshake after ${ms} ms`, { phase: 'handshake' }) })
    }, ms)
    try {
      const socket = side.begin(this.lay(), this)
      this.socket = socket
      own(socket, this, side.agreed)
      if (side.onKeyLog !== undefined) socket.on('keylog', side.onKeyLog)
      this.laid?.(socket)
    } catch (error) {
      // Below it is over, or nearly so: that end says why.
      if (isAsyncError(error, 'ERR_CLOSED')) this.watch()
      else this.finish({ kind: 'protocol', error: handshakeError(error) })
    }
  }

  secured(): void {
    if (this.phase !== 'opening') return
    try {
      this.side.verify(this.socket!, this.info)
    } catch (error) {
      return this.failed(error)
    }
    this.handshakeOver()
    this.phase = 'open'
    this.settleOpened?.()
    this.settleOpened = undefined
    if (this.keeper !== undefined) soon(tellOpened, this)
    if (this.cause === undefined) this.announceOpen()
    if (this.cause === undefined) this.flush()
  }

  private announceOpen(): void {
    this.announce()
    if (this.readHalf === 'flowing') this.setReading(true)
    else if (this.readHalf === 'discarding') this.startReading()
  }

  private handshakeOver(): void {
    this.policy.clock.clearTimer(this.handshakeTimer)
    this.side.leave()
  }

  /** Node, or a check of ours, says that it failed. */
  failed(error: unknown): void {
    if (this.cause !== undefined || this.inputOver !== undefined) return
    if (typeof (error as NodeJS.ErrnoException).syscall === 'string') this.brokenBelow(error as NodeJS.ErrnoException)
    else if (this.phase === 'opening') this.finish(failedHandshake(error))
    else this.inputEnds({ kind: 'protocol', error: openError(error) })
  }

  /** The operating system's error, not one of TLS. */
  protected brokenBelow(error: NodeJS.ErrnoException): void {
    this.inputEnds({ kind: 'reset', error: openError(error) })
  }

  // ── the end of input ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** close_notify. */
  peerEnded(): void {
    if (this.phase !== 'open') return
    this.heardEnd = true
    this.receivedEof()
    if (this.inputOver !== undefined) this.conclude()
  }

  /** There is no more input; `cause`: what that means, if no close_notify is found. */
  protected inputEnds(cause: Cause): void {
    if (this.cause !== undefined || (this.inputOver !== undefined && this.inputOver.kind !== 'truncated')) return
    if (this.phase !== 'open') return this.finish(cause.kind === 'truncated' ? endedInHandshake() : cause)
    this.inputOver = cause
    if (cause.kind !== 'truncated' && cause.kind !== 'closed') this.writeFailed(cause)
    this.checkInput()
  }

  /** Whether TLS has read all there was. Asked again at each delivery, and each time that reading begins. */
  protected checkInput(): void {
    if (this.inputOver === undefined || this.checking || this.cause !== undefined) return
    if (this.unreadBelowBytes > 0 || (this.socket?.readableLength ?? 0) > 0) return
    const reads = this.readHalf === 'flowing' || this.readHalf === 'discarding' || this.readHalf === 'ended'
    // A close_notify may wait behind a pause; behind a reset nothing does that would be missed.
    if (!reads && (this.inputOver.kind === 'truncated' || this.inputOver.kind === 'closed')) return
    this.checking = true
    const seen = this.deliveries
    afterTurn(() => {
      this.checking = false
      if (this.deliveries !== seen) this.checkInput()
      else if (this.unreadBelowBytes === 0 && (this.socket?.readableLength ?? 0) === 0 && this.cause === undefined) this.conclude()
    })
  }

  private conclude(): void {
    const over = this.inputOver!
    if (over.kind !== 'truncated') return this.lost(over)
    if (this.heardEnd || this.readHalf === 'paused' || this.readHalf === 'resuming') return
    if (this.readHalf !== 'discarding' && !this.side.allowTruncation) return this.lost(over)
    this.heardEnd = true
    this.receivedEof()
  }

  /** What is below is over, and was `reason`. */
  protected endOf(reason: CloseReason): Cause {
    if (reason.kind === 'closed') {
      // Whoever closed what is below from the outside did so in order.
      if (reason.by === 'local' || this.isClosing() || this.endedBy !== undefined) return { kind: 'closed', by: this.endedBy ?? reason.by }
      return this.side.allowTruncation ? { kind: 'closed', by: 'peer' } : truncated()
    }
    return 'error' in reason ? { kind: reason.kind, error: reason.error } : reason
  }

  // ── TransportBase, QueuedTransport ───────────────────────────────────────────────────────────────────────────────────────────────

  protected override open(): void {
    if (this.phase === 'open') return super.open()
    if (this.phase === 'new') this.begin()
  }

  /** Before the handshake is over there is nothing to announce; then whoever is started is told. */
  protected override announce(): void {
    if (this.phase === 'open') super.announce()
  }

  protected scheduleFlush(): void {
    soon(flushBehindTicks, this)
  }

  /** For the scheduled flush alone. */
  override flush(): void {
    super.flush()
  }

  protected override sendQueued(): void {
    if (this.phase === 'open') return super.sendQueued()
    if (this.writeHalf !== 'ending' || this.cause !== undefined) return
    // Closed, or half-closed, before it was open: what was written still has to go out.
    if (this.queue.isEmpty && this.readHalf === 'discarding') this.finish({ kind: 'closed', by: 'local' })
    else if (this.phase === 'new') this.begin()
  }

  /** Before the handshake is over there is nothing to read; then `announceOpen` begins. */
  protected override setReading(on: boolean): void {
    if (this.phase === 'open') super.setReading(on)
  }

  protected send(batch: Data[]): void {
    this.pieces.begin(batch)
    this.sendPiece()
  }

  private sendPiece(): void {
    const piece = this.pieces.next()
    this.givenBytes = piece.length
    this.pieceDone ??= (error) => this.pieceSent(error)
    this.socket!.write(piece, this.pieceDone)
  }

  private pieceSent(error: Error | null | undefined): void {
    const bytes = this.givenBytes
    if (error != null || this.cause !== undefined || bytes === 0) return
    this.givenBytes = 0
    // What a producer writes now, when it hears that there is room, leaves right behind this batch: from the tick that `scheduleFlush` asks for it would leave a
    // turn of the event loop later, which costs a twentieth of sending.
    this.progressed(bytes)
    this.burstBytes += bytes
    if (this.burstBytes < maxBurstBytes) return this.goOn()
    this.burstBytes = 0
    afterTurn(() => this.goOn())
  }

  /** The next piece, or the next batch. */
  private goOn(): void {
    // The producer may have aborted.
    if (this.cause !== undefined || this.writeHalf === 'broken') return
    if (this.pieces.isEmpty) this.sent(0)
    else this.sendPiece()
  }

  /**
   * In a turn of its own: OpenSSL looks for the peer's close_notify when ours is written, and throws away a record of data that it finds
   * instead. There is one as long as Node is in the middle of delivering a read, which may be where we were called from. Behind the peer's
   * end nothing comes.
   */
  protected sendEnd(): void {
    if (this.heardEnd) return this.endSocket(this.socket!)
    afterTurn(() => {
      if (this.cause === undefined && this.socket !== undefined) this.endSocket(this.socket)
    })
  }

  /** Writes close_notify. */
  protected endSocket(socket: TLSSocket): void {
    socket.end()
  }

  protected startReading(): void {
    if (this.phase !== 'open') return
    const socket = this.socket!
    if (!this.listening) {
      this.listening = true
      listenToData(socket)
    }
    socket.resume()
    this.checkInput()
  }

  dataCame(data: Uint8Array): void {
    this.deliveries++
    this.received(data)
    if (this.inputOver !== undefined) this.checkInput()
  }

  protected stopReading(): void {
    this.socket?.pause()
  }

  protected override breakWrites(cause: Cause): void {
    this.forgetGiven()
    super.breakWrites(cause)
  }

  protected override release(): void {
    this.forgetGiven()
    super.release()
  }

  protected destroy(reset: boolean): void {
    const { socket, phase } = this
    this.phase = 'over'
    if (phase === 'opening') this.handshakeOver()
    this.settleOpened?.(overError(this.cause!))
    if (this.keeper !== undefined && phase !== 'open') soon(tellRefused, this)
    this.info.forget()
    this.unreadBytes += this.unreadBelowBytes + (socket?.readableLength ?? 0)
    if (socket !== undefined) {
      giveBackDestroy(socket)
      // Behind an alert that TLS has just written, which the peer should get.
      const alerted = this.cause!.kind === 'protocol' && 'error' in this.cause! && !isCallbackError(this.cause!.error)
      socket.destroy()
      this.letGo(reset && !alerted)
    } else this.letGo(reset)
  }

  protected override deliverLoss(below?: CloseReason): void {
    super.deliverLoss(below)
    this.keeper?.over(this)
  }

  protected override report(error: unknown): void {
    const knowing = this.below as { reportThrown?: (error: unknown) => void }
    if (this.side.hasOnError || knowing.reportThrown === undefined) super.report(error)
    else knowing.reportThrown(error)
  }

  /** What TLS was given counts as unsent below, if it was. */
  private forgetGiven(): void {
    this.unsentBytes -= this.unsentBelow()
    this.givenBytes = 0
  }

  /** Bytes of ours that what is below counts as unsent as well. */
  protected unsentBelow(): number {
    return 0
  }
}

/** The layer's own protocol type: what `start` takes. */
export type TlsProtocol = Protocol<Stream, TlsTransport>

function isCallbackError(error: Error): boolean {
  return (error as { readonly code?: unknown }).code === 'ERR_CALLBACK_THREW'
}

/** What waits for a handshake is told of an end. */
function overError(cause: Cause): Error {
  return 'error' in cause ? cause.error : new ConnectionError('ERR_CONNECTION_CLOSED', 'closed before the TLS handshake was over', { phase: 'handshake' })
}

function flushBehindTicks(layer: TlsLayer): void {
  process.nextTick(flush, layer)
}

function flush(layer: TlsLayer): void {
  layer.flush()
}

function tellOpened(layer: TlsLayer): void {
  layer.tellKeeper('opened')
}

function tellRefused(layer: TlsLayer): void {
  layer.tellKeeper('refused')
}

function ignore(): void {}

