/**
 * A Transport over net.Socket.
 *
 * Reads. A socket that we dialled reads into a buffer of ours (`onread`), and hands out views of it that are never written again: nothing
 * is read into JavaScript while paused. An accepted socket offers no such way; its 'data' are taken, and what Node reads ahead while paused
 * (up to 64 KiB) stays in Node's buffer until it is asked for.
 *
 * Ends. Node destroys a socket at the first error, with whatever could still be read. So `destroy` is ours until we are done: it tells us the
 * error, and the socket lives on. A failed write then breaks the write half alone (D10), and a reset that comes while paused waits behind
 * what Node had read (D4).
 */
import { Socket } from 'node:net'
import { ConnectionError, type Data, type HalfClosable, type Info, type Stream } from '@async/core'
import { QueuedTransport, type TransportPolicy } from '@async/core/base'
import { connectionError } from './errors.ts'

/** Who keeps count of open transports: a listener. */
export interface Owner {
  /** The transport has let its socket go. */
  released(transport: TcpTransport): void
}

/** Batches up to this size are copied into one write; above, the pieces go to writev as they are. Measured: a writev costs about what copying 16 KiB does. */
const joinBelowBytes = 16 * 1024

/** A TCP connection. */
export class TcpTransport extends QueuedTransport<Stream> implements HalfClosable {
  readonly carries = 'stream'
  readonly info: Info
  private readonly socket: Socket
  private readonly owner: Owner | undefined
  private readonly dialled: boolean
  private listening = false
  private endAsked = false

  /** `socket` is paused, connected, and half-open; the transport owns it. `remote` is given if it was dialled. */
  constructor(policy: TransportPolicy, socket: Socket, owner: Owner | undefined, remote?: string) {
    super(policy)
    this.socket = socket
    this.owner = owner
    this.dialled = remote !== undefined
    this.info = new TcpInfo(socket, remote)
    socket.on('error', ignore)
    socket.on('end', () => this.socketEnded())
    // Node's own calls of `destroy` carry its errors, and lose what could still be read. See above.
    socket.destroy = (error?: Error) => {
      if (error !== undefined) this.socketFailed(error)
      return socket
    }
  }

  /** Whether nobody has started it yet. */
  get isIdle(): boolean {
    return this.readHalf === 'idle' || this.readHalf === 'idlePaused'
  }

  /** Data that `onread` took. */
  dataRead(data: Uint8Array): void {
    this.received(data)
  }

  protected scheduleFlush(): void {
    // From the turn's own code a microtask, from there nextTick: the earliest place behind all of the turn's microtasks, so that what
    // asynchronous handlers answer in this turn leaves in the same write.
    queueMicrotask(() => process.nextTick(flush, this))
  }

  /** For the scheduled flush alone. */
  override flush(): void {
    super.flush()
  }

  protected send(batch: Data[], bytes: number): void {
    const { socket } = this
    if (batch.length === 1) write(socket, batch[0]!, bytes)
    else if (batch.every((data) => typeof data === 'string')) {
      const text = batch.join('')
      write(socket, text, bytes)
    } else if (bytes <= joinBelowBytes) {
      socket.write(Buffer.concat(batch.map((data) => (typeof data === 'string' ? Buffer.from(data) : data)), bytes))
    } else {
      socket.cork()
      for (const data of batch) socket.write(data as Uint8Array)
      socket.uncork()
    }
    // A failed write comes through `destroy`. One that is complete already, which is the rule, costs no callback.
    if (socket.errored !== null) return
    if (socket.writableLength === 0) this.sent(bytes)
    else socket.write('', 'latin1', (error) => error == null && this.sent(bytes))
  }

  protected sendEnd(): void {
    this.endAsked = true
    this.socket.end((error?: Error | null) => error == null && this.endSent())
  }

  protected startReading(): void {
    const { socket } = this
    if (!this.listening) {
      this.listening = true
      if (!this.dialled) socket.on('data', (data: Buffer) => this.received(data))
    }
    socket.resume()
    // With a failed write behind it, Node's reader would not go on by itself.
    if (this.writeHalf === 'broken' && !this.dialled) socket._read(0)
  }

  protected stopReading(): void {
    this.socket.pause()
  }

  protected destroy(reset: boolean): void {
    const { socket } = this
    delete (socket as { destroy?: unknown }).destroy
    if (reset) socket.resetAndDestroy()
    else socket.destroy()
    this.owner?.released(this)
  }

  /**
   * The end, or a reset behind much unread data, which libuv reports as one: then the kernel knows no peer any more. (D17) Once our own end
   * is out, it knows none after a clean end either, and the two look alike.
   */
  private socketEnded(): void {
    if (!this.endAsked && peerOf(this.socket) === undefined) this.resetByPeer(undefined)
    else this.receivedEof()
  }

  private socketFailed(error: Error): void {
    const ours = connectionError(error, 'open', 'TCP')
    if ((error as NodeJS.ErrnoException).syscall === 'write' || (error as NodeJS.ErrnoException).syscall === 'shutdown') {
      // Reading goes on. Node's Readable no longer reports the end once a write has failed, but it still pushes it.
      this.socket.push = (data: Uint8Array | null) => {
        if (data === null) this.socketEnded()
        else this.received(data)
        return true
      }
      this.writeFailed({ kind: 'reset', error: ours })
    } else this.resetByPeer(ours)
  }

  private resetByPeer(error: ConnectionError | undefined): void {
    // What Node had read before it saw the reset was received, and comes first.
    const ahead = this.socket.read() as Buffer | null
    if (ahead !== null) this.received(ahead)
    const kind = error?.code === 'ERR_TIMEOUT' ? 'timeout' : 'reset'
    this.lost({ kind, error: error ?? new ConnectionError('ERR_RESET', 'TCP: the peer dropped the connection') })
  }
}

/** Addresses are asked of the OS when they are read, through a view of the socket: Node would remember the peer's, and D17 needs to ask again. */
class TcpInfo implements Info {
  readonly pausable = true
  readonly resets = true
  readonly halfCloses = true
  readonly readsAfterWriteError: boolean
  private readonly socket: Socket
  private known: { local: string | undefined; remote: string | undefined }

  constructor(socket: Socket, remote: string | undefined) {
    this.socket = socket
    this.known = { local: undefined, remote }
    this.readsAfterWriteError = remote !== undefined
  }

  get local(): string {
    const { localAddress, localPort } = this.socket
    if (localAddress !== undefined && localPort !== undefined) this.known.local = formatAddress(localAddress, localPort)
    return this.known.local ?? ''
  }

  get remote(): string {
    this.known.remote ??= peerOf(this.socket)
    return this.known.remote ?? ''
  }
}

function peerOf(socket: Socket): string | undefined {
  const { remoteAddress, remotePort } = Object.create(socket) as Socket
  return remoteAddress === undefined || remotePort === undefined ? undefined : formatAddress(remoteAddress, remotePort)
}

/** `127.0.0.1:80`, `[::1]:80`. */
export function formatAddress(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** One string of ASCII is the cheapest write there is: no Buffer is made for it. */
function write(socket: Socket, data: Data, bytes: number): void {
  if (typeof data === 'string') socket.write(data, data.length === bytes ? 'latin1' : 'utf8')
  else socket.write(data)
}

function flush(transport: TcpTransport): void {
  transport.flush()
}

function ignore(): void {}
