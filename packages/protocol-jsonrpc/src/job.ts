import type { Info } from '@async/core'
import type { BatchAnswer } from './batch-answer.ts'
import type { ObservedCall } from './observe.ts'
import type { Notification, Request } from './messages.ts'
import type { Peer } from './peer.ts'
import type { Context } from './service.ts'

/** What a job asks of the requests that it is one of. */
export interface JobOwner {
  /** The peer, as the handler of one job is to see it. */
  peerFor(): Peer
  readonly info: Info
  /** The job's signal was asked for: abort it, once it comes to that, with `cancelled` or with what this returns now. */
  watch(job: Job): unknown
  /** Reports progress, if the caller asked for it. */
  progress(job: Job, value: unknown): void
}

/**
 * A request or notification from its coming to its end, and what its handler is given as context: one object for both, since there is one
 * for every message. What few handlers ask for is made when they do.
 *
 *   waiting ──a place──► running ──result or error──► over        waiting ──cancelled──► over
 */
export class Job implements Context {
  readonly message: Request | Notification
  /** Its share of the message's bytes. */
  readonly bytes: number
  readonly batch: BatchAnswer | undefined
  readonly index: number
  state: 'waiting' | 'running' | 'over' = 'waiting'
  /** Why it was cancelled, if it was: an error, what handlers' signals abort with. */
  cancelled: Error | undefined
  /** Whether no answer is owed any more, though the handler runs. */
  forgone = false
  startedMs = 0
  private ownPeer: Peer | undefined
  private control: AbortController | undefined
  private readonly owner: JobOwner

  constructor(message: Request | Notification, bytes: number, batch: BatchAnswer | undefined, index: number, owner: JobOwner) {
    this.message = message
    this.bytes = bytes
    this.batch = batch
    this.index = index
    this.owner = owner
  }

  get method(): string {
    return this.message.method
  }

  get notification(): boolean {
    return this.message.kind === 'notification'
  }

  get id(): Request['id'] | undefined {
    return this.message.id
  }

  get peer(): Peer {
    return (this.ownPeer ??= this.owner.peerFor())
  }

  /** The peer, if the handler has asked for it. */
  get askedPeer(): Peer | undefined {
    return this.ownPeer
  }

  get info(): Info {
    return this.owner.info
  }

  get signal(): AbortSignal {
    if (this.control === undefined) {
      this.control = new AbortController()
      const over = this.owner.watch(this) ?? this.cancelled
      if (over !== undefined) this.control.abort(over)
    }
    return this.control.signal
  }

  get progress(): (value: unknown) => void {
    return (value) => this.owner.progress(this, value)
  }

  get observed(): ObservedCall {
    return this.message
  }

  /** Aborts the signal, if it was asked for. */
  abort(reason: unknown): void {
    this.control?.abort(reason)
  }

  /** Whether `error` is what the signal aborted with, or what an API that was given the signal made of it. */
  isAbort(error: unknown): boolean {
    if (this.control?.signal.aborted !== true) return false
    return error === this.control.signal.reason || (typeof error === 'object' && error !== null && (error as { name?: unknown }).name === 'AbortError')
  }
}
