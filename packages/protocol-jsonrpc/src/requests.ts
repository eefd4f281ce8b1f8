import type { Info } from '@async/core'
import { systemClock, utf8Length } from '@async/core/base'
import type { Clock } from '@async/core/base'
import type { BatchAnswer } from './batch-answer.ts'
import type { Codec } from './codec.ts'
import type { Conventions } from './conventions.ts'
import { errorCodes, internalErrorMessage, isJsonRpcError, JsonRpcError } from './errors.ts'
import { Job } from './job.ts'
import type { JobOwner } from './job.ts'
import { JobQueue } from './job-queue.ts'
import { exceeds, responseTooLong } from './limits.ts'
import type { Limits } from './limits.ts'
import type { Id, Notification, Params, Request } from './messages.ts'
import { OrderedPeer } from './ordered-peer.ts'
import { observe } from './observe.ts'
import type { Observer } from './observe.ts'
import type { Peer, PeerOptions } from './peer.ts'
import { errorForCaller, reportError } from './service.ts'
import type { Counting, ErrorForCaller, Service } from './service.ts'

/** What `Requests` asks of its peer. */
export interface RequestsOwner {
  readonly peer: Peer
  readonly info: Info
  /** Calls of ours that wait for an answer. */
  readonly pendingCalls: number
  /** Whether the transport has told us to wait. */
  readonly blocked: boolean
  /** Sends an answer. */
  answer(text: string, id: Id): void
  /** Something finished outside of a call from below. */
  advanced(): void
  /** A notification was dropped, because the queue is full. */
  dropped(method: string): void
  /** Sends a notification of progress. @throws as `notify`. */
  notify(method: string, params?: Params): void
  /** Why the connection is over, for the signals of handlers. */
  lostError(): Error
}

/**
 * The requests that came to one peer: which run, which wait, and the answer that each owes.
 *
 * Theory of operation. A request runs at once if nothing waits and there is a place; else it waits, in order. Places: a handler in
 * flight takes one, and each call of ours that waits for an answer gives one back, because it is most likely a handler that waits for
 * it. Without that, two peers that call each other back would hang as soon as each has all its places taken by handlers that wait for
 * a request in the other's queue. So at most maxConcurrentHandlers + maxPendingCalls run.
 * A request that owes an answer waits also while the transport is above its high-water mark; a notification does not: two peers
 * that flood each other with notifications need no writing to get on.
 * When the queue is full, the peer stops reading if no answer is owed to us; else requests are refused with −32000 here.
 */
export class Requests implements JobOwner {
  private readonly service: Service
  private readonly counters: Counting
  private readonly owner: RequestsOwner
  private readonly limits: Limits
  private readonly queue = new JobQueue()
  private running = 0
  /** Answers that we owe, of requests that run or wait. */
  private owed = 0
  /** Requests that run or wait by their id, if they can be cancelled. */
  private readonly active: Map<Id, Job> | undefined
  /** Jobs whose handlers have asked for their signal. */
  private readonly watched = new Set<Job>()
  private readonly ordered: boolean
  private waitingHandlers = 0
  private readonly codec: Codec
  private readonly conventions: Conventions | undefined
  private readonly observer: Observer | undefined
  private readonly clock: Clock
  private dropped = false
  private pumpScheduled = false

  constructor(service: Service, limits: Limits, codec: Codec, options: PeerOptions, owner: RequestsOwner) {
    this.service = service
    this.counters = service.counters
    this.limits = limits
    this.ordered = service.options.execution === 'ordered'
    this.codec = codec
    this.conventions = options.conventions
    this.observer = options.observe
    this.clock = options.clock ?? systemClock
    this.owner = owner
    if (options.conventions?.cancel !== undefined) this.active = new Map()
  }

  peerFor(): Peer {
    return this.ordered ? new OrderedPeer(this.owner.peer, this) : this.owner.peer
  }

  get info(): Info {
    return this.owner.info
  }

  /** A handler waits for a call of its own. (ordered) */
  handlerWaits(): void {
    this.waitingHandlers++
    this.pumpSoon()
  }

  /** It does not any more. */
  handlerGoesOn(): void {
    this.waitingHandlers--
  }

  /** Nothing waits, and no answer is owed. Notifications may still run. */
  get isSettled(): boolean {
    return this.owed === 0 && this.queue.count === 0
  }

  /** No more may wait. */
  get isFull(): boolean {
    return this.queue.count >= this.limits.maxQueuedRequests || this.queue.bytes >= this.limits.maxQueuedRequestBytes
  }

  /** At most half as much waits as may. */
  get isHalfEmpty(): boolean {
    return this.queue.count * 2 <= this.limits.maxQueuedRequests && this.queue.bytes * 2 <= this.limits.maxQueuedRequestBytes
  }

  /** Runs it, queues it, or refuses it. `bytes`: its share of the message. */
  accept(message: Request | Notification, bytes: number, batch?: BatchAnswer, index = 0): void {
    // A handler of the same batch may have closed the peer.
    if (this.dropped) return
    const job = new Job(message, bytes, batch, index, this)
    if (message.kind === 'request') {
      this.owed++
      this.active?.set(message.id, job)
    }
    if (this.queue.count === 0 && this.hasPlace(job)) this.run(job)
    else if (this.isFull) this.refuse(job)
    else {
      this.queue.push(job)
      this.counters.queued++
    }
  }

  /** A place may have come free: starts what waits, from a clean stack. */
  pumpSoon(): void {
    if (this.queue.count === 0 || this.pumpScheduled) return
    this.pumpScheduled = true
    queueMicrotask(() => {
      this.pumpScheduled = false
      this.pump()
      this.owner.advanced()
    })
  }

  /** The connection is over: what waits is forgotten, what runs has nobody to answer, and is told so by its signal. */
  drop(): void {
    if (this.dropped) return
    this.dropped = true
    this.counters.queued -= this.queue.count
    this.queue.clear()
    this.owed = 0
    this.active?.clear()
    if (this.watched.size === 0) return
    const reason = this.owner.lostError()
    for (const job of this.watched) job.abort(reason)
    this.watched.clear()
  }

  /** The other side gives a call up. An id that is unknown, or was answered, is no error: the two have crossed. */
  cancel(id: Id, reason: unknown): void {
    const job = this.active?.get(id)
    if (job === undefined || job.cancelled !== undefined) return
    const { answer } = this.conventions!.cancel!
    const { code, message } = answer ?? { code: errorCodes.requestCancelled, message: 'Request cancelled' }
    job.cancelled = new JsonRpcError(code, message, reason)
    if (job.state === 'waiting') {
      this.queue.leave(job)
      this.counters.queued--
      this.end(job, job.cancelled)
      if (answer === undefined) this.forgo(job)
      else this.answerError(job, id, answer.code, answer.message, answer.data)
    } else {
      if (answer === undefined) this.forgo(job)
      job.abort(job.cancelled)
    }
    this.owner.advanced()
  }

  // ── from jobs ────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  watch(job: Job): unknown {
    if (this.dropped) return this.owner.lostError()
    if (job.state === 'running') this.watched.add(job)
    return undefined
  }

  progress(job: Job, value: unknown): void {
    const convention = this.conventions?.progress
    if (convention === undefined || this.dropped || job.state !== 'running' || job.cancelled !== undefined) return
    const token = convention.token(job.message.params)
    if (token !== undefined) this.owner.notify(convention.method, convention.params(token, value))
  }

  // ── own ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The answer is not owed any more. */
  private forgo(job: Job): void {
    job.forgone = true
    this.active!.delete(job.message.id as Id)
    const whole = job.batch?.forgo()
    if (whole !== undefined) this.owner.answer(whole, null)
    this.owed--
  }

  private hasPlace(job: Job): boolean {
    if (this.owner.blocked && job.message.kind === 'request') return false
    // In order, only calls that are known to be a handler's let another one start.
    const waiting = this.ordered ? this.waitingHandlers : this.owner.pendingCalls
    return this.running - waiting < this.limits.maxConcurrentHandlers
  }

  private pump(): void {
    while (this.queue.count > 0) {
      const job = this.queue.first
      if (!this.hasPlace(job)) return
      this.queue.shift()
      this.counters.queued--
      this.run(job)
    }
  }

  private run(job: Job): void {
    const { method, params, kind } = job.message
    this.counters.started++
    const handler = this.service.methods.get(method)
    job.state = 'running'
    if (handler === undefined) {
      job.state = 'over'
      if (kind === 'request') this.answerError(job, job.message.id, errorCodes.methodNotFound, 'Method not found')
      return
    }
    this.running++
    this.counters.running++
    if (this.observer !== undefined) {
      job.startedMs = this.clock.nowMs()
      observe(this.observer, { kind: 'started', side: 'server', call: job.message, nowMs: job.startedMs })
    }
    let result: unknown
    let later: Promise<unknown> | undefined
    try {
      result = handler(params, job)
      if (isThenable(result)) later = Promise.resolve(result)
    } catch (error) {
      return this.fail(job, error)
    }
    // What is there is answered at once: the answer leaves in the turn of its request.
    if (later === undefined) return this.finish(job, result)
    later.then(
      (value) => {
        this.finish(job, value)
        this.next()
      },
      (error: unknown) => {
        this.fail(job, error)
        this.next()
      },
    )
  }

  private next(): void {
    this.pump()
    this.owner.advanced()
  }

  private finish(job: Job, result: unknown): void {
    // An error that is returned, and so part of the method's type, is one like any other.
    if (typeof result === 'object' && result !== null && isJsonRpcError(result)) return this.fail(job, result)
    this.leave(job, undefined)
    const { message } = job
    if (message.kind === 'notification' || this.dropped || job.forgone) return
    let text: string
    try {
      text = this.codec.resultText(message.id, result)
      if (exceeds(text, this.limits.maxResponseBytes)) throw responseTooLong(utf8Length(text), this.limits.maxResponseBytes)
    } catch (error) {
      reportError(this.service, error, message.method)
      this.answerError(job, message.id, errorCodes.internalError, internalErrorMessage)
      return
    }
    this.answer(job, text, message.id)
  }

  private fail(job: Job, error: unknown): void {
    const isAbort = job.isAbort(error)
    this.leave(job, error)
    const { message } = job
    if (isAbort) {
      // It did as it was told; where a cancelled call is owed an answer, that says so.
      if (job.cancelled instanceof JsonRpcError && message.kind === 'request' && !this.dropped && !job.forgone) {
        this.answerError(job, message.id, job.cancelled.code, job.cancelled.message, this.conventions!.cancel!.answer!.data)
      }
      return
    }
    let forCaller: ErrorForCaller | undefined
    try {
      forCaller = errorForCaller(this.service, error, job)
    } catch (thrown) {
      reportError(this.service, thrown, message.method)
    }
    if (forCaller === undefined) reportError(this.service, error, message.method)
    if (message.kind === 'notification' || this.dropped || job.forgone) return
    if (forCaller === undefined) this.answerError(job, message.id, errorCodes.internalError, internalErrorMessage)
    else this.answerError(job, message.id, forCaller.code, forCaller.message, forCaller.data)
  }

  /** The handler is done. */
  private leave(job: Job, error: unknown): void {
    this.running--
    this.counters.running--
    const { askedPeer } = job
    if (askedPeer instanceof OrderedPeer) askedPeer.handlerOver()
    this.end(job, error)
  }

  private end(job: Job, error: unknown): void {
    const hasRun = job.state === 'running'
    job.state = 'over'
    if (this.watched.size > 0) this.watched.delete(job)
    if (this.observer === undefined || !hasRun) return
    const nowMs = this.clock.nowMs()
    observe(this.observer, { kind: 'ended', side: 'server', call: job.message, nowMs, durationMs: nowMs - job.startedMs, error })
  }

  private refuse(job: Job): void {
    this.counters.refused++
    const { message } = job
    if (message.kind === 'notification') return this.owner.dropped(message.method)
    const { maxQueuedRequests, maxQueuedRequestBytes } = this.limits
    this.answerError(
      job,
      message.id,
      errorCodes.serverBusy,
      'Server busy',
      this.queue.count >= maxQueuedRequests
        ? { limit: 'maxQueuedRequests', allowed: maxQueuedRequests, actual: this.queue.count + 1 }
        : { limit: 'maxQueuedRequestBytes', allowed: maxQueuedRequestBytes, actual: this.queue.bytes + job.bytes },
    )
  }

  private answerError(job: Job, id: Id, code: number, message: string, data?: unknown): void {
    this.counters.errors++
    let text: string
    try {
      text = this.codec.errorText(id, code, message, data)
      if (exceeds(text, this.limits.maxResponseBytes)) throw responseTooLong(utf8Length(text), this.limits.maxResponseBytes)
    } catch (error) {
      reportError(this.service, error, job.message.method)
      text = this.codec.errorText(id, errorCodes.internalError, internalErrorMessage)
    }
    this.answer(job, text, id)
  }

  private answer(job: Job, text: string, id: Id): void {
    if (job.batch === undefined) this.owner.answer(text, id)
    else {
      const whole = job.batch.put(job.index, text, id)
      if (whole !== undefined) this.owner.answer(whole, null)
    }
    // An id that came again belongs to the later of the two.
    if (this.active !== undefined && this.active.get(id) === job) this.active.delete(id)
    this.owed--
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
