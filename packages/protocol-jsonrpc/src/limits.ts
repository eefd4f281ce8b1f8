import { LimitError, limits as coreLimits, UsageError } from '@async/core'
import { utf8Length } from '@async/core/base'

/** What a peer and its service take and give, at most. Every one is an option, of the service or of the peer; the peer's wins. */
export interface Limits {
  /**
   * Bytes of one message, in and out (1 MiB). A longer one that comes is refused with −32600 and not parsed, or ends the connection
   * while a call of ours waits, because it may have been the answer; a longer call is rejected.
   */
  readonly maxMessageBytes: number
  /** Bytes of one answer of ours, a batch's whole one included (as `maxMessageBytes`). A longer one becomes −32603. */
  readonly maxResponseBytes: number
  /** Arrays and objects around a value of a message that comes (1000). A deeper one is answered −32700. */
  readonly maxNestingDepth: number
  /** Requests, notifications and invalid entries in one batch, in and out (100). A longer one is answered by one −32600. */
  readonly maxBatchItems: number
  /** Calls of ours that wait for an answer (4096). One more is rejected with `ERR_JSONRPC_TOO_MANY_CALLS`. */
  readonly maxPendingCalls: number
  /** Handlers in flight, per peer (64). One that waits for a call of ours to the same peer does not count: README, "Flow control". */
  readonly maxConcurrentHandlers: number
  /** Requests and notifications, per peer, that wait for a handler (1024). */
  readonly maxQueuedRequests: number
  /** Bytes of the requests and notifications, per peer, that wait for a handler (1 MiB). */
  readonly maxQueuedRequestBytes: number
  /**
   * Bytes of messages of ours that wait here for the transport to take more (16 MiB). One more call or notification is refused with
   * `ERR_WRITE_QUEUE_FULL`; for one more answer the connection is aborted with `ERR_JSONRPC_ANSWERS_UNREAD`.
   */
  readonly maxUnsentBytes: number
}

/** The defaults of `Limits`, with the reason of each. */
export const defaultLimits: Limits = {
  /** A message must be held whole. Core's limit for that; geth: 5 MiB in, 25 MB out; the MCP SDK: 10 MiB. */
  maxMessageBytes: coreLimits.maxMessageBytes,
  /** As much as a peer like us takes. */
  maxResponseBytes: coreLimits.maxMessageBytes,
  /** What recurses over a value must not run out of stack. Jackson: 1000; serde_json: 128; Go: 10 000. */
  maxNestingDepth: 1000,
  /** A batch is work for one message's price. geth: 1000; Aztec: 100. */
  maxBatchItems: 100,
  /** A lost peer costs this many promises, about 1 MiB. */
  maxPendingCalls: 4096,
  /** Enough to keep I/O-bound handlers busy. HTTP/2 servers allow about 100 streams; NATS and gRPC-like servers 50 to 250. */
  maxConcurrentHandlers: 64,
  /** A burst of sixteen times what may run. */
  maxQueuedRequests: 1024,
  /** As many bytes as one message may have. */
  maxQueuedRequestBytes: coreLimits.maxMessageBytes,
  /** As much as a transport queues itself. */
  maxUnsentBytes: coreLimits.maxQueuedBytes,
}

const names = Object.keys(defaultLimits) as readonly (keyof Limits)[]

/**
 * The limits of a peer: what `last` says, else what `first` says, else the default.
 * @throws UsageError `ERR_INVALID_ARGUMENT` for one that is not a positive integer (Infinity is allowed).
 */
export function resolveLimits(first: Partial<Limits> | undefined, last: Partial<Limits> | undefined): Limits {
  const limits: { -readonly [name in keyof Limits]: number } = { ...defaultLimits }
  for (const name of names) {
    const value = last?.[name] ?? first?.[name]
    if (value === undefined) continue
    if (!(value >= 1) || (value !== Infinity && !Number.isInteger(value))) {
      throw new UsageError('ERR_INVALID_ARGUMENT', `${name}: a positive integer is needed, not ${String(value)}`)
    }
    limits[name] = value
  }
  if (last?.maxResponseBytes === undefined && first?.maxResponseBytes === undefined) limits.maxResponseBytes = limits.maxMessageBytes
  return limits
}

/** Whether `data` has more than `maxBytes` bytes. Counts only strings whose length leaves it open. */
export function exceeds(data: Uint8Array | string, maxBytes: number): boolean {
  if (typeof data !== 'string') return data.length > maxBytes
  if (data.length > maxBytes) return true
  if (data.length * 3 <= maxBytes) return false
  return utf8Length(data) > maxBytes
}

/** What is thrown, or reported, for a message above `maxMessageBytes`. */
export function messageTooLong(actual: number, allowed: number): LimitError {
  return new LimitError('ERR_JSONRPC_MESSAGE_TOO_LONG', { limit: 'maxMessageBytes', allowed, actual, unit: 'bytes' })
}

/** What is reported for an answer of ours above `maxResponseBytes`. */
export function responseTooLong(actual: number, allowed: number): LimitError {
  return new LimitError('ERR_JSONRPC_MESSAGE_TOO_LONG', { limit: 'maxResponseBytes', allowed, actual, unit: 'bytes' })
}
