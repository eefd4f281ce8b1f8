import { ConnectionError } from '@async/core'
import type { CloseReason, Protocol, Stream } from '@async/core'
import { HttpLimitError } from './errors.ts'
import { type ByteController, byteStream, endBytes, enqueue, joined, readAheadBytes } from './fetch-stream.ts'
import type { ServerExchange } from './server-exchange.ts'

/** The body of a request, taken once: whole, or as a stream of the platform that is read no faster than it is taken. */
export class RequestBody implements Protocol<Stream> {
  private readonly exchange: ServerExchange
  private readonly maxBytes: number
  private taken = false
  private isOver = false
  /** What became of it, if it was cut. */
  private cut: TypeError | undefined
  private parts: Uint8Array[] = []
  private bytes = 0
  private settle: { resolve(body: Uint8Array): void; reject(error: unknown): void } | undefined
  private controller: ByteController | undefined

  /** `maxBytes` bounds what is held of a body that is taken whole. */
  constructor(exchange: ServerExchange, maxBytes: number) {
    this.exchange = exchange
    this.maxBytes = maxBytes
  }

  /** Whether somebody has it. */
  get isTaken(): boolean {
    return this.taken
  }

  /** All of it. @throws (rejects) LimitError `ERR_HTTP_BODY_TOO_LARGE`; TypeError when it was taken, or cut. */
  whole(): Promise<Uint8Array> {
    if (this.taken) return Promise.reject(new TypeError('Body is unusable: it has already been read'))
    this.taken = true
    if (this.cut !== undefined) return Promise.reject(this.cut)
    return new Promise((resolve, reject) => {
      this.settle = { resolve, reject }
      this.begin()
    })
  }

  /** A stream of it. */
  stream(): ReadableStream<Uint8Array> {
    this.taken = true
    return byteStream({
      start: (controller) => {
        if (this.cut !== undefined) return controller.error(this.cut)
        this.controller = controller
        this.exchange.pause('read')
        this.begin()
      },
      pull: () => this.exchange.resume('read'),
      cancel: () => {
        this.isOver = true
        this.exchange.resume('read')
      },
    }, readAheadBytes)
  }

  /** The exchange cannot come to its end. */
  fail(error: unknown): void {
    if (this.isOver) return
    this.isOver = true
    this.parts = []
    this.cut = new TypeError('the request was cut', { cause: error })
    this.settle?.reject(this.cut)
    this.controller?.error(this.cut)
  }

  readonly dataReceived = (data: Uint8Array): void => {
    if (this.isOver) return
    const { controller } = this
    if (controller !== undefined) {
      enqueue(controller, data)
      if ((controller.desiredSize ?? 0) <= 0) this.exchange.pause('read')
      return
    }
    this.bytes += data.length
    this.parts.push(data)
    if (this.bytes <= this.maxBytes) return
    this.isOver = true
    this.parts = []
    this.settle?.reject(tooLarge(this.maxBytes, this.bytes))
  }

  eofReceived(): void {
    if (this.isOver) return
    this.isOver = true
    if (this.controller !== undefined) endBytes(this.controller)
    else this.settle?.resolve(joined(this.parts, this.bytes))
    this.parts = []
  }

  connectionLost(reason: CloseReason): void {
    this.fail('error' in reason ? reason.error : new ConnectionError('ERR_CONNECTION_CLOSED', 'the exchange is over'))
  }

  private begin(): void {
    try {
      this.exchange.start(this)
    } catch (error) {
      this.fail(error)
    }
  }
}

/** All of a stream. @throws (rejects) LimitError `ERR_HTTP_BODY_TOO_LARGE`, what the stream fails with, TypeError when it was read. */
export async function readWhole(stream: ReadableStream<Uint8Array>, maxBytes: number): Promise<Uint8Array> {
  const reader = stream.getReader()
  const parts: Uint8Array[] = []
  let bytes = 0
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    parts.push(read.value)
    bytes += read.value.length
    if (bytes <= maxBytes) continue
    await reader.cancel()
    throw tooLarge(maxBytes, bytes)
  }
  return joined(parts, bytes)
}

function tooLarge(maxBytes: number, bytes: number): HttpLimitError {
  return new HttpLimitError('ERR_HTTP_BODY_TOO_LARGE', 'maxHeldBodyBytes', maxBytes, bytes, 'bytes', 413)
}
