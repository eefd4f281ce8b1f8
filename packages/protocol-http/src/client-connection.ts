import { ConnectionError, ProtocolError } from '@async/core'
import type { Cause, CloseReason } from '@async/core'
import { afterTurn, type TransportPolicy, soon } from '@async/core/base'
import { ClientExchange } from './client-exchange.ts'
import type { PoolPolicy } from './client-policy.ts'
import type { RequestTemplate } from './client-request.ts'
import { HttpConnection } from './connection.ts'
import { Deadline, ExchangeClock } from './deadline.ts'
import type { HeaderList, HttpEvent } from './events.ts'
import type { Exchange } from './exchange.ts'
import { Shell } from './shell.ts'

/** What a connection asks of the pool that it is in. */
export interface ConnectionPool {
  readonly policy: PoolPolicy
  offer(connection: ClientConnection): void
  forget(connection: ClientConnection): void
  gone(connection: ClientConnection): void
}

/** The client's end of a connection. */
export class ClientConnection extends Shell {
  readonly policy: PoolPolicy
  /** While it is kept: when that ends. */
  restsUntilMs = 0
  private readonly pool: ConnectionPool
  /** What it waits for: the next exchange, or the next sign of life in this one. */
  private readonly deadline: Deadline
  private readonly exchangeClock: ExchangeClock
  private readonly exchangePolicy: TransportPolicy
  /** Whether a body waits for a 100: then nothing of it is taken, whatever there is room for below. */
  holdsBody = false
  private holdTimer: unknown
  private belowIsFull = false
  private exchangeCount = 0
  /** Whether a byte came since the exchange began. */
  private answered = false
  /** For how long the server said that it keeps the connection, less the margin. */
  private keepsMs = Infinity

  constructor(pool: ConnectionPool) {
    super(new HttpConnection('client', pool.policy.limits))
    const { transport } = pool.policy
    this.pool = pool
    this.policy = pool.policy
    this.exchangeClock = new ExchangeClock(transport.clock)
    this.exchangePolicy = { ...transport, clock: this.exchangeClock }
    this.deadline = new Deadline(transport.clock, () => {
      if (this.exchange === undefined) this.closeIdle()
      else (this.exchange as ClientExchange).timedOut()
    })
  }

  /** Begins an exchange. */
  open(template: RequestTemplate, dueMs: number): ClientExchange {
    this.deadline.clear()
    this.answered = false
    const exchange = new ClientExchange(this, this.exchangePolicy, template, this.exchangeCount > 0, dueMs)
    this.exchangeCount++
    this.exchange = exchange
    if (this.phase !== 'open') this.fail({ kind: 'reset', error: closedBefore() })
    else afterTurn(() => exchange.flushHead())
    return exchange
  }

  /** The exchange expects something within so many milliseconds. */
  expect(ms: number): void {
    this.deadline.set(ms)
  }

  holdBody(ms: number): void {
    this.holdsBody = true
    this.full = true
    this.holdTimer = this.policy.transport.clock.setTimer(() => this.releaseBody(), ms)
  }

  override pause(): void {
    this.belowIsFull = true
    super.pause()
  }

  override resume(): void {
    this.belowIsFull = false
    if (!this.holdsBody) super.resume()
  }

  /** Waits for the next exchange. */
  rest(): void {
    const ms = Math.min(this.policy.idleTimeoutMs, this.keepsMs)
    this.restsUntilMs = this.policy.transport.clock.nowMs() + ms
    this.deadline.set(ms)
  }

  /** Nobody needs it any more. */
  closeIdle(): void {
    this.pool.forget(this)
    this.closeBelow()
  }

  override dataReceived(data: Uint8Array): void {
    this.answered = true
    super.dataReceived(data)
  }

  override connectionLost(reason: CloseReason): void {
    this.noteRetriable()
    super.connectionLost(reason)
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
    this.deadline.clear()
    this.releaseBody()
    const { machine } = this
    if (this.phase === 'given') return
    // Nothing of it was sent: the connection is as good as before.
    if (this.phase === 'open' && machine.ourState === 'idle') soon(() => this.offerAgain())
    else if (this.phase === 'open' && machine.ourState === 'done' && machine.theirState === 'done') soon(() => this.reuse())
    else if (cause.kind === 'closed') this.endBelow()
    else this.abortBelow(cause)
  }

  protected handle(event: HttpEvent): void {
    const exchange = this.exchange as ClientExchange | undefined
    switch (event.type) {
      case 'informational':
        if (event.head.status === 100) this.releaseBody()
        exchange?.informed(event.head)
        break
      case 'response': {
        const refused = this.holdsBody && event.head.status > 299
        if (!refused) this.releaseBody()
        this.keepsMs = keepAliveMs(event.head.headers) - this.policy.keepAliveMarginMs
        exchange?.responseReceived(event.head, refused)
        break
      }
      case 'switched': {
        const { head, leftover } = event
        this.deadline.stop()
        this.exchangeClock.stop()
        if (exchange?.switchReceived({ response: head, transport: this.giveBelow(), leftover }) === true) break
        // Nobody will ever start it.
        this.phase = 'closing'
        this.below.abort()
        this.fail({ kind: 'protocol', error: new ProtocolError('ERR_HTTP_UNEXPECTED_RESPONSE', 'a switch that was offered, and that nobody waited for', { side: 'local' }) })
        break
      }
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

  private releaseBody(): void {
    if (!this.holdsBody) return
    this.holdsBody = false
    this.policy.transport.clock.clearTimer(this.holdTimer)
    if (!this.belowIsFull) super.resume()
  }

  private fail(cause: Cause): void {
    this.noteRetriable()
    const { exchange } = this
    this.exchange = undefined
    exchange?.connectionFailed(cause)
    this.closeBelow()
  }

  private noteRetriable(): void {
    if (!this.answered && this.exchangeCount > 1) (this.exchange as ClientExchange | undefined)?.noteRetriable()
  }

  /** It may have ended since it was free. */
  private offerAgain(): void {
    if (this.phase === 'open') this.pool.offer(this)
  }

  private reuse(): void {
    if (this.phase !== 'open') return
    if (this.keepsMs <= 0) return this.closeIdle()
    this.machine.startNextCycle()
    // What came behind the response answers nothing, and shows that the server and we differ on where it ended.
    this.pull()
    if (this.phase === 'open' && this.machine.theirState === 'idle') this.pool.offer(this)
  }
}

/** `timeout` of Keep-Alive: for how long the server keeps a connection that is idle. RFC 2068 §19.7.1.1; in use ever since. */
function keepAliveMs(headers: HeaderList): number {
  const value = headers.find(([name]) => name === 'keep-alive')?.[1]
  const seconds = value === undefined ? undefined : /(?:^|[,; ])timeout=([0-9]{1,9})(?=$|[,; ])/i.exec(value)?.[1]
  return seconds === undefined ? Infinity : Number(seconds) * 1000
}

function closedBefore(): ConnectionError {
  return new ConnectionError('ERR_RESET', 'the server closed the connection before it answered')
}
