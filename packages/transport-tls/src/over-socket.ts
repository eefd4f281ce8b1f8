/**
 * TLS directly on a socket of Node's: what is encrypted and decrypted never comes into JavaScript. The transport below still owns the socket; it
 * is started, paused, to hear of its end, and ends the socket in the end.
 *
 * On this road Node emits 'end' for close_notify and for a bare end alike: it is for those who allow truncation, and where the probe works.
 */
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { Cause, CloseReason, Protocol, Stream, Transport } from '@async/core'
import { nodeSocket, type NodeSocket, socketError } from '@async/core/node'
import { endedInHandshake, truncated } from './errors.ts'
import { TlsOverTransport } from './over-transport.ts'
import { isBareEnd } from './probe.ts'
import type { Side } from './side.ts'
import { ownerOf } from './socket-owner.ts'

/** TLS on a socket of Node's. */
export class TlsOverSocket extends TlsOverTransport {
  private readonly node: NodeSocket
  /** The end was a bare one; where truncation is allowed nobody asks. */
  private bareEnd: boolean | undefined

  constructor(below: Transport<Stream>, node: NodeSocket, side: Side) {
    super(below, side)
    this.node = node
    // Node loses what could still be read when a write fails.
    this.info.readsAfterWriteError = false
  }

  override get queuedBytes(): number {
    return this.queue.bytes
  }

  protected override lay(): Duplex {
    this.below.pause('read')
    this.below.start(new OnSocket(this))
    this.startedBelow = true
    return this.node.socket
  }

  protected override laid(socket: TLSSocket): void {
    if (!this.side.allowTruncation) socket.push = askingPush
  }

  /** Node is about to push the end. */
  endPushed(): void {
    if (!this.side.allowTruncation) this.bareEnd ??= isBareEnd(this.socket!)
  }

  protected override get unreadBelowBytes(): number {
    return 0
  }

  override peerEnded(): void {
    if (this.phase === 'opening') this.finish(endedInHandshake())
    else if (this.bareEnd === false) super.peerEnded()
    else if (this.ourEnd === 'none' && this.node.endIsReset()) this.inputEnds(this.lossOf(undefined))
    else if (this.bareEnd === true) this.inputEnds(truncated())
    else super.peerEnded()
  }

  protected override brokenBelow(error: NodeJS.ErrnoException): void {
    const { syscall } = error
    const cause = this.lossOf(error)
    if (this.phase === 'opening' || (syscall !== 'write' && syscall !== 'shutdown')) this.inputEnds(cause)
    else {
      // Node's Readable reports no end any more; it still pushes it.
      this.socket!.push = (data: Uint8Array | null) => {
        if (data === null) {
          this.endPushed()
          this.peerEnded()
        } else this.received(data)
        return this.readHalf === 'flowing' || this.readHalf === 'discarding'
      }
      this.writeFailed(cause)
    }
  }

  protected override endSocket(socket: TLSSocket): void {
    this.ourEnd = 'written'
    // Node ends the socket behind close_notify by itself.
    socket.end((error?: Error | null) => {
      if (error == null) this.endSent()
    })
  }

  protected override endBelow(): void {}

  protected override letGo(reset: boolean): void {
    this.watch()
    if (this.lostBelow !== undefined) return
    // All that the transport below could do, once TLS has ended the socket, is to end it again.
    if (reset || this.ourEnd === 'written') this.node.over(this.cause!)
    // The socket's input is ours: below there is nothing to wait for.
    else this.below.close({ lingerMs: 0 })
  }

  protected override unsentBelow(): number {
    return 0
  }

  private lossOf(error: Error | undefined): Cause {
    const where = this.below.info.remote ?? 'the connection'
    const ours = socketError(error ?? Object.assign(new Error('an end behind a reset'), { code: 'ECONNRESET' }), 'open', where)
    return { kind: ours.code === 'ERR_TIMEOUT' ? 'timeout' : 'reset', error: ours }
  }
}

/** The protocol of the transport that has the socket: it is paused, and hears of its end alone. */
class OnSocket implements Protocol<Stream> {
  private readonly layer: TlsOverSocket

  constructor(layer: TlsOverSocket) {
    this.layer = layer
  }

  dataReceived(): void {}
  eofReceived(): void {}

  connectionLost(reason: CloseReason): void {
    this.layer.wireLost(reason)
  }
}

/** `push` of a socket whose end has to be told from a bare one: shared, as are the functions of socket-owner.ts. */
function askingPush(this: TLSSocket, data: unknown): boolean {
  if (data === null) (ownerOf(this) as TlsOverSocket).endPushed()
  return TLSSocket.prototype.push.call(this, data)
}

/** Node's socket of `below`, if it has one that nobody uses. */
export function socketOf(below: Transport<Stream>): NodeSocket | undefined {
  return (below as { [nodeSocket]?(): NodeSocket | undefined })[nodeSocket]?.()
}
