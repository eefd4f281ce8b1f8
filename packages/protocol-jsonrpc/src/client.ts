import { ConnectionError, UsageError } from '@async/core'
import type { Connector, Messages, Transport } from '@async/core'
import { afterTurn, utf8Length } from '@async/core/base'
import { attempted, batchText, callText, quietly } from './caller.ts'
import type { BatchEntry, Caller } from './caller.ts'
import { Calls } from './calls.ts'
import type { CallOptions, CallsOwner } from './calls.ts'
import { diagnose } from './diagnostics.ts'
import type { Diagnostic } from './diagnostics.ts'
import { ConnectionLostError } from './errors.ts'
import { Exchange } from './exchange.ts'
import type { Cancel, ExchangeOwner } from './exchange.ts'
import type { Params } from './messages.ts'
import { checkedResult } from './method.ts'
import type { ApiOf, Contract } from './method.ts'
import type { AnyMethods, CallArguments, Outcome } from './method-types.ts'
import { watchFor } from './observe.ts'
import type { Watch } from './observe.ts'
import type { PeerOptions, RemoteOptions } from './peer.ts'
import { makeSetup } from './setup.ts'
import type { Setup } from './setup.ts'

/** Options of `jsonRpcClient`. Those that concern serving have no effect. */
export interface ClientOptions extends PeerOptions {
  /**
   * Whether calls and notifications that are made in one turn of the event loop share an exchange, as a batch (JSON-RPC 2.0 §6), up to `maxBatchItems` and
   * `maxMessageBytes` of them. Many small calls at a time cost a tenth then. It has its price: all of them are answered when the slowest is,
   * their answers share the server's limits, and the server has to take batches. Default false: an exchange for each.
   */
  readonly joinCalls?: boolean
}

/** Calls without a connection of its own: each call, notification or batch opens a transport from the connector. `R`: as in `Peer`. */
export interface Client<R extends object = AnyMethods> extends Caller<R> {
  /** Calls that wait for an answer. */
  readonly pendingCalls: number
  /** Resolves after `close` or `abort`, when the last exchange is over. Never rejects. */
  readonly closed: Promise<void>
  /**
   * Sends a notification. Resolves when the other side has taken it, or the exchange was ended in order; a rejection that nobody looks at
   * is not reported as unhandled.
   * @throws (rejects) what `connect` rejects with; ConnectionLostError `ERR_CONNECTION_LOST`; and as `call` before anything is sent.
   */
  notify<M extends keyof R & string>(method: M, ...args: CallArguments<R[M], never>): Promise<void>
}

/**
 * A client of a service that answers each message over a transport of its own, as HTTP has it:
 * `jsonRpcClient(over(httpConnector, whole()))`. Time-outs include connecting; to give a call up aborts its exchange.
 * @throws UsageError `ERR_INVALID_ARGUMENT` for a limit that is not a positive integer.
 */
export function jsonRpcClient<const C extends Contract>(connector: Connector<Transport<Messages>>, options: ClientOptions & { readonly remote: C }): Client<ApiOf<C>>
export function jsonRpcClient<R extends object = AnyMethods>(connector: Connector<Transport<Messages>>, options?: ClientOptions): Client<R>
export function jsonRpcClient(connector: Connector<Transport<Messages>>, options: ClientOptions & RemoteOptions<Contract> = {}): Client {
  return new ExchangeClient(connector, options)
}

/** Exchanges that a signal serves: a connector that forgets its listener there must not gather them for ever. (Node 20 warns of the eleventh.) */
const maxCancelUses = 128
/** Signals that are kept for later, however many calls there were at a time. */
const maxKeptCancels = 64

class ExchangeClient implements Client, ExchangeOwner, CallsOwner {
  readonly calls: Calls
  readonly closed: Promise<void>
  private readonly connector: Connector<Transport<Messages>>
  readonly setup: Setup
  readonly watch: Watch
  private readonly exchanges = new Set<Exchange>()
  private readonly joins: boolean
  /** What the messages of this turn are gathered in. */
  private gathering: Exchange | undefined
  /** What cancelled nothing, for the exchanges to come: to make one takes 3 µs, a tenth of an exchange. */
  private readonly cancels: Cancel[] = []
  private isClosed = false
  private resolveClosed!: () => void

  constructor(connector: Connector<Transport<Messages>>, options: ClientOptions & RemoteOptions<Contract>) {
    this.connector = connector
    this.setup = makeSetup(undefined, options)
    this.watch = watchFor(options.observe, this.setup.clock)
    this.calls = new Calls(this)
    this.joins = options.joinCalls === true
    if (this.joins && this.setup.codec.old) throw new UsageError('ERR_INVALID_ARGUMENT', 'joinCalls: JSON-RPC 1.0 has no batches')
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve
    })
  }

  get pendingCalls(): number {
    return this.calls.size
  }

  call(method: string, params?: Params, options?: CallOptions): Promise<any> {
    try {
      this.assertOpen(1, options)
      const id = this.calls.takeId()
      const text = callText(method, params, id, this.setup)
      const exchange = this.joins ? this.joining(text) : this.newExchange()
      exchange.add(text, id)
      const promise = this.openCall(id, method, options, exchange)
      if (!this.joins) exchange.begin(this.connector)
      return promise
    } catch (error) {
      return Promise.reject(error)
    }
  }

  notify(method: string, params?: Params): Promise<void> {
    try {
      this.assertOpen(0, undefined)
      const text = callText(method, params, undefined, this.setup)
      const exchange = this.joins ? this.joining(text) : this.newExchange()
      const { sent } = exchange
      exchange.add(text, undefined)
      if (this.watch.active) this.watch.started(method, undefined)
      if (!this.joins) exchange.begin(this.connector)
      return sent
    } catch (error) {
      return quietly(Promise.reject(error))
    }
  }

  attempt(method: string, params?: Params, options?: CallOptions): Promise<Outcome<any>> {
    return attempted(this.call(method, params, options))
  }

  batch(entries: readonly BatchEntry[], options?: CallOptions): any {
    if (entries.length === 0) return []
    try {
      const calls = entries.filter((entry) => entry.notification !== true).length
      this.assertOpen(calls, options)
      const ids = entries.map((entry) => (entry.notification === true ? undefined : this.calls.takeId()))
      const text = batchText(entries, ids, this.setup)
      const exchange = this.newExchange()
      exchange.addBatch(text, ids)
      const promises = entries.map((entry, at) => {
        const id = ids[at]
        if (id !== undefined) return quietly(this.openCall(id, entry.method, options, exchange))
        if (this.watch.active) this.watch.started(entry.method, undefined)
        return exchange.sent
      })
      exchange.begin(this.connector)
      return promises
    } catch (error) {
      return entries.map(() => quietly(Promise.reject(error)))
    }
  }

  close(): void {
    this.end(new ConnectionLostError({ kind: 'closed', by: 'local', unsentBytes: 0, unreadBytes: 0 }))
  }

  abort(cause?: unknown): void {
    const error = new ConnectionError('ERR_ABORTED', 'abort() was called', { cause })
    this.end(new ConnectionLostError({ kind: 'aborted', error, unsentBytes: 0, unreadBytes: 0 }))
    for (const exchange of [...this.exchanges]) exchange.abort(cause)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.closed
  }

  exchangeOver(exchange: Exchange): void {
    this.exchanges.delete(exchange)
    const { cancel } = exchange
    if (!cancel.control.signal.aborted && ++cancel.uses < maxCancelUses && this.cancels.length < maxKeptCancels) this.cancels.push(cancel)
    if (this.isClosed && this.exchanges.size === 0) this.resolveClosed()
  }

  diagnose(diagnostic: Diagnostic): void {
    const { onDiagnostic } = this.setup.options
    if (onDiagnostic !== undefined) diagnose(onDiagnostic, diagnostic)
  }

  /** The exchange is aborted by the call's settling, which is how the other side learns of it. */
  gaveUp(): boolean {
    return true
  }

  private openCall(id: number, method: string, options: CallOptions | undefined, exchange: Exchange): Promise<unknown> {
    if (this.watch.active) this.watch.started(method, id)
    const { promise } = this.calls.open(id, method, options, exchange)
    return checkedResult(this.setup.options.remote, method, promise)
  }

  private newExchange(joins = false): Exchange {
    const exchange = new Exchange(this, joins, this.cancels.pop() ?? { control: new AbortController(), uses: 0 })
    this.exchanges.add(exchange)
    return exchange
  }

  /** The exchange of this turn, if the message goes into it, or the next one. */
  private joining(text: string): Exchange {
    const { maxBatchItems, maxMessageBytes } = this.setup.limits
    const { gathering } = this
    if (gathering !== undefined) {
      if (gathering.entryCount < maxBatchItems && gathering.bytes + utf8Length(text) < maxMessageBytes) return gathering
      gathering.begin(this.connector)
    } else afterTurn(() => this.turnOver())
    return (this.gathering = this.newExchange(true))
  }

  private turnOver(): void {
    const { gathering } = this
    this.gathering = undefined
    gathering?.begin(this.connector)
  }

  private end(error: ConnectionLostError): void {
    if (this.isClosed) return
    this.isClosed = true
    this.calls.failAll(() => error)
    if (this.exchanges.size === 0) this.resolveClosed()
  }

  private assertOpen(calls: number, options: CallOptions | undefined): void {
    if (this.isClosed) throw new ConnectionLostError({ kind: 'closed', by: 'local', unsentBytes: 0, unreadBytes: 0 })
    if (options?.onProgress !== undefined) throw new UsageError('ERR_INVALID_ARGUMENT', 'an exchange has one answer, and so no progress')
    this.calls.admit(calls, options)
  }
}
