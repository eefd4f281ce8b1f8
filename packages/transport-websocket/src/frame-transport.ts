/**
 * Theory of operation.
 *
 * A layer: frames on the transport below, messages above. What comes is decoded by `Incoming` as it is asked for; what is written is framed
 * at once, and queued, counted and scheduled below. Two things are this layer's own.
 *
 * The end. A WebSocket ends by two Close frames, then by the end of what is below; `ending` says how far that is:
 *
 *   no ──close()──► flushing ──our Close is out──► waiting ──the peer's, its end, or lingerMs──► over
 *   no ──the peer's Close, bytes that are refused──► over (our Close is on its way)
 *
 * In `over` the reason is known. A server then closes what is below; a client leaves that to the server for `lingerMs` (RFC 6455 §7.1.1).
 * An abort in any state aborts what is below, and no Close is sent.
 *
 * Control frames. They go out behind what is queued below. A ping that can't be answered now, because the peer does not read, waits; only the
 * latest does (RFC 6455 §5.5.3), so that a peer that pings and does not read costs nothing.
 */
import { type Cause, type CloseReason, ConnectionError, type Data, limits, type Messages, type Producer, type Stream, type Transport, UsageError } from '@async/core'
import { byteLength, checkData, layerInfo, LayerTransport } from '@async/core/base'
import { closeCause, isSendableCode, maxCloseTextBytes } from './web/close-codes.ts'
import type { Deflate } from './deflate.ts'
import { frameError } from './frame-error.ts'
import { Heartbeat } from './heartbeat.ts'
import { type Control, Incoming, isData } from './incoming.ts'
import type { WebSocketPolicy } from './options.ts'
import { opcodes, Outgoing } from './outgoing.ts'
import { PacedProducer } from './paced-producer.ts'
import type { WebSocketCloseOptions, WebSocketInfo, WebSocketTransport } from './web/websocket.ts'

/** What the handshake found out. */
export interface Agreed {
  readonly isServer: boolean
  readonly subprotocol: string
  readonly deflate: Deflate | undefined
}

/** A WebSocket over a transport, behind the handshake. */
export class FrameTransport extends LayerTransport<Stream, Messages> implements WebSocketTransport {
  readonly carries = 'message' as const
  private readonly policy: WebSocketPolicy
  private readonly agreed: Agreed
  private readonly incoming: Incoming
  private readonly outgoing: Outgoing
  private readonly heartbeat: Heartbeat
  private ending: 'no' | 'flushing' | 'waiting' | 'over' = 'no'
  private timer: unknown
  private timerDueMs = 0
  /** The last bytes came since the heartbeat looked. */
  private heard = false
  /** Bytes that were queued when the heartbeat looked, and those of messages written since. */
  private lastQueuedBytes = 0
  private writtenBytes = 0
  private owedPong: Uint8Array | undefined
  private producer: PacedProducer | undefined
  private belowIsOver = false

  /** Takes `below` over, which is paused; `leftover` was read behind the handshake. */
  constructor(below: Transport<Stream>, leftover: Uint8Array, policy: WebSocketPolicy, agreed: Agreed) {
    super(below)
    const { isServer, deflate } = agreed
    this.agreed = agreed
    this.policy = policy
    this.incoming = new Incoming(isServer, policy, deflate)
    this.outgoing = new Outgoing(isServer, deflate)
    this.heartbeat = new Heartbeat(policy.clock, policy.heartbeatMs, policy.heartbeatTimeoutMs, {
      isAlive: () => this.isAlive(),
      ping: () => this.sendControl(opcodes.ping, noBytes),
      died: () => {
        const error = new ConnectionError('ERR_HEARTBEAT_TIMEOUT', `no sign of life ${policy.heartbeatTimeoutMs} ms after a ping`)
        this.finish({ kind: 'timeout', error })
      },
    })
    below.pause('read')
    below.start(this as never, leftover)
  }

  override get info(): WebSocketInfo {
    return super.info as WebSocketInfo
  }

  protected override makeInfo(): WebSocketInfo {
    const { subprotocol, deflate } = this.agreed
    return Object.create(layerInfo(this.below), {
      halfCloses: { value: false, enumerable: true },
      subprotocol: { value: subprotocol, enumerable: true },
      compresses: { value: deflate !== undefined, enumerable: true },
    }) as WebSocketInfo
  }

  // ── Protocol: from below ─────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Before our own start: that announces. */
  override connectionMade(): void {}

  override dataReceived(data: Uint8Array): void {
    if (this.cause !== undefined) {
      this.unreadBytes += data.length
      return
    }
    this.heard = true
    this.decode(data)
    this.takeItems()
  }

  override eofReceived(): void {
    if (this.cause !== undefined) return this.closeBelow()
    this.incoming.receiveEof()
    this.takeItems()
  }

  override connectionLost(reason: CloseReason): void {
    this.belowIsOver = true
    this.stopTimers()
    super.connectionLost(reason)
  }

  // ── the contract ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  override close(options?: WebSocketCloseOptions): void {
    const { code = 1000, text = '' } = options ?? {}
    if (!isSendableCode(code)) throw new UsageError('ERR_INVALID_ARGUMENT', `${code} is no code to close with: 1000 to 1003, 1007 to 1014, 3000 to 4999`)
    if (byteLength(text) > maxCloseTextBytes) throw new UsageError('ERR_INVALID_ARGUMENT', `the text of a close is ${byteLength(text)} bytes; at most ${maxCloseTextBytes}`)
    super.close(options)
  }

  override abort(cause?: unknown): void {
    // The reason may be known while what is below still takes its time.
    if (this.cause !== undefined && !this.belowIsOver) this.below.abort(cause)
    super.abort(cause)
  }

  override register(producer: Producer): void {
    if (this.cause !== undefined) {
      producer.halfRegister(this as never)
      return producer.stop()
    }
    if (this.isClosing()) throw this.refusal()
    const paced = new PacedProducer(producer, this)
    this.below.register(paced)
    this.producer = paced
    // It may have closed us, from halfRegister.
    if (this.isClosing()) this.stopProducer()
  }

  override unregister(): void {
    this.producer = undefined
    this.below.unregister()
  }

  // ── LayerTransport and TransportBase ─────────────────────────────────────────────────────────────────────────────────────────────

  protected override open(): void {
    // First, for connectionMade may end it.
    this.heartbeat.start()
    this.announce()
    if (this.readHalf === 'flowing') this.below.resume('read')
  }

  protected decode(data: Uint8Array): void {
    this.incoming.receive(data)
  }

  protected deliverHeld(): boolean {
    const { protocol, incoming } = this
    // Bounded per turn only where it was held: a read is bounded by what is below.
    let budget = this.readHalf === 'resuming' ? limits.deliveryBudgetBytes : Infinity
    while (this.canDeliver(protocol)) {
      if (budget <= 0) return false
      const item = incoming.next()
      if (item === undefined) return true
      if (isData(item)) {
        budget -= item.length + 1
        protocol!.dataReceived(item)
      } else this.controlReceived(item)
    }
    return true
  }

  protected accept(data: Data): void {
    checkData(data)
    const frame = this.outgoing.short(data)
    if (frame !== undefined) {
      this.below.write(frame)
      this.writtenBytes += frame.length
      return
    }
    const pieces: Data[] = []
    this.outgoing.append(pieces, data)
    this.writePieces(pieces)
  }

  protected acceptSequence(list: readonly Data[]): void {
    const pieces: Data[] = []
    for (const data of list) checkData(data)
    for (const data of list) this.outgoing.append(pieces, data)
    this.writePieces(pieces)
  }

  private writePieces(pieces: readonly Data[]): void {
    if (pieces.length === 1) this.below.write(pieces[0]!)
    else this.below.writeSequence(pieces)
    for (const { length } of pieces) this.writtenBytes += length
  }

  protected override closeWrites(options: WebSocketCloseOptions | undefined): void {
    this.heartbeat.stop()
    this.stopProducer()
    if (this.cause !== undefined) return
    this.writeHalf = 'ending'
    this.ending = 'flushing'
    this.setDeadline(options?.timeoutMs ?? this.policy.closeTimeoutMs)
    this.below.resume('both')
    this.sendClose(options?.code ?? 1000, options?.text ?? '')
    this.takeItems()
  }

  protected override closeAgain(options: WebSocketCloseOptions | undefined): void {
    if (this.ending !== 'flushing') return
    const timeoutMs = options?.timeoutMs ?? this.policy.closeTimeoutMs
    if (this.policy.clock.nowMs() + timeoutMs < this.timerDueMs) this.setDeadline(timeoutMs)
  }

  protected override release(): void {
    this.stopTimers()
    if (this.belowIsOver || this.ending !== 'over') return super.release()
    this.stopProducer()
    this.below.resume('both')
    if (this.agreed.isServer) this.closeBelow()
    else this.setDeadline(this.policy.lingerMs)
  }

  /** A message transport has no leftover: `start` refuses it. */
  protected unshift(): void {}

  /** While flowing, what is held is a part of a frame, which nothing waits for. */
  protected hasHeld(): boolean {
    return this.readHalf !== 'flowing' && this.incoming.hasItems
  }

  /** When closing, `takeItems` counts, and finds the peer's Close. */
  protected dropHeld(): number {
    return this.cause === undefined ? 0 : this.incoming.drop()
  }

  protected undecodedBytes(): number {
    return 0
  }

  protected override reasonAbove(reason: CloseReason): Cause {
    return reason.kind === 'closed' && reason.by === 'peer' ? this.endBelow() : super.reasonAbove(reason)
  }

  // ── what comes ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  private takeItems(): void {
    if (this.readHalf === 'flowing') this.deliverHeld()
    else if (this.readHalf === 'discarding') {
      for (let item = this.incoming.next(); item !== undefined; item = this.incoming.next()) {
        if (isData(item)) this.unreadBytes += byteLength(item)
        else this.controlReceived(item)
        if (this.cause !== undefined) return
      }
    }
  }

  private controlReceived(item: Control): void {
    if (item.type === 'pong') return
    if (item.type === 'ping') {
      if (this.ending === 'no') this.answerPing(item.payload)
    } else if (this.ending !== 'no') this.endInOrder({ kind: 'closed', by: this.endedBy ?? 'local' })
    else if (item.type === 'eof') this.lost(this.endBelow())
    else if (item.type === 'close') {
      const cause = closeCause(item.code, item.text)
      this.endedBy ??= 'peer'
      this.sendClose(item.code, '')
      this.endInOrder(cause)
    } else {
      const { cause, closeCode } = frameError(item.error, this.policy)
      this.sendClose(closeCode, '')
      this.endInOrder(cause)
    }
  }

  /** What it is when the transport below has ended, in order, without a Close. */
  private endBelow(): Cause {
    if (this.ending !== 'no') return { kind: 'closed', by: this.endedBy ?? 'local' }
    return { kind: 'truncated', error: new ConnectionError('ERR_TRUNCATED', 'the connection ended without a Close frame') }
  }

  // ── the end ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** All that was to be said is said, or on its way. */
  private endInOrder(cause: Cause): void {
    if (this.ending === 'no') this.dropThisTurn()
    this.ending = 'over'
    this.finish(cause)
  }

  private closeBelow(): void {
    this.clearDeadline()
    this.below.close({ timeoutMs: this.policy.lingerMs })
  }

  private deadline(): void {
    if (this.cause !== undefined) this.closeBelow()
    else if (this.ending === 'waiting') this.endInOrder({ kind: 'closed', by: this.endedBy ?? 'local' })
    else this.finish({ kind: 'timeout', error: new ConnectionError('ERR_CLOSE_TIMEOUT', 'close() could not send what was queued in time', { phase: 'close' }) })
  }

  private setDeadline(ms: number): void {
    this.clearDeadline()
    this.timerDueMs = this.policy.clock.nowMs() + ms
    this.timer = this.policy.clock.setTimer(() => this.deadline(), ms)
  }

  private clearDeadline(): void {
    this.policy.clock.clearTimer(this.timer)
  }

  private stopTimers(): void {
    this.clearDeadline()
    this.heartbeat.stop()
  }

  private stopProducer(): void {
    const { producer } = this
    if (producer === undefined) return
    this.unregister()
    try {
      producer.stop()
    } catch (error) {
      this.protocolThrew(error)
    }
  }

  // ── control frames ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

  private sendClose(code: number, text: string): void {
    const payload = code === 1005 ? noBytes : Buffer.concat([Buffer.from([code >> 8, code & 0xff]), Buffer.from(text)])
    if (!this.sendControl(opcodes.close, payload)) {
      // No room for it: after what is queued. A Close that only answers the peer's is not waited for.
      if (this.ending === 'flushing') this.below.drained().then(() => this.ending === 'flushing' && this.sendClose(code, text), ignore)
    } else if (this.ending === 'flushing') this.below.drained(0).then(() => this.closeSent(), ignore)
  }

  private closeSent(): void {
    if (this.ending !== 'flushing') return
    this.ending = 'waiting'
    this.setDeadline(this.policy.lingerMs)
  }

  private answerPing(payload: Uint8Array): void {
    if (this.below.queuedBytes <= limits.highWaterMarkBytes) return void this.sendControl(opcodes.pong, payload)
    const waits = this.owedPong !== undefined
    this.owedPong = payload
    if (waits) return
    const answer = (): void => {
      const owed = this.owedPong!
      this.owedPong = undefined
      if (this.ending === 'no' && this.cause === undefined) this.sendControl(opcodes.pong, owed)
    }
    this.below.drained().then(answer, ignore)
  }

  /** Whether it was taken: what is below may be full, or over, of which we are told otherwise. */
  private sendControl(opcode: number, payload: Uint8Array): boolean {
    try {
      this.below.writeSequence(this.outgoing.control(opcode, payload))
      return true
    } catch {
      return false
    }
  }

  /** For the heartbeat: bytes came, or left, or nobody reads. */
  private isAlive(): boolean {
    const { queuedBytes } = this.below
    // Only what had to wait is a sign: into a buffer that has room bytes leave for nobody, too.
    const left = this.lastQueuedBytes > 0 && this.lastQueuedBytes + this.writtenBytes > queuedBytes
    const alive = this.heard || this.readHalf !== 'flowing' || left
    this.heard = false
    this.lastQueuedBytes = queuedBytes
    this.writtenBytes = 0
    return alive
  }
}

const noBytes: Uint8Array = new Uint8Array(0)

function ignore(): void {}
