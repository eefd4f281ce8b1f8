import { type CloseReason, ConnectionError } from '@async/core'

/** How a process ended: by itself, with a code, or by a signal. */
export interface ExitStatus {
  /** What it gave to `exit`; `null` if a signal ended it. */
  readonly code: number | null
  /** The signal that ended it, or `null`. */
  readonly signal: NodeJS.Signals | null
}

/** Why a connection to a process ended, and how the process did. */
export type ProcessCloseReason = CloseReason & {
  /** How the process ended. Missing if it did not, not even by SIGKILL, in two seconds. */
  readonly exit?: ExitStatus
}

/** How the process ended on which a stack stands, from the reason of any of its layers. `undefined` if there was none. */
export function exitStatus(reason: CloseReason): ExitStatus | undefined {
  for (let at: ProcessCloseReason | undefined = reason; at !== undefined; at = at.below) if (at.exit !== undefined) return at.exit
  return undefined
}

/** `exited with status 1`, `was ended by SIGTERM`. */
export function exitError(name: string, { code, signal }: ExitStatus, cause?: unknown): ConnectionError {
  return signal === null
    ? new ConnectionError('ERR_EXIT_STATUS', `${name} exited with status ${code}`, { cause })
    : new ConnectionError('ERR_EXIT_SIGNAL', `${name} was ended by ${signal}`, { cause })
}
