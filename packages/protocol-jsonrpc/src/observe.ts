import type { Data } from '@async/core'
import type { CloseReason } from '@async/core'
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
