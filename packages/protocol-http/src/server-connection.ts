import { canHalfClose, ConnectionError, isAsyncError } from '@async/core'
import type { Cause, CloseReason, Info, StreamTransport, UpgradeRequest } from '@async/core'
import { type Clock, soon } from '@async/core/base'
import { HttpConnection } from './connection.ts'
import { httpDate, httpDateLine } from './date.ts'
import { Deadline, ExchangeClock } from './deadline.ts'
import type { HttpEvent } from './events.ts'
import { ExchangeDues } from './exchange-dues.ts'
import type { Exchange } from './exchange.ts'
import { parseList } from './grammar.ts'
import type { ServerPolicy } from './server.ts'
import { ServerExchange } from './server-exchange.ts'
import { Shell } from './shell.ts'

type RequestEvent = Extract<HttpEvent, { readonly type: 'request' }>

/**
 * The server's end of a connection. One deadline serves all: between two requests that for the next head; while an exchange lasts the
 * first of its `dues`, of which a request without a body, answered at once, has none.
 */
export class ServerConnection extends Shell {
  private readonly policy: ServerPolicy
  private readonly onGone: (connection: ServerConnection) => void
  private readonly deadline: Deadline
  private madeClock: ExchangeClock | undefined
  private knownSecure: boolean | undefined
  /** Whether no request is begun behind the last one; `idle` when the time for that runs. */
  private between: 'no' | 'unknown' | 'idle' = 'no'
  /** The exchange that was on is over, and the machine waits to be told. */
  private nextIsDue = false
  private drainedBytes = 0
  private readDate: string | undefined
  private requestCount = 0
  /** What was queued below when a connection that waits was last looked at. */
  private lastQueuedBytes = 0
  /** When the head that is read began, if it did not come at once. */
  private headAtMs = 0
  private dues: ExchangeDues | undefined

  constructor(policy: ServerPolicy, onGone: (connection: ServerConnection) => void) {
    super(new HttpConnection('server', policy.limits))
    this.policy = policy
    this.onGone = onGone
    this.deadline = new Deadline(policy.transport.clock, this)
  }

  // ── for the server ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** No request is taken after the one that is begun. */
  drain(): void {
    if (this.exchange === undefined && !this.machine.inMessage) this.closeBelow()
    else this.machine.refuseNext()
  }

  /** At once. */
  abort(): void {
    this.phase = 'closing'
    this.below.abort(new ConnectionError('ERR_ABORTED', 'the server was drained'))
  }

  /** Made when an exchange sets a timer, which few do. */
  get exchangeClock(): Clock {
    return (this.madeClock ??= new ExchangeClock(this.policy.transport.clock))
  }

  /** Looked up once: what negotiates application protocols is TLS. */
  get isSecure(): boolean {
    return (this.knownSecure ??= isSecure(this.below.info))
  }

  // ── for its exchange ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The exchange waits for the client, `on`: to send of its body, or to take of ours; something moved, or it no longer waits. */
  waits(on: boolean): void {
    if (!on && this.dues === undefined) return
    const dues = (this.dues ??= new ExchangeDues())
    // In whole milliseconds: what moves a hundred times in one of them asks for one deadline.
    const dueMs = on ? this.nowMs() + this.policy.bodyIdleTimeoutMs : Infinity
    if (dueMs === dues.idleMs) return
    dues.idleMs = dueMs
    this.setDue(dues)
  }

  /** The answers of one read have one Date: to ask for the time costs as much as a tenth of all else. */
  dateLine(): string {
    return this.isPulling ? (this.readDate ??= httpDateLine()) : httpDateLine()
  }

  /** The response has begun: from here on the two go at their own pace. */
  answered(): void {
    const { dues } = this
    if (dues === undefined) return
    dues.requestMs = Infinity
    dues.handlerMs = Infinity
    this.setDue(dues)
  }

  /** Gives the connection to another protocol, `response` first if there is one. */
  giveUp(exchange: ServerExchange, send: () => Uint8Array): UpgradeRequest {
    const leftover = send()
    this.flush()
    this.exchange = undefined
    this.clearDue()
    this.deadline.stop()
    const { method, target, headers } = exchange.request
    return { method, target, headers, transport: this.giveBelow(), leftover }
  }

  endOurs(): void {
    if (this.phase !== 'open' || !canHalfClose(this.below)) return
    if (this.machine.outputBytes > 0) this.flush()
    // Or we would be told to stop, as if the peer took no more.
    this.below.unregister()
    this.below.halfClose()
  }

  exchangeOver(exchange: Exchange, cause: Cause): void {
    if (exchange !== this.exchange) return
    this.exchange = undefined
    this.clearDue()
    if (cause.kind === 'closed') {
      if (this.machine.ourState === 'done' && this.machine.theirState === 'done') {
        this.nextIsDue = true
        if (!this.isPulling) soon(nextRequest, this)
      } else this.endBelow()
    } else if (isAsyncError((cause as { error?: unknown }).error, 'ERR_CALLBACK_THREW') && !exchange.headSent) this.refuse(500)
    else this.abortBelow(cause)
  }

  // ── Shell ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  override connectionMade(below: StreamTransport): void {
    super.connectionMade(below)
    this.headAtMs = this.nowMs()
    this.deadline.set(this.policy.headTimeoutMs, this.headAtMs)
  }

  protected override pull(): void {
    this.readDate = undefined
    super.pull()
    if (this.between !== 'no' && this.phase === 'open') this.timeHead()
  }

  override stop(): void {
    super.stop()
    if (this.phase !== 'mute') return
    // What is pipelined is answered by nobody, and must not hold back the end of the connection.
    this.machine.refuseNext()
    this.pace()
  }

  protected handle(event: HttpEvent): void {
    switch (event.type) {
      case 'request':
        this.begin(event)
        break
      case 'data': {
        const exchange = this.exchange as ServerExchange | undefined
        exchange?.bodyReceived(event.data)
        this.countDrained(event.data.length)
        break
      }
      case 'end':
        if (this.dues !== undefined) {
          this.dues.requestMs = Infinity
          this.waits(false)
        }
        this.exchange?.bodyEnded()
        break
      case 'closed':
        if (this.exchange === undefined) this.closeBelow()
        break
    }
    if (this.nextIsDue) this.startNext()
  }

  protected broken(error: unknown): void {
    const { exchange } = this
    this.exchange = undefined
    this.clearDue()
    const cause = this.causeOf(error)
    if (exchange === undefined || !exchange.headSent) this.refuse((error as { status?: number }).status ?? 400)
    else if (this.machine.ourState === 'body') this.abortBelow(cause)
    // The answer is whole, and stands, whatever comes behind the part of the request that it needed.
    else this.closeBelow()
    exchange?.connectionFailed(cause)
  }

  protected lost(_reason: CloseReason): void {
    this.deadline.stop()
    this.madeClock?.stop()
    this.onGone(this)
  }

  // ── requests ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Behind what came: a head is begun, and has its time, or none is, and the connection is idle. */
  private timeHead(): void {
    const { policy, machine } = this
    const isBegun = machine.inMessage
    if (!isBegun && this.between === 'idle') return
    const nowMs = this.nowMs()
    if (isBegun) this.headAtMs = nowMs
    this.between = isBegun ? 'no' : 'idle'
    this.deadline.set(isBegun ? policy.headTimeoutMs : policy.keepAliveTimeoutMs, nowMs)
  }

  private begin(event: RequestEvent): void {
    const { policy } = this
    const wasBetween = this.between !== 'no'
    this.between = 'no'
    this.drainedBytes = 0
    this.deadline.clear()
    if (++this.requestCount >= policy.maxRequestCount) this.machine.refuseNext()
    const exchange = new ServerExchange(this, policy.transport, event, policy.maxDrainBytes)
    this.exchange = exchange
    if (event.bodyBytes === 0) {
      this.machine.nextEvent()
      exchange.bodyEnded()
    }
    if (event.bodyBytes !== 0 || policy.handlerTimeoutMs !== Infinity) {
      // (A head that came in one piece began now.)
      const dues = (this.dues = new ExchangeDues())
      const nowMs = this.nowMs()
      if (event.bodyBytes !== 0) dues.requestMs = (wasBetween ? nowMs : this.headAtMs) + policy.requestTimeoutMs
      dues.handlerMs = nowMs + policy.handlerTimeoutMs
      this.setDue(dues)
    }
    if (event.upgrade && this.offer(exchange, event)) return
    this.run(exchange)
  }

  /** A request to switch, to who wants it. Returns whether it is dealt with. */
  private offer(exchange: ServerExchange, event: RequestEvent): boolean {
    const { onConnect, onUpgrade, upgradeProtocols } = this.policy
    const { method, headers } = event.head
    if (method === 'CONNECT') {
      if (onConnect !== undefined) this.hand(exchange, onConnect)
      else {
        exchange.respond({ status: 501 })
        exchange.close()
      }
      return true
    }
    if (onUpgrade === undefined || event.bodyBytes !== 0) return false
    const isWanted = headers.some(([name, value]) => name === 'upgrade' && parseList(value).some((protocol) => upgradeProtocols.includes(protocol)))
    if (isWanted) this.hand(exchange, onUpgrade)
    return isWanted
  }

  private hand(exchange: ServerExchange, take: NonNullable<ServerPolicy['onUpgrade']>): void {
    const request = exchange.takeOver()
    const threw = (error: unknown): void => {
      try {
        this.policy.transport.onError(error)
      } finally {
        request.transport.abort(error)
      }
    }
    try {
      const result = take(request, this.info)
      if (typeof result?.then === 'function') result.then(undefined, threw)
    } catch (error) {
      threw(error)
    }
  }

  private run(exchange: ServerExchange): void {
    exchange.beginCall()
    try {
      const result = this.policy.onExchange(exchange)
      if (typeof result?.then === 'function') result.then(undefined, (error: unknown) => exchange.handlerThrew(error))
    } catch (error) {
      exchange.handlerThrew(error)
    } finally {
      exchange.endCall()
    }
  }

  /** For `soon` alone. */
  nextRequest(): void {
    if (!this.nextIsDue || this.phase !== 'open') return
    this.startNext()
    this.pull()
  }

  private startNext(): void {
    this.nextIsDue = false
    if (this.phase !== 'open') return
    this.machine.startNextCycle()
    this.between = 'unknown'
    this.lastQueuedBytes = 0
  }

  /** One answer without detail, and the end of the connection. */
  private refuse(status: number): void {
    if (this.phase !== 'open') return
    this.machine.refuseNext()
    this.machine.sendResponse({ status, headers: [['Date', httpDate()]] })
    this.machine.sendEnd()
    this.flush()
    this.closeBelow()
  }

  private countDrained(bytes: number): void {
    const { exchange } = this
    if (!(exchange instanceof ServerExchange) || !exchange.drains) return
    this.drainedBytes += bytes
    if (this.drainedBytes <= this.policy.maxDrainBytes) return
    this.exchange = undefined
    this.clearDue()
    this.closeBelow()
    exchange.giveUp()
  }

  // ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** In whole milliseconds, which take no object. */
  private nowMs(): number {
    return Math.floor(this.policy.transport.clock.nowMs())
  }

  private clearDue(): void {
    if (this.dues === undefined) return
    this.dues = undefined
    this.deadline.clear()
  }

  private setDue({ firstMs }: ExchangeDues): void {
    if (firstMs === Infinity) this.deadline.clear()
    else this.deadline.set(Math.max(0, firstMs - this.policy.transport.clock.nowMs()))
  }

  /** For its deadline alone. */
  timedOut(): void {
    const exchange = this.exchange as ServerExchange | undefined
    if (exchange !== undefined) return this.exchangeTimedOut(exchange)
    if (this.phase !== 'open') return
    if (this.machine.inMessage) return this.refuse(408)
    // Who still takes the last answer, however slowly, is not idle.
    const { queuedBytes } = this.below
    if (queuedBytes === 0 || queuedBytes === this.lastQueuedBytes) return this.closeBelow()
    this.lastQueuedBytes = queuedBytes
    this.deadline.set(this.policy.bodyIdleTimeoutMs)
  }

  private exchangeTimedOut(exchange: ServerExchange): void {
    const error = (this.dues ?? new ExchangeDues()).error(this.policy)
    const cause: Cause = { kind: 'timeout', error }
    this.exchange = undefined
    this.clearDue()
    if (exchange.headSent) this.abortBelow(cause)
    else this.refuse(error.code === 'ERR_HTTP_HANDLER_TIMEOUT' ? 503 : 408)
    exchange.fail(cause)
  }
}

function nextRequest(connection: ServerConnection): void {
  connection.nextRequest()
}

function isSecure(info: Info): boolean {
  for (let each: Info | undefined = info; each !== undefined; each = each.below) if ('alpnProtocol' in each) return true
  return false
}
