import { UsageError } from '../errors.ts'
import * as limits from '../limits.ts'
import type { MemoryBudget } from '../memory-budget.ts'
import { type Clock, systemClock } from './clock.ts'

/** What every transport lets its user choose. */
export interface TransportOptions {
  /**
   * Queued bytes above which a registered producer is paused. Default: 65,536, rising to at most 262,144 while each full batch is taken at once; what is given here
   * stays as it is. (F6)
   */
  readonly highWaterMarkBytes?: number
  /** Queued bytes at or below which it is resumed. Default 16,384. */
  readonly lowWaterMarkBytes?: number
  /** Queued bytes that `write` refuses to exceed, with `ERR_WRITE_QUEUE_FULL`. Default 16 MiB. */
  readonly maxQueuedBytes?: number
  /** Milliseconds that `close()` may take to send what is queued, unless the call says otherwise. Default 30,000. */
  readonly closeTimeoutMs?: number
  /** Milliseconds in which a closing transport reads and discards after its own end. Default 5,000. */
  readonly lingerMs?: number
  /** Milliseconds for which reading goes on after the write half broke; stands while paused. Default 5,000. */
  readonly brokenReadMs?: number
  /** Memory shared with other transports: over it, readers pause, then the largest queue is aborted. Default: none. */
  readonly memoryBudget?: MemoryBudget
  /** Where deadlines come from. Default: the runtime's clock. */
  readonly clock?: Clock
  /** Told once of what a protocol's or producer's method threw. Default: `console.error`. */
  readonly onError?: (error: unknown) => void
}

/** `TransportOptions` with every default filled in: made once per connector or listener, shared by its transports. */
export interface TransportPolicy {
  readonly highWaterMarkBytes: number
  /** How far that may rise. */
  readonly maxHighWaterMarkBytes: number
  readonly lowWaterMarkBytes: number
  readonly maxQueuedBytes: number
  readonly closeTimeoutMs: number
  readonly lingerMs: number
  readonly brokenReadMs: number
  readonly memoryBudget: MemoryBudget | undefined
  readonly clock: Clock
  readonly onError: (error: unknown) => void
}

/** Fills in the defaults. @throws UsageError `ERR_INVALID_ARGUMENT` for a number that is none, is negative, or for low above high above max. */
export function transportPolicy(options: TransportOptions = {}): TransportPolicy {
  const policy: TransportPolicy = {
    highWaterMarkBytes: options.highWaterMarkBytes ?? limits.highWaterMarkBytes,
    maxHighWaterMarkBytes: options.highWaterMarkBytes ?? Math.min(limits.maxHighWaterMarkBytes, options.maxQueuedBytes ?? Infinity),
    lowWaterMarkBytes: options.lowWaterMarkBytes ?? Math.min(limits.lowWaterMarkBytes, options.highWaterMarkBytes ?? Infinity),
    maxQueuedBytes: options.maxQueuedBytes ?? limits.maxQueuedBytes,
    closeTimeoutMs: options.closeTimeoutMs ?? limits.closeTimeoutMs,
    lingerMs: options.lingerMs ?? limits.lingerMs,
    brokenReadMs: options.brokenReadMs ?? limits.brokenReadMs,
    memoryBudget: options.memoryBudget,
    clock: options.clock ?? systemClock,
    onError: options.onError ?? reportToConsole,
  }
  checkNumbers(policy, ['highWaterMarkBytes', 'lowWaterMarkBytes', 'maxQueuedBytes', 'closeTimeoutMs', 'lingerMs', 'brokenReadMs'])
  if (policy.lowWaterMarkBytes > policy.highWaterMarkBytes || policy.highWaterMarkBytes > policy.maxQueuedBytes) {
    throw new UsageError('ERR_INVALID_ARGUMENT', 'lowWaterMarkBytes ≤ highWaterMarkBytes ≤ maxQueuedBytes does not hold')
  }
  return policy
}

/** The default of every `onError`. */
export function reportToConsole(error: unknown): void {
  console.error(error)
}

/** @throws UsageError `ERR_INVALID_ARGUMENT` unless each of `names` is absent from `options`, or a number from 0. */
export function checkNumbers<T>(options: T, names: readonly (keyof T & string)[]): void {
  for (const name of names) {
    const value: unknown = options[name]
    if (value !== undefined && !(typeof value === 'number' && value >= 0)) {
      throw new UsageError('ERR_INVALID_ARGUMENT', `${name} is ${String(value)}; it takes a number from 0`)
    }
  }
}
