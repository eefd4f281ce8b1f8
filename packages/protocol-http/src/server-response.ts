import { afterTurn, byteLength } from '@async/core/base'
import { type HeadersSource, lightContent } from './light-response.ts'
import type { ServerExchange } from './server-exchange.ts'

/** Bytes that are handed to the exchange at once. */
const portionBytes = 64 * 1024
/** Fields that concern the connection to somebody else: a Response that was fetched has them. RFC 9110 §7.6.1 */
const hopByHop: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'])

interface Read {
  readonly done: boolean
  readonly value?: Uint8Array | undefined
}

/**
 * Sends a Response: head and body, no faster than the client takes it. A body that is there in one piece has a Content-Length; one that
 * comes bit by bit leaves bit by bit.
 */
export class ResponseSender {
  private readonly exchange: ServerExchange
  private reader: ReadableStreamDefaultReader<Uint8Array> | undefined

  constructor(exchange: ServerExchange) {
    this.exchange = exchange
  }

  /** The client is gone: nobody needs the rest of the body. */
  cancel(reason: unknown): void {
    this.reader?.cancel(reason).catch(() => {})
  }

  /**
   * Sends a light response at once. @returns whether it was one.
   * @throws UsageError for what may not be sent.
   */
  sendLight(response: Response): boolean {
    const light = lightContent(response)
    if (light === undefined) return false
    const { exchange } = this
    if (this.isOver()) return true
    const { body, status, statusText } = light.content
    const headers: [string, string][] = []
    let hasType = false
    for (const [name, value] of light.headers ?? fieldsOf(light.content.headers)) {
      const lower = name.toLowerCase()
      if (hopByHop.has(lower) && !(lower === 'connection' && value.toLowerCase() === 'close')) continue
      if (lower === 'content-type') hasType = true
      else if (lower === 'content-length' && exchange.sendsTrailers) continue
      headers.push([name, value])
    }
    if (!hasType && typeof body === 'string' && light.headers === undefined) headers.push(['content-type', 'text/plain;charset=UTF-8'])
    const bytes = body === null ? 0 : byteLength(body)
    if (bytes > portionBytes) return false
    exchange.respond(statusText === '' ? { status, headers } : { status, headers, reason: statusText })
    if (bytes > 0 && exchange.request.method !== 'HEAD') exchange.write(body!)
    exchange.close()
    return true
  }

  /** @throws (rejects) what the body's source failed with, and what may not be sent. */
  async send(response: Response): Promise<void> {
    const { exchange } = this
    if (this.isOver()) return void (await response?.body?.cancel())
    if (typeof response?.status !== 'number' || response.status < 200 || response.bodyUsed) throw new TypeError('The handler gave no Response that can be sent')
    const headers: [string, string][] = []
    let hasLength = false
    for (const [name, value] of response.headers) {
      if (hopByHop.has(name) && !(name === 'connection' && value.toLowerCase() === 'close')) continue
      if (name === 'content-length') {
        if (exchange.sendsTrailers) continue
        hasLength = true
      }
      headers.push([name, value])
    }
    const head = { status: response.status, headers, ...(response.statusText === '' ? {} : { reason: response.statusText }) }
    const { body } = response
    const { method } = exchange.request
    if (body === null || method === 'HEAD') {
      exchange.respond(head)
      exchange.close()
      if (body !== null) await body.cancel()
      return
    }
    const reader = body.getReader() as ReadableStreamDefaultReader<Uint8Array>
    this.reader = reader
    const first: Read = await reader.read()
    if (this.isOver()) return this.cancel(undefined)
    if (first.done) {
      exchange.respond(head)
      return exchange.close()
    }
    const second: Promise<Read> = reader.read()
    if (!hasLength && !exchange.sendsTrailers && (await isDoneSoon(second))) headers.push(['Content-Length', String(bytesOf(first).length)])
    if (this.isOver()) return this.cancel(undefined)
    exchange.respond(head)
    for (let part = first, next = second; !part.done; part = await next, next = reader.read()) {
      // It is awaited behind the write; that it failed meanwhile must not look unhandled.
      next.catch(() => {})
      await this.write(bytesOf(part))
    }
    exchange.close()
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

/** The fields that `Headers` would be made of, each value without the white space around it. */
function fieldsOf(init: HeadersSource): Iterable<readonly [string, string]> {
  if (init === undefined) return []
  if (typeof (init as Headers).getSetCookie === 'function') return init as Headers
  const entries: readonly (readonly [string, string])[] = (Array.isArray(init) ? init : Object.entries(init)) as [string, string][]
  return entries.map(([name, value]) => [name, String(value).trim()] as const)
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
