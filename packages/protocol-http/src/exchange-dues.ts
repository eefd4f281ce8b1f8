import { ConnectionError } from '@async/core'

/** For how long what takes how long: of a server's options. */
export interface ExchangeTimes {
  readonly handlerTimeoutMs: number
  readonly requestTimeoutMs: number
  readonly bodyIdleTimeoutMs: number
}

/** When the time of an exchange on a server is over, on the clock of its connection: made for those that have any, which a request without a body has not. */
export class ExchangeDues {
  /** For the whole request, until it is there or answered. */
  requestMs: number = Infinity
  /** For the next sign of life of a client that is waited for. */
  idleMs: number = Infinity
  /** For the response to begin. */
  handlerMs: number = Infinity

  /** The first of them. */
  get firstMs(): number {
    return Math.min(this.requestMs, this.idleMs, this.handlerMs)
  }

  /** What it is that passed, if the first of them did. */
  error(times: ExchangeTimes): ConnectionError {
    if (this.handlerMs <= Math.min(this.requestMs, this.idleMs)) return new ConnectionError('ERR_HTTP_HANDLER_TIMEOUT', `no response after ${times.handlerTimeoutMs} ms`)
    if (this.requestMs <= this.idleMs) return new ConnectionError('ERR_HTTP_REQUEST_TIMEOUT', `no whole request after ${times.requestTimeoutMs} ms`)
    return new ConnectionError('ERR_HTTP_BODY_TIMEOUT', `no byte of a body went or came for ${times.bodyIdleTimeoutMs} ms`)
  }
}
