import { isAsyncError, LimitError } from '@async/core'
import type { Consumer, Messages, Producer, Transport } from '@async/core'
import { utf8Length } from '@async/core/base'
import { errorCodes, internalErrorMessage } from './errors.ts'
import type { Id } from './messages.ts'
import type { Watch } from './observe.ts'
import type { Setup } from './setup.ts'

/** What an outbox asks of its peer. */
export interface OutboxOwner {
  readonly setup: Pick<Setup, 'codec' | 'limits'>
  readonly below: Transport<Messages>
  /** The transport takes data again, and has all that was held: requests that owe answers may be started. */
  writable(): void
  /** An answer could not be sent, for a reason that is ours. */
  answerFailed(error: unknown): void
  /** The transport will never take a message of ours that waited: these calls are in it, if any. */
  sendFailed(calls: readonly number[], error: unknown): void
  /** Told of messages that were handed to the transport. */
  readonly watch: Watch
}

interface Held {
  readonly kind: 'answer' | 'call' | 'notification'
  readonly id: Id
  /** The calls that are in it. */
  readonly calls: readonly number[]
  /** Empty: given up before it was sent. */
  text: string
}

const none: readonly number[] = []

interface Waiter {
  resolve(): void
  reject(error: unknown): void
}

/**
 * Messages on their way out, and the transport's word on how fast. While the transport is above its high-water mark no request is
 * started that owes an answer, and calls and notifications of ours are held here. Answers of handlers that are in flight are written on,
 * up to the transport's hard cap, unless something is held: nothing overtakes. What is held has at most `maxUnsentBytes`. A call that has
 * no room is refused; an answer cannot be, so that a peer which sends and never reads is aborted.
 */
export class Outbox implements Producer {
  /** Whether the transport has told us to wait. */
  blocked = false
  /** The transport takes nothing any more. */
  isStopped = false
  private readonly owner: OutboxOwner
  /** What waits, if anything does: an idle connection is to weigh little. */
  private held: Held[] | undefined
  private unsentBytes = 0
  /** In `held`, and given up. */
  private recalled = 0
  /** `held` is gone through, and this many of it are dealt with, the one that is being sent included: none may leave it. */
  private sending: number | undefined
  private heldCalls: Map<number, Held> | undefined
  private waiters: Waiter[] | undefined

  constructor(owner: OutboxOwner) {
    this.owner = owner
  }

  /** Sends the answer to `id` (null for a batch or an unreadable request). Never throws. */
  answer(text: string, id: Id): void {
    if (this.held !== undefined || !this.sendAnswer(text, id)) this.holdAnswer(text, id)
  }

  /**
   * Sends a call (with its id), a batch (with those of its calls), or a notification.
   * @throws what the transport's `write` throws; LimitError `ERR_WRITE_QUEUE_FULL` above `maxUnsentBytes`.
   */
  send(text: string, id?: number, calls?: readonly number[]): void {
    if (!this.blocked && this.held === undefined) return this.write(text)
    const bytes = utf8Length(text)
    const actual = this.unsentBytes + bytes
    const allowed = this.owner.setup.limits.maxUnsentBytes
    if (actual > allowed) throw new LimitError('ERR_WRITE_QUEUE_FULL', { limit: 'maxUnsentBytes', allowed, actual, unit: 'bytes' })
    const entry: Held = { kind: id === undefined ? 'notification' : 'call', id: id ?? null, calls: calls ?? (id === undefined ? none : [id]), text }
    ;(this.held ??= []).push(entry)
    this.unsentBytes = actual
    if (id !== undefined) (this.heldCalls ??= new Map()).set(id, entry)
  }

  /** A call is given up. True: it had not been sent, and never will be. */
  recall(id: number): boolean {
    const { held, heldCalls } = this
    const entry = heldCalls?.get(id)
    if (heldCalls === undefined || held === undefined || entry === undefined) return false
    heldCalls.delete(id)
    this.unsentBytes -= utf8Length(entry.text)
    entry.text = ''
    this.recalled++
    // Else calls that are given up, one after another, would stay for as long as the other side does not read.
    if (this.sending === undefined && this.recalled * 2 > held.length) {
      this.keep(held.filter(({ text }) => text !== ''))
      this.recalled = 0
    }
    return true
  }

  /** Whether nothing is held here. */
  get isEmpty(): boolean {
    return this.held === undefined
  }

  /** Resolves when nothing is held. @throws (rejects) with what `drop` makes; `signal.reason`. */
  emptied(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) return reject(signal.reason)
      const onAbort = (): void => {
        this.waiters = this.waiters?.filter((each) => each !== waiter)
        reject(signal!.reason)
      }
      const settled = (): void => signal?.removeEventListener('abort', onAbort)
      const waiter: Waiter = { resolve: () => (settled(), resolve()), reject: (error) => (settled(), reject(error)) }
      signal?.addEventListener('abort', onAbort, { once: true })
      ;(this.waiters ??= []).push(waiter)
    })
  }

  /** Before an orderly end: hands the transport what is held, as far as it takes it. Calls are over; nobody waits for their answers. */
  flush(): void {
    // From a hook that is told of a message that went, what went is not sent again.
    for (const { kind, text } of this.held?.slice(this.sending ?? 0) ?? []) {
      if (kind === 'call' || text === '') continue
      try {
        this.write(text)
      } catch {
        // What has no room now has none later: the end follows.
        return
      }
    }
  }

  /** The connection is over. An error costs more than all else at a clean end, so it is made for who waits. */
  drop(makeError: () => unknown): void {
    this.keep([])
    this.recalled = 0
    this.unsentBytes = 0
    for (const waiter of this.takeWaiters()) waiter.reject(makeError())
  }

  halfRegister(_consumer: Consumer): void {}

  pause(): void {
    this.blocked = true
  }

  resume(): void {
    this.blocked = false
    let sent = 0
    // Asked for anew: what is told of a message that went may end the connection.
    while (!this.blocked && this.held !== undefined && sent < this.held.length) {
      this.sending = sent + 1
      if (!this.sendHeld(this.held[sent]!)) break
      sent++
    }
    this.sending = undefined
    if (this.held !== undefined && sent > 0) this.keep(this.held.slice(sent))
    if (this.held === undefined) for (const waiter of this.takeWaiters()) waiter.resolve()
    this.owner.writable()
  }

  stop(): void {
    this.blocked = false
    this.isStopped = true
    // What is held goes nowhere as well, and nobody is to wait for it.
    if (this.sending === undefined) this.resume()
  }

  private keep(held: Held[]): void {
    if (held.length > 0) this.held = held
    else this.held = this.heldCalls = undefined
  }

  private takeWaiters(): readonly Waiter[] {
    const waiters = this.waiters ?? []
    this.waiters = undefined
    return waiters
  }

  /** Returns false if it must be kept. */
  private sendHeld(entry: Held): boolean {
    const { kind, text, id, calls } = entry
    if (kind === 'answer') {
      if (!this.sendAnswer(text, id)) return false
      this.unsentBytes -= utf8Length(text)
      return true
    }
    if (text === '') {
      this.recalled--
      return true
    }
    // First: who is told that it went may give the call up, and cannot take it back.
    if (kind === 'call') this.heldCalls?.delete(id as number)
    try {
      this.write(text)
    } catch (error) {
      if (this.blocked && isAsyncError(error, 'ERR_WRITE_QUEUE_FULL')) {
        if (kind === 'call') this.heldCalls?.set(id as number, entry)
        return false
      }
      if (!isOver(error)) this.owner.sendFailed(calls, error)
    }
    this.unsentBytes -= utf8Length(text)
    return true
  }

  private write(text: string): void {
    this.owner.below.write(text)
    if (this.owner.watch.active) this.owner.watch.message('sent', text)
  }

  /** Returns false if the text must be kept. */
  private sendAnswer(text: string, id: Id): boolean {
    try {
      this.write(text)
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
      this.write(this.owner.setup.codec.errorText(id, errorCodes.internalError, internalErrorMessage))
    } catch (again) {
      if (!isOver(again)) this.owner.below.abort(again)
    }
  }

  private holdAnswer(text: string, id: Id): void {
    ;(this.held ??= []).push({ kind: 'answer', id, calls: none, text })
    this.unsentBytes += utf8Length(text)
    const allowed = this.owner.setup.limits.maxUnsentBytes
    if (this.unsentBytes <= allowed) return
    const what = { limit: 'maxUnsentBytes', allowed, actual: this.unsentBytes, unit: 'bytes' }
    this.owner.below.abort(new LimitError('ERR_JSONRPC_ANSWERS_UNREAD', what))
  }
}

/** The write half ended, or broke, since the request came: nobody waits for the answer any more. */
function isOver(error: unknown): boolean {
  return ['ERR_CLOSED', 'ERR_HALF_CLOSED', 'ERR_WRITE_BROKEN', 'ERR_DETACHED'].some((code) => isAsyncError(error, code))
}
