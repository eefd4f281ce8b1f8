import type { CloseOptions, Info, Messages, Transport } from '@async/core'

/** What a WebSocket's `close` takes. */
export interface WebSocketCloseOptions extends CloseOptions {
  /** The code to close with: 1000 (default), 1001 to 1003, 1007 to 1014, or 3000 to 4999; 1000 and 3000 to 4999 on the built-in WebSocket. */
  readonly code?: number
  /** A text for the peer, at most 123 bytes. Default: none. */
  readonly text?: string
}

/** Facts about a WebSocket. */
export interface WebSocketInfo extends Info {
  /** The subprotocol that was agreed upon; empty if none was. */
  readonly subprotocol: string
  /** Whether messages are compressed where that is worth it. */
  readonly compresses: boolean
}

/** A WebSocket: strings are text messages, bytes are binary ones. It has no half-close. */
export interface WebSocketTransport extends Transport<Messages> {
  readonly info: WebSocketInfo
  /**
   * As `Transport.close`: sends what is queued, then a Close frame, waits `lingerMs` for the peer's, and ends the connection below.
   * @throws UsageError `ERR_INVALID_ARGUMENT` for a code that may not be sent, or a text that is too long; nothing changes.
   */
  close(options?: WebSocketCloseOptions): void
}
