import type { Consumer } from './flow.ts'
import type { Protocol } from './protocol.ts'
import type { CloseReason } from './reason.ts'

/** Bytes, or a string that stands for its UTF-8 bytes; on a message transport a string is a text message. */
export type Data = Uint8Array | string

/** A transport that carries a stream: boundaries mean nothing, deliveries are bytes, at least one at a time. */
export interface Stream {
  readonly kind: 'stream'
  readonly in: Uint8Array
}

/** A transport that carries messages: each write is one message, each delivery one whole message, the empty one included. */
export interface Messages<D extends Data = Data> {
  readonly kind: 'message'
  readonly in: D
}

/** What a transport carries. */
export type Carries = Stream | Messages

/** Facts about a transport. Readable in every state, also after the end. */
export interface Info {
  /** Whether `pause('read')` holds the peer back. Where not (a browser's WebSocket), a hard cap ends the connection instead. */
  readonly pausable: boolean
  /** Whether the peer can tell `abort()` from an end. */
  readonly resets: boolean
  /** Whether `halfClose()` works. Where not it throws `ERR_UNSUPPORTED`. Ask with `canHalfClose(transport)`. */
  readonly halfCloses: boolean
  /** Whether data that the peer sent before it broke our write half are still delivered, always (else: mostly). (C12) */
  readonly readsAfterWriteError: boolean
  /** Our address, as text, where there is one. */
  readonly local?: string
  /** The peer's address, as text, where there is one. */
  readonly remote?: string
  /** The facts of the transport below, where this is a layer. */
  readonly below?: Info
}

/** Which directions `pause` and `resume` concern: only deliveries, or (the draft's pair) deliveries and writes. */
export type Side = 'read' | 'both'

/**
 * One end of an ordered, reliable, bidirectional connection. It carries bytes and knows nothing of their meaning.
 * What each call does in each state is docs/contract.md; the clause is named at each.
 */
export interface Transport<out C extends Carries = Carries> extends Consumer {
  /** Whether boundaries mean anything here. */
  readonly carries: C['kind']
  /** Facts: addresses and abilities. */
  readonly info: Info
  /** Bytes accepted and not yet handed to the operating system, in this layer and all below. */
  readonly queuedBytes: number
  /** Why it ended. Resolves right after `connectionLost`, with the same reason; never rejects. (R1) */
  readonly closed: Promise<CloseReason>

  /**
   * Ties `protocol` to this transport and begins to read. `protocol.connectionMade` runs inside this call, nothing else does.
   * A later call replaces the protocol: the old one's last call is `connectionLost` with kind `detached`, and `leftover` (bytes that
   * were read for the old one and belong to the new one) is delivered before anything else. `leftover` belongs to the transport
   * after the call. Legal until closing.
   * @throws UsageError `ERR_CLOSED` when closing or closed; `ERR_UNSUPPORTED` for a leftover on a message transport. (T1–T7)
   */
  start(protocol: Protocol<C, this>, leftover?: Uint8Array): void

  /**
   * Queues `data` behind what was written before. Never blocks; may call the registered producer's `pause()` before it returns.
   * Bytes are borrowed: leave them alone until `drained(0)` resolves. Empty data: no effect on a stream, an empty message elsewhere.
   * After a loss that came from outside, data written in the same turn are dropped and counted in `unsentBytes`.
   * @throws UsageError `ERR_HALF_CLOSED`, `ERR_CLOSED`, `ERR_WRITE_BROKEN` (from the turn after the write half broke);
   * LimitError `ERR_WRITE_QUEUE_FULL` above the hard cap: nothing is accepted, and the connection is unharmed. (W1–W9)
   */
  write(data: Data): void

  /** `write` for several pieces, in order, as one unit: all or none is accepted, and the OS gets them in as few calls as it allows. (W4) */
  writeSequence(list: readonly Data[]): void

  /**
   * Resolves when at most `belowBytes` are queued (default: the low-water mark; 0: everything was handed to the OS, and borrowed
   * bytes are yours again). Any number of waiters.
   * @throws (rejects) the error of the close reason once that cannot happen any more; `signal.reason` when aborted. (F8)
   */
  drained(belowBytes?: number, signal?: AbortSignal): Promise<void>

  /**
   * `'read'`: no delivery after this returns, at any layer above, until resumed; the peer is held back. `'both'` (default, the draft's
   * pause): that, and writes are held. Two flags; nothing is counted. No effect when closing or closed. (P1–P6)
   */
  pause(side?: Side): void

  /** Undoes `pause`. Delivery begins again soon, never inside this call. `'read'` leaves writes held. (P1–P6) */
  resume(side?: Side): void

  /**
   * Ends both directions in order: nothing more is delivered, a registered producer is stopped, what is queued is sent, our end is
   * announced, then incoming bytes are read and discarded until the peer's end or 5 s, so that what we sent is not destroyed.
   * Again: no effect, but the shorter deadline wins. Waits for `closed`? Use `await using`, or `await transport.closed`.
   * @param options `timeoutMs`: how long sending may take (30 000); then as `abort`, with kind `timeout`. (C1–C7)
   */
  close(options?: CloseOptions): void

  /** Ends at once: nothing that is still queued is sent, and the peer sees a reset where `info.resets`. Kind `aborted`. (C8–C11) */
  abort(cause?: unknown): void

  /** `close()`, then waits for `closed`. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Options of `Transport.close`. */
export interface CloseOptions {
  /** Milliseconds that sending what is queued may take; then the transport is aborted with kind `timeout`. */
  readonly timeoutMs?: number
  /** Milliseconds in which the peer's end is waited for, behind ours. Default: the transport's `lingerMs`. 0: a layer has waited for it already. */
  readonly lingerMs?: number
}

/** A transport whose write half can end alone. In the type, because a protocol may be unable to do without. */
export interface HalfClosable {
  /**
   * Sends what is queued, then tells the peer that no more will come; deliveries go on. A registered producer is stopped.
   * Again, or later: no effect.
   * @throws UsageError `ERR_UNSUPPORTED` where the transport has no half-close (only JavaScript gets that far). Nothing changes. (H1–H5)
   */
  halfClose(): void
}

/** A duplex byte stream whose halves end separately: what TCP, Unix sockets, TLS and HTTP exchanges are. */
export type StreamTransport = Transport<Stream> & HalfClosable

/** Whether this transport can end its write half alone; narrows its type. (H5) */
export function canHalfClose<T extends Transport>(transport: T): transport is T & HalfClosable {
  return transport.info.halfCloses
}

/** Makes transports, one at each call. */
export interface Connector<T> {
  /**
   * Connects. Nothing is read before the transport is started.
   * @throws (rejects) `signal.reason` at once when aborted, a late success is aborted; ConnectionError with phase `connect`. (L1–L3)
   */
  connect(options?: { readonly signal?: AbortSignal }): Promise<T>
}

/** Accepts transports and hands each to the function that it was made with. (L4–L9) */
export interface Listener {
  /** Where it listens, as text. */
  readonly address: string
  /** Resolves when it accepts no more and none of its transports is open. Never rejects. */
  readonly closed: Promise<void>
  /** Stops accepting. Open transports live on. Again: no effect. */
  close(): void
  /** Stops accepting, closes every open transport, and after `graceMs` (30 000) aborts those that are left. */
  closeConnections(options?: { readonly graceMs?: number }): Promise<void>
  /** Stops accepting and aborts every open transport. */
  abortConnections(cause?: unknown): void
}

/** A request to change the protocol of a connection, as HTTP has it: how a WebSocket starts on our HTTP with neither package knowing the other. */
export interface UpgradeRequest {
  /** The request's method. */
  readonly method: string
  /** The request's target, as sent. */
  readonly target: string
  /** Header names, in lower case, and values, in order. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  /** The transport that the new protocol takes over; started by whoever made this, and to be started again. */
  readonly transport: StreamTransport
  /** Bytes already read for the new protocol: pass them to `transport.start`. */
  readonly leftover: Uint8Array
}

/** A step of a stack: from what is below to what it gives above. */
export type Layer<Below, Above> = (below: Below) => Above
