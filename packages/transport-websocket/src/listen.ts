import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type Listener, type UpgradeRequest, UsageError } from '@async/core'
import {
  checkNumbers, type ConnectionCounts, ConnectionSet, type ConnectionSetOptions, type OwnedTransport, type Owner, type TransportPolicy, transportPolicy,
} from '@async/core/base'
import { formatAddress, socketError } from '@async/core/node'
import { Acceptor, type AcceptOptions } from './accept.ts'
import { refusedStatus } from './refusal.ts'
import { NodeSocketTransport } from './socket.ts'
import type { WebSocketTransport } from './web/websocket.ts'

/** Options of `listenWebSocket`. */
export interface WebSocketListenOptions extends AcceptOptions, ConnectionSetOptions {
  /** The address to listen on. Default `127.0.0.1`. */
  readonly host?: string
  /** The port; 0 (default): the OS chooses, see `port` of the listener. */
  readonly port?: number
  /** Connections that the OS holds before they are accepted. Default 511. */
  readonly backlog?: number
}

/** A listener of WebSockets, and what it counted. */
export interface WebSocketListener extends Listener, ConnectionCounts {
  /** The port that it listens on. */
  readonly port: number
  /** Handshakes that were not completed: refused, too late, or left by the client. */
  readonly failedHandshakeCount: number
  /** Failed accepts, of which the listener survives every one. */
  readonly acceptErrorCount: number
  /** Lets the process end although it listens. */
  unref(): void
}

/**
 * Listens with an HTTP server of Node's that does nothing else: other requests get 426. Hands every WebSocket to `onTransport`, which starts it,
 * now or soon: one that is not accepted and started within `startTimeoutMs` is aborted. What `onTransport` throws, or its promise rejects with,
 * aborts that WebSocket, and is reported; so is what `authenticate` throws.
 * To serve WebSockets beside other things, use `acceptWebSocket` with the upgrades of your server.
 * @throws (rejects) ConnectionError `ERR_ADDRESS_IN_USE`, …; UsageError `ERR_INVALID_ARGUMENT`. (L4–L9)
 */
export async function listenWebSocket(options: WebSocketListenOptions, onTransport: (transport: WebSocketTransport) => void): Promise<WebSocketListener> {
  const { host = '127.0.0.1', port = 0, backlog = 511 } = options
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new UsageError('ERR_INVALID_ARGUMENT', `port is ${String(port)}; it takes 0 to 65535`)
  checkNumbers(options, ['backlog', 'maxConnections', 'maxHeldConnections', 'startTimeoutMs'])
  const acceptor = new Acceptor(options)
  const { handshakeTimeoutMs = 10_000 } = options
  const server = createServer({
    ...headTimeouts(handshakeTimeoutMs),
    maxHeaderSize: 16 * 1024,
    noDelay: true,
  })
  await new Promise<void>((resolve, reject) => {
    const failed = (error: Error): void => reject(socketError(error, 'connect', formatAddress(host, port)))
    server.once('error', failed)
    server.listen({ host, port, backlog }, () => {
      server.off('error', failed)
      resolve()
    })
  })
  return new HttpListener(server, options, acceptor, onTransport)
}

/** Node looks twice in that time whether a head is late, and takes whole milliseconds; what it has no number for is no limit. */
function headTimeouts(ms: number): { headersTimeout?: number; requestTimeout?: number; connectionsCheckingInterval?: number } {
  if (ms === 0 || ms >= 2 ** 31) return { headersTimeout: 0, requestTimeout: 0 }
  return { headersTimeout: Math.ceil(ms), requestTimeout: Math.ceil(ms), connectionsCheckingInterval: Math.ceil(ms / 2) }
}

/** The `UpgradeRequest` of an 'upgrade' event of Node's HTTP or HTTPS server. The socket belongs to it from then on. */
export function nodeUpgrade(request: IncomingMessage, socket: Duplex, head: Uint8Array, options: AcceptOptions = {}): UpgradeRequest {
  return upgradeOf(request, socket as Socket, head, transportPolicy(options), noOwner)
}

function upgradeOf(request: IncomingMessage, socket: Socket, head: Uint8Array, policy: TransportPolicy, owner: Owner): UpgradeRequest {
  socket.pause()
  socket.setTimeout(0)
  const raw = request.rawHeaders
  const headers: [string, string][] = []
  for (let i = 0; i + 1 < raw.length; i += 2) headers.push([raw[i]!.toLowerCase(), raw[i + 1]!])
  const transport = new NodeSocketTransport(policy, socket, owner)
  // From a clean stack, as any loss. Node reads on behind a request, and the client may have left since.
  queueMicrotask(() => transport.catchUp())
  return { method: request.method ?? '', target: request.url ?? '', headers, transport, leftover: head }
}

const noOwner: Owner = { released(): void {} }

/** An upgrade that was asked for. */
interface Asked {
  readonly request: IncomingMessage
  readonly socket: Socket
  readonly head: Uint8Array
}

class HttpListener implements WebSocketListener {
  readonly address: string
  readonly port: number
  readonly closed: Promise<void>
  failedHandshakeCount = 0
  acceptErrorCount = 0
  private readonly server: Server
  private readonly connections: ConnectionSet<Asked, Accepting>

  constructor(server: Server, options: WebSocketListenOptions, acceptor: Acceptor, onTransport: (transport: WebSocketTransport) => void) {
    this.server = server
    const bound = server.address() as { address: string; port: number }
    this.port = bound.port
    this.address = formatAddress(bound.address, bound.port)
    const policy = transportPolicy(options)
    const stopped = new Promise<void>((resolve) => server.once('close', resolve))
    const connections: ConnectionSet<Asked, Accepting> = new ConnectionSet(policy, options, {
      admit: ({ request, socket, head }) => {
        const accepting: Accepting = new Accepting(upgradeOf(request, socket, head, policy, { released: () => connections.released(accepting) }))
        return accepting
      },
      hand: async (accepting) => {
        try {
          accepting.webSocket = await acceptor.accept(accepting.request)
        } catch (error) {
          this.failedHandshakeCount++
          if (refusedStatus(error) === 500) policy.onError((error as Error).cause)
          return
        }
        return onTransport(accepting.webSocket)
      },
      refuse: ({ socket }) => socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n', () => socket.destroy()),
      stop: () => {
        server.close()
        // Who has not asked for anything yet: from now on Node looks no more whether they are late.
        server.closeAllConnections()
      },
    })
    this.connections = connections
    this.closed = Promise.all([connections.closed, stopped]).then(() => {})
    if (options.ref === false) server.unref()
    server.on('upgrade', (request, socket, head) => {
      // For one that is held: its transport listens for itself.
      socket.on('error', ignore)
      if (options.ref === false) (socket as Socket).unref()
      connections.accepted({ request, socket: socket as Socket, head })
    })
    server.on('request', (_, response) => {
      response.writeHead(426, { Upgrade: 'websocket', Connection: 'close', 'Content-Type': 'text/plain' }).end('this is a WebSocket\n')
    })
    server.on('error', () => {
      this.acceptErrorCount++
    })
  }

  get connectionCount(): number {
    return this.connections.connectionCount
  }

  get heldCount(): number {
    return this.connections.heldCount
  }

  get refusedCount(): number {
    return this.connections.refusedCount
  }

  unref(): void {
    this.server.unref()
  }

  close(): void {
    this.connections.close()
  }

  async closeConnections(options?: { readonly graceMs?: number }): Promise<void> {
    await this.connections.closeConnections(options)
    await this.closed
  }

  abortConnections(cause?: unknown): void {
    this.connections.abortConnections(cause)
  }
}

/** A connection from its upgrade on: in the handshake, then a WebSocket. */
class Accepting implements OwnedTransport {
  readonly request: UpgradeRequest
  webSocket: WebSocketTransport | undefined

  constructor(request: UpgradeRequest) {
    this.request = request
  }

  get isIdle(): boolean {
    return (this.webSocket as { readonly isIdle?: boolean } | undefined)?.isIdle !== false
  }

  close(options: { readonly timeoutMs: number }): void {
    ;(this.webSocket ?? this.request.transport).close(options)
  }

  abort(cause?: unknown): void {
    ;(this.webSocket ?? this.request.transport).abort(cause)
  }
}

function ignore(): void {}
