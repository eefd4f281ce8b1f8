import { CommandError, exitCodes } from './exit.ts'

/** A signal that is aborted after `timeoutMs` (0: never), or with `outer`. `clear` ends the waiting. */
export function deadline(timeoutMs: number, what: string, outer: AbortSignal): { readonly signal: AbortSignal; readonly clear: () => void } {
  if (timeoutMs === 0) return { signal: outer, clear: () => {} }
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(new CommandError(exitCodes.timeout, `${what} within ${timeoutMs} ms`)), timeoutMs)
  return { signal: AbortSignal.any([outer, late.signal]), clear: () => clearTimeout(timer) }
}
