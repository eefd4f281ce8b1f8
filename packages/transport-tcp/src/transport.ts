import type { Socket } from 'node:net'
import type { Owner, TransportPolicy } from '@async/core/base'
import { peerAddress, SocketInfo, SocketTransport } from '@async/core/node'

/** A TCP connection. */
export class TcpTransport extends SocketTransport {
  readonly info: SocketInfo

  /** It has an `owner` if it was accepted, `remote` if it was dialled; `local` if the listener knows which address that is. */
  constructor(policy: TransportPolicy, socket: Socket, owner: Owner | undefined, { remote, local }: { readonly remote?: string; readonly local?: string | undefined } = {}) {
    super(policy, socket, owner)
    this.info = new SocketInfo(socket, { resets: true, readsAfterWriteError: remote !== undefined, remote, local })
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
    return peerAddress(this.socket) === undefined
  }
}
