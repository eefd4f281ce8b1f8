import type { Socket } from 'node:net'
import type { Info } from '@async/core'
import type { Owner, TransportPolicy } from '@async/core/base'
import { SocketTransport } from '@async/core/node'

/** A TCP connection. */
export class TcpTransport extends SocketTransport {
  readonly info: TcpInfo

  /** It has an `owner` if it was accepted, `remote` if it was dialled. */
  constructor(policy: TransportPolicy, socket: Socket, owner: Owner | undefined, remote?: string) {
    super(policy, socket, owner)
    this.info = new TcpInfo(socket, remote)
  }

  protected override destroy(reset: boolean): void {
    this.info.remember()
    super.destroy(reset)
  }

  protected override resetSocket(): void {
    this.socket.resetAndDestroy()
  }

  /** Behind a reset the kernel knows no peer any more. Once our own end is out, it knows none after a clean end either, and the two look alike. */
  protected override endIsReset(): boolean {
    return peerOf(this.socket) === undefined
  }
}

/**
 * The peer's address is asked for through a view of the socket: Node would remember it, and C11 needs to ask again. An accepted socket is
 * asked at once, for a reset makes the OS forget; our own address when somebody wants it, or at the end.
 */
class TcpInfo implements Info {
  readonly pausable = true
  readonly resets = true
  readonly halfCloses = true
  readonly readsAfterWriteError: boolean
  readonly remote: string
  private readonly socket: Socket
  private ours: string | undefined

  constructor(socket: Socket, dialled: string | undefined) {
    this.socket = socket
    this.readsAfterWriteError = dialled !== undefined
    this.remote = dialled ?? peerOf(socket) ?? ''
  }

  get local(): string {
    this.remember()
    return this.ours ?? ''
  }

  /** Asks the OS while it can still be asked. */
  remember(): void {
    if (this.ours !== undefined) return
    const { localAddress, localPort } = this.socket
    if (localAddress !== undefined) this.ours = formatAddress(localAddress, localPort!)
  }
}

/** Who the OS says the peer is, asked anew. */
function peerOf(socket: Socket): string | undefined {
  const notes = new Map<PropertyKey, unknown>()
  // Node notes the answer on the object that is asked. (`Object.create(socket)` would do, and make every use of the socket slower: measured.)
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
