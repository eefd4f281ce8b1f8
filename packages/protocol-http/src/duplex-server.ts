import { UsageError } from '@async/core'
import type { CloseOptions, Info, Messages, Transport } from '@async/core'
import { limits } from '@async/core'
import { type TransportOptions, transportPolicy } from '@async/core/base'
import { Deadline } from './deadline.ts'
import { encodeEvent, eventStream, signOfLife } from './duplex-events.ts'
import { type DuplexPolicy, DuplexTransport, writeText } from './duplex-transport.ts'
import type { HeaderList, RequestHead } from './events.ts'
import type { HttpServerExchange } from './server-exchange.ts'

/** Options of `httpDuplexServer`. Those of transports are the sessions'. */
export interface HttpDuplexServerOptions extends TransportOptions {
  /** Takes a session: a message transport that outlives its exchanges. `request` is the one that opened it. */
  readonly onTransport: (transport: Transport<Messages>, request: RequestHead) => void
  /** Sessions at a time; further ones are answered with 503. Default 10000. */
  readonly maxSessionCount?: number
  /** Bytes of a message that comes; a longer one ends the session with kind `limit`. Default 1 MiB. */
  readonly maxMessageBytes?: number
  /** Bytes, as sent, that wait for the client's acknowledgement and can be sent again. Default 1 MiB. */
  readonly maxReplayBytes?: number
  /** Milliseconds between signs of life, in both directions. Default 15000: below the idle time-out of every common proxy. */
  readonly heartbeatMs?: number
  /** Milliseconds for which a session outlives the loss of its response. Default 30000. */
  readonly resumeWindowMs?: number
}

/** Takes the exchanges of sessions, of all methods, at one target. */
export interface HttpDuplexServer {
  (exchange: HttpServerExchange): void
  /** Sessions that are open. */
  readonly sessionCount: number
  /** Opens no further sessions, and closes those that there are, each with `options`. Resolves when none is left. */
  close(options?: CloseOptions): Promise<void>
}

interface ServerPolicy extends DuplexPolicy {
  readonly heartbeatMs: number
  readonly resumeWindowMs: number
}

/**
 * The server's side of duplex sessions: symmetric message transports for clients that can only speak plain HTTP. Hand it the exchanges of
 * a target of your choice. The id of a session is a secret of 192 bits that stands for whoever opened it: use TLS where that matters.
 * @throws UsageError `ERR_INVALID_ARGUMENT` for an option that is out of range.
 */
export function httpDuplexServer(options: HttpDuplexServerOptions): HttpDuplexServer {
  const sessions = new Sessions(options)
  const take = (exchange: HttpServerExchange): void => sessions.take(exchange)
  const server = Object.assign(take, { close: (how?: CloseOptions) => sessions.close(how), sessionCount: 0 })
  return Object.defineProperty(server, 'sessionCount', { get: () => sessions.open.size })
}

class Sessions {
  readonly open = new Map<string, ServerSession>()
  private readonly policy: ServerPolicy
  private readonly maxSessionCount: number
  private readonly onTransport: HttpDuplexServerOptions['onTransport']
  private isClosed = false

  constructor(options: HttpDuplexServerOptions) {
    const numbers = {
      maxMessageBytes: options.maxMessageBytes ?? limits.maxMessageBytes,
      maxReplayBytes: options.maxReplayBytes ?? 1024 * 1024,
      heartbeatMs: options.heartbeatMs ?? 15_000,
      resumeWindowMs: options.resumeWindowMs ?? 30_000,
    }
    this.maxSessionCount = options.maxSessionCount ?? 10_000
    for (const [name, value] of Object.entries({ ...numbers, maxSessionCount: this.maxSessionCount })) {
      if (!(value >= (name === 'heartbeatMs' ? 1 : 0))) throw new UsageError('ERR_INVALID_ARGUMENT', `${name} is ${value}; it takes a number from 0`)
    }
    this.onTransport = options.onTransport
    this.policy = { ...numbers, transport: transportPolicy(options) }
  }

  take(exchange: HttpServerExchange): void {
    const { method, headers } = exchange.request
    const id = fieldOf(headers, 'duplex-session')
    if (id === undefined) return method === 'POST' ? this.begin(exchange) : answer(exchange, method === 'GET' || method === 'DELETE' ? 400 : 405)
    const session = this.open.get(id)
    if (session === undefined) return answer(exchange, 404)
    const acknowledged = numberOf(fieldOf(headers, method === 'GET' ? 'last-event-id' : 'duplex-ack'))
    if (acknowledged === undefined) return answer(exchange, 400)
    if (method === 'GET') session.attach(exchange, acknowledged, fieldOf(headers, 'duplex-poll') !== undefined)
    else if (method === 'POST') session.post(exchange, acknowledged)
    else if (method === 'DELETE') {
      answer(exchange, 204)
      session.dropped()
    } else answer(exchange, 405)
  }

  async close(options?: CloseOptions): Promise<void> {
    this.isClosed = true
    const ends = [...this.open.values()].map((session) => session.closed)
    for (const session of this.open.values()) session.close(options)
    await Promise.all(ends)
  }

  private begin(exchange: HttpServerExchange): void {
    const { heartbeatMs, resumeWindowMs, maxReplayBytes } = this.policy
    if (this.isClosed || this.open.size >= this.maxSessionCount) return answer(exchange, 503, [['Retry-After', '5']])
    const id = newId()
    const session = new ServerSession(this.policy, exchange.info, () => this.open.delete(id))
    this.open.set(id, session)
    answer(exchange, 201, [
      ['Duplex-Session', id],
      ['Duplex-Window', String(maxReplayBytes)],
      ...(heartbeatMs === Infinity ? [] : [['Duplex-Heartbeat', String(heartbeatMs)] as const]),
      ['Duplex-Resume', String(Math.min(resumeWindowMs, Number.MAX_SAFE_INTEGER))],
    ])
    try {
      this.onTransport(session, exchange.request)
    } catch (error) {
      this.policy.transport.onError(error)
      session.abort(error)
    }
  }
}

/** The server's end of a session. */
class ServerSession extends DuplexTransport {
  private readonly terms: ServerPolicy
  private readonly onGone: () => void
  /** The response that carries what we send. */
  private stream: HttpServerExchange | undefined
  private polls = false
  /** The request that is read. */
  private posted: HttpServerExchange | undefined
  /** Number of the last event on `stream`. */
  private writtenId = 0
  /** Whether a write is under way that takes more than a turn. */
  private isWriting = false
  private waitsForDrain = false
  private readonly heartbeat: Deadline
  /** When the session is given up: without a response, or without a sign of the client. */
  private readonly life: Deadline

  constructor(policy: ServerPolicy, info: Info, onGone: () => void) {
    super(policy, info)
    this.terms = policy
    this.onGone = onGone
    const { clock } = policy.transport
    this.heartbeat = new Deadline(clock, { timedOut: () => this.beat() })
    this.life = new Deadline(clock, { timedOut: () => this.sessionLost('the client did not come back') })
    this.live()
  }

  /** A request for what we send. `polls`: to be answered whole, as soon as there is something. */
  attach(exchange: HttpServerExchange, lastId: number, polls: boolean): void {
    if (!this.acknowledged(lastId)) {
      answer(exchange, 409)
      // One that was on its way for long asks for what was acknowledged since: its client has another by now.
      if (lastId > this.sentId) this.sessionLost('the client has messages that were never sent')
      return
    }
    const old = this.stream
    this.stream = undefined
    old?.abort()
    this.stream = exchange
    this.isWriting = false
    this.polls = polls
    this.writtenId = lastId
    exchange.respond({ status: 200, headers: [['Content-Type', eventStream], ['Cache-Control', 'no-store'], ['X-Accel-Buffering', 'no']], flush: !polls })
    exchange.start({ dataReceived: () => {}, eofReceived: () => {}, connectionLost: () => this.detached(exchange) })
    this.live()
    this.heartbeat.set(this.terms.heartbeatMs)
    this.writeOut()
    this.pumpOut()
  }

  /** A request with what the client sends. */
  post(exchange: HttpServerExchange, acknowledgedId: number): void {
    const old = this.posted
    this.posted = undefined
    old?.abort()
    this.live()
    // What a request that was overtaken says is old: nothing is taken back.
    this.acknowledged(acknowledgedId)
    this.posted = exchange
    this.readFrom(exchange)
    exchange.start({
      dataReceived: (data) => this.sourceData(exchange, data),
      eofReceived: () => this.sourceEof(exchange),
      connectionLost: () => {
        if (this.posted !== exchange) return
        this.posted = undefined
        this.readFrom(undefined)
      },
    })
    this.pumpOut()
  }

  /** The client has dropped it. */
  dropped(): void {
    this.sessionLost('the client dropped the session')
  }

  protected get canSend(): boolean {
    return this.stream !== undefined && !this.isWriting && this.stream.queuedBytes <= this.policy.highWaterMarkBytes
  }

  protected sendNew(): void {
    this.writeOut()
  }

  protected sourceComplete(): void {
    const { posted } = this
    this.posted = undefined
    if (posted !== undefined) answer(posted, 204, [['Duplex-Ack', String(this.receivedId)]])
  }

  /** The answer to the request says it. */
  protected delivered(): void {}

  protected destroy(reset: boolean): void {
    this.heartbeat.stop()
    this.life.stop()
    this.onGone()
    const { stream, posted } = this
    this.stream = undefined
    this.posted = undefined
    this.readFrom(undefined)
    if (posted !== undefined) answer(posted, reset ? 404 : 204, [['Duplex-Ack', String(this.receivedId)]])
    if (stream === undefined) return
    if (reset || this.isWriting) return stream.abort()
    try {
      if (!this.endIsSent && this.writtenId === this.sentId) stream.write(encodeEvent(this.sentId + 1, undefined))
      stream.halfClose()
    } catch (error) {
      // It is over, or full of what the client does not read.
      stream.abort(error)
    }
  }

  /** Writes what is not on the stream yet. */
  private writeOut(): void {
    const { stream, unacked } = this
    if (stream === undefined || this.isWriting) return
    const first = unacked[0]
    const fresh = first === undefined ? [] : unacked.slice(Math.max(0, this.writtenId + 1 - first.id))
    if (fresh.length > 0) {
      this.writtenId = this.sentId
      this.heartbeat.set(this.terms.heartbeatMs)
      const text = fresh.map((each) => each.text).join('')
      let writing: Promise<void> | undefined
      try {
        writing = writeText(stream, text)
      } catch {
        // It is over, and will say so; the next one gets it.
        return
      }
      if (writing !== undefined) return this.awaitWriting(stream, writing)
      if (this.polls) return this.endPoll()
    }
    if (this.canSend || this.waitsForDrain) return
    this.waitsForDrain = true
    const resumed = (): void => {
      this.waitsForDrain = false
      this.pumpOut()
    }
    stream.drained().then(resumed, resumed)
  }

  private awaitWriting(stream: HttpServerExchange, writing: Promise<void>): void {
    this.isWriting = true
    writing.then(() => {
      if (this.stream !== stream) return
      this.isWriting = false
      if (this.polls) return this.endPoll()
      this.writeOut()
      this.pumpOut()
      // It is over; the next one gets it.
    }, (error: unknown) => stream.abort(error))
  }

  private endPoll(): void {
    const { stream } = this
    this.stream = undefined
    stream?.halfClose()
    this.live()
  }

  private detached(exchange: HttpServerExchange): void {
    if (this.stream !== exchange) return
    this.stream = undefined
    this.heartbeat.clear()
    this.live()
  }

  private beat(): void {
    const { stream } = this
    if (stream === undefined) return
    if (this.isWriting) return this.heartbeat.set(this.terms.heartbeatMs)
    if (this.polls) return this.endPoll()
    // Who does not take what there is gets no signs of life on top.
    if (stream.queuedBytes === 0) stream.write(signOfLife)
    this.heartbeat.set(this.terms.heartbeatMs)
  }

  /** The client was heard of. */
  private live(): void {
    const { heartbeatMs, resumeWindowMs } = this.terms
    if (this.cause === undefined) this.life.set(this.stream === undefined ? resumeWindowMs : resumeWindowMs + 3 * heartbeatMs)
  }
}

function answer(exchange: HttpServerExchange, status: number, headers: HeaderList = []): void {
  try {
    exchange.respond({ status, headers: [['Cache-Control', 'no-store'], ...headers] })
    exchange.close()
  } catch {
    // It is over.
  }
}

function fieldOf(headers: HeaderList, name: string): string | undefined {
  return headers.find(([field]) => field === name)?.[1]
}

function numberOf(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9]{1,16}$/.test(text) ? Number(text) : undefined
}

function newId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(24))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
