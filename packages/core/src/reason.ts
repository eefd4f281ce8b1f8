/**
 * Why a connection ended: plain data, the same on every transport. A clean end costs no Error and no stack trace. Kinds are closed;
 * codes of `error` are open. Clauses R1–R6 of docs/contract.md.
 */
export type CloseReason = {
  /** Bytes that this end accepted and that were not handed to the operating system: here and in all layers below. */
  readonly unsentBytes: number
  /** Bytes that came and were not delivered to the protocol: here and in all layers below, where they are counted as they came. */
  readonly unreadBytes: number
  /** The reason of the transport below, where this is a layer. */
  readonly below?: CloseReason
} & (
  | {
      /** Both directions ended in order. `by`: who ended first; `local` if `close()` was called before the peer's end was known. */
      readonly kind: 'closed'
      readonly by: 'local' | 'peer'
    }
  | {
      /** Another protocol took over the transport, which lives on. */
      readonly kind: 'detached'
    }
  | {
      /**
       * - `reset`: the peer or the network dropped the connection.
       * - `truncated`: the end came before the layer's own mark of the end.
       * - `aborted`: `abort()` was called here; the cause is in `error.cause`.
       * - `timeout`: a deadline of ours passed; `error.code` says which.
       * - `protocol`: bytes, or a callback that threw, broke the protocol.
       * - `limit`: a receive limit, or the memory budget.
       * - `gone`: the device, process or peer is not there any more.
       */
      readonly kind: 'reset' | 'truncated' | 'aborted' | 'timeout' | 'protocol' | 'limit' | 'gone'
      readonly error: Error
    }
)

/** The kinds of a `CloseReason`. */
export type CloseKind = CloseReason['kind']

/** What ended a connection, before the bytes are counted. */
export type Cause =
  | { readonly kind: 'closed'; readonly by: 'local' | 'peer' }
  | { readonly kind: 'detached' }
  | { readonly kind: Exclude<CloseKind, 'closed' | 'detached'>; readonly error: Error }
