import { CommandError, exitCodes } from './exit.ts'

/** A time limit on some work. */
export interface Deadline {
  readonly signal: AbortSignal
  readonly clear: () => void
}

/** A signal that is aborted after `timeoutMs` (0: never), or with `outer`. `clear` ends the waiting. */
export function deadline(timeoutMs: number, what: string, outer: AbortSignal): Deadline {
  if (timeoutMs === 0) return { signal: outer, clear: () => {} }
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(new CommandError(exitCodes.timeout, `${what} within ${timeoutMs} ms`)), timeoutMs)
  return { signal: AbortSignal.any([outer, late.signal]), clear: () => clearTimeout(timer) }
}
