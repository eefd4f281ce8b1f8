import { lossError } from '@async/core/base'
import type { Cause, CloseReason } from '@async/core'
import type { ClientExchange, HeadListener } from './client-exchange.ts'
import type { Pool } from './client-pool.ts'
import { idempotentMethods, type RequestTemplate } from './client-request.ts'
import type { ResponseHead } from './events.ts'
import { type BodyOwner, ResponseBody } from './fetch-body.ts'
import { decodings } from './fetch-decode.ts'
import type { FetchRequest } from './fetch-request.ts'
import { fetchedResponse } from './fetch-response.ts'
import { latin1 } from './text.ts'

/** What one call of `fetch` asks of the client that it is one of. */
export interface FetchHost {
  readonly decodes: boolean
  readonly maxRedirectCount: number
  /** @throws for what may not be sent, or when there is no way to where it is to go. */
  prepare(request: FetchRequest): { readonly pool: Pool; readonly template: RequestTemplate }
}

/** Statuses whose Location is followed. RFC 9110 §15.4, fetch §2.2.6 */
const redirects: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
/** Statuses without a body, for the fetch standard. */
const nullBodyStatuses: ReadonlySet<number> = new Set([101, 103, 204, 205, 304])

/** One call of `fetch`, along its redirects, until the response that it resolves with has begun. */
export class FetchRun implements HeadListener, BodyOwner {
  private readonly host: FetchHost
  private readonly request: FetchRequest
  private readonly resolve: (response: Response) => void
  private readonly reject: (error: unknown) => void
  private exchange: ClientExchange | undefined
  private body: ResponseBody | undefined
  /** Whether the present request was sent before. */
  private isAgain = false

  constructor(host: FetchHost, request: FetchRequest, resolve: (response: Response) => void, reject: (error: unknown) => void) {
    this.host = host
    this.request = request
    this.resolve = resolve
    this.reject = reject
  }

  send(): void {
    const { request, isAgain } = this
    try {
      const { pool, template } = this.host.prepare(request)
      const kept = isAgain ? undefined : pool.openKept(template, request.signal)
      if (kept !== undefined) this.begin(kept)
      else pool.open(template, { signal: request.signal, fresh: isAgain }).then((exchange) => this.begin(exchange)).catch((error: unknown) => this.fail(error))
    } catch (error) {
      this.fail(error)
    }
  }

  private begin(exchange: ClientExchange): void {
    this.exchange = exchange
    exchange.headListener = this
    this.body = new ResponseBody(exchange, this.request.signal, this)
    this.request.sendBody(exchange)
  }

  /** The response begins. */
  headReceived(head: ResponseHead): void {
    try {
      const { request, host } = this
      const location = redirects.has(head.status) ? locationOf(head) : undefined
      if (location === undefined || request.redirect === 'manual') return this.respond(head)
      this.leave()
      if (request.redirect === 'error') throw new TypeError(`a redirect to another place (${head.status})`)
      if (request.redirectCount === host.maxRedirectCount) throw new TypeError(`more than ${host.maxRedirectCount} redirects`)
      request.follow(head.status, location)
      this.isAgain = false
      this.send()
    } catch (error) {
      this.fail(error)
    }
  }

  /** The exchange is over; that matters until its response has begun. */
  exchangeLost(reason: CloseReason, body: ResponseBody): void {
    const { exchange, request } = this
    if (exchange === undefined || body !== this.body) return
    this.exchange = undefined
    // A second time if the first one met a server that was just closing.
    if (this.isAgain || !exchange.retriable || !idempotentMethods.has(request.method) || !request.canReplay) return this.fail(lossError(reason as Cause))
    this.isAgain = true
    this.send()
  }

  private respond(head: ResponseHead): void {
    const { request, host } = this
    const body = this.body!
    const isNull = request.method === 'HEAD' || nullBodyStatuses.has(head.status)
    const codings = host.decodes && !isNull ? decodings(head.headers) : none
    this.exchange = undefined
    if (isNull) body.drop()
    const { address, redirectCount, leftOrigin } = request
    this.resolve(fetchedResponse({ head, address, redirected: redirectCount > 0, type: leftOrigin ? 'cors' : 'basic', codings }, isNull ? undefined : body))
  }

  /** Nobody wants the rest of this response. */
  private leave(): void {
    this.exchange = undefined
    this.body!.drop()
  }

  private fail(error: unknown): void {
    const { request, exchange } = this
    this.exchange = undefined
    if (exchange !== undefined) exchange.abort(error)
    request.giveUp(error)
    this.reject(request.signal?.aborted === true ? request.signal.reason : new TypeError('fetch failed', { cause: error }))
  }
}

const none: readonly string[] = []

/** Location, read as UTF-8, which is what servers send when they send more than ASCII. */
function locationOf(head: ResponseHead): string | undefined {
  const value = head.headers.find(([name]) => name === 'location')?.[1]
  if (value === undefined || /^[\x20-\x7e]*$/.test(value)) return value
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(value, (character) => character.charCodeAt(0)))
  } catch {
    return latin1(Uint8Array.from(value, (character) => character.charCodeAt(0)), 0, value.length)
  }
}
