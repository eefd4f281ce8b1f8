import type { Writable } from 'node:stream'
import { stdioDrained } from './stdio.ts'

/** Options of `exitAfterFlush`. */
export interface ExitOptions {
  /** Milliseconds that a reader of our output may take; then the rest is lost. Default 30,000. */
  readonly timeoutMs?: number
}

/**
 * Ends this process once what it has written to stdout and stderr has left it, by whatever way it was written. `process.exit` alone cuts off what a
 * pipe did not take: the rest behind 64 KiB.
 */
export async function exitAfterFlush(code = 0, { timeoutMs = 30_000 }: ExitOptions = {}): Promise<never> {
  process.exitCode = code
  const late = new Promise<void>((resolve) => setTimeout(resolve, Math.min(timeoutMs, 2 ** 31 - 1)))
  const left = stdioDrained().then(() => Promise.all([flushed(process.stdout), flushed(process.stderr)]))
  await Promise.race([left, late])
  process.exit(code)
}

/** Resolves behind all that was written before; also if nobody takes it any more. */
function flushed(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.writableLength === 0 || stream.destroyed) return resolve()
    stream.once('error', () => resolve())
    stream.write('', () => resolve())
  })
}
