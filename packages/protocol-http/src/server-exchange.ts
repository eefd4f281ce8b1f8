import { UsageError } from '@async/core'
import type { Cause, Data, StreamTransport, UpgradeRequest } from '@async/core'
import { byteLength, type Clock, soon, type TransportPolicy } from '@async/core/base'
import type { HeaderList, HttpEvent, RequestHead } from './events.ts'
import { Exchange, type ExchangeHost } from './exchange.ts'
import { hasNoBody } from './framing.ts'
import { checkHeaders, noHeaders, type OutgoingHeaders } from './outgoing-headers.ts'
import { statusLine } from './writer.ts'

/** What a response begins with. */
export interface ResponseOptions {
  /** The status, 200 to 999. Default 200, or 204 when the exchange ends without a write. */
  readonly status?: number
  /** The reason phrase. Default: RFC 9110's. */
  readonly reason?: string
  /** Header fields. Date, the length and Connection are added where missing. A Content-Length is held against what is written. */
  readonly headers?: HeaderList
  /** Send the head now, without waiting for a write or the end: the length is not known then. Default false. */
  readonly flush?: boolean
}

/**
 * One request and its response, as a half-closable stream: deliveries are the request's body and `eofReceived` its end, writes are the
 * response's body and `halfClose` its end. `abort` aborts the connection. The reason is `truncated` for a request that was cut, `reset`
 * when the client dropped the connection, `protocol` or `limit` for a body that was refused.
 */
export interface HttpServerExchange extends StreamTransport {
  /** The request. */
  readonly request: RequestHead
  /**
   * Says what the response begins with, before the first write or end. Sent with the first bytes of the body, or its end.
   * @throws UsageError `ERR_HTTP_STATE` when a response was begun; `ERR_HTTP_BAD_HEADER`, `ERR_HTTP_BAD_CONTENT_LENGTH`,
   * `ERR_HTTP_BAD_STATUS_LINE` for what may not be sent. Nothing is sent then.
   */
  respond(response?: ResponseOptions): void
  /** Whether the client waits for a 100 (Continue) before it sends its body. Reading sends it; answering first refuses the body. */
  readonly expectsContinue: boolean
  /**
   * Sends a 1xx before the response: 103 with hints; 100 goes by itself when the exchange reads. To a 1.0 client nothing is sent.
   * @throws UsageError `ERR_HTTP_STATE` when the response was begun on the wire, `ERR_HTTP_BAD_HEADER`, `ERR_INVALID_ARGUMENT` for 101 and beyond 199.
   */
  inform(response: { readonly status: number; readonly headers?: HeaderList }): void
  /** The trailer fields behind the request's body: there when its end is delivered. Names in lower case. */
  readonly trailers: HeaderList
  /**
   * Says what trailer fields follow the response's body, before it is ended. To a 1.0 client, and to HEAD, they are not sent.
   * @throws UsageError `ERR_HTTP_BAD_TRAILER`, or `ERR_HTTP_STATE` when the response is ended, or has a Content-Length. Nothing changes then.
   */
  sendTrailers(trailers: HeaderList): void
  /**
   * Ends the exchange, with kind `detached`, and gives up the raw transport: for a CONNECT, or an Upgrade, that this is the answer to. With a
   * `response` (101 and the headers of the switch; any 2xx to CONNECT) that is sent first; without, whoever takes over writes the answer.
   * Start the transport with the leftover; until then nothing is read of it.
   * @throws UsageError `ERR_HTTP_STATE` when the request is none of these, is not complete, or a response was begun; `ERR_HTTP_BAD_HEADER`.
   */
  takeOver(response?: { readonly status: number; readonly headers?: HeaderList }): UpgradeRequest
}

/** What a server's exchange asks of the connection that it is on. */
export interface ServerExchangeHost extends ExchangeHost {
  /** Whether the exchange waits for the client to send or to take something, or (again) that something moved. */
  waits(on: boolean): void
  /** Where the deadlines of its exchanges come from, of which one at a time has one at a time. */
  readonly exchangeClock: Clock
  /** Whether TLS is below. */
  readonly isSecure: boolean
  /** The field line of Date. */
  dateLine(): string
  /** The head of the response is sent. */
  answered(): void
  /** Ends our side of the connection, behind the last response. */
  endOurs(): void
  /** Ends HTTP on the connection; `send` says so to the machine. */
  giveUp(exchange: ServerExchange, send: () => Uint8Array): UpgradeRequest
}

/** The server's end of an exchange. */
export class ServerExchange extends Exchange implements HttpServerExchange {
  readonly request: RequestHead
  /** Told once, at once, when the exchange cannot come to its end: before what was received, and the loss, are delivered. */
  watcher: { exchangeFailed(cause: Cause): void } | undefined
  protected declare readonly host: ServerExchangeHost
  private readonly requestBytes: number | undefined
  private readonly maxDrainBytes: number
  /** What the response begins with, once that was said, checked. */
  private status: number | undefined
  private statusText = ''
  private headers: OutgoingHeaders = noHeaders
  /** Whether ending without a write makes the status 204. */
  private statusIsOpen = true
  /** Whether the connection was told that we wait for the client. */
  private waited = false
  /** What a declared Content-Length still allows to be written. (Undefined without one: `Infinity` would be a number of its own on the heap for each exchange.) */
  private declaredLeft: number | undefined

  constructor(host: ServerExchangeHost, policy: TransportPolicy, request: Extract<HttpEvent, { readonly type: 'request' }>, maxDrainBytes: number) {
    super(host, policy)
    this.request = request.head
    this.requestBytes = request.bodyBytes
    this.maxDrainBytes = maxDrainBytes
  }

  protected override get clock(): Clock {
    return this.host.exchangeClock
  }

  get headSent(): boolean {
    return this.host.machine.ourState !== 'head'
  }

  /** Whether the request has a body, or may have one. */
  get hasBody(): boolean {
    return this.requestBytes !== 0
  }

  /** Whether TLS is below. */
  get isSecure(): boolean {
    return this.host.isSecure
  }

  get expectsContinue(): boolean {
    return this.cause === undefined && this.host.machine.awaitsContinue
  }

  /** Whether the response is sent, and what comes of the request is dropped. */
  get drains(): boolean {
    return this.readHalf === 'discarding' && this.writeHalf === 'ended'
  }

  respond(response: ResponseOptions = {}): void {
    if (this.writeHalf !== 'open' && this.writeHalf !== 'held') throw this.refusal()
    if (this.status !== undefined || this.headSent || !this.queue.isEmpty) throw new UsageError('ERR_HTTP_STATE', 'the response was begun')
    const status = response.status ?? 200
    const line = statusLine(status, response.reason)
    if (status < 200) throw new UsageError('ERR_INVALID_ARGUMENT', `${status} is no response`)
    const headers = response.headers === undefined ? noHeaders : checkHeaders(response.headers)
    const { contentLength } = headers.fields
    if (contentLength !== undefined && this.sendsTrailers) throw new UsageError('ERR_HTTP_STATE', 'trailers were announced, and need a body without a Content-Length')
    if (status === 204 && contentLength !== undefined) throw new UsageError('ERR_HTTP_BAD_HEADER', 'A 204 has no Content-Length')
    this.status = status
    this.statusText = line
    this.headers = headers
    this.statusIsOpen = response.status === undefined && contentLength === undefined && !this.dropsBody()
    if (hasNoBody(status, '') || status === 205) this.declaredLeft = 0
    else if (contentLength !== undefined) this.declaredLeft = Number(contentLength)
    if (response.flush === true) soon(() => this.flushHead())
  }

  inform(response: { readonly status: number; readonly headers?: HeaderList }): void {
    if (this.writeHalf !== 'open' && this.writeHalf !== 'held') throw this.refusal()
    this.host.machine.sendInformational(response)
    this.host.flush()
  }

  takeOver(response?: { readonly status: number; readonly headers?: HeaderList }): UpgradeRequest {
    if (this.cause !== undefined) throw this.refusal()
    if (this.status !== undefined || !this.queue.isEmpty) throw new UsageError('ERR_HTTP_STATE', 'the response was begun')
    const given = this.host.giveUp(this, () => this.host.machine.switchProtocol(response))
    this.finish({ kind: 'detached' })
    return given
  }

  /** Whether nothing can be answered any more. */
  get isOver(): boolean {
    return this.cause !== undefined || this.writeHalf === 'broken'
  }

  /** `respond`, whatever was said before and is not sent. What was written is forgotten with the connection. */
  respondInstead(response: ResponseOptions): void {
    this.status = undefined
    this.declaredLeft = undefined
    this.respond(response)
  }

  /** It cannot come to its end: our own doing, or time. */
  fail(cause: Cause): void {
    this.finish(cause)
  }

  /** The exchange is given up: the response is sent, and the request is not worth waiting for. */
  giveUp(): void {
    this.finish({ kind: 'closed', by: 'local' })
  }

  /** The handler threw. */
  handlerThrew(error: unknown): void {
    this.protocolThrew(error)
  }

  protected override accept(data: Data): void {
    if (this.declaredLeft !== undefined) this.declare(this.declaredLeft, byteLength(data))
    super.accept(data)
  }

  protected override acceptSequence(list: readonly Data[]): void {
    if (this.declaredLeft !== undefined) {
      let bytes = 0
      for (const data of list) bytes += byteLength(data)
      this.declare(this.declaredLeft, bytes)
    }
    super.acceptSequence(list)
  }

  protected override startReading(): void {
    super.startReading()
    const { host } = this
    if (host.machine.theirState !== 'body') return
    // Who has begun to send its body waits for nothing. RFC 9110 §10.1.1
    if (this.readHalf === 'flowing' && host.machine.awaitsContinue && host.machine.heldBytes === 0 && !this.headSent) {
      host.machine.sendInformational({ status: 100 })
      host.flush()
    }
    this.watch()
  }

  protected override endSent(): void {
    super.endSent()
    // The connection ends anyway, and a client of 1.0 waits for that: it need not wait for the rest of its own request.
    if (this.cause === undefined && this.host.machine.ourState === 'mustClose') this.host.endOurs()
  }

  protected override stopReading(): void {
    super.stopReading()
    this.watch()
  }

  override bodyReceived(data: Uint8Array): void {
    // That it sends is no sign that it takes ours.
    if (!this.waitsToSend) this.watch()
    super.bodyReceived(data)
  }

  override connectionFailed(cause: Cause): void {
    this.failed(cause)
    super.connectionFailed(cause)
  }

  override connectionBroke(cause: Cause): void {
    this.failed(cause)
    super.connectionBroke(cause)
  }

  protected override send(batch: Data[], bytes: number): void {
    super.send(batch, bytes)
    if (this.queue.bytes > 0) this.watch()
  }

  protected override progressed(bytes: number): void {
    super.progressed(bytes)
    this.watch()
  }

  protected override sent(bytes: number): void {
    super.sent(bytes)
    if (this.waited) this.watch()
  }

  protected override destroy(): void {
    if (this.watcher !== undefined && 'error' in this.cause!) this.failed(this.cause)
    super.destroy()
  }

  protected sendHead(bodyBytes: number | 'unknown'): void {
    const { machine } = this.host
    let { status = 200, headers } = this
    // The answer to who is owed none: what was said about content is not said of none. RFC 9110 §15.3.5
    if (bodyBytes === 0 && this.statusIsOpen) {
      status = 204
      if (headers !== noHeaders) headers = checkHeaders(headers.list.filter(([name]) => !name.toLowerCase().startsWith('content-')))
    }
    // A body that is not read to its end here is not read to its end by the connection either, unless it is short.
    if (this.readHalf === 'discarding' && machine.theirState === 'body' && (this.requestBytes === undefined || this.requestBytes > this.maxDrainBytes)) machine.refuseNext()
    // What a HEAD would have had as a body is known only when it was written whole.
    const length = this.dropsBody() && bodyBytes === 0 ? 'unknown' : bodyBytes
    const line = status === this.status ? this.statusText : statusLine(status)
    machine.sendCheckedResponse(status, line, headers, length, headers.fields.date === undefined ? this.host.dateLine() : '')
    this.host.answered()
    if (this.waited) this.watch()
  }

  protected override declaresLength(): boolean {
    return this.headers.fields.contentLength !== undefined
  }

  protected dropsBody(): boolean {
    return this.request.method === 'HEAD'
  }

  /** Says whether we wait for the client: for its body, until the response began; or that it takes ours. Who is paused waits for nothing. */
  private watch(): void {
    if (this.cause !== undefined) return
    const { machine } = this.host
    this.waited = this.waitsToSend || (this.reads && this.readHalf === 'flowing' && machine.ourState === 'head' && machine.theirState === 'body')
    this.host.waits(this.waited)
  }

  private get waitsToSend(): boolean {
    return this.queue.bytes > 0 && this.writeHalf !== 'held'
  }

  private failed(cause: Cause): void {
    const { watcher } = this
    this.watcher = undefined
    watcher?.exchangeFailed(cause)
  }

  private declare(left: number, bytes: number): void {
    if (bytes > left && !this.dropsBody()) {
      throw new UsageError('ERR_HTTP_BODY_LENGTH', `${bytes} bytes are written, and ${left} more may be`)
    }
    this.declaredLeft = left - bytes
  }
}
