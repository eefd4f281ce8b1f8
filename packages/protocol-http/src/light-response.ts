import { passAsResponse } from './pass-as-response.ts'

/** What Headers are made of. By the class: not every set of types has a name for it. */
export type HeadersSource = ConstructorParameters<typeof Headers>[0]

let platform: typeof Response | undefined

/**
 * What passes as a Response, and keeps a body of text or bytes as it is: no stream, and no Headers until somebody asks for them. Anything else
 * that is asked of it is asked of a real one, made then.
 */
export class LightResponse {
  /** What it was made of, until a real one is. */
  readonly givenBody: string | Uint8Array | null = null
  readonly givenStatus: number = 200
  readonly givenStatusText: string = ''
  readonly givenHeaders: HeadersSource = undefined
  /** The headers, once somebody asked for them: they may have been changed. */
  knownHeaders: Headers | undefined
  private real: Response | undefined

  constructor(body?: ConstructorParameters<typeof Response>[0], init?: ResponseInit) {
    const status = init?.status ?? 200
    const isKept = body === undefined || body === null || typeof body === 'string' || (body as Uint8Array).constructor === Uint8Array
    if (!isKept || !Number.isInteger(status) || status < 200 || status > 599 || (hasNullBody(status) && body !== undefined && body !== null)) {
      this.real = new platform!(body, init)
      return
    }
    // A copy: who made the response may write to its buffer again, before this one is sent.
    if (body !== undefined) this.givenBody = typeof body === 'string' || body === null ? body : new Uint8Array(body as Uint8Array)
    if (init === undefined || init === null) return
    this.givenStatus = status
    if (init.statusText !== undefined) this.givenStatusText = init.statusText
    if (init.headers !== undefined) this.givenHeaders = copied(init.headers)
  }

  /** Whether a real one was made, which has the body. */
  get isReal(): boolean {
    return this.real !== undefined
  }

  get status(): number {
    return this.real === undefined ? this.givenStatus : this.real.status
  }

  get statusText(): string {
    return this.real === undefined ? this.givenStatusText : this.real.statusText
  }

  get ok(): boolean {
    return this.status < 300
  }

  get headers(): Headers {
    if (this.real !== undefined) return this.real.headers
    if (this.knownHeaders !== undefined) return this.knownHeaders
    const made = new Headers(this.givenHeaders)
    if (typeof this.givenBody === 'string' && !made.has('content-type')) made.set('content-type', 'text/plain;charset=UTF-8')
    return (this.knownHeaders = made)
  }

  makeReal(): Response {
    if (this.real !== undefined) return this.real
    const real = new platform!(this.givenBody, { status: this.givenStatus, statusText: this.givenStatusText, headers: this.headers })
    this.knownHeaders = undefined
    return (this.real = real)
  }
}

/** A null body status, of the Fetch standard. */
function hasNullBody(status: number): boolean {
  return status === 204 || status === 205 || status === 304
}

/** They may be somebody's who changes them for the next response, before this one is sent. All become pairs, which are read faster. */
function copied(headers: NonNullable<HeadersSource>): HeadersSource {
  // (A load, which the compiler inlines; it does not `in`.)
  if ((headers as { [Symbol.iterator]?: unknown })[Symbol.iterator] === undefined) {
    return Object.keys(headers).map((name) => [name, String((headers as Record<string, string>)[name])])
  }
  const pairs = [...(headers as unknown as Iterable<[string, string]>)]
  // The platform's own error.
  if (pairs.some(({ length }) => length !== 2)) void new Headers(pairs)
  return pairs
}

/** The platform's class, whatever the global one is now. */
export function platformResponse(): typeof Response {
  return platform ?? Response
}

/** `response`, if it is a light one of which nobody asked for a stream. */
export function asLight(response: Response): LightResponse | undefined {
  const light = response as unknown as LightResponse | undefined
  return platform !== undefined && light?.isReal === false ? light : undefined
}

/**
 * Makes `globalThis.Response` a class whose instances cost next to nothing where the body is text or bytes: the platform's makes a stream for each. They are
 * Responses to `instanceof`, in what they have, and to `fetch`'s own; what is wrong in a header is told when it is sent, not when it is made.
 * For programs, before their first request; a library should leave globals alone. Again: no effect.
 * @returns what puts the platform's class back.
 */
export function installLightResponse(): () => void {
  if (platform === undefined) adopt()
  const scope = globalThis as unknown as { Response: unknown }
  scope.Response = LightResponse
  return () => {
    scope.Response = platform
  }
}

function adopt(): void {
  const real = Response
  platform = real
  Object.setPrototypeOf(LightResponse, real)
  passAsResponse(LightResponse.prototype, real)
  const json = (data: unknown, init?: ResponseInit): LightResponse | Response => {
    const text = JSON.stringify(data) as string | undefined
    // It throws as it likes.
    if (text === undefined) return (real as unknown as { json(data: unknown): Response }).json(data)
    const headers = new Headers(init?.headers)
    if (!headers.has('content-type')) headers.set('content-type', 'application/json')
    return new LightResponse(text, { ...init, headers })
  }
  Object.defineProperty(LightResponse, 'json', { value: json, configurable: true, writable: true })
  // The platform's own, of `fetch`, are Responses, too.
  Object.defineProperty(LightResponse, Symbol.hasInstance, { value: (each: unknown) => each instanceof real, configurable: true })
}
