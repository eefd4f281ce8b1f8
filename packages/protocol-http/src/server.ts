import { isAsyncError, UsageError } from '@async/core'
import type { Cause, CloseReason, StreamTransport } from '@async/core'
import { type TransportOptions, transportPolicy, type TransportPolicy } from '@async/core/base'
import { HttpConnection } from './connection.ts'
import { httpDate } from './date.ts'
import { Deadline, ExchangeClock } from './deadline.ts'
import type { HttpEvent } from './events.ts'
import type { Exchange } from './exchange.ts'
import type { HttpLimits } from './limits.ts'
import { pickLimits } from './limits.ts'
import { ServerExchange, type HttpServerExchange } from './server-exchange.ts'
import { Shell } from './shell.ts'
import { soon } from './soon.ts'

/** Options of `httpServer`. Those of transports are the exchanges'. */
export interface HttpServerOptions extends TransportOptions, Partial<HttpLimits> {
  /**
   * Takes an exchange: start it, or answer it. One at a time on a connection; the next comes when this one is over. What it throws, or
   * its promise is rejected with, is reported once and answered with 500.
   */
  readonly onExchange: (exchange: HttpServerExchange) => void | Promise<void>
  /** Bytes of a request's body that are read and dropped behind the response; then the connection closes. Default 262144: Go. */
  readonly maxDrainBytes?: number
  /** Milliseconds for a whole request head, from the start of the connection or the head's first byte; then 408. Default 60000: Node. */
  readonly headTimeoutMs?: number
  /** Milliseconds between two requests; then the connection closes. Default 5000: Node. */
  readonly keepAliveTimeoutMs?: number
}

interface ServerPolicy {
  readonly onExchange: HttpServerOptions['onExchange']
  readonly limits: HttpLimits
  readonly transport: TransportPolicy
  readonly maxDrainBytes: number
  readonly headTimeoutMs: number
  readonly keepAliveTimeoutMs: number
}

/**
 * A server: a function to hand to a listener, which serves the HTTP connection on each transport that it is given.
 * @throws UsageError `ERR_INVALID_ARGUMENT` for an option that is out of range.
 */
export function httpServer(options: HttpServerOptions): (transport: StreamTransport) => void {
  const { onExchange, maxDrainBytes = 256 * 1024, headTimeoutMs = 60_000, keepAliveTimeoutMs = 5_000 } = options
  if (typeof onExchange !== 'function') throw new UsageError('ERR_INVALID_ARGUMENT', 'onExchange is no function')
  for (const [name, value] of Object.entries({ maxDrainBytes, headTimeoutMs, keepAliveTimeoutMs })) {
    if (!(value >= 0)) throw new UsageError('ERR_INVALID_ARGUMENT', `${name} is ${value}; it takes a number from 0`)
  }
  const policy = { onExchange, limits: pickLimits(options), transport: transportPolicy(options), maxDrainBytes, headTimeoutMs, keepAliveTimeoutMs }
  return (transport) => transport.start(new ServerConnection(policy))
}

/** The server's end of a connection. */
class ServerConnection extends Shell {
  private readonly policy: ServerPolicy
  /** For a head, or between two requests. */
  private readonly deadline: Deadline
  private idle = false
  private drainedBytes = 0
  private readonly exchangeClock: ExchangeClock
  private readonly exchangePolicy: TransportPolicy
  private readonly next = (): void => this.nextRequest()

  constructor(policy: ServerPolicy) {
    super(new HttpConnection('server', policy.limits))
    this.policy = policy
    this.exchangeClock = new ExchangeClock(policy.transport.clock)
    this.exchangePolicy = { ...policy.transport, clock: this.exchangeClock }
    this.deadline = new Deadline(policy.transport.clock, () => this.timedOut())
  }

  override connectionMade(below: StreamTransport): void {
    super.connectionMade(below)
    this.deadline.set(this.policy.headTimeoutMs)
  }

  override dataReceived(data: Uint8Array): void {
    if (this.idle) {
      this.idle = false
      this.deadline.set(this.policy.headTimeoutMs)
    }
    super.dataReceived(data)
  }

  exchangeOver(exchange: Exchange, cause: Cause): void {
    if (exchange !== this.exchange) return
    this.exchange = undefined
    if (cause.kind === 'closed') {
      if (this.machine.ourState === 'done' && this.machine.theirState === 'done') soon(this.next)
      else this.endBelow()
    } else if (isAsyncError((cause as { error?: unknown }).error, 'ERR_CALLBACK_THREW') && !exchange.headSent) this.refuse(500)
    else this.abortBelow(cause)
  }

  protected handle(event: HttpEvent): void {
    switch (event.type) {
      case 'request': {
        this.deadline.clear()
        this.drainedBytes = 0
        const exchange = new ServerExchange(this, this.exchangePolicy, event.head, event.bodyBytes, event.expectsContinue, this.policy.maxDrainBytes)
        this.exchange = exchange
        this.offer(exchange)
        break
      }
      case 'data':
        this.exchange?.bodyReceived(event.data)
        this.countDrained(event.data.length)
        break
      case 'end':
        this.exchange?.bodyEnded()
        break
      case 'closed':
        if (this.exchange === undefined) this.closeBelow()
        break
    }
  }

  protected broken(error: unknown): void {
    const { exchange } = this
    this.exchange = undefined
    const cause = this.causeOf(error)
    if (exchange === undefined || !exchange.headSent) this.refuse((error as { status?: number }).status ?? 400)
    else this.abortBelow(cause)
    exchange?.connectionFailed(cause)
  }

  protected lost(_reason: CloseReason): void {
    this.deadline.stop()
    this.exchangeClock.stop()
  }

  private offer(exchange: ServerExchange): void {
    try {
      const result = this.policy.onExchange(exchange)
      if (typeof result?.then === 'function') result.then(undefined, (error: unknown) => exchange.handlerThrew(error))
    } catch (error) {
      exchange.handlerThrew(error)
    }
  }

  private nextRequest(): void {
    if (this.phase !== 'open') return
    this.machine.startNextCycle()
    this.idle = this.machine.heldBytes === 0
    this.deadline.set(this.idle ? this.policy.keepAliveTimeoutMs : this.policy.headTimeoutMs)
    this.pull()
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
    this.closeBelow()
    exchange.giveUp()
  }

  private timedOut(): void {
    if (this.phase !== 'open' || this.exchange !== undefined) return
    if (this.machine.inMessage) this.refuse(408)
    else this.closeBelow()
  }
}
