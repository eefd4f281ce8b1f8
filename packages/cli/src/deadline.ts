import { CommandError, exitCodes } from './exit.ts'

/** A time limit on some work. */
export interface Deadline {
  readonly signal: AbortSignal
  readonly clear: () => void
}

/** `promise`, or the rejection with the reason of `signal`, whichever comes first: for what can't be told to stop. */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
  return Promise.race([promise, aborted])
}

/** A signal that is aborted after `timeoutMs` (0: never), or with `outer`. `clear` ends the waiting. */
export function deadline(timeoutMs: number, what: string, outer: AbortSignal): Deadline {
  if (timeoutMs === 0) return { signal: outer, clear: () => {} }
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(new CommandError(exitCodes.timeout, `${what} within ${timeoutMs} ms`)), timeoutMs)
  return { signal: AbortSignal.any([outer, late.signal]), clear: () => clearTimeout(timer) }
}
