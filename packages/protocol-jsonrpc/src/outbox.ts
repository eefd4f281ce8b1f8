import { isAsyncError, LimitError } from '@async/core'
import type { Consumer, Messages, Producer, Transport } from '@async/core'
import { errorCodes, internalErrorMessage } from './errors.ts'
import { errorText } from './messages.ts'
import type { Id } from './messages.ts'

/** What an outbox asks of its peer. */
export interface OutboxOwner {
  /** The transport takes data again, and has all the answers that were held: requests that owe answers may be started. */
  writable(): void
  /** An answer could not be sent, for a reason that is ours. */
  answerFailed(error: unknown): void
}

interface Held {
  readonly text: string
  readonly id: Id
}

/**
 * Answers on their way out, and the transport's word on how fast. While the transport is above its high-water mark no request is
 * started that owes an answer; those that are in flight may finish, and what the transport's hard cap refuses of theirs is held here
 * until there is room. Calls and notifications of ours go straight to the transport: what throws there is their caller's to know.
 */
export class Outbox implements Producer {
  /** Whether the transport has told us to wait. */
  blocked = false
  private readonly below: Transport<Messages>
  private readonly owner: OutboxOwner
  private readonly maxHeld: number
  private held: Held[] = []

  constructor(below: Transport<Messages>, owner: OutboxOwner, maxHeld: number) {
    this.below = below
    this.owner = owner
    this.maxHeld = maxHeld
  }

  /** Sends the answer to `id` (null for a batch or an unreadable request). Never throws. */
  answer(text: string, id: Id): void {
    if (this.held.length > 0 || !this.send(text, id)) this.hold({ text, id })
  }

  /** Whether no answer is held here. */
  get isEmpty(): boolean {
    return this.held.length === 0
  }

  /** The connection is over. */
  drop(): void {
    this.held = []
  }

  halfRegister(_consumer: Consumer): void {}

  pause(): void {
    this.blocked = true
  }

  resume(): void {
    this.blocked = false
    let sent = 0
    while (!this.blocked && sent < this.held.length) {
      const { text, id } = this.held[sent]!
      if (!this.send(text, id)) break
      sent++
    }
    this.held.splice(0, sent)
    this.owner.writable()
  }

  stop(): void {
    this.drop()
    this.blocked = false
  }

  /** Returns false if the text must be kept. */
  private send(text: string, id: Id): boolean {
    try {
      this.below.write(text)
    } catch (error) {
      if (isOver(error)) return true
      if (this.blocked && isAsyncError(error, 'ERR_WRITE_QUEUE_FULL')) return false
      this.replace(error, id)
    }
    return true
  }

  /** The transport will never take this answer: say so in its place. */
  private replace(error: unknown, id: Id): void {
    this.owner.answerFailed(error)
    try {
      this.below.write(errorText(id, errorCodes.internalError, internalErrorMessage))
    } catch (again) {
      if (!isOver(again)) this.below.abort(again)
    }
  }

  private hold(answer: Held): void {
    this.held.push(answer)
    if (this.held.length <= this.maxHeld) return
    // A peer that sends and never reads: only what is wrong, or was refused, gets this far, because no request is started meanwhile.
    const limit = 'maxConcurrentHandlers + maxQueuedRequests'
    const what = { limit, allowed: this.maxHeld, actual: this.held.length, unit: 'unread answers' }
    this.below.abort(new LimitError('ERR_JSONRPC_ANSWERS_UNREAD', what))
  }
}

/** The write half ended, or broke, since the request came: nobody waits for the answer any more. */
function isOver(error: unknown): boolean {
  return ['ERR_CLOSED', 'ERR_HALF_CLOSED', 'ERR_WRITE_BROKEN', 'ERR_DETACHED'].some((code) => isAsyncError(error, code))
}
