import { ConnectionError, isAsyncError, ProtocolError } from '@async/core'
import type { Data, Info, Messages, StreamTransport } from '@async/core'
import { afterTurn, byteLength, QueuedTransport, toBytes, type TransportPolicy, soon } from '@async/core/base'
import { encodeEvent, EventReader } from './duplex-events.ts'

/** What both ends of a session are told. */
export interface DuplexPolicy {
  readonly transport: TransportPolicy
  readonly maxMessageBytes: number
  readonly maxReplayBytes: number
}

/** Characters of events that are written to an exchange at once. */
const portionLength = 64 * 1024

/** Writes a text; one that is longer than the exchange may queue, or has room for now, portion after portion. The promise, if it takes one, rejects when the exchange is over. */
export function writeText(to: StreamTransport, text: string): Promise<void> | undefined {
  if (text.length <= portionLength) {
    try {
      return void to.write(text)
    } catch (error) {
      if (!isAsyncError(error, 'ERR_WRITE_QUEUE_FULL')) throw error
    }
  }
  return writeInPortions(to, toBytes(text))
}

async function writeInPortions(to: StreamTransport, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at += portionLength) {
    if (to.queuedBytes > 0) await to.drained(0)
    to.write(bytes.subarray(at, at + portionLength))
  }
}

/** What was sent and not acknowledged. */
interface Sent {
  readonly id: number
  readonly text: string
}

/**
 * Theory of operation. A duplex session is a message transport over exchanges that come and go. Each message has a number, and is kept by
 * its sender until the other end says that it delivered it; what an exchange lost is sent again on the next one, and what came already is
 * dropped by its number. So a message is delivered once, in order, or the session ends.
 *
 * A message is acknowledged when it is delivered, not when it comes: `maxReplayBytes` of what is not acknowledged are a window, so that
 * memory is bounded here, and a reader that pauses holds the writer back at the other end. A message that is longer than the window goes
 * when less than a quarter of that is taken. The end of one side is a numbered event like others, behind all messages.
 *
 * This class has the numbers, the window, and the reading. How exchanges are had is the subclasses': the client's events go in requests,
 * the server's in the response that the client has asked for.
 */
export abstract class DuplexTransport extends QueuedTransport<Messages> {
  readonly carries = 'message' as const
  readonly info: Info
  protected readonly duplex: DuplexPolicy
  /** Number of our last message. */
  protected sentId = 0
  /** What the other end has not acknowledged, in order. */
  protected unacked: Sent[] = []
  protected unackedBytes = 0
  /** Number of the last message that was delivered here. */
  protected receivedId = 0
  /** Whether the end of ours is among what was sent. */
  protected endIsSent = false
  /** Whether something is delivered now. */
  protected takes = false
  /** The body that is read. */
  protected source: StreamTransport | undefined
  private reader: EventReader
  private sourceEnded = false
  private batch: readonly Data[] = []
  private batchAt = 0
  private endWaits = false

  constructor(duplex: DuplexPolicy, info: Info) {
    super(duplex.transport)
    this.duplex = duplex
    this.reader = new EventReader(duplex.maxMessageBytes)
    // An abort is told to the other end, and whatever breaks the session ends both directions.
    this.info = Object.create(info, {
      halfCloses: { value: false, enumerable: true },
      resets: { value: true, enumerable: true },
      pausable: { value: true, enumerable: true },
      readsAfterWriteError: { value: false, enumerable: true },
      below: { value: info, enumerable: true },
    }) as Info
  }

  /** Whether something can be sent now. */
  protected abstract get canSend(): boolean
  /** Send what `unacked` has gained. */
  protected abstract sendNew(): void
  /** The body that was read is complete, and every event in it was delivered. */
  protected abstract sourceComplete(): void
  /** So many characters of events were delivered. */
  protected abstract delivered(length: number): void

  // ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  protected scheduleFlush(): void {
    afterTurn(() => this.flush())
  }

  protected send(batch: Data[]): void {
    this.batch = batch
    this.batchAt = 0
    this.pumpOut()
  }

  protected sendEnd(): void {
    this.endWaits = true
    this.pumpOut()
  }

  /** Moves what there is room for into the window, and has it sent. */
  protected pumpOut(): void {
    if (this.cause !== undefined || !this.canSend) return
    const { batch } = this
    const from = this.sentId
    let bytes = 0
    while (this.batchAt < batch.length && this.writeHalf !== 'held') {
      const data = batch[this.batchAt]!
      // The encoded event is longer: what has no place is encoded again later.
      const text = encodeEvent(this.sentId + 1, data)
      if (!this.hasRoomFor(text.length)) break
      this.keep(text)
      this.batchAt++
      bytes += byteLength(data)
    }
    if (this.endWaits) {
      this.endWaits = false
      this.endIsSent = true
      this.keep(encodeEvent(this.sentId + 1, undefined))
    }
    if (this.sentId > from) this.sendNew()
    if (this.endIsSent) return this.endSent()
    if (batch.length === 0) return
    if (this.batchAt < batch.length) return this.progressed(bytes)
    this.batch = []
    this.batchAt = 0
    this.sent(bytes)
  }

  /** The other end has delivered what we sent up to `id`. False if it cannot have, or has said so of more. */
  protected acknowledged(id: number): boolean {
    const firstId = this.unacked[0]?.id ?? this.sentId + 1
    if (id > this.sentId || id < firstId - 1) return false
    let count = 0
    while (count < this.unacked.length && this.unacked[count]!.id <= id) this.unackedBytes -= this.unacked[count++]!.text.length
    if (count > 0) this.unacked.splice(0, count)
    return true
  }

  protected override setHold(on: boolean): void {
    super.setHold(on)
    if (!on) soon(() => this.pumpOut())
  }

  /**
   * Below a quarter of the window there is room for any message: the other end need not acknowledge less than a quarter, and would not
   * know that we wait.
   */
  private hasRoomFor(length: number): boolean {
    const { maxReplayBytes } = this.duplex
    return this.unackedBytes + length <= maxReplayBytes || this.unackedBytes * 4 < maxReplayBytes || this.unacked.length === 0
  }

  private keep(text: string): void {
    this.sentId++
    this.unacked.push({ id: this.sentId, text })
    this.unackedBytes += text.length
  }

  // ── receiving ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  protected startReading(): void {
    this.takes = true
    soon(() => this.pumpIn())
  }

  protected stopReading(): void {
    this.takes = false
    this.source?.pause('read')
  }

  /** Reads events from `source` from now on, and from nothing else. */
  protected readFrom(source: StreamTransport | undefined): void {
    this.source = source
    this.sourceEnded = false
    this.reader = new EventReader(this.duplex.maxMessageBytes)
    if (!this.takes) source?.pause('read')
  }

  protected sourceData(source: StreamTransport, data: Uint8Array): void {
    if (source !== this.source) return
    try {
      this.reader.push(data)
    } catch (error) {
      return this.finish({ kind: 'protocol', error: error as Error })
    }
    this.pumpIn()
  }

  protected sourceEof(source: StreamTransport): void {
    if (source !== this.source) return
    this.sourceEnded = true
    this.pumpIn()
  }

  /** Delivers what is there, as long as it is wanted. From a clean stack. */
  protected pumpIn(): void {
    const { source } = this
    while (this.takes && this.cause === undefined && source !== undefined && source === this.source) {
      let event
      try {
        event = this.reader.next()
      } catch (error) {
        return this.finish({ kind: (error as Error).name === 'LimitError' ? 'limit' : 'protocol', error: error as Error })
      }
      if (event === undefined) {
        if (!this.sourceEnded) return source.resume('read')
        this.source = undefined
        return this.sourceComplete()
      }
      // Sent again by an end that did not know that it had come.
      if (event.id <= this.receivedId) continue
      if (event.id !== this.receivedId + 1) {
        return this.finish({ kind: 'protocol', error: new ProtocolError('ERR_HTTP_BAD_EVENT', `message ${event.id} came behind ${this.receivedId}`) })
      }
      this.receivedId = event.id
      if (event.data === undefined) return this.lost({ kind: 'closed', by: this.endedBy ?? 'peer' })
      this.received(event.data)
      this.delivered(event.length)
    }
  }

  /** The session is over for the other end, or it cannot be reached. */
  protected sessionLost(message: string, cause?: unknown): void {
    this.lost({ kind: 'reset', error: new ConnectionError('ERR_RESET', message, { cause }) })
  }
}
