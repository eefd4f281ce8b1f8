import type { CloseReason, Data } from '@async/core'
import { systemClock } from '@async/core/base'
import type { Clock } from '@async/core/base'
import type { Id } from './messages.ts'

/**
 * What an observer sees. Times are milliseconds of the peer's clock. `call` is the same object from the start of a call to its end: a key
 * for a span.
 */
export type Observation =
  | {
      /** A message came, before it is parsed, or goes out. `data` belong to the transport: look, and do not change them. */
      readonly kind: 'received' | 'sent'
      readonly data: Data
    }
  | {
      /** A call or notification began: of ours (`side: 'client'`), when it is sent or queued; of the other side (`'server'`), when its handler is called. */
      readonly kind: 'started'
      readonly side: 'client' | 'server'
      readonly call: ObservedCall
      readonly nowMs: number
    }
  | {
      /** The call has settled, or its handler has. Notifications of ours end when they began, which is not told. */
      readonly kind: 'ended'
      readonly side: 'client' | 'server'
      readonly call: ObservedCall
      readonly nowMs: number
      readonly durationMs: number
      /** Undefined: a result. Else what the call was rejected with, or what the handler threw. */
      readonly error: unknown
    }
  | {
      /** The connection is over. */
      readonly kind: 'lost'
      readonly reason: CloseReason
    }

/** A call, as an observer sees it. */
export interface ObservedCall {
  /** The method's name. */
  readonly method: string
  /** Its id; undefined: a notification. */
  readonly id: Id | undefined
}

/** Told of each message and call. It runs in the midst of things: let it be quick, and let it not throw; what it throws goes to the console. */
export type Observer = (observation: Observation) => void

/** Tells `observer`. */
export function observe(observer: Observer, observation: Observation): void {
  try {
    observer(observation)
  } catch (thrown) {
    console.error(thrown)
  }
}

/** What an observer is told by who calls. Ask `active` first: without an observer nothing of this is to cost anything. */
export class Watch {
  readonly active: boolean
  private readonly observer: Observer
  private readonly clock: Clock
  /** Calls that the observer was told of, and that have not settled. */
  private readonly calls = new Map<number, ObservedCall>()

  constructor(observer: Observer | undefined, clock: Clock) {
    this.active = observer !== undefined
    this.observer = observer ?? (() => {})
    this.clock = clock
  }

  message(kind: 'sent' | 'received', data: Data): void {
    observe(this.observer, { kind, data })
  }

  started(method: string, id: number | undefined): void {
    const call = { method, id }
    if (id !== undefined) this.calls.set(id, call)
    observe(this.observer, { kind: 'started', side: 'client', call, nowMs: this.clock.nowMs() })
  }

  ended(id: number, method: string, startedMs: number, error: unknown): void {
    const nowMs = this.clock.nowMs()
    const call = this.calls.get(id) ?? { method, id }
    this.calls.delete(id)
    observe(this.observer, { kind: 'ended', side: 'client', call, nowMs, durationMs: nowMs - startedMs, error })
  }

  lost(reason: CloseReason): void {
    observe(this.observer, { kind: 'lost', reason })
  }
}

/** Nobody is told: one for all connections without an observer. */
const unwatched = new Watch(undefined, systemClock)

/** The watch of one connection. */
export function watchFor(observer: Observer | undefined, clock: Clock): Watch {
  return observer === undefined ? unwatched : new Watch(observer, clock)
}
