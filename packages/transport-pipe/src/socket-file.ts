/**
 * The file of a listening Unix socket: how it comes to be, and when it may go.
 *
 * The OS makes a socket's file when it is bound, with the rights that umask leaves, and refuses if there is anything. So we bind in a directory
 * that only we can enter, set the rights there, and give the socket its name with link(2), which either makes the name or fails, and never takes
 * one away. There is no moment in which the file has wider rights than asked for, or can be connected to before anybody listens, and two that
 * start at once can't both win. What Node unlinks when it stops listening is the name in our directory, which is gone by then: the other is ours.
 */
import { chmodSync, linkSync, lstatSync, mkdtempSync, renameSync, rmSync, type Stats, unlinkSync } from 'node:fs'
import { connect, type Server } from 'node:net'
import { basename, dirname, join, resolve } from 'node:path'
import { ConnectionError } from '@async/core'
import { socketError } from '@async/core/node'

/** Milliseconds that whoever listens there has to show it. Neovim: 500. */
const probeMs = 500

/** Bytes by which the name that a socket is bound to, in a directory of ours, is longer than its own. */
export function reservedBytes(path: string): number {
  return Math.max(0, '.123456/s'.length - Buffer.byteLength(basename(path)))
}

/** The socket's file, while it is ours. */
export interface SocketFile {
  /** Unlinks it, if it still is the one that we made. */
  remove(): void
}

/**
 * Makes `server` listen at `path`. `bind` makes it listen at the name that it is given.
 * @throws (rejects) ConnectionError `ERR_ADDRESS_IN_USE` if somebody listens there, or there is anything else; `ERR_NOT_FOUND`, `ERR_ACCESS`.
 */
export async function listenAt(path: string, mode: number, server: Server, bind: (name: string) => Promise<void>): Promise<SocketFile> {
  const seen = statOf(path)
  if (seen !== undefined) await checkStale(path, seen)
  let directory: string
  try {
    directory = mkdtempSync(join(dirname(path), '.'))
  } catch (error) {
    throw socketError(error, 'connect', path)
  }
  try {
    const bound = join(directory, 's')
    await bind(bound)
    chmodSync(bound, mode)
    if (seen !== undefined) takeAway(path, seen, join(directory, 'old'))
    linkSync(bound, path)
    const ours = lstatSync(bound)
    const name = resolve(path)
    return { remove: () => removeIfSame(name, ours) }
  } catch (error) {
    server.close()
    if (error instanceof ConnectionError) throw error
    throw (error as NodeJS.ErrnoException).code === 'EEXIST' ? inUse(path, 'somebody was faster', error) : socketError(error, 'connect', path)
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

function statOf(path: string): Stats | undefined {
  try {
    return lstatSync(path)
  } catch {
    return undefined
  }
}

function same(one: Stats, other: Stats): boolean {
  return one.dev === other.dev && one.ino === other.ino
}

/** Moves the stale file out of the way. If it is another by now, somebody listens there: it gets its name back. */
function takeAway(path: string, stale: Stats, aside: string): void {
  try {
    renameSync(path, aside)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw error
  }
  if (same(lstatSync(aside), stale)) return
  linkSync(aside, path)
  throw inUse(path, 'somebody was faster', undefined)
}

function removeIfSame(path: string, ours: Stats): void {
  const now = statOf(path)
  if (now === undefined || !same(now, ours)) return
  try {
    unlinkSync(path)
  } catch {
    // Gone, or no longer ours to remove: a listener that stops has nobody to tell.
  }
}

/** @throws (rejects) unless the file is a socket that nobody listens to. */
async function checkStale(path: string, found: Stats): Promise<void> {
  if (!found.isSocket()) throw inUse(path, 'there is a file that is no socket', undefined)
  const socket = connect({ path })
  const state = await new Promise<string>((resolve) => {
    const timer = setTimeout(() => resolve('it does not answer'), probeMs)
    const known = (state: string) => {
      clearTimeout(timer)
      resolve(state)
    }
    socket.once('connect', () => known('somebody listens there'))
    socket.on('error', ({ code, message }: NodeJS.ErrnoException) => known(code === 'ECONNREFUSED' || code === 'ENOENT' ? 'stale' : message))
  })
  socket.destroy()
  if (state !== 'stale') throw inUse(path, state, undefined)
}

function inUse(path: string, why: string, cause: unknown): ConnectionError {
  return new ConnectionError('ERR_ADDRESS_IN_USE', `${path}: ${why}`, { phase: 'connect', cause })
}
