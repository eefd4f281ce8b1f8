import { UsageError } from '@async/core'

/** Bytes of a name that the OS takes, its closing NUL not counted. */
const maxNameBytes = process.platform === 'linux' ? 107 : 103

/** The name of a socket: what Node is told, and what people read. */
export interface SocketName {
  /** For `net.connect` and `server.listen`. */
  readonly path: string
  /** For addresses and messages: abstract names begin with `@`. */
  readonly text: string
  /** Whether it is a file. */
  readonly isFile: boolean
}

/** What names a socket. */
export interface SocketNameOptions {
  /** The socket's file. With `abstract`, a name that is no file. */
  readonly path: string
  /**
   * Whether `path` is a name of Linux's abstract namespace, which has no file and no permissions: anybody on the machine (in the same network
   * namespace) may connect. It is filled up with NUL to 108 bytes, so a program that isn't ours has to do so, too. Default false.
   */
  readonly abstract?: boolean
}

/**
 * Looks at a name before the OS does: some versions of Node cut one that is too long, and use another file than they were told.
 * @throws UsageError `ERR_INVALID_ARGUMENT`; `ERR_UNSUPPORTED` for an abstract name where there are none.
 */
export function socketName({ path, abstract = false }: SocketNameOptions, reserveBytes = 0): SocketName {
  if (typeof path !== 'string' || path === '' || path.includes('\0')) {
    throw new UsageError('ERR_INVALID_ARGUMENT', 'path is a text of at least one character, without NUL')
  }
  if (process.platform === 'win32' && !isPipeName(path)) {
    throw new UsageError('ERR_UNSUPPORTED', `${path}: Windows has no Unix sockets in this runtime, but named pipes: \\\\.\\pipe\\name`)
  }
  const bytes = Buffer.byteLength(path)
  if (abstract) {
    if (process.platform !== 'linux') throw new UsageError('ERR_UNSUPPORTED', 'abstract names are Linux’s alone')
    tooLong(path, bytes, maxNameBytes)
    return { path: `\0${path}${'\0'.repeat(maxNameBytes - bytes)}`, text: `@${path}`, isFile: false }
  }
  const isFile = process.platform !== 'win32'
  if (isFile) tooLong(path, bytes, maxNameBytes - reserveBytes)
  return { path, text: path, isFile }
}

/** Whether `path` is one of Windows’ names for a pipe. */
export function isPipeName(path: string): boolean {
  return /^[\\/]{2}[.?][\\/]pipe[\\/]./.test(path)
}

function tooLong(path: string, bytes: number, most: number): void {
  if (bytes > most) throw new UsageError('ERR_INVALID_ARGUMENT', `${path}: a name of ${bytes} bytes; a socket’s takes ${most} here`)
}
