import { ConnectionError, LimitError, ProtocolError, UsageError } from '@async/core'
import type { Id, Response } from './messages.ts'
import type { Watch } from './observe.ts'
import type { Setup } from './setup.ts'
import { Signals } from './signals.ts'

/** Options of one call, or of a batch of them. */
export interface CallOptions {
  /**
   * Gives the call up: it is rejected with `signal.reason` at once, an answer that comes later is ignored, and the other side is told if
   * there are `conventions` for that.
   */
  readonly signal?: AbortSignal
  /**
   * Milliseconds to wait for the answer; then the call is rejected with `ERR_TIMEOUT`, and the other side is told as above. Default:
   * `callTimeoutMs`. Infinity: no end.
   */
  readonly timeoutMs?: number
  /**
   * Told of the progress that the other side reports of this call, until it has settled; needs `conventions.progress`. What it throws is
   * reported to the service's `onError`. Not for batches.
   */
  readonly onProgress?: (value: unknown) => void
}

/** Told when one of its calls has settled, however. */
export interface CallOwner {
  callSettled(call: PendingCall): void
}

/** Told of all calls. */
export interface CallsOwner {
  readonly setup: Pick<Setup, 'clock' | 'limits' | 'options'>
  /** A call was given up, by its signal or its time. Returns whether its answer is still owed. */
  gaveUp(id: number, reason: unknown): boolean
  /** Told of calls that have settled. */
  readonly watch: Watch
}

/** A call that waits for its answer. */
export interface PendingCall {
  readonly id: number
  readonly promise: Promise<unknown>
  readonly owner: CallOwner | undefined
}

interface Entry extends PendingCall {
  promise: Promise<unknown>
  resolve: (result: unknown) => void
  reject: (error: unknown) => void
  timer: unknown
  signal: AbortSignal | undefined
  onProgress: ((value: unknown) => void) | undefined
  method: string
  startedMs: number
}

/** What timers can count to, 24.8 days. Beyond it Node fires at once; we do not wait that long for the end of a wait. */
const maxTimerMs = 2 ** 31 - 1

/** @throws UsageError `ERR_INVALID_ARGUMENT` unless it is absent, or a number from 0. */
export function checkTimeout(name: string, timeoutMs: number | undefined): void {
  if (timeoutMs !== undefined && !(timeoutMs >= 0)) {
    throw new UsageError('ERR_INVALID_ARGUMENT', `${name} is ${String(timeoutMs)}; it takes a number from 0`)
  }
}

/**
 * The calls that wait for an answer. Whatever settles one takes it out of the map first, with its timer and its place at a signal: so each
 * settles once, and nothing stays.
 */
export class Calls {
  /**
   * Answers that the other side still owes: those of the calls here, and those of calls that were given up. While there are any,
   * reading must go on.
   */
  owed = 0
  private readonly entries = new Map<number, Entry>()
  private signals: Signals | undefined
  private readonly calls: CallsOwner
  private lastId = 0

  constructor(calls: CallsOwner) {
    this.calls = calls
  }

  get size(): number {
    return this.entries.size
  }

  /**
   * Asked before `count` calls are sent.
   * @throws `signal.reason` if that has aborted; UsageError `ERR_INVALID_ARGUMENT` for a time-out that is none; LimitError
   * `ERR_JSONRPC_TOO_MANY_CALLS` unless so many more may wait.
   */
  admit(count: number, options: CallOptions | undefined): void {
    options?.signal?.throwIfAborted()
    checkTimeout('timeoutMs', options?.timeoutMs)
    const actual = this.entries.size + count
    const allowed = this.calls.setup.limits.maxPendingCalls
    if (actual > allowed) throw new LimitError('ERR_JSONRPC_TOO_MANY_CALLS', { limit: 'maxPendingCalls', allowed, actual, unit: 'calls' })
  }

  /** An id that was never used. Ids are integers from 1. */
  takeId(): number {
    return ++this.lastId
  }

  /** Begins to wait for the answer of a call that was (or will be) sent with this id. */
  open(id: number, method: string, options: CallOptions | undefined, owner?: CallOwner): PendingCall {
    const { clock } = this.calls.setup
    const startedMs = this.calls.watch.active ? clock.nowMs() : 0
    const entry = { id, owner, timer: undefined, signal: options?.signal, onProgress: options?.onProgress, method, startedMs } as unknown as Entry
    entry.promise = new Promise((resolve, reject) => {
      entry.resolve = resolve
      entry.reject = reject
    })
    this.entries.set(id, entry)
    this.owed++
    const timeoutMs = options?.timeoutMs ?? this.calls.setup.options.callTimeoutMs
    if (timeoutMs !== undefined && timeoutMs <= maxTimerMs) {
      entry.timer = clock.setTimer(() => {
        entry.timer = undefined
        this.giveUp(id, new ConnectionError('ERR_TIMEOUT', `${method}: no answer within ${timeoutMs} ms`))
      }, timeoutMs)
    }
    if (entry.signal !== undefined) (this.signals ??= new Signals((each, reason) => this.giveUp(each, reason))).add(entry.signal, id)
    return entry
  }

  /**
   * Settles the call that `response` answers. `late`: it was given up, or answered before. `unknown`: no call ever had this id; ids
   * are compared with their type, so "1" is unknown.
   */
  answer(response: Response): 'settled' | 'late' | 'unknown' {
    const { id } = response
    if (!this.wasOurs(id)) return 'unknown'
    const entry = this.take(id)
    // A duplicate must not count for another call's answer.
    this.owed = Math.max(this.owed - 1, this.entries.size)
    if (entry === undefined) return 'late'
    let error: Error | undefined
    if (response.kind === 'result') entry.resolve(response.result)
    else entry.reject((error = response.kind === 'error' ? response.error : new ProtocolError('ERR_JSONRPC_INVALID_RESPONSE', response.problem)))
    this.settled(entry, error)
    return 'settled'
  }

  /** Who is told of the progress of the call with this token, if anybody. Tokens are ids. */
  progressOf(token: string | number): ((value: unknown) => void) | undefined {
    return typeof token === 'number' ? this.entries.get(token)?.onProgress : undefined
  }

  /** Who waits for this id, if anybody: the owner, or undefined. */
  has(id: Id, owner: CallOwner): boolean {
    return typeof id === 'number' && this.entries.get(id)?.owner === owner
  }

  /** Rejects one call, if it still waits. */
  fail(id: number, error: unknown): void {
    const entry = this.take(id)
    if (entry === undefined) return
    entry.reject(error)
    this.settled(entry, error)
  }

  /** Rejects a call that is owed no answer, because it was never sent, or because none comes to one that was given up. */
  unsent(id: number, error: unknown): void {
    if (!this.entries.has(id)) return
    this.owed--
    this.fail(id, error)
  }

  /** Rejects every call, each with an error of its own. */
  failAll(makeError: () => unknown): void {
    for (const id of [...this.entries.keys()]) this.fail(id, makeError())
  }

  private giveUp(id: number, reason: unknown): void {
    if (!this.entries.has(id)) return
    // Told first: a call that was not sent is taken back.
    if (this.calls.gaveUp(id, reason)) this.fail(id, reason)
    else this.unsent(id, reason)
  }

  private settled(entry: Entry, error: unknown): void {
    entry.owner?.callSettled(entry)
    if (this.calls.watch.active) this.calls.watch.ended(entry.id, entry.method, entry.startedMs, error)
  }

  private wasOurs(id: Id): id is number {
    return typeof id === 'number' && Number.isInteger(id) && id >= 1 && id <= this.lastId
  }

  private take(id: number): Entry | undefined {
    const entry = this.entries.get(id)
    if (entry === undefined) return undefined
    this.entries.delete(id)
    if (entry.timer !== undefined) this.calls.setup.clock.clearTimer(entry.timer)
    if (entry.signal !== undefined) this.signals!.remove(entry.signal, id)
    return entry
  }
}
