import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { basename } from 'node:path'
import type { Readable } from 'node:stream'
import { ConnectionError, type Connector, UsageError } from '@async/core'
import { checkNumbers, type TransportOptions, type TransportPolicy, transportPolicy } from '@async/core/base'
import { socketError } from '@async/core/node'
import { type ChannelFds, channelStdio, openChannels } from './channels.ts'
import { type ProcessConnection, ProcessTransport } from './process-transport.ts'
import { endWithUs } from './reaper.ts'
import { handBytes, logLines, type StderrPolicy } from './stderr.ts'

/**
 * Options of `connectExec` and `execConnector`. Of those of every transport, `lingerMs` is the time that the process has to end by itself once its
 * input has ended.
 */
export interface ExecOptions extends TransportOptions {
  /** The program: a path, or a name that is looked for in PATH. It is started without a shell. */
  readonly command: string
  /** Its arguments, as it gets them. */
  readonly args?: readonly string[]
  /** The folder that it is started in. Default: ours. */
  readonly cwd?: string
  /** Variables of its environment, beside ours; `undefined` takes one away. */
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Whether it gets our variables. Default true. */
  readonly inheritEnv?: boolean
  /** What becomes of what it says on stderr. Has to be chosen. */
  readonly stderr: StderrPolicy
  /** With `stderr: 'log'`: told each line. Default: `console.error`, with the program’s name and id before it. */
  readonly log?: (line: string) => void
  /** Further connections to it, by names of yours. */
  readonly channels?: Readonly<Record<string, ChannelFds>>
  /** Milliseconds from SIGTERM to SIGKILL, for a process that does not end with its input. Default 5,000. */
  readonly termTimeoutMs?: number
  /** Milliseconds, of time in which we read, for the output to end after the process has exited. Default 5,000. */
  readonly drainTimeoutMs?: number
  /** What it is sent when this process ends before it. Default SIGKILL, for nobody is left to look whether another was heeded. */
  readonly exitSignal?: NodeJS.Signals
  /** Whether the process, and the connection to it, keep this process alive. Default true. */
  readonly ref?: boolean
}

/**
 * Starts a process and connects to its stdin and stdout.
 * @throws (rejects) `signal.reason`, and the process is killed; ConnectionError `ERR_NOT_FOUND` (no such program, or folder), `ERR_ACCESS`, …;
 * UsageError `ERR_INVALID_ARGUMENT`.
 */
export async function connectExec(options: ExecOptions & { readonly signal?: AbortSignal }): Promise<ProcessConnection> {
  return execConnector(options).connect(options.signal === undefined ? {} : { signal: options.signal })
}

/** A connector that starts a process at each call. @throws UsageError `ERR_INVALID_ARGUMENT`. */
export function execConnector(options: ExecOptions): Connector<ProcessConnection> {
  check(options)
  const policy = transportPolicy(options)
  const stdio = channelStdio(options.channels ?? {})
  return {
    connect: (how) =>
      new Promise((resolve, reject) => {
        const signal = how?.signal
        if (signal?.aborted === true) return reject(signal.reason)
        let child: ChildProcess
        try {
          child = spawn(options.command, options.args ?? [], {
            stdio: ['pipe', 'pipe', options.stderr === 'ignore' ? 'ignore' : 'pipe', ...stdio],
            cwd: options.cwd,
            env: { ...(options.inheritEnv === false ? {} : process.env), ...options.env },
            shell: false,
            windowsHide: true,
          })
        } catch (error) {
          return reject(startError(error, options))
        }
        const aborted = (): void => {
          child.kill('SIGKILL')
          letGo(child)
          reject(signal!.reason)
        }
        signal?.addEventListener('abort', aborted)
        // Also for what comes after the abort.
        child.on('error', (error) => {
          signal?.removeEventListener('abort', aborted)
          reject(startError(error, options))
        })
        child.once('spawn', () => {
          signal?.removeEventListener('abort', aborted)
          if (signal?.aborted !== true) resolve(connection(child, options, policy))
        })
      }),
  }
}

function connection(child: ChildProcess, options: ExecOptions, policy: TransportPolicy): ProcessConnection {
  const name = basename(options.command)
  const { stdin, stdout, stderr } = child as ChildProcess & { stdin: NonNullable<ChildProcess['stdin']>; stdout: Readable }
  endWithUs(child, options.exitSignal ?? 'SIGKILL')
  const complaints = options.stderr === 'merge' || stderr === null ? undefined : { stream: stderr, done: readComplaints(stderr, name, child.pid!, options, policy) }
  const inputs = options.stderr === 'merge' ? [stdout, stderr!] : [stdout]
  if (options.ref === false) {
    child.unref()
    for (const stream of child.stdio) (stream as { unref?: () => void } | null)?.unref?.()
  }
  const channels = openChannels(child, name, options.channels ?? {}, policy)
  return new ProcessTransport(policy, child, name, { inputs, output: stdin, complaints }, channels, {
    termTimeoutMs: options.termTimeoutMs ?? 5_000,
    drainTimeoutMs: options.drainTimeoutMs ?? 5_000,
  })
}

function readComplaints(stderr: Readable, name: string, pid: number, options: ExecOptions, policy: TransportPolicy): Promise<void> {
  stderr.on('error', policy.onError)
  if (typeof options.stderr === 'function') return handBytes(stderr, options.stderr, policy.onError)
  return logLines(stderr, options.log ?? ((line) => console.error(`${name}[${pid}]: ${line}`)), policy.onError)
}

function letGo(child: ChildProcess): void {
  for (const stream of child.stdio) {
    stream?.on('error', () => {})
    stream?.destroy()
  }
}

function startError(error: unknown, { command, cwd }: ExecOptions): Error {
  const { code } = error as NodeJS.ErrnoException
  if (typeof code === 'string' && code.startsWith('ERR_')) return new UsageError('ERR_INVALID_ARGUMENT', (error as Error).message, { cause: error })
  if (code !== 'ENOENT') return socketError(error, 'connect', command)
  const what = cwd !== undefined && !existsSync(cwd) ? `${cwd}: there is no such folder` : `${command}: there is no such program`
  return new ConnectionError('ERR_NOT_FOUND', what, { phase: 'connect', cause: error })
}

function check(options: ExecOptions): void {
  const { command, args = [], stderr } = options
  checkNumbers(options, ['termTimeoutMs', 'drainTimeoutMs'])
  if (typeof command !== 'string' || command === '') throw new UsageError('ERR_INVALID_ARGUMENT', 'command is the name of a program')
  if (!Array.isArray(args) || !args.every((word) => typeof word === 'string')) throw new UsageError('ERR_INVALID_ARGUMENT', 'args is a list of texts')
  if (stderr !== 'log' && stderr !== 'ignore' && stderr !== 'merge' && typeof stderr !== 'function') {
    throw new UsageError('ERR_INVALID_ARGUMENT', "stderr has to be chosen: 'log', 'ignore', 'merge' or a function")
  }
}
