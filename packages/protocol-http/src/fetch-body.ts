import { ConnectionError } from '@async/core'
import type { CloseReason, Protocol, Stream } from '@async/core'
import type { ClientExchange } from './client-exchange.ts'
import { type ByteController, byteStream, endBytes, enqueue, joined, readAheadBytes } from './fetch-stream.ts'

/** Whose response it is. */
export interface BodyOwner {
  /** The exchange is over. From a clean stack. */
  exchangeLost(reason: CloseReason, body: ResponseBody): void
}

/**
 * The body of a response: read no faster than it is taken, and never shorter than it was without an error. Until somebody wants it, some is
 * read ahead, so that a short one frees its connection; then it is gathered, or given to a stream of the platform.
 */
export class ResponseBody implements Protocol<Stream> {
  private readonly exchange: ClientExchange
  private readonly signal: AbortSignal | undefined
  private readonly owner: BodyOwner
  private parts: Uint8Array[] = []
  private bytes = 0
  private controller: ByteController | undefined
  private settle: { resolve(bytes: Uint8Array): void; reject(error: unknown): void } | undefined
  private isOver = false
  private ended = false
  private failure: { readonly error: unknown } | undefined
  private readonly onAbort: (() => void) | undefined

  /** Starts the exchange, and follows `signal` as long as that lasts; `owner` is told of its end. */
  constructor(exchange: ClientExchange, signal: AbortSignal | undefined, owner: BodyOwner) {
    this.exchange = exchange
    this.signal = signal
    this.owner = owner
    if (signal !== undefined) {
      this.onAbort = () => {
        this.fail(signal.reason)
        exchange.abort(signal.reason)
      }
      signal.addEventListener('abort', this.onAbort)
    }
    try {
      exchange.start(this)
    } catch {
      // It is over: `closed` has the reason.
      void exchange.closed.then((reason) => this.connectionLost(reason))
    }
    if (signal?.aborted === true) this.onAbort!()
  }

  /** All of it. One of this and `stream`, once. @throws (rejects) what cut it. */
  whole(): Promise<Uint8Array> | Uint8Array {
    if (this.failure !== undefined) return Promise.reject(this.failure.error)
    if (this.ended) return this.take()
    return new Promise((resolve, reject) => {
      this.settle = { resolve, reject }
      this.exchange.resume('read')
    })
  }

  /** A stream of it. */
  stream(): ReadableStream<Uint8Array> {
    return byteStream({
      start: (controller) => {
        this.controller = controller
        for (const part of this.parts) enqueue(controller, part)
        this.parts = []
        if (this.failure !== undefined) controller.error(this.failure.error)
        else if (this.ended) this.end()
      },
      pull: () => this.exchange.resume('read'),
      cancel: () => this.drop(),
    }, readAheadBytes)
  }

  /** Nobody wants it. */
  drop(): void {
    this.isOver = true
    this.parts = []
    this.exchange.close()
  }

  dataReceived(data: Uint8Array): void {
    if (this.isOver) return
    const { controller } = this
    if (controller !== undefined) {
      enqueue(controller, data)
      if ((controller.desiredSize ?? 0) <= 0) this.exchange.pause('read')
      return
    }
    // What waits must not keep all of a read alive for a few bytes.
    this.parts.push(data.byteLength * 4 < data.buffer.byteLength ? new Uint8Array(data) : data)
    this.bytes += data.byteLength
    if (this.settle === undefined && this.bytes >= readAheadBytes) this.exchange.pause('read')
  }

  eofReceived(): void {
    this.ended = true
    if (this.controller !== undefined) this.end()
    else this.settle?.resolve(this.take())
  }

  connectionLost(reason: CloseReason): void {
    if (this.onAbort !== undefined) this.signal!.removeEventListener('abort', this.onAbort)
    if (!this.ended && !this.isOver) {
      const error = 'error' in reason ? reason.error : new ConnectionError('ERR_TRUNCATED', 'the connection was closed')
      this.fail(new TypeError('terminated', { cause: error }))
    }
    this.owner.exchangeLost(reason, this)
  }

  private take(): Uint8Array {
    const { parts } = this
    this.parts = []
    return joined(parts, this.bytes)
  }

  private end(): void {
    if (this.isOver) return
    this.isOver = true
    endBytes(this.controller!)
  }

  private fail(error: unknown): void {
    if (this.isOver || this.failure !== undefined) return
    this.failure = { error }
    this.isOver = true
    this.parts = []
    this.controller?.error(error)
    this.settle?.reject(error)
  }
}
