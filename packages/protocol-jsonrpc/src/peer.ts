import type { CloseOptions, CloseReason, Info, Messages, Transport } from '@async/core'
import type { Clock } from '@async/core/base'
import type { Caller } from './caller.ts'
import { checkTimeout } from './calls.ts'
import { Connection } from './connection.ts'
import type { Diagnostic } from './diagnostics.ts'
import { resolveLimits } from './limits.ts'
import type { Limits } from './limits.ts'
import type { Params } from './messages.ts'
import { createService } from './service.ts'
import type { Service } from './service.ts'

/** Options of `jsonRpc`. Limits given here win over the service's. */
export interface PeerOptions extends Partial<Limits> {
  /** Milliseconds that a call waits for its answer unless it says otherwise. Default: as long as the connection lives. */
  readonly callTimeoutMs?: number
  /** Where time-outs come from. Default: the runtime's clock. */
  readonly clock?: Clock
  /** Told of what came and made no sense, and of what was dropped. None of it is fatal. Default: nobody. */
  readonly onDiagnostic?: (diagnostic: Diagnostic) => void
}

/** One end of a JSON-RPC connection. Both ends may call and serve. */
export interface Peer extends Caller {
  /** Facts about the transport. */
  readonly info: Info
  /** Calls that wait for an answer. */
  readonly pendingCalls: number
  /** Why it ended. Never rejects. */
  readonly closed: Promise<CloseReason>
  /**
   * Sends a notification.
   * @throws what the transport's `write` throws; ConnectionLostError once it ended; UsageError and LimitError as `call` rejects.
   */
  notify(method: string, params?: Params): void
  /**
   * Resolves when the transport takes more without queueing (`drained` of core's contract, F8): await it between calls to send
   * no faster than the other side reads.
   */
  drained(belowBytes?: number, signal?: AbortSignal): Promise<void>
  /** Rejects the calls that wait, sends what was written, and closes the transport. Handlers in flight finish unanswered. */
  close(options?: CloseOptions): void
  /** Rejects the calls that wait and aborts the transport: what was written and not sent is lost. */
  abort(cause?: unknown): void
}

/**
 * The step of a stack that makes a peer: `stack(transport, line(), jsonRpc(service))`. It starts what is below, which carries whole
 * messages: framing is the stack's business. Without a service the peer only calls; requests are answered −32601.
 * @throws UsageError `ERR_INVALID_ARGUMENT` for a limit that is not a positive integer, or a time-out that is none.
 */
export function jsonRpc(service?: Service, options: PeerOptions = {}): (below: Transport<Messages>) => Peer {
  const limits = resolveLimits(service?.options, options)
  checkTimeout('callTimeoutMs', options.callTimeoutMs)
  const served = service ?? createService({})
  return (below) => {
    const peer = new Connection(below, served, service !== undefined, limits, options)
    below.start(peer)
    return peer
  }
}
