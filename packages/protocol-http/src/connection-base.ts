import { UsageError } from '@async/core'
import { HttpProtocolError } from './errors.ts'
import { closedEvent } from './events.ts'
import type { HttpEvent, HttpVersion } from './events.ts'
import { defaultLimits, pickLimits } from './limits.ts'
import type { HttpLimits } from './limits.ts'
import { Reader } from './reader.ts'
import { requesterStart, responderStart } from './state.ts'
import type { SideEvent, SidePlace, SideState } from './state.ts'
import { Writer } from './writer.ts'

/** Which end of the connection the machine is. */
export type HttpRole = 'client' | 'server'

/** The half of the machine that receives, and the states of both: `HttpConnection` has the half that sends. */
export class ConnectionBase {
  /** Which end it is. */
  readonly role: HttpRole
  /** Its limits, all of them. */
  readonly limits: HttpLimits
  protected readonly reader: Reader
  protected readonly writer: Writer = new Writer()
  protected ours: SidePlace
  protected theirs: SidePlace
  protected failure: unknown
  protected persistent = true
  protected peerVersion: HttpVersion = '1.1'
  protected requestMethod = ''
  /** Whether an expectation of 100 is open: neither met, nor overtaken by the body or the response. */
  protected expecting = false
  /** Whether the request offers to switch. */
  protected offers = false
  /** Whether the body that we send may be followed by trailers: its length is unknown. */
  protected mayTrail = false
  /** A client's requests that wait for the responses to those before them. */
  protected asked: Asked[] | undefined

  constructor(role: HttpRole, limits?: Partial<HttpLimits>) {
    this.role = role
    this.limits = limits === undefined ? defaultLimits : pickLimits(limits)
    this.reader = new Reader(role, this.limits)
    this.ours = role === 'server' ? responderStart : requesterStart
    this.theirs = role === 'server' ? requesterStart : responderStart
  }

  /** What we have sent of the current message. */
  get ourState(): SideState {
    return this.ours.name
  }

  /** What they have sent of the current message. */
  get theirState(): SideState {
    return this.theirs.name
  }

  // ── receiving ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Bytes fed and not yet told as events. */
  get heldBytes(): number {
    return this.reader.input.heldBytes
  }

  /** Whether a message of theirs is begun and not complete: an end of the connection now would cut it. */
  get inMessage(): boolean {
    const { input, phase } = this.reader
    return this.theirState === 'body' || ((this.theirState === 'idle' || this.theirState === 'head') && (phase === 'headers' || input.inLine || input.heldBytes > 0))
  }

  /** Whether the connection is good for another pair of messages once both sides are `done`. */
  get canPersist(): boolean {
    return this.persistent
  }

  /** Whether a request waits for a 100 (Continue): ours, or theirs. RFC 9110 §10.1.1 */
  get awaitsContinue(): boolean {
    return this.expecting
  }

  /** Whether the body that we send goes out in HTTP chunks. */
  get isChunked(): boolean {
    return this.writer.isChunked
  }

  /** Whether the body that we send may end with trailers: its length is unknown. */
  get takesTrailers(): boolean {
    return this.mayTrail
  }

  /**
   * Takes what came. The bytes are the machine's from now on. After the peer's last message they are dropped.
   * @throws UsageError `ERR_CLOSED` after `receiveEof`; `ERR_HTTP_STATE` after a switch: they are the other protocol's.
   */
  receiveData(data: Uint8Array): void {
    if (this.reader.input.ended) throw new UsageError('ERR_CLOSED', 'receiveData() after receiveEof()')
    switch (this.theirState) {
      case 'idle':
      case 'head':
      case 'body':
      case 'done':
        return this.reader.input.feed(data)
      case 'mustClose':
        if (this.switchIsOpen()) this.reader.input.feed(data)
        return
      case 'switched':
        throw this.illegal('data')
      case 'closed':
      case 'error':
    }
  }

  /** The peer has ended its side. */
  receiveEof(): void {
    this.reader.input.ended = true
  }

  /**
   * What happened next, or undefined until there are more bytes, or (theirs `done`) until `startNextCycle()`. A method that asks is the
   * only one that throws for what the peer did; once it has thrown it throws the same again.
   * @throws HttpProtocolError, HttpLimitError, with the `status` that a server answers with.
   */
  nextEvent(): HttpEvent | undefined {
    if (this.failure !== undefined) throw this.failure
    switch (this.theirState) {
      case 'idle':
      case 'head':
      case 'body':
        break
      case 'done':
      case 'mustClose':
        return this.reader.input.ended && this.reader.input.heldBytes === 0 ? this.theirEnd() : undefined
      case 'closed':
      case 'switched':
      case 'error':
        return undefined
    }
    try {
      if (this.role === 'client' && this.theirState === 'idle' && this.reader.input.heldBytes > 0) {
        throw new HttpProtocolError('ERR_HTTP_UNEXPECTED_RESPONSE', 'Bytes that answer no request')
      }
      const event = this.reader.next()
      if (event !== undefined) this.received(event)
      return event
    } catch (error) {
      this.failure = error
      this.persistent = false
      this.reader.input.clear()
      this.theirs = this.moved(this.theirs.fail, 'fail')
      throw error
    }
  }

  // ── moving ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  protected received(event: HttpEvent): void {
    switch (event.type) {
      case 'request':
        this.theirs = this.moved(this.theirs.request, 'request')
        this.ours = this.moved(this.ours.requested, 'requested')
        this.peerVersion = event.head.version
        this.requestMethod = event.head.method
        this.expecting = event.expectsContinue
        this.offers = event.upgrade
        if (!this.reader.persistent) this.persistent = false
        break
      case 'informational':
        this.theirs = this.moved(this.theirs.informational, 'informational')
        if (event.head.status === 100) this.expecting = false
        break
      case 'switched':
        if (this.ourState !== 'done' && this.ourState !== 'mustClose') throw new HttpProtocolError('ERR_HTTP_UNEXPECTED_RESPONSE', 'A switch before the request is complete')
        this.persistent = false
        this.ours = this.moved(this.ours.switch, 'switch')
        this.theirs = this.moved(this.theirs.switch, 'switch')
        break
      case 'response':
        this.theirs = this.moved(this.theirs.response, 'response')
        this.expecting = false
        this.offers = false
        if (!this.reader.persistent) this.persistent = false
        break
      case 'data':
        if (this.role === 'server') this.expecting = false
        break
      case 'end':
        this.theirs = this.moved(this.theirs.end, 'end')
        if (this.role === 'server') this.expecting = false
        this.settle()
        break
      case 'closed':
        this.theirEnd()
        break
    }
  }

  /** Their end, between two messages. */
  protected theirEnd(): HttpEvent {
    this.persistent = false
    this.theirs = this.moved(this.theirs.close, 'close')
    this.settle()
    return closedEvent
  }

  /** A side that is done, on a connection that is not good for more, has sent its last message. */
  protected settle(): void {
    if (this.persistent) return
    if (this.ourState === 'done' || (this.ourState === 'idle' && this.role === 'client')) this.ours = this.moved(this.ours.last, 'last')
    if (this.theirState === 'done') {
      this.theirs = this.moved(this.theirs.last, 'last')
      if (!this.switchIsOpen()) this.reader.input.clear()
    } else if (this.theirState === 'mustClose' && !this.switchIsOpen()) this.reader.input.clear()
  }

  /** Whether a server can still answer with a switch, so that what comes is kept for the other protocol. */
  protected switchIsOpen(): boolean {
    return this.offers && this.role === 'server' && this.ourState === 'head'
  }

  /** A response to this request is awaited now. */
  protected ask(asked: Asked): void {
    this.theirs = this.moved(this.theirs.requested, 'requested')
    this.reader.requestMethod = asked.method
    this.reader.requestUpgrade = asked.upgrade
  }

  /** Where `event` leads: `next`, if it is legal. (A load by name, which what calls this writes, is a third of one by a variable.) */
  protected moved(next: SidePlace | undefined, event: SideEvent): SidePlace {
    if (next === undefined) throw this.illegal(event)
    return next
  }

  protected illegal(event: SideEvent): UsageError {
    return new UsageError('ERR_HTTP_STATE', `${event} is not legal here: as the ${this.role} we are ${this.ourState}, they are ${this.theirState}`)
  }
}

/** What a client has to know of a request to read its response. */
export interface Asked {
  readonly method: string
  readonly upgrade: string | undefined
}
