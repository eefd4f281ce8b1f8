import type { Server, Socket } from 'node:net'
import { ConnectionSet, type ConnectionCounts, type ConnectionSetOptions, type Owner } from '../base/connection-set.ts'
import type { TransportPolicy } from '../base/options.ts'
import type { Listener } from '../transport.ts'
import type { SocketTransport } from './socket-transport.ts'

/** What is special to one kind of socket. */
export interface SocketKind {
  /** Where it listens, as text. */
  readonly address: string
  /** Makes the transport of an accepted socket. */
  admit(socket: Socket, owner: Owner): SocketTransport
  /** Hands the transport to the program. What it throws, or its promise rejects with, aborts the transport, and is reported. */
  hand(transport: SocketTransport): unknown
  /** Ends a socket that is not admitted. */
  refuse(socket: Socket): void
  /** Called once, when listening ends. */
  stopped?(): void
}

/** A listener over a net.Server that listens already, made with `allowHalfOpen` and `pauseOnConnect`. (L4–L9, L16) */
export class SocketListener implements Listener, ConnectionCounts {
  readonly address: string
  /** Failed accepts, of which the listener survives every one (no file descriptor left, …). */
  acceptErrorCount = 0
  private readonly server: Server
  private readonly connections: ConnectionSet<Socket, SocketTransport>

  constructor(server: Server, policy: TransportPolicy, options: ConnectionSetOptions, kind: SocketKind) {
    this.server = server
    this.address = kind.address
    const connections: ConnectionSet<Socket, SocketTransport> = new ConnectionSet(policy, options, {
      admit: (socket) => kind.admit(socket, connections),
      hand: (transport) => kind.hand(transport),
      refuse(socket) {
        socket.on('error', ignore)
        kind.refuse(socket)
      },
      stop() {
        server.close()
        kind.stopped?.()
      },
    })
    this.connections = connections
    if (options.ref === false) server.unref()
    server.on('connection', (socket) => {
      if (options.ref === false) socket.unref()
      // A transport listens for itself; what is held has none yet.
      if (connections.accepted(socket)) socket.on('error', ignore)
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

  get closed(): Promise<void> {
    return this.connections.closed
  }

  /** Lets the process end although it listens. */
  unref(): void {
    this.server.unref()
  }

  close(): void {
    this.connections.close()
  }

  closeConnections(options?: { readonly graceMs?: number }): Promise<void> {
    return this.connections.closeConnections(options)
  }

  abortConnections(cause?: unknown): void {
    this.connections.abortConnections(cause)
  }
}

function ignore(): void {}
