import { ConnectionError, LimitError, UsageError } from '@async/core'
import type { Cause, CloseReason, Connector, StreamTransport } from '@async/core'
import { afterTurn, type TransportOptions, transportPolicy, type TransportPolicy } from '@async/core/base'
import { ClientExchange, type HttpClientExchange, type RequestTemplate } from './client-exchange.ts'
import { HttpConnection } from './connection.ts'
import { Deadline, ExchangeClock } from './deadline.ts'
import type { HeaderList, HttpEvent } from './events.ts'
import type { Exchange } from './exchange.ts'
import type { HttpLimits } from './limits.ts'
import { pickLimits } from './limits.ts'
import { Shell } from './shell.ts'
import { soon } from './soon.ts'
import { checkHeaders, checkHost, requestLine } from './writer.ts'

/** Options of `httpConnector`. Those of transports are the exchanges'. */
export interface HttpConnectorOptions extends TransportOptions, Partial<HttpLimits> {
  /** What is asked for: origin-form (`/rpc`), absolute-form, or `*` with OPTIONS. Default `/`. */
  readonly target?: string
  /** Default POST: an exchange has a body to send. With GET, half-close without a write. */
  readonly method?: string
  /** Header fields beside Host and the length. Default none. */
  readonly headers?: HeaderList
  /** The value of Host. Default `localhost`. */
  readonly host?: string
  /** A response whose body is of this media type (without parameters) is delivered whatever its status. Default none. */
  readonly mediaType?: string
  /** Connections at a time; further exchanges wait. Default 100. */
  readonly maxConnectionCount?: number
  /** Exchanges that may wait for a connection; then `connect` rejects with `ERR_HTTP_POOL_FULL`. Default 1000. */
  readonly maxWaitingCount?: number
  /** Milliseconds for which a connection without an exchange is kept. Default 4000: undici; a second less than servers wait. */
  readonly idleTimeoutMs?: number
}

/** Makes exchanges. Keeps the connections below, and uses them again. */
export interface HttpConnector extends Connector<HttpClientExchange> {
  /** Closes connections that are kept without an exchange. Later exchanges connect anew. */
  closeIdle(): void
}

/**
 * A client: a connector of exchanges over the connections that `connector` makes. The request's head leaves with the first write, the
 * half-close, or at the end of the turn in which `connect` resolved. A body that is ended in the turn of its first write has a
 * Content-Length; any other goes out in HTTP chunks.
 * @throws UsageError `ERR_INVALID_ARGUMENT`, `ERR_HTTP_BAD_HEADER`, `ERR_HTTP_BAD_HOST`, `ERR_HTTP_BAD_REQUEST_LINE`.
 */
export function httpConnector(connector: Connector<StreamTransport>, options: HttpConnectorOptions = {}): HttpConnector {
  return new Pool(connector, options)
}

interface Waiter {
  resolve(exchange: HttpClientExchange): void
  reject(error: unknown): void
  readonly signal: AbortSignal | undefined
  readonly onAbort: () => void
}

class Pool implements HttpConnector {
  readonly limits: HttpLimits
  readonly policy: TransportPolicy
  readonly template: RequestTemplate
  readonly idleTimeoutMs: number
  private readonly connector: Connector<StreamTransport>
  private readonly maxConnectionCount: number
  private readonly maxWaitingCount: number
  private readonly idle: ClientConnection[] = []
  private readonly waiting: Waiter[] = []
  /** Connections that are open, or on their way. */
  private connectionCount = 0
  /** Those on their way. */
  private connectingCount = 0

  constructor(connector: Connector<StreamTransport>, options: HttpConnectorOptions) {
    const { target = '/', method = 'POST', headers = [], host = 'localhost', mediaType } = options
    const { maxConnectionCount = 100, maxWaitingCount = 1000, idleTimeoutMs = 4_000 } = options
    for (const [name, value] of Object.entries({ maxConnectionCount, maxWaitingCount, idleTimeoutMs })) {
      if (!(value >= 0)) throw new UsageError('ERR_INVALID_ARGUMENT', `${name} is ${value}; it takes a number from 0`)
    }
    if (maxConnectionCount < 1) throw new UsageError('ERR_INVALID_ARGUMENT', 'maxConnectionCount is less than 1')
    this.connector = connector
    this.limits = pickLimits(options)
    this.policy = transportPolicy(options)
    this.template = { method, target, headers: [['Host', host], ...headers], mediaType: mediaType?.toLowerCase() }
    this.maxConnectionCount = maxConnectionCount
    this.maxWaitingCount = maxWaitingCount
    this.idleTimeoutMs = idleTimeoutMs
    requestLine(method, target)
    const fields = checkHeaders(this.template.headers)
    checkHost(fields)
    if (fields.expect !== undefined) throw new UsageError('ERR_HTTP_BAD_HEADER', 'Expect is not supported')
  }

  connect(options?: { readonly signal?: AbortSignal }): Promise<HttpClientExchange> {
    const signal = options?.signal
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    const kept = this.idle.pop()
    if (kept !== undefined) return Promise.resolve(kept.open())
    if (this.connectionCount >= this.maxConnectionCount && this.waiting.length - this.connectingCount >= this.maxWaitingCount) {
      return Promise.reject(new LimitError('ERR_HTTP_POOL_FULL', { limit: 'maxWaitingCount', allowed: this.maxWaitingCount, actual: this.maxWaitingCount + 1, unit: 'exchanges' }))
    }
    return new Promise((resolve, reject) => {
      const onAbort = (): void => {
        this.waiting.splice(this.waiting.indexOf(waiter), 1)
        reject(signal?.reason)
      }
      const waiter: Waiter = { resolve, reject, signal, onAbort }
      signal?.addEventListener('abort', onAbort)
      this.waiting.push(waiter)
      this.grow()
    })
  }

  closeIdle(): void {
    for (const connection of this.idle.splice(0)) connection.closeIdle()
  }

  /** A connection takes an exchange: one that waits, or it is kept. */
  offer(connection: ClientConnection): void {
    const waiter = this.nextWaiter()
    if (waiter !== undefined) waiter.resolve(connection.open())
    else {
      this.idle.push(connection)
      connection.rest()
    }
  }

  /** A connection takes no exchange any more. */
  forget(connection: ClientConnection): void {
    const at = this.idle.indexOf(connection)
    if (at >= 0) this.idle.splice(at, 1)
  }

  /** A connection is gone. */
  gone(connection: ClientConnection): void {
    this.forget(connection)
    this.connectionCount--
    this.grow()
  }

  /** One connection more, if one is missing and may be made. */
  private grow(): void {
    if (this.waiting.length <= this.connectingCount || this.connectionCount >= this.maxConnectionCount) return
    this.connectionCount++
    this.connectingCount++
    this.connector.connect().then(
      (below) => {
        const connection = new ClientConnection(this)
        try {
          below.start(connection)
        } catch (error) {
          // It ended between connecting and here.
          this.refused(error)
          return
        }
        this.connectingCount--
        this.offer(connection)
      },
      (error: unknown) => this.refused(error),
    )
  }

  private refused(error: unknown): void {
    this.connectionCount--
    this.connectingCount--
    this.nextWaiter()?.reject(error)
    this.grow()
  }

  private nextWaiter(): Waiter | undefined {
    const waiter = this.waiting.shift()
    waiter?.signal?.removeEventListener('abort', waiter.onAbort)
    return waiter
  }
}

/** The client's end of a connection. */
class ClientConnection extends Shell {
  private readonly pool: Pool
  private readonly deadline: Deadline
  private readonly exchangeClock: ExchangeClock
  private readonly exchangePolicy: TransportPolicy

  constructor(pool: Pool) {
    super(new HttpConnection('client', pool.limits))
    this.pool = pool
    this.exchangeClock = new ExchangeClock(pool.policy.clock)
    this.exchangePolicy = { ...pool.policy, clock: this.exchangeClock }
    this.deadline = new Deadline(pool.policy.clock, () => this.closeIdle())
  }

  /** Begins an exchange. */
  open(): ClientExchange {
    this.deadline.stop()
    const exchange = new ClientExchange(this, this.exchangePolicy, this.pool.template)
    this.exchange = exchange
    if (this.phase !== 'open') this.fail({ kind: 'reset', error: closedBefore() })
    else afterTurn(() => exchange.flushHead())
    return exchange
  }

  /** Waits for the next exchange. */
  rest(): void {
    this.deadline.set(this.pool.idleTimeoutMs)
  }

  /** Nobody needs it any more. */
  closeIdle(): void {
    this.pool.forget(this)
    this.closeBelow()
  }

  override stop(): void {
    super.stop()
    if (this.exchange !== undefined || this.phase !== 'mute') return
    this.pool.forget(this)
    this.closeBelow()
  }

  exchangeOver(exchange: Exchange, cause: Cause): void {
    if (exchange !== this.exchange) return
    this.exchange = undefined
    const { machine } = this
    // Nothing of it was sent: the connection is as good as before.
    if (this.phase === 'open' && machine.ourState === 'idle') soon(() => this.pool.offer(this))
    else if (this.phase === 'open' && machine.ourState === 'done' && machine.theirState === 'done') soon(() => this.reuse())
    else if (cause.kind === 'closed') this.endBelow()
    else this.abortBelow(cause)
  }

  protected handle(event: HttpEvent): void {
    const exchange = this.exchange as ClientExchange | undefined
    switch (event.type) {
      case 'response':
        exchange?.responseReceived(event.head)
        break
      case 'data':
        exchange?.bodyReceived(event.data)
        break
      case 'end':
        exchange?.bodyEnded()
        break
      case 'closed':
        this.pool.forget(this)
        if (exchange === undefined) this.closeBelow()
        else if (!exchange.responded) this.fail({ kind: 'reset', error: closedBefore() })
        break
    }
  }

  protected broken(error: unknown): void {
    this.pool.forget(this)
    const cause = this.causeOf(error)
    this.abortBelow(cause)
    this.fail(cause)
  }

  protected lost(_reason: CloseReason): void {
    this.deadline.stop()
    this.exchangeClock.stop()
    this.pool.gone(this)
  }

  private fail(cause: Cause): void {
    const { exchange } = this
    this.exchange = undefined
    exchange?.connectionFailed(cause)
    this.closeBelow()
  }

  private reuse(): void {
    if (this.phase !== 'open') return
    this.machine.startNextCycle()
    // What came behind the response answers nothing, and shows that the server and we differ on where it ended.
    this.pull()
    if (this.phase === 'open' && this.machine.theirState === 'idle') this.pool.offer(this)
  }
}

function closedBefore(): ConnectionError {
  return new ConnectionError('ERR_RESET', 'the server closed the connection before it answered')
}
