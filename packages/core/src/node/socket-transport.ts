/**
 * A Transport over net.Socket: TCP, Unix sockets, named pipes.
 *
 * Reads. A socket that we dialled reads into a buffer of ours (`onread`), and hands out views of it that are never written again: nothing
 * is read into JavaScript while paused. An accepted socket offers no such way; its 'data' are taken, and what Node reads ahead while paused
 * (up to 64 KiB) stays in Node's buffer until it is asked for.
 *
 * Ends. Node destroys a socket at the first error, with whatever could still be read. So `destroy` is ours until we are done: it tells us the
 * error, and the socket lives on. A failed write then breaks the write half alone (C12, C13), and a reset that comes while paused waits behind
 * what Node had read (C11).
 */
import type { Socket } from 'node:net'
import type { Owner } from '../base/connection-set.ts'
import type { TransportPolicy } from '../base/options.ts'
import { ConnectionError } from '../errors.ts'
import * as limits from '../limits.ts'
import type { Cause } from '../reason.ts'
import type { HalfClosable, Info } from '../transport.ts'
import { keepLatest } from './latest-read.ts'
import { socketError } from './socket-error.ts'
import { WritingTransport } from './writing-transport.ts'

/** What a layer that works on Node's socket itself needs of it; see `nodeSocket`. */
export interface NodeSocket {
  /** Connected, half-open, and not read. Its `destroy` is the transport's. */
  readonly socket: Socket
  /** Whether an end of input that has just come was a reset. Ask before our own end is out. */
  endIsReset(): boolean
  /** The layer has ended the socket, or it failed: the transport lets it go, and ends for that cause. */
  over(cause: Cause): void
}

/**
 * The name of a method of transports: `transport[nodeSocket]()` gives Node's socket of a transport that nobody has started, and that is open,
 * or undefined. Whoever takes it reads and writes there, while the transport stays its owner: start it, paused for reading, with a protocol
 * that hears of its end, and end it by `close`, `abort`, or `over`.
 */
export const nodeSocket = 'nodeSocket'

/** A connection that Node has as a net.Socket. What is special to one kind of socket is in the subclass. */
export abstract class SocketTransport extends WritingTransport implements HalfClosable {
  abstract override readonly info: Info
  protected readonly socket: Socket
  /** The listener that accepted it; a transport without one was dialled, and reads with `onread`. */
  private readonly owner: Owner | undefined
  private listening = false
  private wantsData = false
  /** Our end: asked of Node, and announced to the peer. */
  private end: 'none' | 'asked' | 'done' = 'none'
  /** How to let the socket go, once our end is announced. */
  private letGoLater: { readonly reset: boolean } | undefined
  /** Set when the loss was reported: what Node says later is an echo of it. */
  private lossKnown = false

  /** `socket` is paused, connected, and half-open; the transport owns it. It has an `owner` if it was accepted, and none if it was dialled (see `dial`). */
  constructor(policy: TransportPolicy, socket: Socket, owner: Owner | undefined) {
    super(policy, socket)
    this.socket = socket
    this.owner = owner
    // The socket knows its transport, and all sockets share the functions that are called: closures of each would be made, and compiled for, anew.
    ;(socket as Owned)[owned] = this as unknown as SocketUser
    socket.on('error', ignore)
    socket.on('end', onEnd)
    // Node's own calls of `destroy` carry its errors, and lose what could still be read. See above.
    socket.destroy = onDestroy
  }

  /** See `nodeSocket`. */
  nodeSocket(): NodeSocket | undefined {
    if (!this.isIdle || this.cause !== undefined || this.writeHalf !== 'open' || this.queuedBytes > 0 || this.hasHeld()) return undefined
    return { socket: this.socket, endIsReset: () => this.endIsReset(), over: (cause) => this.finish(cause) }
  }

  /** Ends the socket so that the peer sees a reset, where the OS can do that. */
  protected resetSocket(): void {
    this.socket.destroy()
  }

  /** Whether an end of input is one: libuv reports a reset behind much unread data as an end. (C11) Asked before our own end is out. */
  protected endIsReset(): boolean {
    return false
  }

  /** Data that `onread` took. They are given back if nobody has kept them. */
  dataRead(data: Uint8Array): 'kept' | 'given back' {
    const { protocol } = this
    const lent = this.readHalf === 'flowing' && protocol!.reuseReadBuffer === true
    this.deliver(data)
    // A `resume` of Node's that was on its way when we paused begins to read all the same: one read is held, and no more.
    if (!this.wantsData) this.socket.pause()
    // A protocol that another one took over from may have handed it some of them, as a leftover.
    return lent && this.protocol === protocol ? 'given back' : 'kept'
  }

  protected sendEnd(): void {
    this.end = 'asked'
    this.socket.end((error?: Error | null) => {
      this.end = 'done'
      if (this.letGoLater !== undefined) this.letGo(this.letGoLater.reset)
      else if (error == null) this.endSent()
    })
  }

  protected startReading(): void {
    const { socket } = this
    this.wantsData = true
    if (!this.listening) {
      this.listening = true
      if (this.owner !== undefined) socket.on('data', onData)
    }
    socket.resume()
    // With a failed write behind it, Node's reader would not go on by itself.
    if (this.writeHalf === 'broken' && this.owner !== undefined) socket._read(0)
  }

  protected stopReading(): void {
    this.wantsData = false
    this.socket.pause()
  }

  protected destroy(reset: boolean): void {
    this.lossKnown = true
    this.wantsData = false
    // While a shutdown is on its way, libuv refuses to reset, and the descriptor would leak: a turn later it does.
    if (this.end === 'asked') this.letGoLater = { reset }
    else this.letGo(reset)
  }

  private letGo(reset: boolean): void {
    const { socket } = this
    // Node's method again. To `delete` ours would turn the socket into a dictionary, on which all that Node still does at the end is slow.
    socket.destroy = (Object.getPrototypeOf(socket) as Socket).destroy
    if (reset) this.resetSocket()
    else socket.destroy()
    this.owner?.released(this)
  }

  /** For its socket. */
  protected socketEnded(): void {
    if (this.lossKnown) return
    if (this.end === 'none' && this.endIsReset()) this.resetByPeer(undefined)
    else this.receivedEof()
  }

  /** For its socket: what Node would have destroyed it with. */
  protected socketFailed(error: Error): void {
    if (this.lossKnown) return
    const ours = socketError(error, 'open', this.where)
    const { syscall } = error as NodeJS.ErrnoException
    if (syscall !== 'write' && syscall !== 'shutdown') return this.resetByPeer(ours)
    this.takeAhead()
    // Reading goes on. Node's Readable no longer reports the end once a write has failed, but it still pushes it.
    this.socket.push = (data: Uint8Array | null) => {
      if (data === null) this.socketEnded()
      else this.received(data)
      return this.wantsData
    }
    this.writeFailed({ kind: kindOf(ours), error: ours })
  }

  private resetByPeer(error: ConnectionError | undefined): void {
    this.lossKnown = true
    this.takeAhead()
    const ours = error ?? new ConnectionError('ERR_RESET', `${this.where}: the peer dropped the connection`)
    this.lost({ kind: kindOf(ours), error: ours })
  }

  private get where(): string {
    return this.info.remote ?? 'the connection'
  }

  /**
   * What Node had read before it saw the failure was received, and comes first. `read` emits 'data': Node reads ahead only where somebody listens to
   * that. All of it at once can be more than a delivery may have (B2).
   */
  private takeAhead(): void {
    const { socket } = this
    if (this.owner !== undefined) while (socket.readableLength > 0) socket.read(Math.min(socket.readableLength, limits.deliveryBudgetBytes))
  }
}

function kindOf(error: ConnectionError): 'timeout' | 'reset' {
  return error.code === 'ERR_TIMEOUT' ? 'timeout' : 'reset'
}

const owned = Symbol('transport')

/** The part of a transport that its socket calls: protected in the class, and theirs all the same, hence the cast. */
interface SocketUser {
  socketEnded(): void
  socketFailed(error: Error): void
  deliver(data: Uint8Array): void
}

type Owned = Socket & { [owned]: SocketUser }

function onEnd(this: Owned): void {
  this[owned].socketEnded()
}

function onData(this: Owned, data: Buffer): void {
  keepLatest(data)
  this[owned].deliver(data)
}

function onDestroy(this: Socket, error?: Error): Socket {
  if (error !== undefined) (this as Owned)[owned].socketFailed(error)
  return this
}

function ignore(): void {}
