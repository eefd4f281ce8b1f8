import { afterTurn } from '@async/core/base'
import { type LightResponse } from './light-response.ts'
import { type ResponseFields, responseFields } from './response-fields.ts'
import type { ServerExchange } from './server-exchange.ts'

/** Bytes that are handed to the exchange at once. */
const portionBytes = 64 * 1024
interface Read {
  readonly done: boolean
  readonly value?: Uint8Array | undefined
}

/**
 * Sends a light response at once. @returns whether it did: a long body goes the way of streams.
 * @throws UsageError for what may not be sent.
 */
export function sendLight(exchange: ServerExchange, response: LightResponse): boolean {
  if (exchange.isOver) {
    exchange.close()
    return true
  }
  const { givenBody: body, givenStatus: status, givenStatusText: statusText, knownHeaders } = response
  if (body !== null && body.length > portionBytes) return false
  const headers = responseFields(knownHeaders ?? response.givenHeaders, typeof body === 'string' && knownHeaders === undefined, exchange.sendsTrailers || status === 204)
  exchange.respond(statusText === '' ? { status, headers } : { status, headers, reason: statusText })
  if (body !== null && body.length > 0 && exchange.request.method !== 'HEAD') exchange.write(body)
  exchange.close()
  return true
}

/**
 * Sends a Response: head and body, no faster than the client takes it. A body that is there in one piece has a Content-Length; one that
 * comes bit by bit leaves bit by bit.
 */
export class ResponseSender {
  private readonly exchange: ServerExchange
  /** Where the body comes from: who reads it, once it is read. */
  private source: { cancel(reason: unknown): Promise<void> } | undefined

  constructor(exchange: ServerExchange) {
    this.exchange = exchange
  }

  /** Nobody needs the rest of the body. */
  cancel(reason: unknown): void {
    this.source?.cancel(reason).catch(() => {})
  }

  /** @throws (rejects) what the body's source failed with, and what may not be sent. */
  async send(response: Response): Promise<void> {
    const { exchange } = this
    const body = response?.body ?? null
    this.source = body ?? undefined
    if (this.isOver()) return this.giveUp()
    if (typeof response?.status !== 'number' || response.status < 200 || response.bodyUsed) throw new TypeError('The handler gave no Response that can be sent')
    const headers: ResponseFields = responseFields(response.headers, false, exchange.sendsTrailers || response.status === 204)
    const hasLength = headers.some(([name]) => name === 'content-length')
    const head = { status: response.status, headers, ...(response.statusText === '' ? {} : { reason: response.statusText }) }
    const { method } = exchange.request
    if (body === null || method === 'HEAD') {
      exchange.respond(head)
      exchange.close()
      if (body !== null) await body.cancel()
      return
    }
    const reader = body.getReader() as ReadableStreamDefaultReader<Uint8Array>
    this.source = reader
    const first: Read = await reader.read()
    if (this.isOver()) return this.giveUp()
    if (first.done) {
      exchange.respond(head)
      return exchange.close()
    }
    const second: Promise<Read> = reader.read()
    const isWhole = !hasLength && !exchange.sendsTrailers && (await isDoneSoon(second))
    if (this.isOver()) return this.giveUp()
    exchange.respond(isWhole ? { ...head, headers: [...headers, ['Content-Length', String(bytesOf(first).length)]] } : head)
    for (let part = first, next = second; !part.done; part = await next, next = reader.read()) {
      // It is awaited behind the write; that it failed meanwhile must not look unhandled.
      next.catch(() => {})
      await this.write(bytesOf(part))
    }
    exchange.close()
  }

  /** The client is gone, which ends the exchange only where something is still read of it. */
  private giveUp(): void {
    this.cancel(undefined)
    this.exchange.close()
  }

  private async write(bytes: Uint8Array): Promise<void> {
    const { exchange } = this
    for (let at = 0; at < bytes.length; at += portionBytes) {
      exchange.write(bytes.length <= portionBytes ? bytes : bytes.subarray(at, at + portionBytes))
      if (exchange.queuedBytes > portionBytes) await exchange.drained()
    }
  }

  private isOver(): boolean {
    return this.exchange.isOver
  }
}

function bytesOf(part: Read): Uint8Array {
  const { value } = part
  if ((value as Uint8Array | undefined)?.BYTES_PER_ELEMENT !== 1) throw new TypeError('A body is made of Uint8Array')
  return value!
}

/** Whether a stream ends within this turn: what was made of a string or of bytes does. */
function isDoneSoon(read: Promise<Read>): Promise<boolean> {
  const turnIsOver = new Promise<boolean>((resolve) => {
    afterTurn(() => resolve(false))
  })
  return Promise.race([read.then(({ done }) => done, () => false), turnIsOver])
}
