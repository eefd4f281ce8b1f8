import type { Info } from '@async/core'
import { utf8Length } from '@async/core/base'
import type { BatchAnswer } from './batch-answer.ts'
import { errorCodes, internalErrorMessage, isJsonRpcError, JsonRpcError } from './errors.ts'
import { Job } from './job.ts'
import type { JobOwner } from './job.ts'
import { JobQueue } from './job-queue.ts'
import { exceeds, responseTooLong } from './limits.ts'
import type { Id, Notification, Params, Request } from './messages.ts'
import { OrderedPeer } from './ordered-peer.ts'
import { observe } from './observe.ts'
import type { Peer } from './peer.ts'
import { errorForCaller, reportError } from './service.ts'
import type { Counting, ErrorForCaller } from './service.ts'
import type { Setup } from './setup.ts'

/** What `Requests` asks of its peer. */
export interface RequestsOwner {
  readonly setup: Setup
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
  private readonly owner: RequestsOwner
  /** What waits. Made when something does, and gone when nothing does: an idle connection has none. The same goes for the other collections. */
  private queue: JobQueue | undefined
  private running = 0
  /** Answers that we owe, of requests that run or wait. */
  private owed = 0
  /** Requests that run or wait by their id, if they can be cancelled. */
  private active: Map<Id, Job> | undefined
  /** Jobs whose handlers have asked for their signal. */
  private watched: Set<Job> | undefined
  private waitingHandlers = 0
  private dropped = false
  private pumpScheduled = false

  constructor(owner: RequestsOwner) {
    this.owner = owner
  }

  peerFor(): Peer {
    return this.owner.setup.ordered ? new OrderedPeer(this.owner.peer, this) : this.owner.peer
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
    return this.owed === 0 && this.queue === undefined
  }

  /** No more may wait. */
  get isFull(): boolean {
    const { queue } = this
    if (queue === undefined) return false
    const { maxQueuedRequests, maxQueuedRequestBytes } = this.owner.setup.limits
    return queue.count >= maxQueuedRequests || queue.bytes >= maxQueuedRequestBytes
  }

  /** At most half as much waits as may. */
  get isHalfEmpty(): boolean {
    const { queue } = this
    if (queue === undefined) return true
    const { maxQueuedRequests, maxQueuedRequestBytes } = this.owner.setup.limits
    return queue.count * 2 <= maxQueuedRequests && queue.bytes * 2 <= maxQueuedRequestBytes
  }

  /** Runs it, queues it, or refuses it. `bytes`: its share of the message. */
  accept(message: Request | Notification, bytes: number, batch?: BatchAnswer, index = 0): void {
    // A handler of the same batch may have closed the peer.
    if (this.dropped) return
    const job = new Job(message, bytes, batch, index, this)
    if (message.kind === 'request') {
      this.owed++
      if (this.owner.setup.conventions.cancel !== undefined) (this.active ??= new Map()).set(message.id, job)
    }
    if (this.queue === undefined && this.hasPlace(job)) this.run(job)
    else if (this.isFull) this.refuse(job)
    else {
      ;(this.queue ??= new JobQueue()).push(job)
      this.counters.queued++
    }
  }

  /** A place may have come free: starts what waits, from a clean stack. */
  pumpSoon(): void {
    if (this.queue === undefined || this.pumpScheduled) return
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
    if (this.queue !== undefined) this.counters.queued -= this.queue.count
    this.queue = undefined
    this.owed = 0
    this.active = undefined
    const { watched } = this
    if (watched === undefined) return
    this.watched = undefined
    const reason = this.owner.lostError()
    for (const job of watched) job.abort(reason)
  }

  /** The other side gives a call up. An id that is unknown, or was answered, is no error: the two have crossed. */
  cancel(id: Id, reason: unknown): void {
    const job = this.active?.get(id)
    if (job === undefined || job.cancelled !== undefined) return
    const { answer } = this.owner.setup.conventions.cancel!
    const { code, message } = answer ?? { code: errorCodes.requestCancelled, message: 'Request cancelled' }
    job.cancelled = new JsonRpcError(code, message, reason)
    if (job.state === 'waiting') {
      this.leaveQueue(job)
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
    if (job.state === 'running') (this.watched ??= new Set()).add(job)
    return undefined
  }

  progress(job: Job, value: unknown): void {
    const convention = this.owner.setup.conventions.progress
    if (convention === undefined || this.dropped || job.state !== 'running' || job.cancelled !== undefined) return
    const token = convention.token(job.message.params)
    if (token !== undefined) this.owner.notify(convention.method, convention.params(token, value))
  }

  // ── own ──────────────────────────────────────────────────────────────────────────────────────────────────────────────────────────

  /** The answer is not owed any more. */
  private forgo(job: Job): void {
    job.forgone = true
    this.inactive(job.message.id as Id)
    const whole = job.batch?.forgo()
    if (whole !== undefined) this.owner.answer(whole, null)
    this.owed--
  }

  private hasPlace(job: Job): boolean {
    if (this.owner.blocked && job.message.kind === 'request') return false
    // In order, only calls that are known to be a handler's let another one start.
    const waiting = this.owner.setup.ordered ? this.waitingHandlers : this.owner.pendingCalls
    return this.running - waiting < this.owner.setup.limits.maxConcurrentHandlers
  }

  private pump(): void {
    // Asked for anew: what runs may close the peer, or fill the queue.
    while (this.queue !== undefined) {
      const job = this.queue.first
      if (!this.hasPlace(job)) return
      this.queue.shift()
      this.counters.queued--
      if (this.queue.count === 0) this.queue = undefined
      this.run(job)
    }
  }

  private run(job: Job): void {
    const { method, params, kind } = job.message
    this.counters.started++
    const handler = this.owner.setup.service.methods.get(method)
    job.state = 'running'
    if (handler === undefined) {
      job.state = 'over'
      if (kind === 'request') this.answerError(job, job.message.id, errorCodes.methodNotFound, 'Method not found')
      return
    }
    this.running++
    this.counters.running++
    const { clock, options: { observe: observer } } = this.owner.setup
    if (observer !== undefined) {
      job.startedMs = clock.nowMs()
      observe(observer, { kind: 'started', side: 'server', call: job.message, nowMs: job.startedMs })
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
    const { setup } = this.owner
    let text: string
    try {
      text = setup.codec.resultText(message.id, result)
      if (exceeds(text, setup.limits.maxResponseBytes)) throw responseTooLong(utf8Length(text), setup.limits.maxResponseBytes)
    } catch (error) {
      reportError(setup.service, error, message.method)
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
        this.answerError(job, message.id, job.cancelled.code, job.cancelled.message, this.owner.setup.conventions.cancel!.answer!.data)
      }
      return
    }
    const { service } = this.owner.setup
    let forCaller: ErrorForCaller | undefined
    try {
      forCaller = errorForCaller(service, error, job)
    } catch (thrown) {
      reportError(service, thrown, message.method)
    }
    if (forCaller === undefined) reportError(service, error, message.method)
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
    if (this.watched?.delete(job) === true && this.watched.size === 0) this.watched = undefined
    const { clock, options: { observe: observer } } = this.owner.setup
    if (observer === undefined || !hasRun) return
    const nowMs = clock.nowMs()
    observe(observer, { kind: 'ended', side: 'server', call: job.message, nowMs, durationMs: nowMs - job.startedMs, error })
  }

  private refuse(job: Job): void {
    this.counters.refused++
    const { message } = job
    if (message.kind === 'notification') return this.owner.dropped(message.method)
    const { maxQueuedRequests, maxQueuedRequestBytes } = this.owner.setup.limits
    // It is full: there is one.
    const queue = this.queue!
    this.answerError(
      job,
      message.id,
      errorCodes.serverBusy,
      'Server busy',
      queue.count >= maxQueuedRequests
        ? { limit: 'maxQueuedRequests', allowed: maxQueuedRequests, actual: queue.count + 1 }
        : { limit: 'maxQueuedRequestBytes', allowed: maxQueuedRequestBytes, actual: queue.bytes + job.bytes },
    )
  }

  private answerError(job: Job, id: Id, code: number, message: string, data?: unknown): void {
    this.counters.errors++
    const { codec, limits: { maxResponseBytes }, service } = this.owner.setup
    let text: string
    try {
      text = codec.errorText(id, code, message, data)
      if (exceeds(text, maxResponseBytes)) throw responseTooLong(utf8Length(text), maxResponseBytes)
    } catch (error) {
      reportError(service, error, job.message.method)
      text = codec.errorText(id, errorCodes.internalError, internalErrorMessage)
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
    if (this.active !== undefined && this.active.get(id) === job) this.inactive(id)
    this.owed--
  }

  private inactive(id: Id): void {
    if (this.active?.delete(id) === true && this.active.size === 0) this.active = undefined
  }

  private leaveQueue(job: Job): void {
    this.counters.queued--
    this.queue!.leave(job)
    if (this.queue!.count === 0) this.queue = undefined
  }

  private get counters(): Counting {
    return this.owner.setup.service.counters
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
