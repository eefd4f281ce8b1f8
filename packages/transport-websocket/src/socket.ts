import type { Socket } from 'node:net'
import type { Info } from '@async/core'
import type { Owner, TransportPolicy } from '@async/core/base'
import { SocketTransport } from '@async/core/node'

/** A TCP or TLS socket of Node's: what a WebSocket runs over when it is not told what to run over. */
export class NodeSocketTransport extends SocketTransport {
  readonly info: SocketInfo

  /** One that was dialled with `dial` has no owner; a TLS socket has one, for it reads as accepted ones do. */
  constructor(policy: TransportPolicy, socket: Socket, owner: Owner | undefined, isDialled: boolean) {
    super(policy, socket, owner)
    this.info = new SocketInfo(socket, isDialled && owner === undefined)
  }

  protected override destroy(reset: boolean): void {
    this.info.remember()
    super.destroy(reset)
  }

  protected override resetSocket(): void {
    if (this.info.resets) this.socket.resetAndDestroy()
    else this.socket.destroy()
  }

  /** Behind a reset the kernel knows no peer any more. (C11) */
  protected override endIsReset(): boolean {
    return this.info.resets && peerOf(this.socket) === undefined
  }
}

/** The peer's address is asked for at once, for a reset makes the OS forget it; our own when somebody wants it, or at the end. */
class SocketInfo implements Info {
  readonly pausable = true
  readonly resets: boolean
  readonly halfCloses = true
  readonly readsAfterWriteError: boolean
  readonly remote: string
  private readonly socket: Socket
  private ours: string | undefined

  constructor(socket: Socket, readsAfterWriteError: boolean) {
    this.socket = socket
    this.readsAfterWriteError = readsAfterWriteError
    this.resets = !('encrypted' in socket)
    this.remote = peerOf(socket) ?? ''
  }

  get local(): string {
    this.remember()
    return this.ours ?? ''
  }

  /** Asks the OS while it can still be asked. */
  remember(): void {
    if (this.ours !== undefined) return
    const { localAddress, localPort } = this.socket
    if (localAddress !== undefined && localPort !== undefined) this.ours = formatAddress(localAddress, localPort)
  }
}

/** Who the OS says the peer is, asked anew: Node would note the answer on the socket, so a view of it is asked. */
function peerOf(socket: Socket): string | undefined {
  const notes = new Map<PropertyKey, unknown>()
  const view = new Proxy(socket, {
    get: (target, name, receiver) => (notes.has(name) ? notes.get(name) : Reflect.get(target, name, receiver)),
    set: (_, name, value) => notes.set(name, value) !== undefined,
  })
  const { remoteAddress, remotePort } = view
  return remoteAddress === undefined || remotePort === undefined ? undefined : formatAddress(remoteAddress, remotePort)
}

/** `127.0.0.1:80`, `[::1]:80`. */
export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
