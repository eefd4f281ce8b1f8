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
import { byteLength } from '../base/byte-length.ts'
import type { Owner } from '../base/connection-set.ts'
import type { TransportPolicy } from '../base/options.ts'
import { QueuedTransport } from '../base/queued-transport.ts'
import { ConnectionError } from '../errors.ts'
import type { Data, HalfClosable, Info, Stream } from '../transport.ts'
import { socketError } from './socket-error.ts'

/** Batches up to this size are copied into one write; above, the pieces go to writev as they are. Measured: a writev costs about what copying 16 KiB does. */
const joinBelowBytes = 16 * 1024
/** So are larger ones whose pieces are shorter than this on average: each piece of a writev has its own cost. */
const joinPiecesBelowBytes = 1024

/** A connection that Node has as a net.Socket. What is special to one kind of socket is in the subclass. */
export abstract class SocketTransport extends QueuedTransport<Stream> implements HalfClosable {
  readonly carries = 'stream'
  abstract override readonly info: Info
  protected readonly socket: Socket
  /** The listener that accepted it; a transport without one was dialled, and reads with `onread`. */
  private readonly owner: Owner | undefined
  private listening = false
  /** Bytes of the batch that Node still has, if it will say 'drain'. */
  private sentAtDrain = 0
  private wantsData = false
  /** Our end: asked of Node, and announced to the peer. */
  private end: 'none' | 'asked' | 'done' = 'none'
  /** How to let the socket go, once our end is announced. */
  private letGoLater: { readonly reset: boolean } | undefined
  /** Set when the loss was reported: what Node says later is an echo of it. */
  private lossKnown = false

  /** `socket` is paused, connected, and half-open; the transport owns it. It has an `owner` if it was accepted, and none if it was dialled (see `dial`). */
  constructor(policy: TransportPolicy, socket: Socket, owner: Owner | undefined) {
    super(policy)
    this.socket = socket
    this.owner = owner
    socket.on('error', ignore)
    socket.on('end', () => this.socketEnded())
    socket.on('drain', () => this.drainedByNode())
    // Node's own calls of `destroy` carry its errors, and lose what could still be read. See above.
    socket.destroy = (error?: Error) => {
      if (error !== undefined) this.socketFailed(error)
      return socket
    }
  }

  /** Ends the socket so that the peer sees a reset, where the OS can do that. */
  protected resetSocket(): void {
    this.socket.destroy()
  }

  /** Whether an end of input is one: libuv reports a reset behind much unread data as an end. (C11) Asked before our own end is out. */
  protected endIsReset(): boolean {
    return false
  }

  /** Data that `onread` took. */
  dataRead(data: Uint8Array): void {
    this.received(data)
    // A `resume` of Node's that was on its way when we paused begins to read all the same: one read is held, and no more.
    if (!this.wantsData) this.socket.pause()
  }

  protected scheduleFlush(): void {
    // From the turn's own code a microtask, from there nextTick: the earliest place behind all of the turn's microtasks, so that what
    // asynchronous handlers answer in this turn leaves in the same write.
    // (`then`: Node's queueMicrotask makes an asynchronous resource each time.)
    void resolved.then(this.flushSoon)
  }

  private readonly flushSoon = (): void => process.nextTick(flush, this)

  /** For the scheduled flush alone. */
  override flush(): void {
    super.flush()
  }

  protected send(batch: Data[], bytes: number): void {
    const { socket } = this
    const text = batch.length > 1 ? joinedText(batch, bytes) : undefined
    if (batch.length === 1) write(socket, batch[0]!, bytes)
    else if (text !== undefined) write(socket, text, bytes)
    else if (bytes <= joinBelowBytes || bytes < joinPiecesBelowBytes * batch.length) {
      socket.write(Buffer.concat(batch.map((data) => (typeof data === 'string' ? Buffer.from(data) : data)), bytes))
    } else {
      socket.cork()
      for (const data of batch) socket.write(data as Uint8Array)
      socket.uncork()
    }
    // A failed write comes through `destroy`. One that is complete already, which is the rule, costs no callback.
    if (socket.errored !== null) return
    if (socket.writableLength === 0) this.sent(bytes)
    else if (socket.writableNeedDrain) this.sentAtDrain = bytes
    else socket.write('', 'latin1', (error) => error == null && this.sent(bytes))
  }

  /** Node has nothing left. It says so a tick late; a batch may be complete, and known to be, since. */
  private drainedByNode(): void {
    const bytes = this.sentAtDrain
    this.sentAtDrain = 0
    if (bytes > 0) this.sent(bytes)
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
      if (this.owner !== undefined) socket.on('data', (data: Buffer) => this.received(data))
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
    delete (socket as { destroy?: unknown }).destroy
    if (reset) this.resetSocket()
    else socket.destroy()
    this.owner?.released(this)
  }

  private socketEnded(): void {
    if (this.lossKnown) return
    if (this.end === 'none' && this.endIsReset()) this.resetByPeer(undefined)
    else this.receivedEof()
  }

  private socketFailed(error: Error): void {
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

  /** What Node had read before it saw the failure was received, and comes first. `read` emits 'data', once somebody listens to that. */
  private takeAhead(): void {
    if (this.owner === undefined) return
    const ahead = this.socket.read() as Buffer | null
    if (ahead !== null && !this.listening) this.received(ahead)
  }
}

function kindOf(error: ConnectionError): 'timeout' | 'reset' {
  return error.code === 'ERR_TIMEOUT' ? 'timeout' : 'reset'
}

/** Strings of one batch as one string, unless the seam between two makes a surrogate pair of halves: those are U+FFFD each. */
function joinedText(batch: readonly Data[], bytes: number): string | undefined {
  if (!batch.every((data) => typeof data === 'string')) return undefined
  const text = batch.join('')
  return text.length === bytes || byteLength(text) === bytes ? text : undefined
}

/** One string of ASCII is the cheapest write there is: no Buffer is made for it. */
function write(socket: Socket, data: Data, bytes: number): void {
  if (typeof data === 'string') socket.write(data, data.length === bytes ? 'latin1' : 'utf8')
  else socket.write(data)
}

const resolved = Promise.resolve()

function flush(transport: SocketTransport): void {
  transport.flush()
}

function ignore(): void {}
