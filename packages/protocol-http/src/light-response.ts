import { passAsResponse } from './pass-as-response.ts'

/** What Headers are made of. By the class: not every set of types has a name for it. */
export type HeadersSource = ConstructorParameters<typeof Headers>[0]

/** What a light response keeps in place of the platform's objects. */
interface Content {
  readonly body: string | Uint8Array | null
  readonly status: number
  readonly statusText: string
  readonly headers: HeadersSource
}

const nullBodyStatuses: ReadonlySet<number> = new Set([204, 205, 304])
let platform: typeof Response | undefined

/**
 * What passes as a Response, and keeps a body of text or bytes as it is: no stream, and no Headers until somebody asks for them. Anything else
 * that is asked of it is asked of a real one, made then.
 */
class LightResponse {
  private content: Content | undefined
  private knownHeaders: Headers | undefined
  private real: Response | undefined

  constructor(body?: ConstructorParameters<typeof Response>[0], init?: ResponseInit) {
    const status = init?.status ?? 200
    const isKept = body === undefined || body === null || typeof body === 'string' || (body as Uint8Array).constructor === Uint8Array
    if (!isKept || !Number.isInteger(status) || status < 200 || status > 599 || (nullBodyStatuses.has(status) && body !== undefined && body !== null)) {
      this.real = new platform!(body, init)
      return
    }
    this.content = { body: (body as string | Uint8Array | null | undefined) ?? null, status, statusText: init?.statusText ?? '', headers: init?.headers }
  }

  get status(): number {
    return this.content?.status ?? this.makeReal().status
  }

  get statusText(): string {
    return this.content?.statusText ?? this.makeReal().statusText
  }

  get ok(): boolean {
    return this.status < 300
  }

  get headers(): Headers {
    if (this.content === undefined) return this.makeReal().headers
    if (this.knownHeaders !== undefined) return this.knownHeaders
    const { headers, body } = this.content
    const made = new Headers(headers)
    if (typeof body === 'string' && !made.has('content-type')) made.set('content-type', 'text/plain;charset=UTF-8')
    return (this.knownHeaders = made)
  }

  /** What can be sent without a stream, unless somebody asked for more. */
  takeContent(): { readonly content: Content; readonly headers: Headers | undefined } | undefined {
    const { content, knownHeaders } = this
    return content === undefined ? undefined : { content, headers: knownHeaders }
  }

  makeReal(): Response {
    if (this.real !== undefined) return this.real
    const { body, status, statusText } = this.content!
    const real = new platform!(body, { status, statusText, headers: this.headers })
    this.content = undefined
    this.knownHeaders = undefined
    return (this.real = real)
  }
}

/** The platform's class, whatever the global one is now. */
export function platformResponse(): typeof Response {
  return platform ?? Response
}

/** What is kept of a response that is light, and of which nobody asked for a stream. */
export function lightContent(response: Response): ReturnType<LightResponse['takeContent']> {
  return platform === undefined ? undefined : (response as unknown as Partial<LightResponse> | undefined)?.takeContent?.()
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
  const json = (data: unknown, init?: ResponseInit): LightResponse => {
    const headers = new Headers(init?.headers)
    if (!headers.has('content-type')) headers.set('content-type', 'application/json')
    return new LightResponse(JSON.stringify(data), { ...init, headers })
  }
  Object.defineProperty(LightResponse, 'json', { value: json, configurable: true, writable: true })
  // The platform's own, of `fetch`, are Responses, too.
  Object.defineProperty(LightResponse, Symbol.hasInstance, { value: (each: unknown) => each instanceof real, configurable: true })
}
