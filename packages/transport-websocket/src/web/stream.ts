/**
 * A stream over messages: what is written in one turn leaves as one binary message, cut at `maxMessageBytes`; what comes is bytes, whatever the
 * messages were: an empty one is nothing, text is its UTF-8. Over any message transport, a browser's WebSocket as well.
 *
 * It has a queue of its own, because a message can be made only when the turn is over. Below it is handed on a little at a time, so that what
 * waits is counted here, once.
 */
import { type CloseReason, type Data, type Info, isAsyncError, type Layer, limits, type Messages, type Stream, type Transport } from '@async/core'
import { afterTurn, layerInfo, lossError, QueuedTransport, toBytes, type TransportOptions, type TransportPolicy, transportPolicy } from '@async/core/base'
import { checkCounts } from './counts.ts'

/** Options of `messagesAsStream`. */
export interface StreamOptions extends TransportOptions {
  /** Bytes of a message that is sent, at most; the peer has to take as many. Default 1 MiB. */
  readonly maxMessageBytes?: number
}

/** A layer: a stream above, messages below. @throws UsageError `ERR_INVALID_ARGUMENT`. */
export function messagesAsStream(options: StreamOptions = {}): Layer<Transport<Messages>, Transport<Stream>> {
  const { maxMessageBytes = limits.maxMessageBytes } = options
  checkCounts({ maxMessageBytes }, ['maxMessageBytes'])
  const policy = transportPolicy(options)
  return (below) => new MessageStream(below, policy, maxMessageBytes)
}

/** Bytes of a delivery at most. (B2) */
const maxDeliveryBytes = 64 * 1024

class MessageStream extends QueuedTransport<Stream> implements Transport<Stream> {
  readonly carries = 'stream' as const
  readonly info: Info
  private readonly below: Transport<Messages>
  private readonly maxMessageBytes: number
  /** Of the batch, what is not handed on yet. */
  private outbox: Uint8Array[] = []
  /** Bytes that were handed on, and of which it is not known that the system has them. */
  private handedBytes = 0
  private lostBelow: CloseReason | undefined

  constructor(below: Transport<Messages>, policy: TransportPolicy, maxMessageBytes: number) {
    super(policy)
    this.below = below
    this.maxMessageBytes = maxMessageBytes
    this.info = layerInfo(below)
    below.pause('read')
    below.start({ dataReceived: (data) => this.messageReceived(data), connectionLost: (reason) => this.belowLost(reason) })
  }

  /** What was handed on is known there, piece by piece. */
  override get queuedBytes(): number {
    return this.queue.bytes - this.handedBytes + this.below.queuedBytes
  }

  protected scheduleFlush(): void {
    afterTurn(() => this.flush())
  }

  protected send(batch: Data[], bytes: number): void {
    const data = batch.length === 1 ? toBytes(batch[0]!) : joined(batch, bytes)
    for (let at = 0; at < data.length; at += this.maxMessageBytes) this.outbox.push(data.subarray(at, at + this.maxMessageBytes))
    this.handOn()
  }

  /** Our end is the end of what is below; `belowLost` tells of the rest. */
  protected sendEnd(): void {
    this.below.close({ timeoutMs: this.policy.closeTimeoutMs })
    this.endSent()
  }

  protected startReading(): void {
    this.below.resume('read')
  }

  protected stopReading(): void {
    this.below.pause('read')
  }

  protected destroy(reset: boolean): void {
    this.outbox = []
    if (reset) this.below.abort(lossError(this.cause!))
    else this.below.close()
  }

  /** With the reason below, once that is known. What was handed on and did not leave is counted there. */
  protected override deliverLoss(): void {
    if (this.lostBelow === undefined) return
    this.unsentBytes -= Math.min(this.unsentBytes, this.handedBytes)
    super.deliverLoss(this.lostBelow)
  }

  private messageReceived(message: Data): void {
    const data = toBytes(message)
    for (let at = 0; at < data.length; at += maxDeliveryBytes) this.received(data.subarray(at, at + maxDeliveryBytes))
  }

  private belowLost(reason: CloseReason): void {
    this.lostBelow = reason
    if (this.cause !== undefined) this.deliverLoss()
    else if (reason.kind === 'closed') this.lost({ kind: 'closed', by: this.endedBy ?? reason.by })
    else if (reason.kind === 'detached') this.finish(reason)
    else this.lost({ kind: reason.kind, error: reason.error })
  }

  /** Hands on as much as the transport below takes gladly; the rest when that has left. */
  private handOn(): void {
    try {
      for (let next = this.outbox.shift(); next !== undefined; next = this.outbox.shift()) {
        this.below.write(next)
        this.handedBytes += next.length
        if (this.below.queuedBytes > limits.highWaterMarkBytes) break
      }
    } catch (error) {
      // What is below takes less at a time than a message has.
      if (isAsyncError(error, 'ERR_WRITE_QUEUE_FULL')) return this.finish({ kind: 'limit', error })
      return this.belowBroke(error as Error)
    }
    this.below.drained(0).then(
      () => this.handedOn(),
      (error: Error) => this.belowBroke(error),
    )
  }

  /** What is below is over, of which we are told in this turn, or takes nothing more while it still has something for us. */
  private belowBroke(error: Error): void {
    afterTurn(() => {
      if (this.lostBelow === undefined) this.writeFailed({ kind: 'reset', error })
    })
  }

  private handedOn(): void {
    const bytes = this.handedBytes
    this.handedBytes = 0
    if (this.outbox.length === 0) return this.sent(bytes)
    this.progressed(bytes)
    if (this.cause === undefined) this.handOn()
  }
}

function joined(batch: readonly Data[], bytes: number): Uint8Array {
  const all = new Uint8Array(bytes)
  let at = 0
  for (const data of batch) {
    const piece = toBytes(data)
    all.set(piece, at)
    at += piece.length
  }
  return all
}
