import { ConnectionError } from '@async/core'
import type { CloseReason, Protocol, Stream } from '@async/core'
import type { ClientExchange } from './client-exchange.ts'
import type { ResponseHead } from './events.ts'
import { decoded } from './fetch-decode.ts'
import type { FetchRequest } from './fetch-request.ts'
import { type ByteController, byteStream, endBytes, enqueue } from './fetch-stream.ts'

/** Bytes that are read ahead of whoever reads the body. */
const readAheadBytes = 64 * 1024
/** Statuses without a body, for the fetch standard. */
const nullBodyStatuses: ReadonlySet<number> = new Set([101, 103, 204, 205, 304])

/** The body of a response as a stream of the platform: read no faster than it is taken, and never shorter than it was without an error. */
export class ResponseBody implements Protocol<Stream> {
  private readonly exchange: ClientExchange
  private readonly signal: AbortSignal | undefined
  private controller: ByteController | undefined
  private isOver = false
  private ended = false
  private failure: unknown
  private readonly onAbort = (): void => {
    this.fail(this.signal?.reason)
    this.exchange.abort(this.signal?.reason)
  }

  /** Starts the exchange, and follows `signal` as long as that lasts. */
  constructor(exchange: ClientExchange, signal: AbortSignal | undefined) {
    this.exchange = exchange
    this.signal = signal
    signal?.addEventListener('abort', this.onAbort)
    exchange.pause('read')
    try {
      exchange.start(this)
    } catch {
      // It is over: `closed` has the reason.
      void exchange.closed.then((reason) => this.connectionLost(reason))
    }
    if (signal?.aborted === true) this.onAbort()
  }

  /** Whether the response has no body at all, which is not the same as an empty one. */
  isNull(method: string, status: number): boolean {
    return method === 'HEAD' || nullBodyStatuses.has(status)
  }

  /** The stream. One alone. */
  stream(): ReadableStream<Uint8Array> {
    return byteStream({
      start: (controller) => {
        this.controller = controller
        if (this.failure !== undefined) controller.error(this.failure)
        else if (this.ended) this.end()
      },
      pull: () => this.exchange.resume('read'),
      cancel: () => this.drop(),
    }, readAheadBytes)
  }

  /** Nobody wants it. */
  drop(): void {
    this.isOver = true
    this.exchange.close()
  }

  readonly dataReceived = (data: Uint8Array): void => {
    const { controller } = this
    if (this.isOver || controller === undefined) return
    enqueue(controller, data)
    if ((controller.desiredSize ?? 0) <= 0) this.exchange.pause('read')
  }

  eofReceived(): void {
    this.ended = true
    if (this.controller !== undefined) this.end()
  }

  connectionLost(reason: CloseReason): void {
    this.signal?.removeEventListener('abort', this.onAbort)
    if (this.ended || this.isOver) return
    const error = 'error' in reason ? reason.error : new ConnectionError('ERR_TRUNCATED', 'the connection was closed')
    this.fail(new TypeError('terminated', { cause: error }))
  }

  private end(): void {
    if (this.isOver) return
    this.isOver = true
    endBytes(this.controller!)
  }

  private fail(error: unknown): void {
    if (this.isOver || this.failure !== undefined) return
    this.failure = error
    this.isOver = true
    this.controller?.error(error)
  }
}

/** The Response. Its body is decoded where `codings` names any. */
export function responseOf(head: ResponseHead, request: FetchRequest, body: ResponseBody, codings: readonly string[]): Response {
  const headers = new Headers()
  for (const [name, value] of head.headers) headers.append(name, value)
  const isNull = body.isNull(request.method, head.status)
  if (isNull) body.drop()
  // The class takes 200 to 599 only; what a server says beyond is said all the same.
  const status = head.status > 599 ? 200 : head.status
  const { url, redirectCount, leftOrigin } = request
  const href = url.href.slice(0, url.href.length - url.hash.length)
  const known = { url: href, redirected: redirectCount > 0, status: head.status, ok: head.status >= 200 && head.status < 300, type: leftOrigin ? 'cors' : 'basic' }
  return tell(new Response(isNull ? null : decoded(body.stream(), codings), { status, statusText: head.reason, headers }), known)
}

/** A Response that is made has no url; one that was fetched has, and so have its clones. */
function tell(response: Response, known: Readonly<Record<string, unknown>>): Response {
  const clone = (): Response => tell(Object.getPrototypeOf(response).clone.call(response), known)
  for (const [name, value] of Object.entries({ ...known, clone })) Object.defineProperty(response, name, { value })
  return response
}
