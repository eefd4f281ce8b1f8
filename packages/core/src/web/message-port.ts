/**
 * A transport of messages over a MessagePort: between a page and its workers, two workers, two windows; in browsers, Node, Deno and Bun.
 *
 * Each message is a string or a Uint8Array, as it is written. `null` is our end, so that a port half-closes; a port that closes without it
 * was dropped. A port cannot be held back: what comes while paused is held here, and more than `maxHeldBytes` of it ends the connection.
 */
import { ConnectionError, LimitError, ProtocolError } from '../errors.ts'
import { afterTurn } from '../base/clock.ts'
import { heldLength } from '../base/byte-length.ts'
import { checkNumbers, type TransportOptions, transportPolicy } from '../base/options.ts'
import { QueuedTransport } from '../base/queued-transport.ts'
import * as limits from '../limits.ts'
import type { Data, HalfClosable, Info, Messages, Transport } from '../transport.ts'

/** What is needed of a port: a MessagePort, a Worker or a worker's own scope is one, of whatever runtime. */
export interface MessagePortLike {
  postMessage(message: unknown, transfer?: any): void
  /** Listeners are told of `message`, and of `messageerror` and `close` where the runtime has them. */
  addEventListener(type: string, listener: (event: any) => void): void
  removeEventListener(type: string, listener: (event: any) => void): void
  /** Begins to deliver; a Worker has none, and delivers at once. */
  start?(): void
  /** Ends the port; a Worker has `terminate`, which is not called. */
  close?(): void
}

/** Options of `messagePort`, those of every transport among them. */
export interface MessagePortOptions extends TransportOptions {
  /**
   * Bytes that may come from a pause on, until all of what waits was delivered, a message of fewer than 64 counting as 64; more end the connection with
   * kind `limit`. Default 16,777,216.
   */
  readonly maxHeldBytes?: number
}

/**
 * The transport of a port, which is its own from now on. Both ends have to be such transports, or agree on `null` for the end.
 * @throws UsageError `ERR_INVALID_ARGUMENT` for an option that is out of range.
 */
export function messagePort(port: MessagePortLike, options: MessagePortOptions = {}): Transport<Messages> & HalfClosable {
  const { maxHeldBytes = limits.maxQueuedBytes } = options
  checkNumbers({ maxHeldBytes }, ['maxHeldBytes'])
  return new PortTransport(port, options, maxHeldBytes)
}

class PortTransport extends QueuedTransport<Messages> {
  readonly carries = 'message'
  readonly info: Info = { pausable: false, resets: true, halfCloses: true, readsAfterWriteError: true }
  private readonly port: MessagePortLike
  private readonly maxHeldBytes: number
  /** Bytes that came since reading stopped. */
  private heldSinceBytes = 0
  private listening: 'not yet' | 'yes' | 'over' = 'not yet'
  private ended = false

  constructor(port: MessagePortLike, options: MessagePortOptions, maxHeldBytes: number) {
    super(transportPolicy(options))
    this.port = port
    this.maxHeldBytes = maxHeldBytes
    // Told once, also of a port that nobody listens to yet.
    port.addEventListener('close', this.onClose)
  }

  protected startReading(): void {
    this.heldSinceBytes = 0
    if (this.listening !== 'not yet') return
    this.listening = 'yes'
    this.port.addEventListener('message', this.onMessage)
    this.port.addEventListener('messageerror', this.onMessageError)
    this.port.start?.()
  }

  protected stopReading(): void {
    this.heldSinceBytes = 0
  }

  protected scheduleFlush(): void {
    afterTurn(() => this.flush())
  }

  protected send(batch: Data[], bytes: number): void {
    try {
      for (const data of batch) this.post(data)
    } catch (cause) {
      return this.finish({ kind: 'protocol', error: new ProtocolError('ERR_PORT_BAD_MESSAGE', 'what was written can not be sent', { cause, side: 'local' }) })
    }
    this.sent(bytes)
  }

  /** A port would copy all of the memory that bytes are a view of: for the time, and for what else may stand there, a copy of them alone is given away. */
  private post(data: Data): void {
    if (typeof data === 'string') return this.port.postMessage(data)
    const copy = new Uint8Array(data)
    this.port.postMessage(copy, [copy.buffer])
  }

  protected sendEnd(): void {
    this.port.postMessage(null)
    this.endSent()
  }

  protected destroy(): void {
    this.listening = 'over'
    this.port.removeEventListener('message', this.onMessage)
    this.port.removeEventListener('messageerror', this.onMessageError)
    this.port.removeEventListener('close', this.onClose)
    this.port.close?.()
  }

  private readonly onMessage = ({ data }: { readonly data: unknown }): void => {
    if (this.listening !== 'yes' || this.ended) return
    if (data === null) {
      this.ended = true
      return this.receivedEof()
    }
    if (typeof data !== 'string' && !(data instanceof Uint8Array)) {
      return this.lost({ kind: 'protocol', error: new ProtocolError('ERR_PORT_BAD_MESSAGE', `a message is a string or bytes, not ${typeof data}`) })
    }
    if (this.readHalf !== 'flowing') this.countHeld(heldLength(data))
    if (this.listening === 'yes') this.received(data)
  }

  private readonly onMessageError = (): void => {
    this.lost({ kind: 'protocol', error: new ProtocolError('ERR_PORT_BAD_MESSAGE', 'a message could not be read') })
  }

  private readonly onClose = (): void => {
    if (this.ended && this.writeHalf === 'ended') return
    this.lost({ kind: 'reset', error: new ConnectionError('ERR_RESET', 'the other end of the port was closed') })
  }

  /** What waits may be less: some of it was delivered since. A limit that is reached early is one that holds. */
  private countHeld(bytes: number): void {
    if (this.readHalf === 'discarding' || this.readHalf === 'ended') return
    this.heldSinceBytes += bytes
    if (this.heldSinceBytes <= this.maxHeldBytes) return
    const what = { limit: 'maxHeldBytes', allowed: this.maxHeldBytes, actual: this.heldSinceBytes, unit: 'bytes' }
    this.finish({ kind: 'limit', error: new LimitError('ERR_HELD_TOO_MUCH', what) })
  }
}
