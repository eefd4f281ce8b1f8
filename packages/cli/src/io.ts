import type { Readable, Writable } from 'node:stream'
import { oneLine } from './exit.ts'

/** What a command has of the outside: the process's own, or a test's. */
export interface Io {
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  /** The folder that files and packages are looked for in. */
  readonly folder: string
  /** Aborted by Ctrl-C, SIGTERM, or when the output's reader leaves; the reason is a CommandError with the exit code. */
  readonly signal: AbortSignal
}

/** Tells something on standard error, with what a terminal would obey escaped: a peer's words may stand in it. */
export function tell(io: Io, text: string): void {
  io.stderr.write(`async: ${text.split('\n').map(oneLine).join('\n')}\n`)
}

/** Resolves when all that was written to `stream` is out, or it is broken. */
export function flushed(stream: Writable): Promise<void> {
  return new Promise((resolve) => {
    if (stream.destroyed || stream.writableLength === 0) return resolve()
    stream.write('', () => resolve())
  })
}
