import type { Connector, Messages, Transport } from '@async/core'
import { ConnectionError } from '@async/core'
import { systemClock } from '@async/core/base'
import { batchText, callText, quietly } from './caller.ts'
import type { BatchEntry, Caller } from './caller.ts'
import { Calls } from './calls.ts'
import type { CallOptions } from './calls.ts'
import { diagnose } from './diagnostics.ts'
import type { Diagnostic } from './diagnostics.ts'
import { ConnectionLostError } from './errors.ts'
import { Exchange } from './exchange.ts'
import type { ExchangeOwner } from './exchange.ts'
import { resolveLimits } from './limits.ts'
import type { Limits } from './limits.ts'
import type { Params } from './messages.ts'
import type { PeerOptions } from './peer.ts'

/** Options of `jsonRpcClient`. Those that concern serving have no effect. */
export interface ClientOptions extends PeerOptions {}

/** Calls without a connection of its own: each call, notification or batch opens a transport from the connector. */
export interface Client extends Caller {
  /** Calls that wait for an answer. */
  readonly pendingCalls: number
  /** Resolves after `close` or `abort`, when the last exchange is over. Never rejects. */
  readonly closed: Promise<void>
  /**
   * Sends a notification. Resolves when the other side has taken it, or the exchange was ended in order; a rejection that nobody looks at
   * is not reported as unhandled.
   * @throws (rejects) what `connect` rejects with; ConnectionLostError `ERR_CONNECTION_LOST`; and as `call` before anything is sent.
   */
  notify(method: string, params?: Params): Promise<void>
}

/**
 * A client of a service that answers each message over a transport of its own, as HTTP has it:
 * `jsonRpcClient(over(httpConnector, whole()))`. Time-outs include connecting; to give a call up aborts its exchange.
 * @throws UsageError `ERR_INVALID_ARGUMENT` for a limit that is not a positive integer.
 */
export function jsonRpcClient(connector: Connector<Transport<Messages>>, options: ClientOptions = {}): Client {
  return new ExchangeClient(connector, options)
}

class ExchangeClient implements Client, ExchangeOwner {
  readonly calls: Calls
  readonly closed: Promise<void>
  private readonly connector: Connector<Transport<Messages>>
  private readonly options: ClientOptions
  private readonly limits: Limits
  private readonly exchanges = new Set<Exchange>()
  private isClosed = false
  private resolveClosed!: () => void

  constructor(connector: Connector<Transport<Messages>>, options: ClientOptions) {
    this.connector = connector
    this.options = options
    this.limits = resolveLimits(undefined, options)
    this.calls = new Calls(options.clock ?? systemClock, this.limits.maxPendingCalls, options.callTimeoutMs)
    this.closed = new Promise((resolve) => {
      this.resolveClosed = resolve
    })
  }

  get pendingCalls(): number {
    return this.calls.size
  }

  get maxMessageBytes(): number {
    return this.limits.maxMessageBytes
  }

  call(method: string, params?: Params, options?: CallOptions): Promise<unknown> {
    try {
      this.assertOpen(1, options)
      const id = this.calls.takeId()
      const exchange = new Exchange(this, callText(method, params, id, this.limits), false)
      const { promise } = this.calls.open(id, method, options, exchange)
      this.begin(exchange, [id])
      return promise
    } catch (error) {
      return Promise.reject(error)
    }
  }

  notify(method: string, params?: Params): Promise<void> {
    try {
      this.assertOpen(0, undefined)
      const exchange = new Exchange(this, callText(method, params, undefined, this.limits), true)
      this.begin(exchange, [])
      return exchange.sent!
    } catch (error) {
      return quietly(Promise.reject(error))
    }
  }

  batch(entries: readonly BatchEntry[], options?: CallOptions): Promise<unknown>[] {
    if (entries.length === 0) return []
    try {
      const calls = entries.filter((entry) => entry.notification !== true).length
      this.assertOpen(calls, options)
      const ids = entries.map((entry) => (entry.notification === true ? undefined : this.calls.takeId()))
      const exchange = new Exchange(this, batchText(entries, ids, this.limits), calls < entries.length)
      const promises = entries.map((entry, at) => {
        const id = ids[at]
        return id === undefined ? exchange.sent! : quietly(this.calls.open(id, entry.method, options, exchange).promise)
      })
      this.begin(exchange, ids.filter((id) => id !== undefined))
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
    if (this.isClosed && this.exchanges.size === 0) this.resolveClosed()
  }

  diagnose(diagnostic: Diagnostic): void {
    if (this.options.onDiagnostic !== undefined) diagnose(this.options.onDiagnostic, diagnostic)
  }

  private begin(exchange: Exchange, ids: readonly number[]): void {
    this.exchanges.add(exchange)
    exchange.begin(this.connector, ids)
  }

  private end(error: ConnectionLostError): void {
    if (this.isClosed) return
    this.isClosed = true
    this.calls.failAll(() => error)
    if (this.exchanges.size === 0) this.resolveClosed()
  }

  private assertOpen(calls: number, options: CallOptions | undefined): void {
    if (this.isClosed) throw new ConnectionLostError({ kind: 'closed', by: 'local', unsentBytes: 0, unreadBytes: 0 })
    this.calls.admit(calls, options)
  }
}
