/**
 * A Transport over any Duplex of Node: another library's tunnel, a compressed stream, one end of `stream.duplexPair()`.
 *
 * Node destroys a stream at its first error, with whatever could still be read. So `destroy` is ours until we are done, as with sockets: it
 * tells us the error, and what had come is delivered before the loss.
 */
import type { Duplex } from 'node:stream'
import type { Cause } from '../reason.ts'
import { type TransportOptions, transportPolicy } from '../base/options.ts'
import { QueuedTransport } from '../base/queued-transport.ts'
import { isAsyncError, UsageError } from '../errors.ts'
import * as limits from '../limits.ts'
import type { Data, HalfClosable, Info, Stream, StreamTransport } from '../transport.ts'
import { socketError } from './socket-error.ts'

/** What a Duplex cannot say of itself. */
export interface DuplexTransportOptions extends TransportOptions {
  /** Whether the far side can tell `destroy()` from an end. Default false. */
  readonly resets?: boolean
  /** Whether its ends are two: false where the end of one side is the end of both, whatever `allowHalfOpen` says. Default true. */
  readonly halfCloses?: boolean
  /** Our address, as text. */
  readonly local?: string
  /** The peer's address, as text. */
  readonly remote?: string
}

/** Bytes given to the stream at a time: it has taken them all before it gets more, and only then they count as sent. */
const pieceBytes = 64 * 1024

/**
 * A stream transport over `duplex`, which it owns from now on; nothing else may read, write or listen for its end. Its `allowHalfOpen` is set
 * (unless `halfCloses` is false), so that the peer's end does not end our side.
 * @throws UsageError `ERR_INVALID_ARGUMENT` for a stream of objects, one that decodes to strings, or one that has ended or is destroyed.
 */
export function fromDuplex(duplex: Duplex, options: DuplexTransportOptions = {}): StreamTransport {
  if (duplex.readableObjectMode || duplex.writableObjectMode) throw new UsageError('ERR_INVALID_ARGUMENT', 'a stream of objects carries no bytes')
  if (duplex.readableEncoding !== null) throw new UsageError('ERR_INVALID_ARGUMENT', `the stream decodes to ${duplex.readableEncoding}: bytes are needed`)
  if (duplex.destroyed || duplex.readableEnded || duplex.writableEnded) throw new UsageError('ERR_INVALID_ARGUMENT', 'the stream has ended, or is destroyed')
  return new DuplexTransport(duplex, options)
}

class DuplexTransport extends QueuedTransport<Stream> implements HalfClosable {
  readonly carries = 'stream'
  readonly info: Info
  private readonly duplex: Duplex
  private listening = false
  /** Set when the loss was reported: what Node says later is an echo of it. */
  private lossKnown = false
  private ended = false
  /** What is left of the batch that is on its way, and the bytes of it that the stream has been given. */
  private batch: Data[] = []
  private at = 0
  private givenBytes = 0

  constructor(duplex: Duplex, options: DuplexTransportOptions) {
    super(transportPolicy(options))
    this.duplex = duplex
    this.info = {
      pausable: true,
      resets: options.resets ?? false,
      halfCloses: options.halfCloses ?? true,
      readsAfterWriteError: false,
      ...(options.local === undefined ? {} : { local: options.local }),
      ...(options.remote === undefined ? {} : { remote: options.remote }),
    }
    duplex.allowHalfOpen = this.info.halfCloses
    duplex.pause()
    duplex.on('error', (error: Error) => this.failed(error))
    duplex.on('end', () => this.duplexEnded())
    duplex.on('close', () => this.failed(undefined))
    // Node's own calls carry its errors, and lose what could still be read.
    duplex.destroy = (error?: Error) => {
      this.failed(error)
      return duplex
    }
  }

  protected scheduleFlush(): void {
    void resolved.then(this.flushSoon)
  }

  private readonly flushSoon = (): void => process.nextTick(flush, this)

  /** For the scheduled flush alone. */
  override flush(): void {
    super.flush()
  }

  protected send(batch: Data[]): void {
    this.batch = batch
    this.at = 0
    this.sendPiece()
  }

  private sendPiece(): void {
    const { batch, duplex } = this
    let bytes = 0
    duplex.cork()
    while (this.at < batch.length && bytes < pieceBytes) {
      const data = toBytes(batch[this.at]!)
      const part = data.subarray(0, pieceBytes - bytes)
      if (part.length < data.length) batch[this.at] = data.subarray(part.length)
      else this.at++
      bytes += part.length
      this.givenBytes = bytes
      if (bytes < pieceBytes && this.at < batch.length) duplex.write(part)
      else duplex.write(part, this.pieceSent)
    }
    duplex.uncork()
  }

  private readonly pieceSent = (error?: Error | null): void => {
    if (error != null || this.cause !== undefined) return
    const bytes = this.givenBytes
    if (this.at === this.batch.length) return this.sent(bytes)
    this.progressed(bytes)
    // A producer may have aborted.
    if (this.cause === undefined && this.writeHalf !== 'broken') this.sendPiece()
  }

  protected sendEnd(): void {
    this.duplex.end((error?: Error | null) => {
      if (error == null) this.endSent()
    })
  }

  protected startReading(): void {
    if (!this.listening) {
      this.listening = true
      this.duplex.on('data', (data: Uint8Array) => this.dataCame(data))
    }
    this.duplex.resume()
  }

  protected stopReading(): void {
    this.duplex.pause()
  }

  protected destroy(reset: boolean): void {
    const { duplex } = this
    this.lossKnown = true
    delete (duplex as { destroy?: unknown }).destroy
    const { cause } = this
    duplex.destroy(reset && cause !== undefined && 'error' in cause ? cause.error : undefined)
  }

  /** A delivery has at most 64 KiB (B2); a stream may push more at once. */
  private dataCame(data: Uint8Array): void {
    if (typeof data === 'string') {
      this.lossKnown = true
      return this.finish({ kind: 'protocol', error: new UsageError('ERR_INVALID_ARGUMENT', 'the stream delivers text, not bytes') })
    }
    for (let at = 0; at < data.length; at += limits.deliveryBudgetBytes) this.received(data.subarray(at, at + limits.deliveryBudgetBytes))
  }

  private duplexEnded(): void {
    if (this.lossKnown) return
    this.ended = true
    if (this.info.halfCloses) return this.receivedEof()
    this.lossKnown = true
    this.lost({ kind: 'closed', by: this.endedBy ?? 'peer' })
  }

  /** The stream fails, or is over before its time. */
  private failed(error: Error | undefined): void {
    // Both sides ended: Node destroys the stream in order.
    if (this.lossKnown || (error === undefined && this.ended && this.duplex.writableFinished)) return
    this.lossKnown = true
    this.takeAhead()
    this.lost(lossOf(error))
  }

  /** What Node had read before was received, and comes first. `read` emits 'data', once somebody listens to that. */
  private takeAhead(): void {
    for (let data: Uint8Array | null; (data = this.duplex.read() as Uint8Array | null) !== null; ) if (!this.listening) this.dataCame(data)
  }
}

function lossOf(error: Error | undefined): Cause {
  const ours = isAsyncError(error) ? error : socketError(error ?? new Error('the stream was destroyed'), 'open', 'the stream')
  return { kind: ours.code === 'ERR_TIMEOUT' ? 'timeout' : 'reset', error: ours }
}

function toBytes(data: Data): Uint8Array {
  return typeof data === 'string' ? Buffer.from(data) : data
}

const resolved = Promise.resolve()

function flush(transport: DuplexTransport): void {
  transport.flush()
}
