import { type Connector, type StreamTransport, UsageError } from '@async/core'
import { isPipeName } from './socket-name.ts'
import { type UnixConnectOptions, unixConnector } from './unix-connect.ts'
import { listenUnix, type UnixListener, type UnixListenOptions } from './unix-listen.ts'

/** Options of `connectNamedPipe` and `namedPipeConnector`. */
export interface NamedPipeConnectOptions extends Omit<UnixConnectOptions, 'abstract'> {
  /** The pipe's name: `\\.\pipe\name`. */
  readonly path: string
}

/** Options of `listenNamedPipe`. */
export interface NamedPipeListenOptions extends Omit<UnixListenOptions, 'abstract' | 'mode'> {
  /** The pipe's name: `\\.\pipe\name`. It goes when nobody has it open any more. */
  readonly path: string
}

/** Connects to a Windows named pipe. @throws (rejects) as `connectUnix`; UsageError `ERR_UNSUPPORTED` where there are none. */
export async function connectNamedPipe(options: NamedPipeConnectOptions & { readonly signal?: AbortSignal }): Promise<StreamTransport> {
  return namedPipeConnector(options).connect(options.signal === undefined ? {} : { signal: options.signal })
}

/** A connector of transports to one Windows named pipe. @throws UsageError `ERR_INVALID_ARGUMENT`, `ERR_UNSUPPORTED`. */
export function namedPipeConnector(options: NamedPipeConnectOptions): Connector<StreamTransport> {
  check(options.path)
  return unixConnector(options)
}

/** Listens on a Windows named pipe. @throws (rejects) as `listenUnix`; UsageError `ERR_UNSUPPORTED` where there are none. */
export async function listenNamedPipe(options: NamedPipeListenOptions, onTransport: (transport: StreamTransport) => void): Promise<UnixListener> {
  check(options.path)
  return listenUnix(options, onTransport)
}

function check(path: string): void {
  if (process.platform !== 'win32') throw new UsageError('ERR_UNSUPPORTED', 'named pipes are Windows’ alone; a Unix socket does the same')
  if (!isPipeName(path)) throw new UsageError('ERR_INVALID_ARGUMENT', `${path} is no name of a pipe: \\\\.\\pipe\\name`)
}
