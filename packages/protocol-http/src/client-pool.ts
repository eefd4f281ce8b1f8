import { ConnectionError, LimitError, UsageError } from '@async/core'
import type { Connector, Stream, StreamTransport, Transport } from '@async/core'
import { ClientConnection, type ConnectionPool } from './client-connection.ts'
import type { ClientExchange } from './client-exchange.ts'
import type { PoolPolicy } from './client-policy.ts'
import type { RequestTemplate } from './client-request.ts'
import type { Exchange } from './exchange.ts'
import { WaitingOpen, type Waiter } from './waiting-open.ts'

/** How an exchange is asked for. */
export interface OpenOptions {
  readonly signal?: AbortSignal | undefined
  /** Not on a connection that has served before. */
  readonly fresh?: boolean
}

/**
 * The connections to one origin, over one connector. One that is free takes who waits longest; else it is kept, the one that was used
 * last first, so that those which are not needed grow old. A connection is made when more wait than are on their way, up to a limit. At
 * the limit, what may be pipelined goes behind others, in its turn: who waits longer for a connection of its own is not overtaken.
 */
export class Pool implements ConnectionPool {
  readonly policy: PoolPolicy
  private readonly connector: Connector<Transport<Stream>>
  private readonly onEmpty: () => void
  private readonly idle: ClientConnection[] = []
  private readonly waiting: Waiter[] = []
  private readonly connections = new Set<ClientConnection>()
  /** Connections that are open, or on their way. */
  private connectionCount = 0
  /** Those on their way. */
  private readonly connecting = new Set<AbortController>()
  private closedPromise: Promise<void> | undefined
  private resolveClosed: (() => void) | undefined
  private graceTimer: unknown

  /** `onEmpty` is called when there is no connection, and nobody waits. */
  constructor(connector: Connector<Transport<Stream>>, policy: PoolPolicy, onEmpty: () => void) {
    this.connector = connector
    this.policy = policy
    this.onEmpty = onEmpty
  }

  /** Whether there is no connection, and nobody waits. */
  get isEmpty(): boolean {
    return this.connectionCount === 0 && this.waiting.length === 0
  }

  open(template: RequestTemplate, { signal, fresh = false }: OpenOptions = {}): Promise<ClientExchange> {
    if (signal?.aborted === true) return Promise.reject(signal.reason)
    if (this.closedPromise !== undefined) return Promise.reject(closedHere())
    const { maxWaitingCount, totalTimeoutMs, transport } = this.policy
    const nowMs = transport.clock.nowMs()
    const dueMs = nowMs + totalTimeoutMs
    const kept = fresh ? undefined : this.takeIdle(nowMs)
    if (kept !== undefined) return Promise.resolve(kept.open(template, dueMs))
    const mayFollow = template.mayFollow && !fresh
    const busy = mayFollow && this.waiting.length === 0 ? this.leastBusy() : undefined
    if (busy !== undefined) return Promise.resolve(busy.openBehind(template, dueMs))
    // Nobody waits for what is kept, so room is made of it.
    if (fresh && !this.mayGrow()) this.idle[0]?.closeIdle()
    if (!this.mayGrow() && this.waiting.length - this.connecting.size >= maxWaitingCount) {
      return Promise.reject(new LimitError('ERR_HTTP_POOL_FULL', { limit: 'maxWaitingCount', allowed: maxWaitingCount, actual: maxWaitingCount + 1, unit: 'exchanges' }))
    }
    return new Promise((resolve, reject) => {
      this.waiting.push(new WaitingOpen(this, { template, dueMs, mayFollow, signal, resolve, reject }))
      this.grow()
    })
  }

  /** What `open` would give at once, on a connection that is kept; else undefined. */
  openKept(template: RequestTemplate, signal: AbortSignal | undefined): ClientExchange | undefined {
    if (this.idle.length === 0 || this.closedPromise !== undefined || signal?.aborted === true) return undefined
    const { totalTimeoutMs, transport } = this.policy
    const nowMs = transport.clock.nowMs()
    return this.takeIdle(nowMs)?.open(template, nowMs + totalTimeoutMs)
  }

  closeIdle(): void {
    for (const connection of this.idle.splice(0)) connection.closeIdle()
  }

  /** Takes no more, refuses who waits, and closes what is idle; aborts what is left after `graceMs`. Resolves when no connection is left. */
  close(graceMs: number = 30_000): Promise<void> {
    if (!(graceMs >= 0)) throw new UsageError('ERR_INVALID_ARGUMENT', `graceMs is ${graceMs}; it takes a number from 0`)
    const { clock } = this.policy.transport
    clock.clearTimer(this.graceTimer)
    this.closedPromise ??= new Promise((resolve) => {
      this.resolveClosed = resolve
    })
    const error = closedHere()
    for (let waiter = this.nextWaiter(); waiter !== undefined; waiter = this.nextWaiter()) waiter.reject(error)
    for (const control of this.connecting) control.abort(error)
    this.closeIdle()
    this.graceTimer = clock.setTimer(() => {
      for (const connection of this.connections) connection.below.abort(error)
    }, graceMs)
    this.settle()
    return this.closedPromise
  }

  /** A connection takes an exchange: one that waits, or it is kept. */
  offer(connection: ClientConnection): void {
    const waiter = this.nextWaiter()
    if (waiter !== undefined) waiter.serve(connection, false)
    else if (this.closedPromise !== undefined) connection.closeIdle()
    else {
      this.idle.push(connection)
      connection.rest()
    }
  }

  /** A connection may take an exchange behind others: the one that waits longest, if it may go there, and no connection is to be made for it. */
  offerBehind(connection: ClientConnection): void {
    const next = this.waiting[0]
    if (next === undefined || !next.mayFollow || this.mayGrow() || this.waiting.length <= this.connecting.size || !connection.takesMore) return
    this.nextWaiter()
    next.serve(connection, true)
  }

  /** Exchanges that have begun wait before all others for a connection where they are first. */
  move(exchanges: readonly ClientExchange[]): void {
    const waiters = exchanges.map((exchange): Waiter => ({
      mayFollow: false,
      exchange,
      serve: (connection) => connection.adopt(exchange),
      reject: (error) => exchange.connectionFailed({ kind: 'reset', error: notAgain(error) }),
      forget: () => {},
    }))
    if (this.closedPromise !== undefined) {
      for (const waiter of waiters) waiter.reject(closedHere())
      return
    }
    this.waiting.unshift(...waiters)
    for (let i = 0; i < waiters.length; i++) {
      if (!this.mayGrow()) this.idle[0]?.closeIdle()
      this.grow()
    }
  }

  /** An exchange that waits is over. */
  leave(exchange: Exchange): void {
    const waiter = this.waiting.find((waiting) => waiting.exchange === exchange)
    if (waiter !== undefined) this.giveUp(waiter)
  }

  /** Somebody does not wait any more. */
  giveUp(waiter: Waiter): void {
    const at = this.waiting.indexOf(waiter)
    if (at < 0) return
    this.waiting.splice(at, 1)
    this.settle()
  }

  /** A connection takes no exchange any more. */
  forget(connection: ClientConnection): void {
    const at = this.idle.indexOf(connection)
    if (at >= 0) this.idle.splice(at, 1)
  }

  /** A connection is gone. */
  gone(connection: ClientConnection): void {
    this.forget(connection)
    this.connections.delete(connection)
    this.connectionCount--
    this.grow()
    this.settle()
  }

  /** A timer may be late, after the machine slept, say: who is kept for too long is not used. */
  private takeIdle(nowMs: number): ClientConnection | undefined {
    for (let kept = this.idle.pop(); kept !== undefined; kept = this.idle.pop()) {
      if (nowMs < kept.restsUntilMs) return kept
      kept.closeIdle()
    }
    return undefined
  }

  /** Where one more can go behind others, if no further connection may be made, and none is on its way. */
  private leastBusy(): ClientConnection | undefined {
    if (this.policy.maxPipelinedCount === 1 || this.mayGrow() || this.connecting.size > 0) return undefined
    let found: ClientConnection | undefined
    for (const connection of this.connections) {
      if (connection.takesMore && (found === undefined || connection.count < found.count)) found = connection
    }
    return found
  }

  private mayGrow(): boolean {
    return this.connectionCount < this.policy.maxConnectionCount
  }

  /** One connection more, if one is missing and may be made. */
  private grow(): void {
    if (this.waiting.length <= this.connecting.size || !this.mayGrow()) return
    const { transport, connectTimeoutMs } = this.policy
    const control = new AbortController()
    this.connectionCount++
    this.connecting.add(control)
    const timer = transport.clock.setTimer(() => {
      control.abort(new ConnectionError('ERR_CONNECT_TIMEOUT', `not connected after ${connectTimeoutMs} ms`, { phase: 'connect' }))
    }, connectTimeoutMs)
    const arrived = (): void => {
      transport.clock.clearTimer(timer)
      this.connecting.delete(control)
    }
    const refused = (error: unknown): void => {
      arrived()
      this.connectionCount--
      this.nextWaiter()?.reject(error)
      this.grow()
      this.settle()
    }
    this.connector.connect({ signal: control.signal }).then((below) => {
      const connection = new ClientConnection(this)
      try {
        // It is not half-closed by HTTP, only by who takes it over.
        ;(below as StreamTransport).start(connection)
      } catch (error) {
        // It ended between connecting and here.
        refused(error)
        return
      }
      arrived()
      this.connections.add(connection)
      this.offer(connection)
    }, refused)
  }

  private nextWaiter(): Waiter | undefined {
    const waiter = this.waiting.shift()
    waiter?.forget()
    return waiter
  }

  private settle(): void {
    if (!this.isEmpty) return
    this.policy.transport.clock.clearTimer(this.graceTimer)
    this.resolveClosed?.()
    this.onEmpty()
  }
}

function closedHere(): UsageError {
  return new UsageError('ERR_CLOSED', 'the client was closed')
}

/** Why what was pipelined, and not answered, got no second connection. */
function notAgain(cause: unknown): ConnectionError {
  return new ConnectionError('ERR_RESET', 'the connection ended before the response to a pipelined request, and no other was to be had', { cause })
}
