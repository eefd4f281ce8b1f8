import type { Cause, StreamTransport } from '@async/core'
import { lossError, type TransportPolicy } from '@async/core/base'
import { HttpStatusError } from './errors.ts'
import type { HeaderList, ResponseHead } from './events.ts'
import { Exchange, type ExchangeHost } from './exchange.ts'

/** Bytes of an unexpected response's body that its error carries. */
const excerptBytes = 1024

/** What every request of a connector begins with. */
export interface RequestTemplate {
  readonly method: string
  readonly target: string
  readonly headers: HeaderList
  readonly mediaType: string | undefined
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
}

/** The client's end of an exchange. */
export class ClientExchange extends Exchange implements HttpClientExchange {
  private readonly template: RequestTemplate
  private head: ResponseHead | undefined
  /** The first bytes of a response that is no success, while they are gathered. */
  private excerpt: Uint8Array | undefined
  private excerptLength = 0
  private responsePromise: Promise<ResponseHead> | undefined
  private settleResponse: { resolve(head: ResponseHead): void; reject(error: Error): void } | undefined

  constructor(host: ExchangeHost, policy: TransportPolicy, template: RequestTemplate) {
    super(host, policy)
    this.template = template
  }

  get headSent(): boolean {
    return this.host.machine.ourState !== 'idle'
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

  /** The response begins. From a clean stack. */
  responseReceived(head: ResponseHead): void {
    this.head = head
    this.settleResponse?.resolve(head)
    if ((head.status >= 200 && head.status < 300) || this.isExpected(head)) return
    this.excerpt = new Uint8Array(excerptBytes)
    this.reads = true
  }

  override bodyReceived(data: Uint8Array): void {
    const { excerpt } = this
    if (excerpt === undefined) return super.bodyReceived(data)
    const part = data.subarray(0, excerptBytes - this.excerptLength)
    excerpt.set(part, this.excerptLength)
    this.excerptLength += part.length
    if (this.excerptLength === excerptBytes) this.refuseStatus(excerpt)
  }

  override bodyEnded(): void {
    if (this.excerpt !== undefined) this.refuseStatus(this.excerpt)
    else super.bodyEnded()
  }

  override connectionFailed(cause: Cause): void {
    if (this.excerpt !== undefined) this.refuseStatus(this.excerpt)
    else super.connectionFailed(cause)
  }

  protected override stopReading(): void {
    if (this.excerpt === undefined) super.stopReading()
  }

  protected override destroy(): void {
    super.destroy()
    this.settleResponse?.reject(lossError(this.cause!))
  }

  protected sendHead(bodyBytes: number | 'unknown'): void {
    const { method, target, headers } = this.template
    this.host.machine.sendRequest({ method, target, headers, bodyBytes })
  }

  protected dropsBody(): boolean {
    return false
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
