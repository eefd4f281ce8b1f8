import { UsageError } from '@async/core'
import type { Data, StreamTransport } from '@async/core'
import { byteLength, type TransportPolicy } from '@async/core/base'
import type { OutgoingResponse } from './connection.ts'
import { httpDate } from './date.ts'
import type { HeaderList, RequestHead } from './events.ts'
import { Exchange, type ExchangeHost } from './exchange.ts'
import { soon } from './soon.ts'
import { type Fields, gatherFields, hasNoBody } from './framing.ts'
import { checkHeaders, statusLine } from './writer.ts'

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
}

const plainResponse: OutgoingResponse = { status: 200 }
const noFields: Fields = gatherFields([])

/** The server's end of an exchange. */
export class ServerExchange extends Exchange implements HttpServerExchange {
  readonly request: RequestHead
  private readonly requestBytes: number | undefined
  private readonly maxDrainBytes: number
  private expectsContinue: boolean
  private response: OutgoingResponse | undefined
  private responseFields: Fields | undefined
  /** Whether ending without a write makes the status 204. */
  private statusIsOpen = true
  /** What a declared Content-Length still allows to be written. */
  private declaredLeft: number = Infinity

  constructor(host: ExchangeHost, policy: TransportPolicy, request: RequestHead, requestBytes: number | undefined, expectsContinue: boolean, maxDrainBytes: number) {
    super(host, policy)
    this.request = request
    this.requestBytes = requestBytes
    this.expectsContinue = expectsContinue
    this.maxDrainBytes = maxDrainBytes
  }

  get headSent(): boolean {
    return this.host.machine.ourState !== 'head'
  }

  /** Whether the response is sent, and what comes of the request is dropped. */
  get drains(): boolean {
    return this.readHalf === 'discarding' && this.writeHalf === 'ended'
  }

  respond(response: ResponseOptions = {}): void {
    if (this.writeHalf !== 'open' && this.writeHalf !== 'held') throw this.refusal()
    if (this.response !== undefined || this.headSent || !this.queue.isEmpty) throw new UsageError('ERR_HTTP_STATE', 'the response was begun')
    const { reason, headers = [], flush = false } = response
    const status = response.status ?? 200
    statusLine(status, reason)
    if (status < 200) throw new UsageError('ERR_INVALID_ARGUMENT', `${status} is no response`)
    const fields = checkHeaders(headers)
    const { contentLength } = fields
    if (status === 204 && contentLength !== undefined) throw new UsageError('ERR_HTTP_BAD_HEADER', 'A 204 has no Content-Length')
    this.response = reason === undefined ? { status, headers } : { status, reason, headers }
    this.responseFields = fields
    this.statusIsOpen = response.status === undefined && contentLength === undefined && !this.dropsBody()
    if (hasNoBody(status, '')) this.declaredLeft = 0
    else if (contentLength !== undefined) this.declaredLeft = Number(contentLength)
    if (flush) soon(() => this.flushHead())
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
    this.declare(byteLength(data))
    super.accept(data)
  }

  protected override acceptSequence(list: readonly Data[]): void {
    let bytes = 0
    for (const data of list) bytes += byteLength(data)
    this.declare(bytes)
    super.acceptSequence(list)
  }

  protected override startReading(): void {
    super.startReading()
    if (!this.expectsContinue || this.headSent) return
    this.expectsContinue = false
    this.host.machine.sendInformational({ status: 100 })
    this.host.flush()
  }

  protected sendHead(bodyBytes: number | 'unknown'): void {
    const { machine } = this.host
    const given = this.response ?? plainResponse
    const response = bodyBytes === 0 && this.statusIsOpen ? withoutContent(given) : given
    // A body that is not read to its end here is not read to its end by the connection either, unless it is short.
    if (this.readHalf === 'discarding' && machine.theirState === 'body' && (this.requestBytes === undefined || this.requestBytes > this.maxDrainBytes)) machine.refuseNext()
    // What a HEAD would have had as a body is known only when it was written whole.
    const length = this.dropsBody() && bodyBytes === 0 ? 'unknown' : bodyBytes
    const fields = this.responseFields ?? noFields
    machine.sendCheckedResponse(response, fields, length, fields.date === undefined ? `Date: ${httpDate()}\r\n` : '')
  }

  protected dropsBody(): boolean {
    return this.request.method === 'HEAD'
  }

  private declare(bytes: number): void {
    if (bytes > this.declaredLeft && !this.dropsBody()) {
      throw new UsageError('ERR_HTTP_BODY_LENGTH', `${bytes} bytes are written, and ${this.declaredLeft} more may be`)
    }
    this.declaredLeft -= bytes
  }
}

/** The answer to who is owed none: what was said about content is not said of none. RFC 9110 §15.3.5 */
function withoutContent({ headers = [] }: OutgoingResponse): OutgoingResponse {
  return { status: 204, headers: headers.filter(([name]) => !name.toLowerCase().startsWith('content-')) }
}
