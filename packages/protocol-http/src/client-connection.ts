import { ConnectionError, ProtocolError } from '@async/core'
import type { Cause, CloseReason } from '@async/core'
import { type TransportPolicy, soon } from '@async/core/base'
import { ClientExchange } from './client-exchange.ts'
import type { PoolPolicy } from './client-policy.ts'
import type { RequestTemplate } from './client-request.ts'
import { HttpConnection } from './connection.ts'
import { Deadline, ExchangeClock } from './deadline.ts'
import type { HeaderList, HttpEvent } from './events.ts'
import type { Exchange } from './exchange.ts'
import { headDue } from './head-due.ts'
import { Shell } from './shell.ts'

/** What a connection asks of the pool that it is in. */
export interface ConnectionPool {
  readonly policy: PoolPolicy
  offer(connection: ClientConnection): void
  forget(connection: ClientConnection): void
  gone(connection: ClientConnection): void
  /** The connection may be able to take one more exchange behind those that are on it. */
  offerBehind(connection: ClientConnection): void
  /** They were pipelined, and their responses will not come: they are sent again on another connection. */
  move(exchanges: readonly ClientExchange[]): void
  /** An exchange that is on no connection is over. */
  leave(exchange: Exchange): void
}

/**
 * The client's end of a connection. `exchange` is the one whose response is next; others may be `behind` it, in the order of their requests, all
 * of them idempotent, and sent whole but for the last. When the responses end early, those that got nothing of theirs are moved.
 */
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
  private readonly behind: ClientExchange[] = []
  /** Whether the server is known to keep the connection, and not to be of the time before pipelining. */
  private pipelines = false
  /** Whether responses that nobody waits for come behind those of the exchanges that are on it. */
  private isCut = false
  /** Whether the next exchange may begin, behind what is being dealt with. */
  private reuseIsDue = false
  /** For how long the server said that it keeps the connection, less the margin. */
  private keepsMs = Infinity
  private keepsBy: HeaderList | undefined

  constructor(pool: ConnectionPool) {
    super(new HttpConnection('client', pool.policy.limits))
    const { transport } = pool.policy
    this.pool = pool
    this.policy = pool.policy
    this.exchangeClock = new ExchangeClock(transport.clock)
    this.exchangePolicy = { ...transport, clock: this.exchangeClock }
    this.deadline = new Deadline(transport.clock, this)
  }

  /** For its deadline alone. */
  timedOut(): void {
    if (this.exchange === undefined) this.closeIdle()
    else (this.exchange as ClientExchange).timedOut()
  }

  /** Begins an exchange. */
  open(template: RequestTemplate, dueMs: number): ClientExchange {
    const exchange = new ClientExchange(this, this.exchangePolicy, template, this.exchangeCount > 0, dueMs, false)
    this.take(exchange)
    if (this.phase === 'open') headDue(exchange)
    return exchange
  }

  /** Begins an exchange behind the others: `takesMore`. */
  openBehind(template: RequestTemplate, dueMs: number): ClientExchange {
    // A clock of its own: that of the connection has one timer.
    const exchange = new ClientExchange(this, this.policy.transport, template, true, dueMs, true)
    this.exchangeCount++
    this.behind.push(exchange)
    return exchange
  }

  /** Takes an exchange from another connection. */
  adopt(exchange: ClientExchange): void {
    exchange.reused = this.exchangeCount > 0
    this.take(exchange)
    if (this.phase === 'open') exchange.moveTo(this)
  }

  /** How many exchanges are on it. */
  get count(): number {
    return this.behind.length + (this.exchange === undefined ? 0 : 1)
  }

  /** Whether one more can be behind those that are on it. RFC 9112 §9.3.2 */
  get takesMore(): boolean {
    const last = this.behind.at(-1) ?? (this.exchange as ClientExchange | undefined)
    return (
      this.pipelines && last !== undefined && this.canSendAhead() && last.headSent && (last.template.mayLead || last.responded) && this.count < this.policy.maxPipelinedCount
    )
  }

  beginAhead(exchange: ClientExchange): boolean {
    if (this.behind.at(-1) !== exchange || !this.canSendAhead()) return false
    this.machine.startNextRequest()
    return true
  }

  requestSent(): void {
    if (this.pipelines) this.pool.offerBehind(this)
  }

  /** The exchange expects something within so many milliseconds. */
  expect(ms: number): void {
    if (ms === Infinity) this.deadline.clear()
    else this.deadline.set(ms)
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
    const nowMs = this.policy.transport.clock.nowMs()
    this.restsUntilMs = nowMs + ms
    this.deadline.set(ms, nowMs)
  }

  /** Nobody needs it any more. */
  closeIdle(): void {
    this.pool.forget(this)
    this.closeBelow()
  }

  /** Nothing comes before a request is sent, and what comes all the same is seen then. */
  override pullLater(): void {
    if (this.machine.theirState !== 'idle') super.pullLater()
  }

  protected override pull(): void {
    do {
      super.pull()
      ;(this.exchange as ClientExchange | undefined)?.heard()
    } while (this.reuseIsDue && this.startNext())
  }

  override dataReceived(data: Uint8Array): void {
    this.answered = true
    super.dataReceived(data)
  }

  override connectionLost(reason: CloseReason): void {
    this.moveUnanswered()
    this.noteRetriable()
    super.connectionLost(reason)
  }

  override stop(): void {
    super.stop()
    this.moveBehind()
    if (this.exchange !== undefined || this.phase !== 'mute') return
    this.pool.forget(this)
    this.closeBelow()
  }

  exchangeOver(exchange: Exchange, cause: Cause): void {
    if (exchange !== this.exchange) return this.overBehind(exchange as ClientExchange)
    this.exchange = undefined
    this.deadline.clear()
    this.releaseBody()
    const { machine } = this
    if (this.phase === 'given') return
    // Nothing of it was sent: the connection is as good as before.
    if (this.phase === 'open' && machine.ourState === 'idle' && machine.theirState === 'idle') soon(offerAgain, this)
    else if (this.phase === 'open' && machine.ourState === 'done' && machine.theirState === 'done') {
      this.reuseIsDue = true
      if (!this.isPulling) this.pullLater()
    }
    else {
      this.moveBehind()
      // Who has more to say to nobody is told to stop.
      if (cause.kind === 'closed' && !this.isCut) this.endBelow()
      else this.abortBelow(cause)
    }
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
        // Responses whose headers are the same have the same list.
        if (event.head.headers !== this.keepsBy) this.keepsMs = keepAliveMs((this.keepsBy = event.head.headers)) - this.policy.keepAliveMarginMs
        exchange?.responseReceived(event.head, refused)
        if (this.policy.maxPipelinedCount > 1) this.notePersistence(event.head.version === '1.1' && this.machine.canPersist)
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
        this.moveBehind()
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
    this.releaseBody()
    this.pool.gone(this)
  }

  private releaseBody(): void {
    if (!this.holdsBody) return
    this.holdsBody = false
    this.policy.transport.clock.clearTimer(this.holdTimer)
    if (!this.belowIsFull) super.resume()
  }

  private fail(cause: Cause): void {
    this.moveUnanswered()
    this.noteRetriable()
    const { exchange } = this
    this.exchange = undefined
    exchange?.connectionFailed(cause)
    this.closeBelow()
  }

  private take(exchange: ClientExchange): void {
    this.deadline.clear()
    this.answered = false
    this.exchangeCount++
    this.exchange = exchange
    if (this.phase !== 'open') this.fail({ kind: 'reset', error: closedBefore() })
  }

  /** Whether a request can be sent before the last one is answered. */
  private canSendAhead(): boolean {
    const { machine } = this
    return this.phase === 'open' && !this.isCut && !this.full && machine.canPersist && machine.ourState === 'done'
  }

  private notePersistence(persists: boolean): void {
    this.pipelines = persists
    if (persists) this.pool.offerBehind(this)
    // The server answers nothing behind a response that says so. RFC 9112 §9.6
    else if (!this.machine.canPersist) this.moveBehind()
  }

  /** An exchange that is not the first is over. */
  private overBehind(exchange: ClientExchange): void {
    const at = this.behind.indexOf(exchange)
    if (at < 0) return this.pool.leave(exchange)
    const [, ...later] = this.behind.splice(at)
    if (!exchange.headSent) return this.pool.offerBehind(this)
    // Its response comes all the same, and would have to be read before theirs.
    this.isCut = true
    this.pool.move(later)
  }

  private moveBehind(): void {
    if (this.behind.length > 0) this.pool.move(this.behind.splice(0))
  }

  /** The same; also the first, if it was pipelined and got nothing. */
  private moveUnanswered(): void {
    const exchange = this.exchange as ClientExchange | undefined
    if (exchange?.isAhead === true && !this.answered) {
      this.exchange = undefined
      exchange.isBehind = true
      this.behind.unshift(exchange)
    }
    this.moveBehind()
  }

  private noteRetriable(): void {
    if (!this.answered && this.exchangeCount > 1) (this.exchange as ClientExchange | undefined)?.noteRetriable()
  }

  /** It may have ended since it was free. */
  offerAgain(): void {
    if (this.phase === 'open') this.pool.offer(this)
  }

  /** The connection is ready for the next exchange. Whether one was behind: its response may be there. */
  private startNext(): boolean {
    this.reuseIsDue = false
    if (this.phase !== 'open') return false
    const { machine, behind } = this
    if (behind.length === 0 && (this.isCut || this.keepsMs <= 0)) {
      if (this.isCut) this.abortBelow({ kind: 'closed', by: 'local' })
      else this.closeIdle()
      return false
    }
    machine.startNextCycle()
    if (machine.theirState === 'idle' && machine.heldBytes > 0) {
      // What came behind the response answers nothing, and shows that the server and we differ on where it ended.
      super.pull()
      return false
    }
    const next = behind.shift()
    if (next === undefined) {
      this.pool.offer(this)
      return false
    }
    this.exchange = next
    this.answered = machine.heldBytes > 0
    next.turnCame()
    this.pool.offerBehind(this)
    return true
  }
}

function offerAgain(connection: ClientConnection): void {
  connection.offerAgain()
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
