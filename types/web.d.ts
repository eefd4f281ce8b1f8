/**
 * What Node, Deno, Bun, workers and browsers have in common of the fetch standard and of streams: for the package that speaks HTTP in those
 * terms. As globals.d.ts: a portability check, and no more than is used.
 */

type BodyInit = string | Uint8Array | ArrayBuffer | ReadableStream<any> | URLSearchParams | Blob | FormData
type HeadersInit = Headers | [string, string][] | Record<string, string>

interface ReadableStreamDefaultReader<R = any> {
  read(): Promise<{ readonly done: false; readonly value: R } | { readonly done: true; readonly value?: undefined }>
  cancel(reason?: unknown): Promise<void>
  releaseLock(): void
}
interface ReadableStreamDefaultController<R = any> {
  readonly desiredSize: number | null
  enqueue(chunk: R): void
  close(): void
  error(reason?: unknown): void
}
interface UnderlyingSource<R = any> {
  readonly type?: 'bytes'
  start?(controller: ReadableStreamDefaultController<R>): void | Promise<void>
  pull?(controller: ReadableStreamDefaultController<R>): void | Promise<void>
  cancel?(reason?: unknown): void | Promise<void>
}
interface ReadableStream<R = any> {
  readonly locked: boolean
  getReader(): ReadableStreamDefaultReader<R>
  cancel(reason?: unknown): Promise<void>
  pipeThrough<T>(through: { readonly readable: ReadableStream<T>; readonly writable: WritableStream<R> }): ReadableStream<T>
  pipeTo(to: WritableStream<R>): Promise<void>
}
declare var ReadableStream: {
  new <R = any>(source?: UnderlyingSource<R>, strategy?: { readonly highWaterMark?: number }): ReadableStream<R>
}
interface WritableStream<W = any> {
  readonly locked: boolean
  abort(reason?: unknown): Promise<void>
}
interface DecompressionStream {
  readonly readable: ReadableStream<Uint8Array>
  readonly writable: WritableStream<Uint8Array>
}
declare var DecompressionStream: { new (format: 'gzip' | 'deflate' | 'deflate-raw'): DecompressionStream }

interface Blob {
  readonly size: number
  readonly type: string
  stream(): ReadableStream<Uint8Array>
  arrayBuffer(): Promise<ArrayBuffer>
}
declare var Blob: { new (parts?: readonly (string | Uint8Array)[], options?: { readonly type?: string }): Blob }
interface FormData {
  append(name: string, value: string | Blob): void
}
declare var FormData: { new (): FormData }
interface URLSearchParams {
  toString(): string
}
declare var URLSearchParams: { new (init?: string): URLSearchParams }

interface URL {
  hash: string
  readonly host: string
  readonly password: string
  readonly username: string
}

interface Headers {
  append(name: string, value: string): void
  delete(name: string): void
  get(name: string): string | null
  getSetCookie(): string[]
  has(name: string): boolean
  set(name: string, value: string): void
  [Symbol.iterator](): IterableIterator<[string, string]>
}
declare var Headers: { new (init?: HeadersInit): Headers }

interface BodyMixin {
  readonly body: ReadableStream<Uint8Array> | null
  readonly bodyUsed: boolean
  arrayBuffer(): Promise<ArrayBuffer>
  blob(): Promise<Blob>
  json(): Promise<any>
  text(): Promise<string>
}

interface RequestInit {
  body?: BodyInit | null
  duplex?: 'half'
  headers?: HeadersInit
  method?: string
  redirect?: 'follow' | 'error' | 'manual'
  signal?: AbortSignal | null
}
interface Request extends BodyMixin {
  readonly headers: Headers
  readonly integrity: string
  readonly method: string
  readonly redirect: 'follow' | 'error' | 'manual'
  readonly signal: AbortSignal
  readonly url: string
  clone(): Request
}
declare var Request: { new (input: string | URL | Request, init?: RequestInit): Request }

interface ResponseInit {
  headers?: HeadersInit
  status?: number
  statusText?: string
}
interface Response extends BodyMixin {
  readonly headers: Headers
  readonly ok: boolean
  readonly redirected: boolean
  readonly status: number
  readonly statusText: string
  readonly type: 'basic' | 'cors' | 'default' | 'error' | 'opaque' | 'opaqueredirect'
  readonly url: string
  clone(): Response
}
declare var Response: {
  new (body?: BodyInit | null, init?: ResponseInit): Response
  error(): Response
}

interface Crypto {
  getRandomValues<T extends Uint8Array>(into: T): T
}
declare var crypto: Crypto
declare function atob(text: string): string
declare function btoa(text: string): string
