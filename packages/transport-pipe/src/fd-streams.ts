import { closeSync, createReadStream, createWriteStream, fstatSync } from 'node:fs'
import { Socket } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { isatty, ReadStream, WriteStream } from 'node:tty'
import { UsageError } from '@async/core'
import { socketError } from '@async/core/node'

/** What a file descriptor is. */
export type FdKind = 'socket' | 'pipe' | 'tty' | 'file'

/** @throws ConnectionError `ERR_CONNECTION` if nothing is open there. */
export function kindOf(fd: number): FdKind {
  if (!Number.isInteger(fd) || fd < 0 || fd > 2 ** 31 - 1) throw new UsageError('ERR_INVALID_ARGUMENT', `${String(fd)} is no file descriptor`)
  let stats
  try {
    stats = fstatSync(fd)
  } catch (error) {
    throw socketError(error, 'connect', `descriptor ${fd}`)
  }
  if (stats.isSocket()) return 'socket'
  if (stats.isFIFO()) return 'pipe'
  return isatty(fd) ? 'tty' : 'file'
}

/**
 * A stream that reads `fd`, and closes it at the end. Pipes, sockets and terminals are polled; only files (and devices), which always have an
 * answer, go through the thread pool: a pipe there would hold one of its four threads for as long as nothing comes.
 */
export function inputOf(fd: number): Readable {
  return open(fd, (kind) => {
    if (kind === 'tty') return closingOriginal(fd, new ReadStream(fd))
    return kind === 'file' ? createReadStream('', { fd }) : new Socket({ fd, readable: true, writable: false })
  })
}

/** A stream that writes to `fd`, and closes it at the end. */
export function outputOf(fd: number): Writable {
  return open(fd, (kind) => {
    if (kind === 'tty') return closingOriginal(fd, new WriteStream(fd))
    return kind === 'file' ? createWriteStream('', { fd }) : new Socket({ fd, readable: false, writable: true })
  })
}

/** A stream that reads a terminal, and one that writes to it: `fd` goes both ways, and is closed at the end of both. */
export function terminalOf(fd: number): { readonly input: Readable; readonly output: Writable } {
  return open(fd, () => {
    const output = new WriteStream(fd)
    return { input: closingOriginal(fd, new ReadStream(fd)), output }
  })
}

/** libuv opens a terminal anew where it can, and uses and closes that: then what it was given is nobody's any more. */
function closingOriginal<T extends ReadStream | WriteStream>(fd: number, stream: T): T {
  const { _handle: handle } = stream as unknown as { readonly _handle: { readonly fd: number } }
  if (handle.fd !== fd) closeSync(fd)
  return stream
}

/** A socket both ways, half-open and paused. */
export function socketOf(fd: number): Socket {
  return open(fd, () => new Socket({ fd, readable: true, writable: true, allowHalfOpen: true }).pause())
}

function open<T>(fd: number, make: (kind: FdKind) => T): T {
  const kind = kindOf(fd)
  try {
    return make(kind)
  } catch (error) {
    throw socketError(error, 'connect', `descriptor ${fd}`)
  }
}
