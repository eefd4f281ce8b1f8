import { createServer, type Server } from 'node:net'
import { type Listener, type StreamTransport, UsageError } from '@async/core'
import { checkNumbers, type ConnectionCounts, type ConnectionSetOptions, type TransportOptions, type TransportPolicy, transportPolicy } from '@async/core/base'
import { socketError, SocketListener } from '@async/core/node'
import { listenAt, reservedBytes, type SocketFile } from './socket-file.ts'
import { type SocketName, socketName, type SocketNameOptions } from './socket-name.ts'
import { UnixTransport } from './unix-transport.ts'

/** Options of `listenUnix`. */
export interface UnixListenOptions extends TransportOptions, ConnectionSetOptions, SocketNameOptions {
  /**
   * Who may connect: the rights of the socket's file, as chmod takes them, a number or octal digits (`0o660`, `'660'`). To connect is to write.
   * Default 0o600: who runs this process. Without meaning for abstract names and on Windows, where it is refused.
   */
  readonly mode?: number | string
  /** Connections that the OS holds before they are accepted. Default 511. */
  readonly backlog?: number
  /** Whether the listener, and the connections that it accepts, keep the process alive. Default true. */
  readonly ref?: boolean
}

/** A listener of Unix sockets, and what it counted. */
export interface UnixListener extends Listener, ConnectionCounts {
  /** Failed accepts, of which the listener survives every one (no file descriptor left, …). */
  readonly acceptErrorCount: number
  /** Lets the process end although it listens. */
  unref(): void
}

/**
 * Listens, and hands every accepted transport to `onTransport`, which starts it, now or soon (see `startTimeoutMs`). A socket file that nobody
 * listens to any more is replaced. When listening ends the file is unlinked, if it still is the one that was made here.
 * @throws (rejects) ConnectionError `ERR_ADDRESS_IN_USE` (somebody listens there, or it is no socket), `ERR_ACCESS`, `ERR_NOT_FOUND` (no such
 * directory); UsageError `ERR_INVALID_ARGUMENT`, `ERR_UNSUPPORTED`. (L4–L9, L16)
 */
export async function listenUnix(options: UnixListenOptions, onTransport: (transport: StreamTransport) => void): Promise<UnixListener> {
  const name = socketName(options, reservedBytes(options.path))
  const mode = checkMode(options.mode, name)
  checkNumbers(options, ['backlog', 'maxConnections', 'maxHeldConnections', 'startTimeoutMs'])
  const policy = transportPolicy(options)
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
  const bind = (path: string): Promise<void> => listening(server, path, options.backlog ?? 511, name.text)
  const file = name.isFile ? await listenAt(name.path, mode, server, bind) : await bind(name.path)
  return new UnixServer(server, name, file ?? undefined, options, policy, onTransport)
}

function listening(server: Server, path: string, backlog: number, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(socketError(error, 'connect', text))
    server.once('error', failed)
    // `exclusive`: in a cluster, too, this process binds it, here and now.
    server.listen({ path, backlog, exclusive: true }, () => {
      server.off('error', failed)
      resolve()
    })
  })
}

class UnixServer extends SocketListener implements UnixListener {
  constructor(
    server: Server,
    name: SocketName,
    file: SocketFile | undefined,
    options: UnixListenOptions,
    policy: TransportPolicy,
    onTransport: (transport: StreamTransport) => void,
  ) {
    super(server, policy, options, {
      address: name.text,
      admit: (socket, owner) => new UnixTransport(policy, socket, owner, { local: name.text }),
      hand: onTransport,
      refuse: (socket) => socket.destroy(),
      stopped: () => file?.remove(),
    })
  }
}

function checkMode(mode: number | string | undefined, name: SocketName): number {
  if (mode === undefined) return 0o600
  if (!name.isFile) throw new UsageError('ERR_UNSUPPORTED', `${name.text}: mode is for a socket’s file, and this has none`)
  const bits = typeof mode === 'string' && /^[0-7]{3,4}$/.test(mode) ? Number.parseInt(mode, 8) : mode
  if (typeof bits !== 'number' || !Number.isInteger(bits) || bits < 0 || bits > 0o777) {
    throw new UsageError('ERR_INVALID_ARGUMENT', `mode is ${String(mode)}; it takes 0 to 0o777, or three octal digits`)
  }
  return bits
}
