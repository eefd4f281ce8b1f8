import type { Socket } from 'node:net'
import type { Owner, TransportPolicy } from '@async/core/base'
import { peerAddress, SocketInfo, SocketTransport } from '@async/core/node'

/** A TCP or TLS socket of Node's: what a WebSocket runs over when it is not told what to run over. */
export class NodeSocketTransport extends SocketTransport {
  readonly info: SocketInfo

  /** One that was dialled with `dial` has no owner; any other has one, for its reads are Node's. */
  constructor(policy: TransportPolicy, socket: Socket, owner: Owner | undefined) {
    super(policy, socket, owner)
    this.info = new SocketInfo(socket, { resets: !('encrypted' in socket), readsAfterWriteError: owner === undefined })
  }

  /** Takes up what became of the socket while it waited for a transport, and nobody heard of it. */
  catchUp(): void {
    const { socket } = this
    if (socket.destroyed) this.socketFailed(socket.errored ?? new Error('the connection was dropped'))
    else if (socket.readableEnded) this.socketEnded()
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
    return this.info.resets && peerAddress(this.socket) === undefined
  }
}
