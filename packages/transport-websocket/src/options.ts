import { limits } from '@async/core'
import { checkNumbers, type TransportOptions, type TransportPolicy, transportPolicy } from '@async/core/base'
import { checkCounts } from './web/counts.ts'

/** Options of every WebSocket that runs over a transport: those of both sides. */
export interface WebSocketOptions extends TransportOptions {
  /** Bytes of one message, after decompression; a longer one ends the connection with kind `limit`, and code 1009. Default 1 MiB. */
  readonly maxMessageBytes?: number
  /** Frames of one message; more end the connection with kind `limit`, and code 1008. Default 16,384. */
  readonly maxFragments?: number
  /** Milliseconds of silence after which a ping is sent; `Infinity`: never. Stands while paused. Default 20,000. */
  readonly heartbeatMs?: number
  /** Milliseconds of silence after the ping; then kind `timeout`, code `ERR_HEARTBEAT_TIMEOUT`. Default 20,000. */
  readonly heartbeatTimeoutMs?: number
  /** Compress messages, if the peer does too: those of at least `thresholdBytes` (1,024). Default: no. */
  readonly deflate?: boolean | DeflateOptions
  /** Milliseconds for the handshake. Default 10,000. */
  readonly handshakeTimeoutMs?: number
}

/** Options of compression. */
export interface DeflateOptions {
  /** Bytes below which a message is sent as it is. Default 1,024. */
  readonly thresholdBytes?: number
}

/** `WebSocketOptions` with the defaults filled in. */
export interface WebSocketPolicy extends TransportPolicy {
  readonly maxMessageBytes: number
  readonly maxFragments: number
  readonly heartbeatMs: number
  readonly heartbeatTimeoutMs: number
  readonly handshakeTimeoutMs: number
  /** Undefined: no compression. */
  readonly deflateThresholdBytes: number | undefined
}

/** Fills in the defaults. @throws UsageError `ERR_INVALID_ARGUMENT`. */
export function webSocketPolicy(options: WebSocketOptions): WebSocketPolicy {
  const { deflate = false } = options
  const policy: WebSocketPolicy = {
    ...transportPolicy(options),
    maxMessageBytes: options.maxMessageBytes ?? limits.maxMessageBytes,
    maxFragments: options.maxFragments ?? 16_384,
    heartbeatMs: options.heartbeatMs ?? 20_000,
    heartbeatTimeoutMs: options.heartbeatTimeoutMs ?? 20_000,
    handshakeTimeoutMs: options.handshakeTimeoutMs ?? 10_000,
    deflateThresholdBytes: deflate === false ? undefined : ((deflate === true ? undefined : deflate.thresholdBytes) ?? 1024),
  }
  checkNumbers(policy, ['heartbeatMs', 'heartbeatTimeoutMs', 'handshakeTimeoutMs', 'deflateThresholdBytes'])
  checkCounts(policy, ['maxMessageBytes', 'maxFragments'])
  return policy
}
