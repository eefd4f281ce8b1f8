/**
 * A transport over a runtime's own WebSocket. That can neither be held back, nor says when something has left, nor lets go at once:
 *
 * What comes while nobody takes it is held here, up to `maxHeldBytes`; then the connection ends with kind `limit`.
 * What was sent is asked for, in turns and then in time, as `bufferedAmount` falls. Where that is always 0 (Bun) everything has left at once.
 * An abort closes with code 4000, behind what the runtime has.
 */
import { ConnectionError, type Data, LimitError, type Messages, UsageError } from '@async/core'
import { afterTurn, byteLength, heldLength, QueuedTransport, systemClock, type TransportPolicy } from '@async/core/base'
import type { BuiltInWebSocket } from './built-in.ts'
import { builtInCloseCause, maxCloseTextBytes } from './close-codes.ts'
import type { WebSocketCloseOptions, WebSocketInfo, WebSocketTransport } from './websocket.ts'

/** Limits of what comes. */
export interface BuiltInLimits {
  readonly maxMessageBytes: number
  readonly maxHeldBytes: number
}

/** The code of an abort; a program may choose 1000 and 3000 to 4999, and 1000 would be an end in order. */
const abortCode = 4000
/** Turns in which a batch is asked for before it is asked for in time, and the milliseconds between. */
const eagerTurns = 8
const askEveryMs = 10
/** Bytes that are delivered from what was held before others get a turn. */
const budgetBytes = 64 * 1024

/** A WebSocket of the runtime's, open. */
export class BuiltInTransport extends QueuedTransport<Messages> implements WebSocketTransport {
  readonly carries = 'message' as const
  readonly info: WebSocketInfo
  private readonly socket: BuiltInWebSocket
  private readonly limits: BuiltInLimits
  /** What is held, from `inboxAt` on: to shift a long array takes time. */
  private inbox: Data[] = []
  private inboxAt = 0
  private inboxBytes = 0
  private takes = false
  private farewell: WebSocketCloseOptions = {}
  /** Bytes of the batch that the runtime has not sent. */
  private pendingBytes = 0
  private askTimer: unknown

  constructor(policy: TransportPolicy, socket: BuiltInWebSocket, limits: BuiltInLimits, remote: string) {
    super(policy)
    this.socket = socket
    this.limits = limits
    this.info = {
      pausable: false,
      resets: false,
      halfCloses: false,
      readsAfterWriteError: false,
      remote,
      subprotocol: socket.protocol,
      compresses: socket.extensions.includes('permessage-deflate'),
    }
    socket.onmessage = ({ data }: { readonly data: unknown }) => this.messageReceived(typeof data === 'string' ? data : new Uint8Array(data as ArrayBuffer))
    socket.onclose = ({ code, reason }: { readonly code: number; readonly reason: string }) => this.socketClosed(code, reason)
    socket.onerror = ignore
  }

  override close(options: WebSocketCloseOptions = {}): void {
    const { code = 1000, text = '' } = options
    if (code !== 1000 && !(Number.isInteger(code) && code >= 3000 && code <= 4999)) {
      throw new UsageError('ERR_INVALID_ARGUMENT', `${code} is no code that the built-in WebSocket closes with: 1000, or 3000 to 4999`)
    }
    if (byteLength(text) > maxCloseTextBytes) throw new UsageError('ERR_INVALID_ARGUMENT', `the text of a close is ${byteLength(text)} bytes; at most ${maxCloseTextBytes}`)
    if (!this.isClosing()) this.farewell = options
    super.close(options)
  }

  protected scheduleFlush(): void {
    afterTurn(() => this.flush())
  }

  protected send(batch: Data[], bytes: number): void {
    try {
      // What is shared with a worker it refuses: that is copied.
      for (const data of batch) this.socket.send(typeof data === 'string' || data.buffer instanceof ArrayBuffer ? data : data.slice())
    } catch (cause) {
      // Some drop what comes too late, some throw; why it is over comes by `onclose`.
      return this.writeFailed({ kind: 'reset', error: new ConnectionError('ERR_RESET', 'the WebSocket takes no more', { cause }) })
    }
    this.pendingBytes = bytes
    this.askWhatIsSent(eagerTurns)
  }

  protected sendEnd(): void {
    const { code = 1000, text = '' } = this.farewell
    this.socket.close(code, text)
    this.endSent()
  }

  protected startReading(): void {
    this.takes = true
    if (this.inbox.length > 0) afterTurn(() => this.deliverInbox())
  }

  protected stopReading(): void {
    this.takes = false
  }

  protected destroy(reset: boolean): void {
    this.takes = false
    systemClock.clearTimer(this.askTimer)
    this.socket.onmessage = null
    this.socket.onclose = null
    this.socket.close(reset ? abortCode : 1000, reset ? 'aborted' : '')
  }

  protected override dropHeld(): number {
    let bytes = super.dropHeld()
    for (const data of this.takeInbox()) bytes += byteLength(data)
    return bytes
  }

  /** All that is held, and holds nothing any more. */
  private takeInbox(): Data[] {
    const all = this.inbox.slice(this.inboxAt)
    this.inbox = []
    this.inboxAt = 0
    this.inboxBytes = 0
    return all
  }

  private messageReceived(data: Data): void {
    const bytes = byteLength(data)
    if (bytes > this.limits.maxMessageBytes) return this.exceeded('ERR_WEBSOCKET_MESSAGE_TOO_LONG', 'maxMessageBytes', bytes)
    if (this.takes && this.inbox.length === 0) return this.received(data)
    this.inbox.push(data)
    this.inboxBytes += heldLength(data)
    if (this.inboxBytes > this.limits.maxHeldBytes) this.exceeded('ERR_HELD_TOO_MUCH', 'maxHeldBytes', this.inboxBytes)
  }

  private exceeded(code: string, limit: keyof BuiltInLimits, actual: number): void {
    this.finish({ kind: 'limit', error: new LimitError(code, { limit, allowed: this.limits[limit], actual, unit: 'bytes' }) })
  }

  /** What is held is delivered in turns: the runtime's messages are behind it. */
  private deliverInbox(): void {
    let bytes = 0
    while (this.takes && bytes < budgetBytes) {
      const data = this.inbox[this.inboxAt++]
      if (data === undefined) break
      this.inboxBytes -= heldLength(data)
      bytes += heldLength(data)
      this.received(data)
    }
    // What was delivered is let go, at the cost of a step for each message.
    if (this.inboxAt * 2 > this.inbox.length) {
      this.inbox = this.inbox.slice(this.inboxAt)
      this.inboxAt = 0
    }
    if (this.takes && this.inbox.length > 0) afterTurn(() => this.deliverInbox())
  }

  private socketClosed(code: number, text: string): void {
    const closing = this.isClosing()
    // What came before is held by the base, and the end behind it.
    for (const data of this.takeInbox()) this.received(data)
    if (closing && code !== 1006) this.lost({ kind: 'closed', by: this.endedBy ?? 'local' })
    else this.lost(builtInCloseCause(code, text))
  }

  private askWhatIsSent(turnsLeft: number): void {
    if (this.cause !== undefined) return
    const left = Math.min(this.pendingBytes, this.socket.bufferedAmount)
    const bytes = this.pendingBytes - left
    this.pendingBytes = left
    if (left === 0) return this.sent(bytes)
    if (bytes > 0) this.progressed(bytes)
    if (turnsLeft > 0) afterTurn(() => this.askWhatIsSent(turnsLeft - 1))
    else this.askTimer = systemClock.setTimer(() => this.askWhatIsSent(bytes > 0 ? eagerTurns : 0), askEveryMs)
  }
}

function ignore(): void {}
