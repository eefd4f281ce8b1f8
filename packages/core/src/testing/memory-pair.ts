/**
 * Two transports, tied together in memory. Bounded like a socket: `capacityBytes` are on their way in each direction, then the writer's
 * queue fills, and its producer is paused. It is one more transport, with the semantics of TCP, and passes the same kit.
 */
import { afterTurn, byteLength, QueuedTransport, toBytes, type TransportOptions, transportPolicy, type TransportPolicy } from '../base/index.ts'
import { ConnectionError } from '../errors.ts'
import type { Cause } from '../reason.ts'
import type { Carries, Data, HalfClosable, Info, Messages, Stream, StreamTransport, Transport } from '../transport.ts'

/** Options of `memoryPair`. */
export interface MemoryPairOptions extends TransportOptions {
  /** Bytes on their way in one direction before the writer has to wait; the last piece may exceed it. Default 65,536. */
  readonly capacityBytes?: number
  /** Bytes in one delivery at most, on a stream. Default: as `capacityBytes`. */
  readonly maxReadBytes?: number
  /** Whether `halfClose` works. Default true. */
  readonly halfCloses?: boolean
}

/** The two ends. */
export interface MemoryPair<T> {
  /** One end. */
  readonly a: T
  /** The other. */
  readonly b: T
}

/** Makes a connected pair of stream transports. Nothing is read before an end is started. */
export function memoryPair(options: MemoryPairOptions = {}): MemoryPair<StreamTransport> {
  return connect<Stream>('stream', options)
}

/** Makes a connected pair of message transports. */
export function memoryMessagePair(options: MemoryPairOptions = {}): MemoryPair<Transport<Messages> & HalfClosable> {
  return connect<Messages>('message', options)
}

function connect<C extends Carries>(carries: C['kind'], options: MemoryPairOptions): MemoryPair<MemoryTransport<C>> {
  const policy = transportPolicy(options)
  const a = new MemoryTransport<C>(carries, policy, options, 'memory:a', 'memory:b')
  const b = new MemoryTransport<C>(carries, policy, options, 'memory:b', 'memory:a')
  a.peer = b
  b.peer = a
  return { a, b }
}

const reset = (): Cause => ({ kind: 'reset', error: new ConnectionError('ERR_RESET', 'the peer dropped the connection') })

/** Not `slice`: a Buffer's shares the memory. */
function copy<D extends Data>(data: D): D {
  return (typeof data === 'string' ? data : new Uint8Array(data)) as D
}

/** One end of a memory pair. */
export class MemoryTransport<C extends Carries> extends QueuedTransport<C> {
  readonly carries: C['kind']
  readonly info: Info
  /** The other end. */
  peer!: MemoryTransport<C>
  private readonly capacityBytes: number
  private readonly maxReadBytes: number
  /** On the way to us: what the peer sent and we have not taken. */
  private inbox: Data[] = []
  private inboxBytes = 0
  /** The peer's end follows what is in the inbox. */
  private inboxEnds = false
  /** Our batch that does not fit into the peer's inbox yet. */
  private outbox: Data[] = []
  private takes = false
  private isDestroyed = false

  constructor(carries: C['kind'], policy: TransportPolicy, options: MemoryPairOptions, local: string, remote: string) {
    super(policy)
    this.carries = carries
    this.capacityBytes = options.capacityBytes ?? 64 * 1024
    this.maxReadBytes = options.maxReadBytes ?? this.capacityBytes
    this.info = { pausable: true, resets: true, halfCloses: options.halfCloses ?? true, readsAfterWriteError: true, local, remote }
  }

  protected scheduleFlush(): void {
    afterTurn(() => this.flush())
  }

  protected send(batch: Data[]): void {
    if (this.peer.isDestroyed) return this.writeFailed(reset())
    this.outbox = batch
    this.move()
  }

  protected sendEnd(): void {
    this.peer.takeEnd()
    this.endSent()
  }

  protected startReading(): void {
    this.takes = true
    this.deliverLater()
  }

  protected stopReading(): void {
    this.takes = false
  }

  protected destroy(asReset: boolean): void {
    this.isDestroyed = true
    this.takes = false
    this.outbox = []
    const { peer } = this
    afterTurn(() => (asReset ? peer.peerReset() : peer.peerLeft()))
  }

  /** Moves what fits into the peer's inbox, copied: the writer's bytes are only borrowed, the reader's are its own. */
  private move(): void {
    const { peer } = this
    let at = 0
    let moved = 0
    while (at < this.outbox.length && peer.inboxBytes < peer.capacityBytes) {
      const data = this.outbox[at]!
      if (this.carries === 'message') {
        peer.take(copy(data))
        moved += byteLength(data)
        at++
        continue
      }
      const bytes = toBytes(data)
      const part = copy(bytes.subarray(0, peer.maxReadBytes))
      peer.take(part)
      moved += part.length
      if (part.length < bytes.length) this.outbox[at] = bytes.subarray(part.length)
      else at++
    }
    peer.deliverLater()
    this.outbox.splice(0, at)
    if (this.outbox.length === 0) this.sent(moved)
    else this.progressed(moved)
  }

  private take(data: Data): void {
    this.inbox.push(data)
    this.inboxBytes += byteLength(data)
  }

  private takeEnd(): void {
    this.inboxEnds = true
    this.deliverLater()
  }

  private deliverLater(): void {
    if (this.takes) afterTurn(() => this.deliverInbox())
  }

  /** Delivers what is there; what comes meanwhile waits for the next turn. */
  private deliverInbox(): void {
    const { inbox } = this
    let at = 0
    while (at < inbox.length && this.takes) {
      const data = inbox[at++]!
      this.inboxBytes -= byteLength(data)
      this.received(data as C['in'])
    }
    this.inbox = inbox.slice(at)
    // Also when paused by now: nothing else would move it once the inbox is empty.
    if (this.peer.outbox.length > 0) this.peer.move()
    if (this.takes && this.inbox.length === 0 && this.inboxEnds) this.ended()
  }

  private ended(): void {
    if (this.info.halfCloses) this.receivedEof()
    else this.lost({ kind: 'closed', by: this.endedBy ?? 'peer' })
  }

  /** The peer aborted: what had come is delivered, or held, and the loss follows. */
  private peerReset(): void {
    for (const data of this.inbox.splice(0)) this.received(data as C['in'])
    this.lost(reset())
  }

  /** The peer is gone, in order: what we are still sending has nowhere to go. */
  private peerLeft(): void {
    this.takeEnd()
    if (this.outbox.length > 0) this.writeFailed(reset())
  }
}
