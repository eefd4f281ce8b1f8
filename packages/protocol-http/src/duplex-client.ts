import { ConnectionError, limits, UsageError } from '@async/core'
import type { Connector, Info, Messages, Transport } from '@async/core'
import { afterTurn, type TransportOptions, transportPolicy } from '@async/core/base'
import type { HttpConnector } from './client.ts'
import type { HttpClientExchange } from './client-exchange.ts'
import { Deadline } from './deadline.ts'
import { encodeEvent, eventStream } from './duplex-events.ts'
import { type DuplexPolicy, DuplexTransport, writeText } from './duplex-transport.ts'
import type { HeaderList, ResponseHead } from './events.ts'

/** Options of `httpDuplexConnector`. Those of transports are the sessions'. */
export interface HttpDuplexOptions extends TransportOptions {
  /** Where the server has its sessions. Default `/`. */
  readonly target?: string
  /** Fields of every request: `Authorization`, say. Default none. */
  readonly headers?: HeaderList
  /** `poll`: ask again for each answer, where something on the way holds a streamed response back. Default `stream`. */
  readonly mode?: 'stream' | 'poll'
  /** Bytes of a message that comes; a longer one ends the session with kind `limit`. Default 1 MiB. */
  readonly maxMessageBytes?: number
  /** Bytes, as sent, that wait for the server's acknowledgement and can be sent again. Default 1 MiB. */
  readonly maxReplayBytes?: number
  /** Milliseconds before the second attempt to come back, and the longest between two; they double. Default 100 and 5000. */
  readonly retryMs?: readonly [first: number, longest: number]
}

/** What the server said of the session, and what we were told. */
interface ClientPolicy extends DuplexPolicy {
  readonly http: HttpConnector
  readonly target: string
  readonly headers: HeaderList
  readonly polls: boolean
  readonly retryMs: readonly [number, number]
}

interface SessionTerms {
  readonly id: string
  readonly windowBytes: number
  readonly heartbeatMs: number
  readonly resumeMs: number
}

/**
 * Connects duplex sessions over `http`: symmetric message transports on plain HTTP, which survive the loss of their connections within the
 * window that the server grants. Needs two connections at a time: one for the response, one for requests.
 * @throws UsageError `ERR_INVALID_ARGUMENT` for an option that is out of range.
 */
export function httpDuplexConnector(http: HttpConnector, options: HttpDuplexOptions = {}): Connector<Transport<Messages>> {
  const { target = '/', headers = [], mode = 'stream', maxMessageBytes = limits.maxMessageBytes, maxReplayBytes = 1024 * 1024, retryMs = [100, 5000] } = options
  for (const [name, value] of Object.entries({ maxMessageBytes, maxReplayBytes, 'retryMs[0]': retryMs[0], 'retryMs[1]': retryMs[1] })) {
    if (!(value >= 0)) throw new UsageError('ERR_INVALID_ARGUMENT', `${name} is ${value}; it takes a number from 0`)
  }
  const policy: ClientPolicy = { http, target, headers, polls: mode === 'poll', maxMessageBytes, maxReplayBytes, retryMs, transport: transportPolicy(options) }
  return {
    async connect({ signal } = {}) {
      const exchange = await http.exchange({ method: 'POST', target, headers, deliver: 'any' }, signal === undefined ? {} : { signal })
      const onAbort = (): void => exchange.abort(signal?.reason)
      signal?.addEventListener('abort', onAbort)
      try {
        exchange.halfClose()
        const head = await exchange.response
        const terms = termsOf(head)
        exchange.close()
        return new ClientSession(policy, terms, exchange.info)
      } catch (error) {
        if (signal?.aborted === true) throw signal.reason
        throw error
      } finally {
        signal?.removeEventListener('abort', onAbort)
      }
    },
  }
}

/** The client's end of a session. */
class ClientSession extends DuplexTransport {
  private readonly way: ClientPolicy
  private readonly terms: SessionTerms
  /** The response that is read. */
  private stream: HttpClientExchange | undefined
  private isPosting = false
  /** Characters of events that were delivered, and that the server does not know of. */
  private untoldLength = 0
  private readonly silence: Deadline
  private readonly idle: Deadline
  private readonly retries = new Set<unknown>()
  private streamLostMs: number | undefined
  private streamAttempts = 0
  /** When the response was asked for. */
  private askedMs = 0

  constructor(policy: ClientPolicy, terms: SessionTerms, info: Info) {
    super(policy, info)
    this.way = policy
    this.terms = terms
    const { clock } = policy.transport
    this.silence = new Deadline(clock, { timedOut: () => this.stream?.abort(new ConnectionError('ERR_TIMEOUT', 'no sign of life from the server')) })
    this.idle = new Deadline(clock, { timedOut: () => void this.post() })
    this.idle.set(terms.heartbeatMs)
    void this.attach()
  }

  protected get canSend(): boolean {
    return !this.isPosting
  }

  protected sendNew(): void {
    void this.post()
  }

  protected delivered(length: number): void {
    this.untoldLength += length
    if (this.untoldLength * 4 >= this.terms.windowBytes) void this.post()
  }

  protected sourceComplete(): void {
    // A poll that the server held is no loss. (One that is answered at once without a message may not be the server's doing.)
    if (this.way.polls && this.policy.clock.nowMs() - this.askedMs >= this.terms.heartbeatMs / 2) this.streamAttempts = 0
    this.streamEnded(undefined)
  }

  protected override startReading(): void {
    super.startReading()
    this.hear()
  }

  protected override stopReading(): void {
    super.stopReading()
    this.silence.clear()
  }

  protected destroy(reset: boolean): void {
    this.silence.stop()
    this.idle.stop()
    for (const timer of this.retries) this.policy.clock.clearTimer(timer)
    const { stream } = this
    this.stream = undefined
    this.readFrom(undefined)
    const isDropped = reset && this.cause!.kind !== 'reset'
    stream?.abort()
    // Best effort: what the server does not hear of, it finds out when its window is over.
    if (isDropped) void this.request('DELETE', '').catch(() => {})
    else if (!reset && !this.endIsSent) void this.request('POST', this.unackedText() + encodeEvent(this.sentId + 1, undefined)).catch(() => {})
  }

  // ── what the server sends ────────────────────────────────────────────────────────────────────────────────────────────────────────

  private async attach(): Promise<void> {
    const { http, target, headers, polls } = this.way
    this.askedMs = this.policy.clock.nowMs()
    const poll = polls ? [['Duplex-Poll', '1'] as const] : []
    const own: HeaderList = [['Accept', eventStream], ['Duplex-Session', this.terms.id], ['Last-Event-ID', String(this.receivedId)], ...poll]
    let exchange: HttpClientExchange | undefined
    try {
      exchange = await http.exchange({ method: 'GET', target, headers: [...headers, ...own], deliver: 'any', alone: true })
      if (this.cause !== undefined) return exchange.abort()
      this.stream = exchange
      this.listenTo(exchange)
      const head = await exchange.response
      if (this.stream !== exchange) return
      if (head.status === 200) {
        // The server's time for us to come back begins anew with the next loss, however long nothing is said until then.
        this.streamLostMs = undefined
        this.readFrom(exchange)
        this.pumpIn()
        this.hear()
        return
      }
      this.stream = undefined
      exchange.close()
      if (isRefusal(head.status)) this.refused(head)
      else this.streamEnded(new ConnectionError('ERR_HTTP_STATUS', `the server answered ${head.status}`))
    } catch (error) {
      if (this.stream === exchange) this.streamEnded(error)
    }
  }

  /** Reads nothing of it before its status is known. */
  private listenTo(exchange: HttpClientExchange): void {
    exchange.pause('read')
    exchange.start({
      dataReceived: (data) => {
        this.hear()
        this.streamAttempts = 0
        this.sourceData(exchange, data)
      },
      eofReceived: () => this.sourceEof(exchange),
      connectionLost: (reason) => {
        if (this.source !== exchange || reason.kind === 'closed') return
        this.readFrom(undefined)
        this.streamEnded('error' in reason ? reason.error : undefined)
      },
    })
    exchange.halfClose()
    this.hear()
  }

  /** It is over without the end of the session: again, at once the first time. */
  private streamEnded(error: unknown): void {
    this.stream = undefined
    this.silence.clear()
    this.streamLostMs ??= this.policy.clock.nowMs()
    if (this.cause === undefined) this.again(this.streamAttempts++, this.streamLostMs, error, () => void this.attach())
  }

  /** Something came: the next is due. Not while nothing is read. */
  private hear(): void {
    if (this.takes && this.cause === undefined) this.silence.set(this.terms.heartbeatMs * 2.5)
  }

  // ── what we send ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** One request at a time, with all that is not acknowledged, until the server has it. */
  private async post(): Promise<void> {
    if (this.isPosting || this.cause !== undefined) return
    this.isPosting = true
    this.idle.clear()
    const { clock } = this.policy
    let lostMs: number | undefined
    for (let attempt = 0; this.cause === undefined; attempt++) {
      this.untoldLength = 0
      const beganMs = clock.nowMs()
      let failure: unknown
      try {
        const head = await this.request('POST', this.unackedText())
        if (head.status === 204) {
          this.accepted(head)
          break
        }
        if (isRefusal(head.status)) return this.refused(head)
        failure = new ConnectionError('ERR_HTTP_STATUS', `the server answered ${head.status}`)
      } catch (error) {
        failure = error
      }
      if (this.cause !== undefined) return
      const nowMs = clock.nowMs()
      // One that lasted was no sign of a server that is away: it may have been paused until somebody's time was over.
      if (lostMs === undefined || nowMs - beganMs > this.terms.resumeMs) lostMs = nowMs
      const sinceMs = lostMs
      await new Promise<void>((resolve) => this.again(attempt, sinceMs, failure, resolve))
    }
    this.isPosting = false
    if (this.cause !== undefined) return
    this.idle.set(this.terms.heartbeatMs)
    this.pumpOut()
    if (this.untoldLength * 4 >= this.terms.windowBytes) void this.post()
  }

  private accepted(head: ResponseHead): void {
    const id = Number(fieldOf(head, 'duplex-ack') ?? NaN)
    if (!Number.isSafeInteger(id) || !this.acknowledged(id)) this.sessionLost('the server acknowledges what it cannot have')
  }

  /** The server does not know the session any more. Behind our end that is its own. */
  private refused(head: ResponseHead): void {
    if (this.endIsSent && this.readHalf === 'discarding') this.lost({ kind: 'closed', by: this.endedBy ?? 'local' })
    else this.sessionLost(`the server answered ${head.status}: it has no such session`)
  }

  /** Sends a request of the session, and gives the head of the answer, which has no body. */
  private async request(method: string, body: string): Promise<ResponseHead> {
    const { http, target, headers } = this.way
    const type = method === 'POST' ? [['Content-Type', eventStream] as const] : []
    const own: HeaderList = [['Duplex-Session', this.terms.id], ['Duplex-Ack', String(this.receivedId)], ...type]
    const exchange = await http.exchange({ method, target, headers: [...headers, ...own], deliver: 'any' })
    exchange.start({ dataReceived: () => {}, eofReceived: () => {} })
    const writing = body === '' ? undefined : writeText(exchange, body)
    if (writing === undefined) exchange.halfClose()
    // What goes wrong here goes wrong with the response as well.
    else writing.then(() => exchange.halfClose(), (error: unknown) => exchange.abort(error))
    return exchange.response
  }

  /** Calls `then` at once, or after a while that grows, as long as the server keeps the session. */
  private again(attempt: number, sinceMs: number, error: unknown, then: () => void): void {
    const { clock } = this.policy
    if (clock.nowMs() - sinceMs > this.terms.resumeMs) return this.sessionLost('the server could not be reached in time', error)
    const run = (): void => {
      this.retries.delete(timer)
      if (this.cause === undefined) then()
    }
    const [first, longest] = this.way.retryMs
    let timer: unknown
    if (attempt === 0) return afterTurn(run)
    timer = clock.setTimer(run, Math.min(longest, first * 2 ** (attempt - 1)))
    this.retries.add(timer)
  }

  private unackedText(): string {
    return this.unacked.map(({ text }) => text).join('')
  }
}

/** @throws ConnectionError `ERR_HTTP_NO_DUPLEX` for an answer that opens no session. */
function termsOf(head: ResponseHead): SessionTerms {
  const id = fieldOf(head, 'duplex-session')
  const [windowBytes, heartbeatMs, resumeMs] = ['duplex-window', 'duplex-heartbeat', 'duplex-resume'].map((name) => Number(fieldOf(head, name) ?? Infinity))
  if (head.status !== 201 || id === undefined || !(windowBytes! >= 0 && heartbeatMs! > 0 && resumeMs! >= 0)) {
    throw new ConnectionError('ERR_HTTP_NO_DUPLEX', `the server opened no session: it answered ${head.status}`, { phase: 'connect' })
  }
  return { id, windowBytes: windowBytes!, heartbeatMs: heartbeatMs!, resumeMs: resumeMs! }
}

function fieldOf(head: ResponseHead, name: string): string | undefined {
  return head.headers.find(([field]) => field === name)?.[1]
}

/** What will not be otherwise the next time. */
function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 425 && status !== 429
}
