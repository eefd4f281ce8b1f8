import { ConnectionError } from '@async/core'
import type { CloseOptions, CloseReason, Info, LimitError, Messages, Protocol, Transport } from '@async/core'
import { byteLength } from '@async/core/base'
import { BatchAnswer } from './batch-answer.ts'
import type { BatchEntry } from './caller.ts'
import { attempted, batchText, callText, quietly } from './caller.ts'
import { Calls } from './calls.ts'
import type { CallOptions, CallsOwner } from './calls.ts'
import { withToken } from './conventions.ts'
import { diagnose } from './diagnostics.ts'
import type { Diagnostic } from './diagnostics.ts'
import { ConnectionLostError, errorCodes } from './errors.ts'
import { exceeds, messageTooLong } from './limits.ts'
import type { Entry, Id, Notification, Params, Request, Response } from './messages.ts'
import { checkedResult } from './method.ts'
import type { Outcome } from './method-types.ts'
import { watchFor } from './observe.ts'
import type { Watch } from './observe.ts'
import type { Peer } from './peer.ts'
import { Outbox } from './outbox.ts'
import type { OutboxOwner } from './outbox.ts'
import { Requests } from './requests.ts'
import type { RequestsOwner } from './requests.ts'
import { reportError } from './service.ts'
import type { Counting } from './service.ts'
import type { Setup } from './setup.ts'

/**
 * A peer: ties calls, requests and answers to a transport.
 *
 * Theory of operation. `state` is `open` until the other side ends (`ending`: no request or answer can come any more, what is owed is
 * still answered) or either end closes (`closed`: nothing is sent, every call has been rejected, with `lost` as the reason).
 *
 *   open ──eofReceived──► ending ──all answered──► closed        any ──close, abort, connectionLost──► closed
 *
 * `holding`: reading was paused, because the queue of requests is full and nobody owes us an answer.
 */
export class Connection implements Peer, Protocol<Messages>, RequestsOwner, OutboxOwner, CallsOwner {
  readonly setup: Setup
  readonly watch: Watch
  readonly below: Transport<Messages>
  /** Made with the first call: who only serves has none. */
  private calls: Calls | undefined
  /** While any runs or waits. */
  private requests: Requests | undefined
  private readonly outbox: Outbox
  private state: 'open' | 'ending' | 'closed' = 'open'
  private lost: CloseReason | undefined
  private holding = false
  private counted = false

  constructor(below: Transport<Messages>, setup: Setup) {
    this.below = below
    this.setup = setup
    this.watch = watchFor(setup.options.observe, setup.clock)
    this.outbox = new Outbox(this)
  }

  get info(): Info {
    return this.below.info
  }

  get pendingCalls(): number {
    return this.calls?.size ?? 0
  }

  get blocked(): boolean {
    return this.outbox.blocked
  }

  get closed(): Promise<CloseReason> {
    return this.below.closed
  }

  // ── calling ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  call(method: string, params?: Params, options?: CallOptions): Promise<any> {
    try {
      const calls = this.calling()
      calls.admit(1, options)
      const id = calls.takeId()
      this.outbox.send(callText(method, withToken(this.setup.conventions, params, id, options), id, this.setup), id)
      const { promise } = calls.open(id, method, options)
      if (this.watch.active) this.watch.started(method, id)
      this.called()
      this.failUnlessOpen()
      return checkedResult(this.setup.options.remote, method, promise)
    } catch (error) {
      return Promise.reject(error)
    }
  }

  attempt(method: string, params?: Params, options?: CallOptions): Promise<Outcome<any>> {
    return attempted(this.call(method, params, options))
  }

  notify(method: string, params?: Params): void {
    if (this.state === 'closed') throw this.lostError()
    this.outbox.send(callText(method, params, undefined, this.setup))
    if (this.watch.active) this.watch.started(method, undefined)
  }

  batch(entries: readonly BatchEntry[], options?: CallOptions): any {
    if (entries.length === 0) return []
    try {
      const calls = this.calling()
      calls.admit(entries.reduce((count, entry) => (entry.notification === true ? count : count + 1), 0), options)
      const ids = entries.map((entry) => (entry.notification === true ? undefined : calls.takeId()))
      this.outbox.send(batchText(entries, ids, this.setup), undefined, ids.filter((id) => id !== undefined))
      const promises = entries.map((entry, at) => {
        const id = ids[at]
        if (this.watch.active) this.watch.started(entry.method, id)
        if (id === undefined) return Promise.resolve(undefined)
        const { promise } = calls.open(id, entry.method, options)
        return quietly(checkedResult(this.setup.options.remote, entry.method, promise))
      })
      this.called()
      this.failUnlessOpen()
      return promises
    } catch (error) {
      return entries.map(() => quietly(Promise.reject(error)))
    }
  }

  async drained(belowBytes?: number, signal?: AbortSignal): Promise<void> {
    if (!this.outbox.isEmpty) await this.outbox.emptied(signal)
    await this.below.drained(belowBytes, signal)
  }

  close(options?: CloseOptions): void {
    if (this.state !== 'closed') this.outbox.flush()
    this.end({ kind: 'closed', by: 'local', unsentBytes: 0, unreadBytes: 0 })
    this.below.close(options)
  }

  abort(cause?: unknown): void {
    const error = new ConnectionError('ERR_ABORTED', 'abort() was called', { cause })
    this.end({ kind: 'aborted', error, unsentBytes: 0, unreadBytes: 0 })
    this.below.abort(cause)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close()
    await this.closed
  }

  // ── from below ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  connectionMade(): void {
    this.counted = true
    this.count().peers++
    this.below.register(this.outbox)
  }

  dataReceived(data: Messages['in']): void {
    if (this.watch.active) this.watch.message('received', data)
    if (exceeds(data, this.setup.limits.maxMessageBytes)) return this.refuseLong(byteLength(data))
    const { codec } = this.setup
    let value: unknown
    try {
      value = codec.parse(data)
    } catch (error) {
      return this.unreadable(error as Error)
    }
    if (Array.isArray(value) && !codec.old) this.batchReceived(value, data.length)
    else this.entryReceived(codec.recognise(value), data.length)
    this.balance()
  }

  eofReceived(): void {
    if (this.state !== 'open') return
    this.state = 'ending'
    // Answers cannot come any more; handlers that wait for them must not wait for ever.
    this.lost = { kind: 'closed', by: 'peer', unsentBytes: 0, unreadBytes: 0 }
    this.calls?.failAll(() => this.lostError())
    this.requests?.pumpSoon()
    this.balance()
  }

  connectionLost(reason: CloseReason): void {
    // A transport that fails to open is lost without having been made.
    if (this.counted) this.count().peers--
    this.end(reason)
    if (this.watch.active) this.watch.lost(reason)
  }

  // ── from the parts ───────────────────────────────────────────────────────────────────────────────────────────────────────────────

  answer(text: string, id: Id): void {
    if (this.state !== 'closed') this.outbox.answer(text, id)
  }

  answerFailed(error: unknown): void {
    reportError(this.setup.service, error, '')
  }

  sendFailed(calls: readonly number[], error: unknown): void {
    for (const id of calls) this.calls?.unsent(id, error)
    this.diagnose({ kind: 'unsent', error: error as Error })
  }

  writable(): void {
    this.requests?.pumpSoon()
    this.balance()
  }

  advanced(): void {
    this.balance()
  }

  dropped(method: string): void {
    this.diagnose({ kind: 'dropped', method })
  }

  gaveUp(id: number, reason: unknown): boolean {
    const { cancel } = this.setup.conventions
    // Not sent yet: nobody has to be told, and nobody answers.
    if (this.outbox.recall(id)) return false
    if (cancel === undefined || this.state !== 'open') return true
    try {
      this.notify(cancel.method, cancel.params(id, reason))
    } catch (error) {
      this.diagnose({ kind: 'untold', error: error as Error })
    }
    return cancel.answer !== undefined
  }

  get isClosed(): boolean {
    return this.state === 'closed'
  }

  lostError(): ConnectionLostError {
    return new ConnectionLostError(this.lost!)
  }

  // ── own ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  private entryReceived(entry: Entry, bytes: number): void {
    if (entry.kind === 'request') this.accept(entry, bytes)
    else if (entry.kind === 'notification') {
      if (!this.isForUs(entry)) this.accept(entry, bytes)
    } else if (entry.kind === 'invalid') this.refuse(entry.id)
    else this.responseReceived(entry)
  }

  private accept(message: Request | Notification, bytes: number, batch?: BatchAnswer, index?: number): void {
    // A handler of the same batch may have closed the peer.
    if (this.state !== 'closed') (this.requests ??= new Requests(this)).accept(message, bytes, batch, index)
  }

  /** Cancellation and progress: they are seen at once, however many requests wait. */
  private isForUs({ method, params }: Notification): boolean {
    const { cancel, progress } = this.setup.conventions
    if (cancel !== undefined && method === cancel.method) {
      const id = cancel.id(params)
      if (id !== undefined) this.requests?.cancel(id, cancel.reason?.(params))
      return true
    }
    if (progress === undefined || method !== progress.method) return false
    const told = progress.read(params)
    const onProgress = told === undefined ? undefined : this.calls?.progressOf(told.token)
    if (onProgress === undefined) return false
    try {
      onProgress(told!.value)
    } catch (error) {
      reportError(this.setup.service, error, method)
    }
    return true
  }

  private batchReceived(values: readonly unknown[], bytes: number): void {
    const { codec, limits: { maxBatchItems, maxResponseBytes }, serves } = this.setup
    if (values.length === 0) return this.refuse(null)
    // Before each of a million numbers is looked at: no more entries can be answers than are owed.
    if (values.length > maxBatchItems + this.owedToUs) return this.refuseBatch(values.length)
    const others: Exclude<Entry, Response>[] = []
    for (const value of values) {
      const entry = codec.recognise(value)
      if (entry.kind === 'request' || entry.kind === 'notification' || entry.kind === 'invalid') others.push(entry)
      else this.responseReceived(entry)
    }
    if (others.length > maxBatchItems) return this.refuseBatch(others.length)
    const batch = new BatchAnswer(others.length, maxResponseBytes, codec)
    for (const { kind } of others) if (kind === 'request' || (kind === 'invalid' && serves)) batch.owe()
    const share = Math.ceil(bytes / values.length)
    for (let at = 0; at < others.length; at++) {
      const entry = others[at]!
      if (entry.kind === 'request') this.accept(entry, share, batch, at)
      else if (entry.kind === 'notification') {
        if (!this.isForUs(entry)) this.accept(entry, share, batch, at)
      } else {
        this.diagnose({ kind: 'invalid' })
        if (!serves) continue
        this.count().errors++
        const whole = batch.put(at, codec.errorText(entry.id, errorCodes.invalidRequest, 'Invalid Request'), entry.id)
        if (whole !== undefined) this.answer(whole, null)
      }
    }
  }

  private responseReceived(response: Response): void {
    if (this.calls === undefined || this.calls.answer(response) === 'unknown') this.diagnose({ kind: 'unknownResponse', response })
  }

  /** What is not a request is answered only by those who serve: to a mere client it is noise. */
  private refuse(id: Id, data?: unknown): void {
    this.diagnose({ kind: 'invalid' })
    this.refuseWith(id, errorCodes.invalidRequest, 'Invalid Request', data)
  }

  private unreadable(error: Error): void {
    this.diagnose({ kind: 'unreadable', error })
    const { limit, allowed, actual } = error as Partial<LimitError>
    this.refuseWith(null, errorCodes.parseError, 'Parse error', limit === undefined ? undefined : { limit, allowed, actual })
  }

  /** In 1.0 what is invalid ends the connection, behind the answer. (1.0 §2.1) */
  private refuseWith(id: Id, code: number, message: string, data: unknown): void {
    const { codec, serves } = this.setup
    if (serves) {
      this.count().errors++
      this.answer(codec.errorText(id, code, message, data), id)
    }
    if (codec.old) this.close()
  }

  private refuseBatch(actual: number): void {
    this.refuse(null, { limit: 'maxBatchItems', allowed: this.setup.limits.maxBatchItems, actual })
  }

  private refuseLong(actual: number): void {
    const allowed = this.setup.limits.maxMessageBytes
    const error = messageTooLong(actual, allowed)
    // It may be the answer to a call of ours, which would wait for ever.
    if (this.pendingCalls > 0) return this.abort(error)
    this.diagnose({ kind: 'unreadable', error })
    this.refuseWith(null, errorCodes.invalidRequest, 'Invalid Request', { limit: 'maxMessageBytes', allowed, actual })
  }

  /** A call was sent: reading has to go on, and what waits may take its place. */
  private called(): void {
    this.requests?.pumpSoon()
    this.balance()
  }

  /** Reads or does not read, and closes when the other side has ended and has all its answers. */
  private balance(): void {
    if (this.state === 'closed') return
    const { requests } = this
    if (requests?.isOver === true) this.requests = undefined
    if (this.state === 'ending' && requests?.isSettled !== false && this.outbox.isEmpty) return this.finish()
    const full = requests !== undefined && (this.holding ? !requests.isHalfEmpty : requests.isFull)
    // Who can be told nothing any more is read to the end, which would never come else.
    const hold = full && this.owedToUs === 0 && !this.outbox.isStopped
    if (hold === this.holding) return
    this.holding = hold
    if (hold) this.below.pause('read')
    else this.below.resume('read')
  }

  private finish(): void {
    this.end(this.lost!)
    this.below.close()
  }

  private end(reason: CloseReason): void {
    if (this.state === 'closed') return
    this.state = 'closed'
    this.lost = reason
    this.requests?.drop()
    this.outbox.drop(() => this.lostError())
    this.calls?.failAll(() => this.lostError())
  }

  /** An observer of a message that went may have closed the peer before the call in it began to wait. */
  private failUnlessOpen(): void {
    if (this.state !== 'open') this.calls?.failAll(() => this.lostError())
  }

  /** For calls that can be answered. @throws ConnectionLostError */
  private calling(): Calls {
    if (this.state !== 'open') throw this.lostError()
    return (this.calls ??= new Calls(this))
  }

  /** Answers that the other side owes us. */
  private get owedToUs(): number {
    return this.calls?.owed ?? 0
  }

  private count(): Counting {
    return this.setup.service.counters
  }

  private diagnose(diagnostic: Diagnostic): void {
    const { onDiagnostic } = this.setup.options
    if (onDiagnostic !== undefined) diagnose(onDiagnostic, diagnostic)
  }
}
