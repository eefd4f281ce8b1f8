import type { ResponseHead } from './events.ts'
import type { FetchAddress } from './fetch-address.ts'
import type { ResponseBody } from './fetch-body.ts'
import { decoded } from './fetch-decode.ts'
import { platformResponse } from './light-response.ts'
import { passAsResponse } from './pass-as-response.ts'

const utf8 = new TextDecoder()

/** What is known of a response beside its body. */
export interface ResponseFacts {
  readonly head: ResponseHead
  readonly address: FetchAddress
  readonly redirected: boolean
  readonly type: 'basic' | 'cors'
  /** How the body is encoded, as far as it is to be decoded. */
  readonly codings: readonly string[]
}

/**
 * What passes as a Response: by its prototype, and by making a real one for whatever is asked that it has not itself. A real one costs several times an
 * exchange, and most of those who fetch look at a status and take the text, or what is parsed of it. Also, a real one cannot have a url.
 */
class FetchedResponse {
  private readonly facts: ResponseFacts
  /** None: there is none, which is not the same as an empty one. */
  private readonly content: ResponseBody | undefined
  private isUsed = false
  private knownHeaders: Headers | undefined
  private real: Response | undefined

  constructor(facts: ResponseFacts, content: ResponseBody | undefined) {
    this.facts = facts
    this.content = content
  }

  get status(): number {
    return this.facts.head.status
  }

  get statusText(): string {
    return this.facts.head.reason
  }

  get ok(): boolean {
    const { status } = this
    return status >= 200 && status < 300
  }

  get url(): string {
    return this.facts.address.href
  }

  get redirected(): boolean {
    return this.facts.redirected
  }

  get type(): 'basic' | 'cors' {
    return this.facts.type
  }

  get headers(): Headers {
    if (this.real !== undefined) return this.real.headers
    if (this.knownHeaders !== undefined) return this.knownHeaders
    const headers = new Headers()
    for (const [name, value] of this.facts.head.headers) headers.append(name, value)
    return (this.knownHeaders = headers)
  }

  get body(): ReadableStream<Uint8Array> | null {
    return this.content === undefined ? null : this.makeReal().body
  }

  get bodyUsed(): boolean {
    return this.isUsed || (this.real?.bodyUsed ?? false)
  }

  async text(): Promise<string> {
    return this.isLight() ? utf8.decode(await this.take()) : this.makeReal().text()
  }

  async json(): Promise<any> {
    return this.isLight() ? JSON.parse(utf8.decode(await this.take())) : this.makeReal().json()
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    if (!this.isLight()) return this.makeReal().arrayBuffer()
    const bytes = await this.take()
    return (bytes.byteLength === bytes.buffer.byteLength ? bytes.buffer : bytes.slice().buffer) as ArrayBuffer
  }

  clone(): Response {
    return tell(this.makeReal().clone(), this)
  }

  makeReal(): Response {
    if (this.real !== undefined) return this.real
    const { head, codings } = this.facts
    const { content, isUsed } = this
    const body = content === undefined ? null : isUsed ? new Uint8Array(0) : decoded(content.stream(), codings)
    // The class takes 200 to 599 only; what a server says beyond is said all the same.
    const made = new (platformResponse())(body, { status: head.status > 599 ? 200 : head.status, statusText: head.reason, headers: this.headers })
    // So that it is used there, too.
    if (isUsed) void made.text()
    this.knownHeaders = undefined
    return (this.real = made)
  }

  /** Whether the body can be had without a stream. */
  private isLight(): boolean {
    return this.real === undefined && !this.isUsed && this.facts.codings.length === 0
  }

  private take(): Promise<Uint8Array> | Uint8Array {
    if (this.content === undefined) return new Uint8Array(0)
    this.isUsed = true
    return this.content.whole()
  }
}

/** A Response that is made has no url, nor a status of every kind; one that was fetched has, and so have its clones. */
function tell(response: Response, { url, redirected, status, ok, type }: FetchedResponse): Response {
  const known = { url, redirected, status, ok, type }
  const clone = (): Response => tell(Object.getPrototypeOf(response).clone.call(response), known as FetchedResponse)
  for (const [name, value] of Object.entries({ ...known, clone })) Object.defineProperty(response, name, { value })
  return response
}

let passes = false

/** The Response; without `content` it has no body at all. */
export function fetchedResponse(facts: ResponseFacts, content: ResponseBody | undefined): Response {
  if (!passes) {
    passes = true
    const real = platformResponse()
    passAsResponse(FetchedResponse.prototype, real)
    Object.defineProperty(FetchedResponse.prototype, 'constructor', { value: real, configurable: true, writable: true })
  }
  return new FetchedResponse(facts, content) as unknown as Response
}
