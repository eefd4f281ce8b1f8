import type { CloseOptions, CloseReason, Info, Messages, Transport } from '@async/core'
import type { Clock } from '@async/core/base'
import type { Caller } from './caller.ts'
import type { CodecOptions } from './codec.ts'
import { Connection } from './connection.ts'
import type { Conventions } from './conventions.ts'
import type { Diagnostic } from './diagnostics.ts'
import type { Limits } from './limits.ts'
import type { ApiOf, Contract } from './method.ts'
import type { AnyMethods, CallArguments } from './method-types.ts'
import type { Observer } from './observe.ts'
import type { Service } from './service.ts'
import { makeSetup, usualSetup } from './setup.ts'

/** Options of `jsonRpc`. Limits given here win over the service's. */
export interface PeerOptions extends Partial<Limits>, CodecOptions {
  /** Milliseconds that a call waits for its answer unless it says otherwise. Default: as long as the connection lives. */
  readonly callTimeoutMs?: number
  /** How cancellation and progress are told: `lspConventions`, `mcpConventions`, or your own. Default: they are not. */
  readonly conventions?: Conventions
  /** Where time-outs come from, and the times that `observe` is told. Default: the runtime's clock. */
  readonly clock?: Clock
  /** Told of what came and made no sense, and of what was dropped. None of it is fatal. Default: nobody. */
  readonly onDiagnostic?: (diagnostic: Diagnostic) => void
  /** Told of each message and each call, with times: for logs, traces and metrics. Default: nobody, which costs nothing. */
  readonly observe?: Observer
}

/** Options of `jsonRpc` and `jsonRpcClient` for who has the other side's contract. */
export interface RemoteOptions<C extends Contract> {
  /** The other side's methods: calls are typed by it, and results are checked by its schemas. */
  readonly remote?: C
}

/** One end of a JSON-RPC connection. Both ends may call and serve. `R`: the other side's methods, as types; by default any. */
export interface Peer<R extends object = AnyMethods> extends Caller<R> {
  /** Facts about the transport. */
  readonly info: Info
  /** Calls that wait for an answer. */
  readonly pendingCalls: number
  /** Why it ended. Never rejects. */
  readonly closed: Promise<CloseReason>
  /**
   * Sends a notification; while the transport is above its high-water mark it waits here, and is sent in its turn.
   * @throws what the transport's `write` throws; ConnectionLostError once it ended; UsageError and LimitError as `call` rejects.
   */
  notify<M extends keyof R & string>(method: M, ...args: CallArguments<R[M], never>): void
  /**
   * Resolves when nothing of ours waits here, and the transport takes more without queueing (`drained` of core's contract, F8): await it
   * between calls to send no faster than the other side reads.
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
 * The other side's methods are typed by `jsonRpc<Api>(…)`, or by its contract as the option `remote`.
 * @throws UsageError `ERR_INVALID_ARGUMENT` for a limit that is not a positive integer, or a time-out that is none.
 */
export function jsonRpc<const C extends Contract>(service: Service | undefined, options: PeerOptions & { readonly remote: C }): (below: Transport<Messages>) => Peer<ApiOf<C>>
export function jsonRpc<R extends object = AnyMethods>(service?: Service, options?: PeerOptions): (below: Transport<Messages>) => Peer<R>
export function jsonRpc(service?: Service, options?: PeerOptions & RemoteOptions<Contract>): (below: Transport<Messages>) => Peer {
  const setup = service !== undefined && options === undefined ? usualSetup(service) : makeSetup(service, options ?? {})
  return (below) => {
    const peer = new Connection(below, setup)
    below.start(peer)
    return peer
  }
}
