import { isAsyncError } from '@async/core'

/** What the process ends with. Stable: scripts test for it. The table is in README.md and in `async --help`. */
export const exitCodes = {
  ok: 0,
  /** `call`: the peer answered, with an error. */
  answeredError: 1,
  /** Arguments, a stack string, its parameters, PARAMS. */
  usage: 2,
  /** Could not connect or listen, or the connection was lost. */
  connection: 3,
  /** A package is not installed, or does not exist yet. */
  missingPackage: 4,
  /** `--timeout` passed. */
  timeout: 5,
  /** `serve`: the module can't be loaded, or exports no function. */
  module: 6,
  /** A fault of the command itself. */
  internal: 70,
  /** 128 + SIGINT. */
  interrupted: 130,
  /** 128 + SIGPIPE: whoever read the output has left. */
  brokenPipe: 141,
  /** 128 + SIGTERM. */
  terminated: 143,
} as const

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes]

/** An error that is told in one line, and the code that the process then ends with. */
export class CommandError extends Error {
  readonly exitCode: ExitCode

  constructor(exitCode: ExitCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.exitCode = exitCode
  }
}

export function usage(message: string): CommandError {
  return new CommandError(exitCodes.usage, message)
}

/** The line and the exit code for anything that was thrown. */
export function explain(error: unknown): { readonly line: string; readonly exitCode: ExitCode } {
  if (error instanceof CommandError) return { line: oneLine(error.message), exitCode: error.exitCode }
  if (!(error instanceof Error)) return { line: oneLine(`unexpected: ${String(error)}`), exitCode: exitCodes.internal }
  if (isAsyncError(error)) return { line: oneLine(`${error.message} (${error.code})`), exitCode: codeOf(error.name, error.code) }
  return { line: oneLine(`unexpected: ${error.name}: ${error.message}`), exitCode: exitCodes.internal }
}

function codeOf(name: string, code: string): ExitCode {
  // A connection that ended in the same moment is no mistake of whoever typed the command.
  if (name === 'UsageError') return ['ERR_CLOSED', 'ERR_HALF_CLOSED', 'ERR_WRITE_BROKEN'].includes(code) ? exitCodes.connection : exitCodes.usage
  return /TIMEOUT|TIMED_OUT/.test(code) ? exitCodes.timeout : exitCodes.connection
}

/** What was thrown, in words. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

/** `text` in one line that no terminal takes for a command: what a peer sends may stand in it. */
export function oneLine(text: string): string {
  // oxlint-disable-next-line no-control-regex -- to escape them is the point
  return text.replace(/\s*\n\s*/g, '; ').replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g, escaped)
}

/** `value` as JSON that no terminal takes for a command: JSON itself leaves U+007F to U+009F as they are. */
export function printable(value: unknown, indent = 0): string {
  return (JSON.stringify(value, undefined, indent) ?? 'null').replace(/[\u007f-\u009f]/g, escaped)
}

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
}
