import { UsageError } from '@async/core'
import type { Data } from '@async/core'
import { type Asked, ConnectionBase } from './connection-base.ts'
import { noTrailers } from './events.ts'
import type { HeaderList } from './events.ts'
import { hasNoBody, offersSwitch, wasOffered } from './framing.ts'
import type { Fields, Framing } from './framing.ts'
import { checkHeaders, checkTrailers, type OutgoingHeaders } from './outgoing-headers.ts'
import { checkHost, requestLine, statusLine } from './writer.ts'

export type { HttpRole } from './connection-base.ts'

/** A request to be sent. */
export interface OutgoingRequest {
  /** Default GET. */
  readonly method?: string
  /** Origin-form, absolute-form, `*` with OPTIONS, host and port with CONNECT. */
  readonly target: string
  /**
   * With a Host; without Transfer-Encoding. A Content-Length is held against what is sent. `Expect: 100-continue` needs a body, Upgrade
   * needs `Connection: upgrade`.
   */
  readonly headers: HeaderList
  /** The body's length, where it is known and no Content-Length says it. Unknown: HTTP chunks. Default 0. */
  readonly bodyBytes?: number | 'unknown'
}

/** A response to be sent. */
export interface OutgoingResponse {
  /** 200 to 999; 100 to 199 but for 101 with `sendInformational`. */
  readonly status: number
  /** Default: the phrase of RFC 9110. */
  readonly reason?: string
  /** Without Transfer-Encoding. A Content-Length is held against what is sent. Default none. */
  readonly headers?: HeaderList
  /** The body's length, where it is known and no Content-Length says it. Unknown: HTTP chunks, or to a 1.0 peer until the close. Default 0. */
  readonly bodyBytes?: number | 'unknown'
}

/**
 * HTTP/1.1 without I/O: feed it what came, ask it for events, tell it what to send, take the bytes. No transport, no timer, no clock; it
 * can be driven synchronously, byte by byte. States are in state.ts. A server has one request in progress at a time: what is pipelined
 * behind it waits in the machine, as bytes, until `startNextCycle()`. A client may send further requests before the response
 * (`startNextRequest()`), and reads the responses one cycle after the other.
 */
export class HttpConnection extends ConnectionBase {
  /**
   * Sends a request's head. Client only, when ours is `idle`.
   * @throws UsageError for what may not be sent, or not now; nothing is sent then.
   */
  sendRequest(request: OutgoingRequest): void {
    const { method = 'GET', target, headers, bodyBytes = 0 } = request
    const line = requestLine(method, target)
    const checked = checkHeaders(headers)
    checkHost(checked.fields, target)
    this.sendCheckedRequest(method, line, checked, bodyBytes)
  }

  /** `sendRequest` for what was checked, `line` being the request line. Not for callers outside. */
  sendCheckedRequest(method: string, line: string, headers: OutgoingHeaders, bodyBytes: number | 'unknown'): void {
    const { fields } = headers
    const framing = ourFraming(fields, bodyBytes)
    if (fields.expect !== undefined && (fields.expect.toLowerCase() !== '100-continue' || framing === 0)) {
      throw new UsageError('ERR_HTTP_BAD_HEADER', 'Expect is for 100-continue, before a body')
    }
    const offers = offersSwitch(method, '1.1', fields)
    if (method === 'CONNECT' && (framing !== 0 || fields.contentLength !== undefined)) throw new UsageError('ERR_HTTP_BAD_HEADER', 'CONNECT has no body')
    // Who pipelines behind an offer, or an offer, cannot know whose the bytes are.
    if (offers && this.theirState !== 'idle') throw this.illegal('request')
    // RFC 9110 §8.6: a method that gives a body a meaning says the length even of none.
    const saysZero = framing === 0 && (method === 'POST' || method === 'PUT' || method === 'PATCH')
    const length = fields.contentLength === undefined && (framing !== 0 || saysZero) ? (framing as number | 'chunked') : undefined
    this.ours = this.moved(this.ours.request, 'request')
    const asked: Asked = { method, upgrade: offers ? fields.upgrade : undefined }
    if (this.theirState === 'idle') this.ask(asked)
    else (this.asked ??= []).push(asked)
    this.offers = offers
    this.expecting = fields.expect !== undefined
    this.mayTrail = framing === 'chunked'
    if (fields.connection === 'close') this.persistent = false
    this.writer.head(framing, line, headers, length)
  }

  /** Sends a 1xx other than 101. Server only, before the response. To a 1.0 peer, nothing. @throws UsageError as `sendRequest`. */
  sendInformational(response: OutgoingResponse): void {
    const { status, reason, headers = [] } = response
    const line = statusLine(status, reason)
    const checked = checkHeaders(headers)
    if (status > 199 || checked.fields.contentLength !== undefined) throw new UsageError('ERR_INVALID_ARGUMENT', `${status} is not informational, or has a Content-Length`)
    this.ours = this.moved(this.ours.informational, 'informational')
    if (status === 100) this.expecting = false
    if (this.peerVersion === '1.1') this.writer.head(0, line, checked, undefined)
  }

  /**
   * Sends a response's head. Server only; when a request began, or as the last word on a connection that waits for one. To HEAD, and with 204 or 304, no body can follow.
   * @throws UsageError for what may not be sent, or not now; nothing is sent then.
   */
  sendResponse(response: OutgoingResponse): void {
    this.sendCheckedResponse(response.status, statusLine(response.status, response.reason), checkHeaders(response.headers ?? []), response.bodyBytes ?? 0, '')
  }

  /** `sendResponse` for what was checked, `line` being the status line, and some more fields as lines. Not for callers outside. */
  sendCheckedResponse(status: number, line: string, headers: OutgoingHeaders, bodyBytes: number | 'unknown', lines: string): void {
    const { fields } = headers
    if (status < 200) throw new UsageError('ERR_INVALID_ARGUMENT', `${status} is informational`)
    if (status < 300 && this.requestMethod === 'CONNECT' && this.ourState === 'head') throw new UsageError('ERR_HTTP_STATE', 'A 2xx to CONNECT is a switch: switchProtocol()')
    if (status === 204 && fields.contentLength !== undefined) throw new UsageError('ERR_HTTP_BAD_HEADER', 'A 204 has no Content-Length')
    const bodiless = hasNoBody(status, this.requestMethod)
    let framing = ourFraming(fields, bodyBytes)
    const mayTrail = framing === 'chunked'
    // RFC 9110 §15.3.6. Where the length was left open, what follows is refused.
    if (status === 205 && mayTrail) framing = 0
    if (status === 205 && framing !== 0) throw new UsageError('ERR_HTTP_BODY_LENGTH', 'A 205 has no body')
    let length: number | 'chunked' | undefined
    if (!bodiless || (this.requestMethod === 'HEAD' && status !== 204 && status !== 304 && bodyBytes !== 'unknown')) {
      if (framing === 'chunked' && this.peerVersion === '1.0') framing = 'untilClose'
      else if (fields.contentLength === undefined) length = framing as number | 'chunked'
    }
    if (bodiless) framing = 0
    const event = this.ourState === 'head' ? 'response' : 'refuse'
    // A refused expectation leaves open whether the body still comes, a refused CONNECT whose the bytes behind it are: so neither lives on.
    const isClear = !this.expecting && this.requestMethod !== 'CONNECT'
    const persistent = this.persistent && isClear && event === 'response' && fields.connection !== 'close' && framing !== 'untilClose'
    const connection = !persistent && fields.connection !== 'close' ? 'Connection: close\r\n'
      : persistent && this.peerVersion === '1.0' && fields.connection === undefined ? 'Connection: keep-alive\r\n'
      : ''
    this.ours = this.moved(this.ours[event], event)
    this.persistent = persistent
    this.expecting = false
    this.offers = false
    this.mayTrail = mayTrail
    this.writer.head(framing, line, headers, length, lines, connection)
    this.settle()
  }

  /**
   * Gives the connection to the protocol that the request offers: after CONNECT, or a 1.1 request with Upgrade, that is complete, and
   * before the response. `response` (a 101 whose Upgrade was offered, with `Connection: upgrade`; to CONNECT a 2xx without a length) is
   * sent first; without one nothing is, and the answer is to be written by who takes over. Server only; the machine's last act.
   * @returns the bytes that came behind the request: they are the other protocol's.
   * @throws UsageError `ERR_HTTP_STATE` when there is no such request, it is not complete, or is answered; as `sendResponse` for what may not be sent.
   */
  switchProtocol(response?: OutgoingResponse): Uint8Array {
    if (!this.switchIsOpen()) throw this.illegal('switch')
    if (this.theirState === 'body') this.nextEvent()
    if (this.theirState !== 'done' && this.theirState !== 'mustClose') throw this.illegal('switch')
    if (response !== undefined) {
      const { status, reason, headers = [] } = response
      const line = statusLine(status, reason, true)
      const checked = checkHeaders(headers)
      const { fields } = checked
      const isAnswer = this.requestMethod === 'CONNECT'
        ? status >= 200 && status <= 299 && fields.contentLength === undefined
        : status === 101 && wasOffered(fields.upgrade, this.reader.requestUpgrade ?? '') && fields.contentLength === undefined
      if (!isAnswer) throw new UsageError('ERR_HTTP_BAD_HEADER', `${status} with these headers switches to nothing that was offered`)
      this.writer.head(0, line, checked, undefined)
    }
    this.ours = this.moved(this.ours.switch, 'switch')
    this.theirs = this.moved(this.theirs.switch, 'switch')
    return this.reader.input.takeAll()
  }

  /**
   * Sends bytes of the body, several pieces as one HTTP chunk; they are borrowed until what `takeOutput` gave is sent.
   * @throws UsageError `ERR_HTTP_BODY_LENGTH` for more than was announced, `ERR_HTTP_STATE` outside a body. Nothing is sent then.
   */
  sendData(...data: readonly Data[]): void {
    this.sendPieces(data)
  }

  /** `sendData` for a list, of so many bytes where somebody has counted them. Not for callers outside. */
  sendPieces(data: readonly Data[], bytes?: number): void {
    if (this.ourState !== 'body') throw this.illegal('data')
    this.writer.data(data, bytes)
    if (this.role === 'client') this.expecting = false
  }

  /**
   * Ends the message. Trailers need a body of unknown length; to who cannot take any (a 1.0 peer, or no body at all) they are not sent.
   * @throws UsageError `ERR_HTTP_BODY_LENGTH` for less than was announced, `ERR_HTTP_BAD_TRAILER` for fields that may not be trailers, or
   * a body of known length, `ERR_HTTP_STATE` outside a body. Nothing is sent then.
   */
  sendEnd(trailers: HeaderList = noTrailers): void {
    if (this.ourState !== 'body') throw this.illegal('end')
    if (trailers.length > 0) {
      checkTrailers(trailers)
      if (!this.mayTrail) throw new UsageError('ERR_HTTP_BAD_TRAILER', 'Trailers need a body of unknown length')
    }
    this.writer.end(trailers)
    this.ours = this.moved(this.ours.end, 'end')
    if (this.role === 'client') this.expecting = false
    this.settle()
  }

  /** Says that there will be no message after those in progress. A response that is still to be sent says so to the peer. */
  refuseNext(): void {
    this.persistent = false
    this.settle()
  }

  /** We end our side of the connection: nothing can be sent any more. */
  sendEof(): void {
    this.persistent = false
    this.ours = this.moved(this.ours.close, 'close')
    this.settle()
  }

  /**
   * The next pair of messages may begin: both sides are `done`; with requests that were pipelined, the response to the next of them.
   * @throws UsageError `ERR_HTTP_STATE` otherwise.
   */
  startNextCycle(): void {
    const next = this.asked?.[0]
    const isAhead = next !== undefined || (this.role === 'client' && this.ourState === 'idle')
    if (this.theirState !== 'done' || (this.ourState !== 'done' && !isAhead)) throw this.illegal('cycle')
    if (!isAhead) this.ours = this.moved(this.ours.cycle, 'cycle')
    this.theirs = this.moved(this.theirs.cycle, 'cycle')
    this.reader.begin()
    if (next === undefined) return
    this.asked!.shift()
    this.ask(next)
  }

  /**
   * The next request may be sent before the response to the last one: pipelining. Client only; that request is complete, and offers no
   * switch. @throws UsageError `ERR_HTTP_STATE` otherwise.
   */
  startNextRequest(): void {
    if (this.role !== 'client' || this.ourState !== 'done' || this.offers) throw this.illegal('cycle')
    this.ours = this.moved(this.ours.cycle, 'cycle')
  }

  /** How many bytes wait for `takeOutput`. */
  get outputBytes(): number {
    return this.writer.waitingBytes
  }

  /** The bytes to be sent, in order; they are yours. */
  takeOutput(): Data[] {
    return this.writer.take()
  }
}

function ourFraming(fields: Fields, bodyBytes: number | 'unknown'): Framing {
  if (fields.contentLength === undefined) return bodyBytes === 'unknown' ? 'chunked' : bodyBytes
  const length = Number(fields.contentLength)
  if (!Number.isSafeInteger(length)) throw new UsageError('ERR_HTTP_BAD_CONTENT_LENGTH', 'Content-Length is beyond what can be counted')
  return length
}
