import type { Info } from '@async/core'
import { utf8Length } from '@async/core/base'
import type { BatchAnswer } from './batch-answer.ts'
import { errorCodes, internalErrorMessage } from './errors.ts'
import { exceeds, messageTooLong } from './limits.ts'
import type { Limits } from './limits.ts'
import { errorText, resultText } from './messages.ts'
import type { Id, Notification, Request } from './messages.ts'
import type { Peer } from './peer.ts'
import { errorForCaller, reportError } from './service.ts'
import type { Context, Counting, Service } from './service.ts'

interface Job {
  readonly message: Request | Notification
  readonly bytes: number
  readonly batch: BatchAnswer | undefined
  readonly index: number
}

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
export class Requests {
  private readonly service: Service
  private readonly counters: Counting
  private readonly owner: RequestsOwner
  private readonly limits: Limits
  private queue: Job[] = []
  private queueStart = 0
  private queueBytes = 0
  private running = 0
  /** Answers that we owe, of requests that run or wait. */
  private owed = 0
  private dropped = false
  private pumpScheduled = false

  constructor(service: Service, limits: Limits, owner: RequestsOwner) {
    this.service = service
    this.counters = service.counters
    this.limits = limits
    this.owner = owner
  }

  /** Nothing waits, and no answer is owed. Notifications may still run. */
  get isSettled(): boolean {
    return this.owed === 0 && this.queued === 0
  }

  /** No more may wait. */
  get isFull(): boolean {
    return this.queued >= this.limits.maxQueuedRequests || this.queueBytes >= this.limits.maxQueuedRequestBytes
  }

  /** At most half as much waits as may. */
  get isHalfEmpty(): boolean {
    return this.queued * 2 <= this.limits.maxQueuedRequests && this.queueBytes * 2 <= this.limits.maxQueuedRequestBytes
  }

  /** Runs it, queues it, or refuses it. `bytes`: its share of the message. */
  accept(message: Request | Notification, bytes: number, batch?: BatchAnswer, index = 0): void {
    // A handler of the same batch may have closed the peer.
    if (this.dropped) return
    const job: Job = { message, bytes, batch, index }
    if (message.kind === 'request') this.owed++
    if (this.queued === 0 && this.hasPlace(job)) this.run(job)
    else if (this.isFull) this.refuse(job)
    else {
      this.queue.push(job)
      this.queueBytes += bytes
      this.counters.queued++
    }
  }

  /** A place may have come free: starts what waits, from a clean stack. */
  pumpSoon(): void {
    if (this.queued === 0 || this.pumpScheduled) return
    this.pumpScheduled = true
    queueMicrotask(() => {
      this.pumpScheduled = false
      this.pump()
      this.owner.advanced()
    })
  }

  /** The connection is over: what waits is forgotten, what runs has nobody to answer. */
  drop(): void {
    this.dropped = true
    this.counters.queued -= this.queued
    this.queue = []
    this.queueStart = 0
    this.queueBytes = 0
    this.owed = 0
  }

  private get queued(): number {
    return this.queue.length - this.queueStart
  }

  private hasPlace(job: Job): boolean {
    if (this.owner.blocked && job.message.kind === 'request') return false
    return this.running - this.owner.pendingCalls < this.limits.maxConcurrentHandlers
  }

  private pump(): void {
    while (this.queued > 0) {
      const job = this.queue[this.queueStart]!
      if (!this.hasPlace(job)) break
      this.queue[this.queueStart++] = undefined as never
      this.queueBytes -= job.bytes
      this.counters.queued--
      this.run(job)
    }
    // Moved only when half of it is gone, so that each job is moved at most once on average.
    if (this.queueStart > 0 && this.queueStart * 2 >= this.queue.length) {
      this.queue = this.queue.slice(this.queueStart)
      this.queueStart = 0
    }
  }

  private run(job: Job): void {
    const { method, params, kind } = job.message
    this.counters.started++
    const handler = this.service.methods.get(method)
    if (handler === undefined) {
      if (kind === 'request') this.answerError(job, job.message.id, errorCodes.methodNotFound, 'Method not found')
      return
    }
    this.running++
    this.counters.running++
    const context: Context = { method, notification: kind === 'notification', peer: this.owner.peer, info: this.owner.info }
    let result: unknown
    let later: Promise<unknown> | undefined
    try {
      result = handler(params, context)
      if (isThenable(result)) later = Promise.resolve(result)
    } catch (error) {
      return this.fail(job, error, context)
    }
    // What is there is answered at once: the answer leaves in the turn of its request.
    if (later === undefined) return this.finish(job, result)
    later.then(
      (value) => {
        this.finish(job, value)
        this.next()
      },
      (error: unknown) => {
        this.fail(job, error, context)
        this.next()
      },
    )
  }

  private next(): void {
    this.pump()
    this.owner.advanced()
  }

  private finish(job: Job, result: unknown): void {
    this.running--
    this.counters.running--
    const { message } = job
    if (message.kind === 'notification' || this.dropped) return
    let text: string
    try {
      text = resultText(message.id, result)
      if (exceeds(text, this.limits.maxMessageBytes)) throw messageTooLong(utf8Length(text), this.limits.maxMessageBytes)
    } catch (error) {
      reportError(this.service, error, message.method)
      this.answerError(job, message.id, errorCodes.internalError, internalErrorMessage)
      return
    }
    this.answer(job, text, message.id)
  }

  private fail(job: Job, error: unknown, context: Context): void {
    this.running--
    this.counters.running--
    const { message } = job
    let forCaller: ReturnType<typeof errorForCaller>
    try {
      forCaller = errorForCaller(this.service, error, context)
    } catch (thrown) {
      reportError(this.service, thrown, message.method)
    }
    if (forCaller === undefined) reportError(this.service, error, message.method)
    if (message.kind === 'notification' || this.dropped) return
    if (forCaller === undefined) this.answerError(job, message.id, errorCodes.internalError, internalErrorMessage)
    else this.answerError(job, message.id, forCaller.code, forCaller.message, forCaller.data)
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
      this.queued >= maxQueuedRequests
        ? { limit: 'maxQueuedRequests', allowed: maxQueuedRequests, actual: this.queued + 1 }
        : { limit: 'maxQueuedRequestBytes', allowed: maxQueuedRequestBytes, actual: this.queueBytes + job.bytes },
    )
  }

  private answerError(job: Job, id: Id, code: number, message: string, data?: unknown): void {
    this.counters.errors++
    let text: string
    try {
      text = errorText(id, code, message, data)
      if (exceeds(text, this.limits.maxMessageBytes)) throw messageTooLong(utf8Length(text), this.limits.maxMessageBytes)
    } catch (error) {
      reportError(this.service, error, job.message.method)
      text = errorText(id, errorCodes.internalError, internalErrorMessage)
    }
    this.answer(job, text, id)
  }

  private answer(job: Job, text: string, id: Id): void {
    if (job.batch === undefined) this.owner.answer(text, id)
    else {
      const whole = job.batch.put(job.index, text, id)
      if (whole !== undefined) this.owner.answer(whole, null)
    }
    this.owed--
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
}
