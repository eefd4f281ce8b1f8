import { UsageError } from '@async/core'
import type { Data } from '@async/core'
import { afterTurn, byteLength, toBytes } from '@async/core/base'
import type { ClientExchange } from './client-exchange.ts'
import type { HeaderList } from './events.ts'
import { FetchAddress } from './fetch-address.ts'
import type { PartReader } from './fetch-stream.ts'

/** Bytes that are handed to an exchange at once. */
const portionBytes = 64 * 1024

/** What a request sends: bytes (or their text) that can be sent again, or a stream that can't. */
export type Source = { readonly bytes: Data } | { readonly blob: Blob } | { readonly reader: PartReader<unknown>; readonly first?: unknown }

/** Fields that say what a body is, and go with it. Fetch §4.4 */
const bodyFields: readonly string[] = ['content-encoding', 'content-language', 'content-location', 'content-type', 'content-length']
/** Fields that are for one origin alone. */
const secretFields: readonly string[] = ['authorization', 'proxy-authorization', 'cookie', 'host']

type RedirectMode = 'follow' | 'error' | 'manual'

/** What a request is made of, beside its address. */
export interface RequestParts {
  readonly method: string
  readonly redirect: RedirectMode
  /** The request's own from now on. */
  readonly headers: Headers | undefined
  readonly signal: AbortSignal | undefined
  readonly source: Source | undefined
}

/** A request as it changes along its redirects. */
export class FetchRequest {
  address: FetchAddress
  method: string
  readonly redirect: RedirectMode
  readonly signal: AbortSignal | undefined
  /** How many redirects were followed. */
  redirectCount = 0
  /** Whether a redirect led to another origin. */
  leftOrigin = false
  private readonly headers: Headers | undefined
  private source: Source | undefined
  private isUsed = false

  constructor(address: FetchAddress, { method, redirect, headers, signal, source }: RequestParts) {
    this.address = address
    this.method = method
    this.redirect = redirect
    this.headers = headers
    this.signal = signal
    this.source = source
  }

  /** What the platform's Request makes of it. @throws (rejects) TypeError, as `fetch`; the signal's reason. */
  static async from(input: string | URL | Request, init: RequestInit | undefined): Promise<FetchRequest> {
    const request = new Request(input, init)
    const signal = (init?.signal !== undefined ? init.signal : (input as Partial<Request>).signal) ?? undefined
    signal?.throwIfAborted()
    if (request.integrity !== '') throw new TypeError('integrity is not supported')
    const source = await sourceOf(request, init?.body ?? undefined)
    signal?.throwIfAborted()
    const { method, redirect, headers } = request
    return new FetchRequest(new FetchAddress(new URL(request.url)), { method, redirect, headers: new Headers(headers), signal, source })
  }

  /** The value of Host. */
  get host(): string {
    return this.headers?.get('host') ?? this.address.host
  }

  /** Whether its body, if there is one, can be sent again. */
  get canReplay(): boolean {
    return this.source === undefined || !('reader' in this.source)
  }

  /** Whether it has neither a body nor fields of its own. */
  get isPlain(): boolean {
    return this.headers === undefined && this.source === undefined
  }

  /** The fields to be sent, with those of `defaults` that it has not. */
  fieldsWith(defaults: HeaderList): HeaderList {
    const fields: (readonly [string, string])[] = []
    if (this.headers !== undefined) for (const [name, value] of this.headers) if (name !== 'host') fields.push([name, value])
    const { source } = this
    if (source !== undefined && !('reader' in source)) {
      const length = String('bytes' in source ? byteLength(source.bytes) : source.blob.size)
      const given = this.headers?.get('content-length')
      if (given === null || given === undefined) fields.push(['content-length', length])
      else if (given !== length) throw new UsageError('ERR_HTTP_BODY_LENGTH', `Content-Length is ${given}, and the body has ${length} bytes`)
    }
    const names = new Set(fields.map(([name]) => name))
    for (const [name, value] of defaults) {
      const lower = name.toLowerCase()
      if (names.has(lower) || lower === 'host' || (this.leftOrigin && secretFields.includes(lower))) continue
      names.add(lower)
      // A range of what was encoded could not be decoded. Fetch §4.6
      fields.push(lower === 'accept-encoding' && names.has('range') ? [name, 'identity'] : [name, value])
    }
    return fields
  }

  /** Becomes the request for `location`. Fetch §4.4 @throws Error where that is not allowed. */
  follow(status: number, location: string): void {
    const { url } = this.address
    let next: URL
    try {
      next = new URL(location, url.href)
    } catch (error) {
      throw new TypeError('the Location of a redirect is no URL', { cause: error })
    }
    if (next.hash === '') next.hash = url.hash
    const isOtherOrigin = next.protocol !== url.protocol || next.host !== url.host
    if (isOtherOrigin && (next.username !== '' || next.password !== '')) throw new TypeError('the Location of a redirect to another origin has credentials')
    if (status !== 303 && !this.canReplay) throw new TypeError('a redirect wants the body again, which is a stream')
    if (((status === 301 || status === 302) && this.method === 'POST') || (status === 303 && this.method !== 'GET' && this.method !== 'HEAD')) {
      this.method = 'GET'
      this.source = undefined
      for (const name of bodyFields) this.headers?.delete(name)
    }
    if (isOtherOrigin) {
      this.leftOrigin = true
      for (const name of secretFields) this.headers?.delete(name)
    }
    this.address = new FetchAddress(next)
    this.redirectCount++
  }

  /** Writes the body, if there is one, and ends the request. What is a stream is read as fast as it is taken. */
  sendBody(exchange: ClientExchange): void {
    const { source } = this
    this.isUsed = true
    if (source === undefined) return exchange.halfClose()
    if ('bytes' in source && byteLength(source.bytes) <= portionBytes) {
      exchange.write(source.bytes)
      return exchange.halfClose()
    }
    const parts = 'bytes' in source ? partsOf(toBytes(source.bytes)) : 'blob' in source ? readAll(source.blob.stream().getReader()) : readAll(source.reader, source.first)
    upload(exchange, parts).catch((error: unknown) => exchange.abort(error))
    if ('reader' in source) void exchange.closed.then((reason) => source.reader.cancel('error' in reason ? reason.error : undefined).catch(() => {}))
  }

  /** It failed: a stream that nobody has begun to read is told. */
  giveUp(reason: unknown): void {
    if (!this.isUsed && this.source !== undefined && 'reader' in this.source) this.source.reader.cancel(reason).catch(() => {})
  }
}

async function sourceOf(request: Request, given: NonNullable<RequestInit['body']> | undefined): Promise<Source | undefined> {
  if (request.body === null) return undefined
  if (given === undefined) return peeked(request.body.getReader())
  if (typeof given !== 'string' && ('getReader' in given || Symbol.asyncIterator in given)) return { reader: request.body.getReader() }
  if (typeof given !== 'string' && 'size' in given && 'stream' in given) return { blob: given as Blob }
  return { bytes: new Uint8Array(await request.arrayBuffer()) }
}

/**
 * A Request does not tell what its body was made from. If all of it is there at once it was no stream, as far as anybody can tell: then it
 * has a length, and can be sent again.
 */
async function peeked(reader: PartReader<Uint8Array>): Promise<Source> {
  const reading = reader.read()
  const first = await unlessTurnEnds(reading)
  if (first === undefined) return { reader: resumed(reader, reading) }
  if (first.done) return { bytes: new Uint8Array(0) }
  const next = reader.read()
  const second = await unlessTurnEnds(next)
  if (second?.done === true && isBytes(first.value)) return { bytes: first.value }
  return { reader: resumed(reader, next), first: first.value }
}

/** What `promise` gives, if it does in this turn. */
function unlessTurnEnds<T>(promise: Promise<T>): Promise<T | undefined> {
  return Promise.race([promise, new Promise<undefined>((resolve) => afterTurn(() => resolve(undefined)))])
}

/** A reader of which one read is under way. */
function resumed<T>(reader: PartReader<T>, reading: ReturnType<PartReader<T>['read']>): PartReader<T> {
  let waiting: typeof reading | undefined = reading
  reading.catch(() => {})
  return {
    read: () => {
      const now = waiting ?? reader.read()
      waiting = undefined
      return now
    },
    cancel: (reason) => reader.cancel(reason),
  }
}

function* partsOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += portionBytes) yield bytes.subarray(at, at + portionBytes)
}

async function* readAll(reader: PartReader<unknown>, first?: unknown): AsyncGenerator<unknown> {
  if (first !== undefined) yield first
  for (let read = await reader.read(); !read.done; read = await reader.read()) yield read.value
}

/** Writes part after part, no faster than they are taken. Rejects when the parts do; a write that is refused is the exchange's to tell. */
async function upload(exchange: ClientExchange, parts: Iterable<unknown> | AsyncIterable<unknown>): Promise<void> {
  let isTaken = true
  for await (const part of parts) {
    if (!isBytes(part)) throw new TypeError('a chunk of the body is no Uint8Array')
    for (const portion of partsOf(part)) isTaken = isTaken && (await writeTo(exchange, portion))
    if (!isTaken) return
  }
  if (isTaken) exchange.halfClose()
}

async function writeTo(exchange: ClientExchange, bytes: Uint8Array): Promise<boolean> {
  try {
    exchange.write(bytes)
    if (exchange.queuedBytes > portionBytes) await exchange.drained()
    return true
  } catch {
    return false
  }
}

function isBytes(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array || Object.prototype.toString.call(value) === '[object Uint8Array]'
}
