import { ConnectionError, ProtocolError } from '@async/core'
import type { Cause, Data, StreamTransport } from '@async/core'
import { lossError, type TransportPolicy } from '@async/core/base'
import { type PoolPolicy, totalTimeout } from './client-policy.ts'
import type { RequestTemplate } from './client-request.ts'
import { HttpStatusError } from './errors.ts'
import type { HeaderList, ResponseHead } from './events.ts'
import { ExchangeInTurn, type TurnHost } from './exchange-in-turn.ts'

/** Bytes of an unexpected response's body that its error carries. */
const excerptBytes = 1024

/** What a client's exchange asks of the connection that it is on. */
export interface ClientExchangeHost extends TurnHost {
  readonly policy: PoolPolicy
  /** Within so many milliseconds something is to happen; else `timedOut()` is called. Infinity: whenever. */
  expect(ms: number): void
  /** Holds the body back until the server wants it, or for so long. */
  holdBody(ms: number): void
  /** Whether it is held back. */
  readonly holdsBody: boolean
}

/** Who is told of a response's head. */
export interface HeadListener {
  /** Before the body. From a clean stack. */
  headReceived(head: ResponseHead): void
}

/** What a server that switches gives: the connection is another protocol's. */
export interface HttpSwitched {
  /** The head of the 101, or of the 2xx to CONNECT. */
  readonly response: ResponseHead
  /** The raw transport. Start it with the leftover; until then nothing is read of it. It half-closes where the connector's transports do. */
  readonly transport: StreamTransport
  /** Bytes that came behind the head. */
  readonly leftover: Uint8Array
}

/**
 * One request and its response, as a half-closable stream: writes are the request's body and `halfClose` its end, deliveries are the
 * response's body and `eofReceived` its end. A response without a body is a peer that ended without writing. The reason is `truncated`
 * for a response that was cut, `reset` when the connection was lost before it began, `protocol` with `ERR_HTTP_STATUS` for a status that
 * is not 2xx (unless the body is of the expected media type).
 */
export interface HttpClientExchange extends StreamTransport {
  /** The response's head, as soon as it is there. Rejects with the error of the reason if the exchange ends before. */
  readonly response: Promise<ResponseHead>
  /** The trailer fields behind the response's body: there when its end is delivered. Names in lower case. */
  readonly trailers: HeaderList
  /**
   * The raw transport, when the server switches to another protocol: for a request with Upgrade, or CONNECT, ask right after connecting, and
   * half-close. The exchange ends with kind `detached`. Rejects with `ERR_HTTP_NOT_SWITCHED` at any other response, which is delivered as
   * ever, and with the error of the reason if the exchange ends before.
   */
  readonly switched: Promise<HttpSwitched>
  /**
   * Says what trailer fields follow the request's body, before it is ended.
   * @throws UsageError `ERR_HTTP_BAD_TRAILER`, or `ERR_HTTP_STATE` when the body is ended, or has a Content-Length. Nothing changes then.
   */
  sendTrailers(trailers: HeaderList): void
  /** Whether the connection had served another exchange before. */
  readonly reused: boolean
  /**
   * After the end: whether the connection was a kept one that was lost without a byte of the response. As a rule the server had closed it
   * at that moment, and a request that may run twice (GET, PUT, DELETE …) can be sent again. RFC 9112 §9.3.1
   */
  readonly retriable: boolean
}

/** The client's end of an exchange. */
export class ClientExchange extends ExchangeInTurn implements HttpClientExchange {
  reused: boolean
  retriable = false
  readonly template: RequestTemplate
  /** In place of the promise `response`. */
  headListener: HeadListener | undefined
  protected declare host: ClientExchangeHost
  private readonly totalTimer: unknown
  private head: ResponseHead | undefined
  /** The first bytes of a response that is no success, while they are gathered. */
  private excerpt: Uint8Array | undefined
  private excerptLength = 0
  private responsePromise: Promise<ResponseHead> | undefined
  private settleResponse: Settle<ResponseHead> | undefined
  private switchedPromise: Promise<HttpSwitched> | undefined
  private settleSwitched: Settle<HttpSwitched> | undefined
  /** The server does not want the rest of our body. */
  private isRefused = false
  /** Whether something came that what is waited for depends on. */
  private isHeard = false

  /** `dueMs`: when all of it has to be over. */
  constructor(host: ClientExchangeHost, policy: TransportPolicy, template: RequestTemplate, reused: boolean, dueMs: number, isBehind: boolean) {
    super(host, policy, isBehind)
    this.template = template
    this.reused = reused
    const { clock } = host.policy.transport
    if (dueMs !== Infinity) this.totalTimer = clock.setTimer(() => this.finish({ kind: 'timeout', error: totalTimeout(host.policy.totalTimeoutMs) }), dueMs - clock.nowMs())
  }

  protected get keepsBody(): boolean {
    return this.template.mayFollowWithBody
  }

  get switched(): Promise<HttpSwitched> {
    if (this.switchedPromise !== undefined) return this.switchedPromise
    this.switchedPromise =
      this.head !== undefined ? Promise.reject(notSwitched(this.head))
      : this.cause !== undefined ? Promise.reject(lossError(this.cause))
      : new Promise((resolve, reject) => {
          this.settleSwitched = { resolve, reject }
        })
    this.switchedPromise.catch(() => {})
    return this.switchedPromise
  }

  /** Whether the response has begun. */
  get responded(): boolean {
    return this.head !== undefined
  }

  get response(): Promise<ResponseHead> {
    if (this.responsePromise !== undefined) return this.responsePromise
    this.responsePromise =
      this.head !== undefined ? Promise.resolve(this.head)
      : this.cause !== undefined ? Promise.reject(lossError(this.cause))
      : new Promise((resolve, reject) => {
          this.settleResponse = { resolve, reject }
        })
    // Who looks at the response may still look at the reason alone.
    this.responsePromise.catch(() => {})
    return this.responsePromise
  }

  /** The connection was a kept one, and not a byte of the response came. */
  noteRetriable(): void {
    this.retriable = !this.isSentAgain
  }

  /** What was expected did not come. */
  timedOut(): void {
    const { headTimeoutMs, bodyIdleTimeoutMs } = this.host.policy
    const error = this.waitsForHead()
      ? new ConnectionError('ERR_HTTP_HEAD_TIMEOUT', `no response after ${headTimeoutMs} ms`)
      : new ConnectionError('ERR_HTTP_BODY_TIMEOUT', `no byte of a body went or came for ${bodyIdleTimeoutMs} ms`)
    this.finish({ kind: 'timeout', error })
  }

  override turnCame(): void {
    super.turnCame()
    this.watch()
  }

  /** A 1xx came. From a clean stack. */
  informed(head: ResponseHead): void {
    try {
      this.template.onInformational?.(head)
    } catch (error) {
      this.protocolThrew(error)
    }
  }

  /** The server switches: what is below is another protocol's. False if nobody asked for it. From a clean stack. */
  switchReceived(switched: HttpSwitched): boolean {
    const { settleSwitched } = this
    if (settleSwitched === undefined) return false
    this.head = switched.response
    this.settleResponse?.resolve(switched.response)
    this.settleResponse = undefined
    this.settleSwitched = undefined
    settleSwitched.resolve(switched)
    this.finish({ kind: 'detached' })
    return true
  }

  /** The response begins. `refused`: it came instead of a 100, so that our body is not wanted. From a clean stack. */
  responseReceived(head: ResponseHead, refused: boolean): void {
    this.head = head
    this.isRefused = refused
    this.settleResponse?.resolve(head)
    this.settleResponse = undefined
    this.headListener?.headReceived(head)
    this.settleSwitched?.reject(notSwitched(head))
    this.settleSwitched = undefined
    this.isHeard = true
    if (this.template.deliversAll || (head.status >= 200 && head.status < 300) || this.isExpected(head)) return
    this.excerpt = new Uint8Array(excerptBytes)
    this.reads = true
  }

  override bodyReceived(data: Uint8Array): void {
    const { excerpt } = this
    this.isHeard = true
    if (excerpt === undefined) return super.bodyReceived(data)
    const part = data.subarray(0, excerptBytes - this.excerptLength)
    excerpt.set(part, this.excerptLength)
    this.excerptLength += part.length
    if (this.excerptLength === excerptBytes) this.refuseStatus(excerpt)
  }

  override bodyEnded(): void {
    if (this.excerpt !== undefined) this.refuseStatus(this.excerpt)
    else super.bodyEnded()
    if (this.isRefused) this.finish({ kind: 'closed', by: 'peer' })
    this.isHeard = true
  }

  /** All that came at once was told: once for all of it, since most exchanges are over by then. */
  heard(): void {
    if (!this.isHeard) return
    this.isHeard = false
    this.watch()
  }

  override connectionFailed(cause: Cause): void {
    if (this.excerpt !== undefined) this.refuseStatus(this.excerpt)
    else super.connectionFailed(cause)
  }

  protected override startReading(): void {
    super.startReading()
    this.watch()
  }

  protected override stopReading(): void {
    if (this.excerpt !== undefined) return
    super.stopReading()
    this.watch()
  }

  protected override setHold(on: boolean): void {
    super.setHold(on)
    this.watch()
  }

  protected override send(batch: Data[], bytes: number): void {
    super.send(batch, bytes)
    // Else `endSent` has.
    if (this.writeHalf !== 'ended') this.watch()
  }

  protected override progressed(bytes: number): void {
    super.progressed(bytes)
    this.watch()
  }

  protected override sent(bytes: number): void {
    super.sent(bytes)
    if (this.writeHalf !== 'ended') this.watch()
  }

  protected override endSent(): void {
    super.endSent()
    this.watch()
  }

  protected override destroy(): void {
    if (this.totalTimer !== undefined) this.host.policy.transport.clock.clearTimer(this.totalTimer)
    super.destroy()
    // Most ends have nobody to tell, and an Error costs as much as an exchange.
    if (this.settleResponse === undefined && this.settleSwitched === undefined) return
    const error = lossError(this.cause!)
    this.settleResponse?.reject(error)
    this.settleSwitched?.reject(error)
  }

  protected sendHead(bodyBytes: number | 'unknown'): void {
    const { method, line, headers, asking, expectContinueMs } = this.template
    const { host } = this
    // What has no body has nothing to ask for.
    const asks = asking !== undefined && bodyBytes !== 0
    host.machine.sendCheckedRequest(method, line, asks ? asking : headers, bodyBytes)
    this.noteSent()
    if (!asks) return
    host.flush()
    host.holdBody(expectContinueMs!)
  }

  protected dropsBody(): boolean {
    return false
  }

  private waitsForHead(): boolean {
    return this.head === undefined && this.writeHalf === 'ended'
  }

  /** Whether there is something to send, and it may go. */
  private sends(): boolean {
    return this.queue.bytes > 0 && this.writeHalf !== 'held' && !this.host.holdsBody
  }

  /** Sets the time for what is waited for now: the head, or the next of a body. Who is paused, or behind another, waits for nothing. */
  private watch(): void {
    if (this.cause !== undefined || this.isBehind) return
    const { policy } = this.host
    const ms =
      this.waitsForHead() ? policy.headTimeoutMs
      : (this.head !== undefined && this.reads && this.readHalf !== 'ended' && !this.pendingEof) || this.sends() ? policy.bodyIdleTimeoutMs
      : Infinity
    this.host.expect(ms)
  }

  private refuseStatus(excerpt: Uint8Array): void {
    this.excerpt = undefined
    this.finish({ kind: 'protocol', error: new HttpStatusError(this.head!, excerpt.slice(0, this.excerptLength)) })
  }

  private isExpected(head: ResponseHead): boolean {
    const { mediaType } = this.template
    if (mediaType === undefined) return false
    const type = gatherMediaType(head.headers)
    return type === mediaType
  }
}

/** The media type without its parameters, in lower case. RFC 9110 §8.3.1 */
function gatherMediaType(headers: HeaderList): string | undefined {
  const value = headers.find(([name]) => name === 'content-type')?.[1]
  return value?.split(';', 1)[0]?.trim().toLowerCase()
}

interface Settle<T> {
  resolve(value: T): void
  reject(error: Error): void
}

function notSwitched(head: ResponseHead): ProtocolError {
  return new ProtocolError('ERR_HTTP_NOT_SWITCHED', `the server answered ${head.status} to a request to switch`)
}
