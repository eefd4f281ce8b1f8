import { createServer, type Server } from 'node:net'
import type { Listener, StreamTransport } from '@async/core'
import type { ConnectionCounts, TransportPolicy } from '@async/core/base'
import { checkNumbers, formatAddress, SocketListener, socketError, transportPolicy, UsageError } from '@async/core/node'
import { checkPort, keepAlive, type TcpListenOptions } from './options.ts'
import { TcpTransport } from './transport.ts'

/** A listener of TCP transports, and what it counted. */
export interface TcpListener extends Listener, ConnectionCounts {
  /** The port that it listens on: the one asked for, or the OS's choice. */
  readonly port: number
  /** Failed accepts, of which the listener survives every one (no file descriptor left, …). */
  readonly acceptErrorCount: number
  /** Lets the process end although it listens. */
  unref(): void
}

/**
 * Listens, and hands every accepted transport to `onTransport`, which starts it, now or soon: one that is not started within
 * `startTimeoutMs` is aborted. What `onTransport` throws, or its promise rejects with, aborts that transport, and is reported.
 * @throws (rejects) ConnectionError `ERR_ADDRESS_IN_USE`, `ERR_ADDRESS_NOT_AVAILABLE`, `ERR_ACCESS`, …; UsageError `ERR_UNSUPPORTED` for
 * `reusePort` on a runtime that ignores it, `ERR_INVALID_ARGUMENT`. (L4–L9, L16)
 */
export async function listenTcp(options: TcpListenOptions, onTransport: (transport: StreamTransport) => void): Promise<TcpListener> {
  const { port = 0, host = '127.0.0.1' } = options
  checkPort('port', port, 0)
  checkNumbers(options, ['backlog', 'maxConnections', 'maxHeldConnections', 'startTimeoutMs', 'keepAliveMs'])
  const policy = transportPolicy(options)
  if (options.reusePort === true && !(await supportsReusePort())) {
    throw new UsageError('ERR_UNSUPPORTED', 'this runtime ignores reusePort: a second listener on a port would fail, or take it over')
  }
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true, noDelay: options.noDelay ?? true, ...keepAlive(options) })
  await bind(server, options, host, port)
  return new TcpServer(server, options, policy, onTransport)
}

function bind(server: Server, options: TcpListenOptions, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error): void => reject(socketError(error, 'connect', formatAddress(host, port)))
    server.once('error', failed)
    const how = { host, port, backlog: options.backlog ?? 511, ipv6Only: options.ipv6Only ?? false, reusePort: options.reusePort ?? false }
    server.listen(how, () => {
      server.off('error', failed)
      resolve()
    })
  })
}

class TcpServer extends SocketListener implements TcpListener {
  readonly port: number

  constructor(server: Server, options: TcpListenOptions, policy: TransportPolicy, onTransport: (transport: StreamTransport) => void) {
    const bound = server.address() as { address: string; port: number }
    const address = formatAddress(bound.address, bound.port)
    // Every connection to one address has that address here: the OS need not be asked for each of them.
    const facts = bound.address === '0.0.0.0' || bound.address === '::' ? {} : { local: address }
    super(server, policy, options, {
      address,
      admit: (socket, owner) => new TcpTransport(policy, socket, owner, facts),
      hand: onTransport,
      refuse: (socket) => socket.resetAndDestroy(),
    })
    this.port = bound.port
  }
}

let reusePort: Promise<boolean> | undefined

/** Whether the runtime does as `reusePort` says: two listeners on one port, tried once. */
export function supportsReusePort(): Promise<boolean> {
  reusePort ??= (async () => {
    const one = createServer()
    const two = createServer()
    try {
      await bind(one, { reusePort: true }, '127.0.0.1', 0)
      await bind(two, { reusePort: true }, '127.0.0.1', (one.address() as { port: number }).port)
      return true
    } catch {
      return false
    } finally {
      one.close()
      two.close()
    }
  })()
  return reusePort
}
