import { close, constants, fstat, open, stat } from 'node:fs'
import { promisify } from 'node:util'
import { ConnectionError, type Connector, limits, type StreamTransport, UsageError } from '@async/core'
import { checkNumbers, type TransportOptions, transportPolicy } from '@async/core/base'
import { socketError } from '@async/core/node'
import { inputOf, outputOf } from './fd-streams.ts'
import { PairTransport } from './pair-transport.ts'

/** Options of `connectFifo` and `fifoConnector`. */
export interface FifoOptions extends TransportOptions {
  /** The FIFO to read from. `mkfifo` makes them; Node can't. */
  readonly path: string
  /** The FIFO to write to. */
  readonly writePath: string
  /** Milliseconds in which somebody must have opened `writePath` for reading; then `ERR_CONNECT_TIMEOUT`. Default 30,000. */
  readonly connectTimeoutMs?: number
}

/** Milliseconds until the FIFO is tried again, at first; twice as many each time, up to the second. */
const firstDelayMs = 1
const maxDelayMs = 100

const openFile = promisify(open)
const closeFile = promisify(close)
const statFile = promisify(fstat)
const statPath = promisify(stat)

/**
 * Connects a pair of FIFOs: done when somebody reads from `writePath`. Who opens ours for writing later is awaited while reading.
 * @throws (rejects) `signal.reason`; ConnectionError `ERR_NOT_FOUND`, `ERR_ACCESS`, `ERR_NOT_FIFO`, `ERR_CONNECT_TIMEOUT`; UsageError
 * `ERR_INVALID_ARGUMENT`, `ERR_UNSUPPORTED` (Windows).
 */
export async function connectFifo(options: FifoOptions & { readonly signal?: AbortSignal }): Promise<StreamTransport> {
  return fifoConnector(options).connect(options.signal === undefined ? {} : { signal: options.signal })
}

/** A connector of transports over one pair of FIFOs. @throws UsageError `ERR_INVALID_ARGUMENT`, `ERR_UNSUPPORTED`. */
export function fifoConnector(options: FifoOptions): Connector<StreamTransport> {
  const { path, writePath } = options
  for (const each of [path, writePath]) {
    if (typeof each !== 'string' || each === '' || each.includes('\0')) {
      throw new UsageError('ERR_INVALID_ARGUMENT', 'path and writePath are texts of at least one character, without NUL')
    }
  }
  if (path === writePath) throw new UsageError('ERR_INVALID_ARGUMENT', `${path}: one FIFO goes one way; a connection takes two`)
  if (process.platform === 'win32') throw new UsageError('ERR_UNSUPPORTED', 'Windows has no FIFOs; its named pipes go both ways')
  checkNumbers(options, ['connectTimeoutMs'])
  const policy = transportPolicy(options)
  return {
    async connect(how) {
      const deadline = new AbortController()
      const ms = options.connectTimeoutMs ?? limits.connectTimeoutMs
      const timer = policy.clock.setTimer(() => {
        deadline.abort(new ConnectionError('ERR_CONNECT_TIMEOUT', `${writePath}: nobody read from it for ${ms} ms`, { phase: 'connect' }))
      }, ms)
      const given = how?.signal
      const follow = (): void => deadline.abort(given!.reason)
      if (given?.aborted === true) follow()
      given?.addEventListener('abort', follow)
      try {
        const [fd, writeFd] = await openBoth(path, writePath, deadline.signal)
        const output = outputOf(writeFd)
        return new PairTransport(policy, [inputOf(fd)], output, { local: path, remote: writePath })
      } finally {
        given?.removeEventListener('abort', follow)
        policy.clock.clearTimer(timer)
      }
    },
  }
}

/** Rejects with the signal's reason as soon as it is aborted; what was open by then is closed. */
function openBoth(path: string, writePath: string, signal: AbortSignal): Promise<[number, number]> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason))
    const opening = async (): Promise<void> => {
      const fd = await openEnd(path, constants.O_RDONLY, signal)
      let writeFd: number
      try {
        writeFd = await openEnd(writePath, constants.O_WRONLY, signal)
      } catch (error) {
        await closeFile(fd)
        throw error
      }
      if (!signal.aborted) return resolve([fd, writeFd])
      await Promise.all([closeFile(fd), closeFile(writeFd)])
    }
    opening().catch(reject)
  })
}

/**
 * Opened non-blocking, so that no thread of Node's pool waits for the other side (four that do, and nothing else is read or looked up any more).
 * For writing that fails as long as nobody reads, and is tried again; for reading it succeeds at once.
 */
async function openEnd(path: string, way: number, signal: AbortSignal): Promise<number> {
  for (let delayMs = firstDelayMs; ; delayMs = Math.min(maxDelayMs, delayMs * 2)) {
    try {
      const fd = await openFile(path, way | constants.O_NONBLOCK)
      if ((await statFile(fd)).isFIFO()) return fd
      await closeFile(fd)
      throw notFifo(path)
    } catch (error) {
      if (error instanceof ConnectionError) throw error
      if ((error as NodeJS.ErrnoException).code !== 'ENXIO') throw socketError(error, 'connect', path)
      // A socket says so as well, and for ever.
      if ((await statPath(path).catch(() => undefined))?.isFIFO() === false) throw notFifo(path)
    }
    await later(delayMs, signal)
  }
}

function notFifo(path: string): ConnectionError {
  return new ConnectionError('ERR_NOT_FIFO', `${path} is no FIFO`, { phase: 'connect' })
}

/** The world's time, not the transport's: what is waited for is another process. */
function later(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      clearTimeout(timer)
      reject(signal.reason)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', aborted)
      resolve()
    }, ms)
    if (signal.aborted) aborted()
    else signal.addEventListener('abort', aborted)
  })
}
