/**
 * The draft's ChunkProtocol: a delimiter and a callable, composed, not subclassed. It is a Protocol for `transport.start`; inside, it is
 * the same transport of chunks as the layer `chunk()` makes, attached to a transport that was started already.
 */
import type { CloseOptions, CloseReason, Data, Messages, Protocol, Side, Stream, Transport } from '@async/core'
import { UsageError } from '@async/core'
import { type ChunkOptions, type ChunkSettings, chunkSettings } from './chunk-options.ts'
import { ChunkSplitter } from './chunk-splitter.ts'
import { ChunkLayerTransport, type ChunkModes, type ChunkTransport } from './chunk-transport.ts'
import { DelimiterEncoder } from './encoder.ts'
import { invalid } from './errors.ts'
import { Framing } from './framed-transport.ts'
import type { Delimiter } from './delimiters.ts'
import type { Mode, UnitOf } from './splitter.ts'

/** Called with each chunk. `protocol` is the one that read it. */
export type OnChunk<M extends Mode = 'bytes'> = (chunk: UnitOf<M>, protocol: ChunkProtocol<M>) => void

/** Options of a ChunkProtocol, but for the delimiter and the callable. */
export interface ChunkCallbacks<M extends Mode = Mode> {
  /** The transport is there: write, pause or close from now on. */
  readonly onConnectionMade?: (protocol: ChunkProtocol<M>) => void
  /** The peer has ended its side, behind a delimiter. Absent: the transport closes. Present: it stays open for writing. */
  readonly onEof?: (protocol: ChunkProtocol<M>) => void
  /** It is over; with `truncated` if the end came in the middle of a chunk. */
  readonly onConnectionLost?: (reason: CloseReason, protocol: ChunkProtocol<M>) => void
}

/** Options of a ChunkProtocol. */
export interface ChunkProtocolOptions<M extends Mode = Mode> extends ChunkOptions<M>, ChunkCallbacks<M> {
  /** Called with each chunk. */
  readonly onChunk: OnChunk<M>
}

/** The options that may follow a delimiter and a callable. */
export type ChunkProtocolExtras<M extends Mode = Mode> = Omit<ChunkProtocolOptions<M>, 'delimiter' | 'onChunk'>

/**
 * Reads chunks that end at a delimiter, and writes them. Start a transport with it: `transport.start(new ChunkProtocol('\n', onChunk))`.
 * To hold the peer back or to end the connection from `onChunk`, call the protocol's own methods: they also hold what one read brought.
 */
export class ChunkProtocol<M extends Mode = 'bytes'> implements Protocol<Stream>, ChunkModes {
  private readonly settings: ChunkSettings
  private readonly options: ChunkProtocolOptions<M>
  private chunks: AttachedTransport<UnitOf<M>> | undefined

  constructor(options: ChunkProtocolOptions<M>)
  constructor(delimiter: Delimiter, onChunk: OnChunk<M>, options?: ChunkProtocolExtras<M>)
  /** @throws UsageError `ERR_INVALID_ARGUMENT` */
  constructor(first: ChunkProtocolOptions<M> | Delimiter, onChunk?: OnChunk<M>, extras?: ChunkProtocolExtras<M>) {
    const options = onChunk === undefined ? first : { ...extras, delimiter: first, onChunk }
    this.options = options as ChunkProtocolOptions<M>
    this.settings = chunkSettings(this.options)
    if (typeof this.options.onChunk !== 'function') throw invalid('onChunk: a function is needed')
  }

  /** The transport of chunks, from `onConnectionMade` on. @throws UsageError `ERR_NOT_CONNECTED` before. */
  get transport(): ChunkTransport<UnitOf<M>> {
    return this.attached()
  }

  /**
   * Writes `chunk` and the delimiter (of several the first that is not the beginning of another), as one unit.
   * @throws UsageError `ERR_CHUNK_CONTAINS_DELIMITER` if it would not be read back as it is; LimitError `ERR_CHUNK_TOO_LONG` above
   * `maxChunkBytes`; UsageError `ERR_NOT_CONNECTED`; and as `Transport.write`. In each case nothing is written.
   */
  writeChunk(chunk: Data): void {
    this.attached().write(chunk)
  }

  /** Writes several chunks as one unit: all, or none. @throws as `writeChunk` */
  writeChunks(chunks: readonly Data[]): void {
    this.attached().writeSequence(chunks)
  }

  setDelimiter(delimiter?: Delimiter): void {
    this.attached().setDelimiter(delimiter)
  }

  setCount(bytes: number): void {
    this.attached().setCount(bytes)
  }

  setRaw(): void {
    this.attached().setRaw()
  }

  /** As `Transport.pause`: no chunk after this returns, those of the same read included. */
  pause(side?: Side): void {
    this.attached().pause(side)
  }

  /** As `Transport.resume`. */
  resume(side?: Side): void {
    this.attached().resume(side)
  }

  /** As `Transport.close`: no chunk after this returns. */
  close(options?: CloseOptions): void {
    this.attached().close(options)
  }

  /** As `Transport.abort`. */
  abort(cause?: unknown): void {
    this.attached().abort(cause)
  }

  /** Removes and returns the bytes that came and were not delivered: `transport.start(next, chunks.takeLeftover())` changes protocols. */
  takeLeftover(): Uint8Array {
    return this.attached().takeLeftover()
  }

  /** Called by the transport, not by you. @throws UsageError `ERR_ALREADY_CONNECTED`: one protocol serves one transport. */
  connectionMade(transport: Transport<Stream>): void {
    if (this.chunks !== undefined) throw new UsageError('ERR_ALREADY_CONNECTED', 'this ChunkProtocol has a transport: make one for each')
    this.chunks = new AttachedTransport(transport, this.settings, this.options)
    this.chunks.start(new Callbacks(this, this.options))
  }

  /** Called by the transport, not by you. */
  dataReceived(data: Uint8Array): void {
    this.attached().dataReceived(data)
  }

  /** Called by the transport, not by you. */
  eofReceived(): void {
    this.attached().eofReceived()
  }

  /** Called by the transport, not by you. */
  connectionLost(reason: CloseReason): void {
    this.attached().connectionLost(reason)
  }

  private attached(): AttachedTransport<UnitOf<M>> {
    if (this.chunks === undefined) throw new UsageError('ERR_NOT_CONNECTED', 'no transport was started with this ChunkProtocol')
    return this.chunks
  }
}

/** A transport of chunks whose transport below was started by somebody else. */
class AttachedTransport<D extends Data> extends ChunkLayerTransport<D> {
  constructor(below: Transport<Stream>, settings: ChunkSettings, options: ChunkOptions) {
    super(below, new Framing(() => new ChunkSplitter<D>(settings), new DelimiterEncoder(settings), options.onOverlong))
  }

  protected override open(): void {
    this.announce()
  }

  /**
   * Whoever started the transport below may close it from the callable, past us. A Transport has no call that tells, but those made of
   * core's base classes know.
   */
  protected override canDeliver(protocol: Protocol<Messages<D>, any> | undefined): boolean {
    return super.canDeliver(protocol) && (this.below as { isClosing?(): boolean }).isClosing?.() !== true
  }
}

/** The callables, as the protocol of the transport of chunks. */
class Callbacks<M extends Mode> implements Protocol<Messages<UnitOf<M>>> {
  private readonly owner: ChunkProtocol<M>
  private readonly options: ChunkProtocolOptions<M>
  /** Absent when there is no `onEof`: absence means something. */
  readonly eofReceived?: () => void

  constructor(owner: ChunkProtocol<M>, options: ChunkProtocolOptions<M>) {
    this.owner = owner
    this.options = options
    if (options.onEof !== undefined) this.eofReceived = () => options.onEof?.(owner)
  }

  connectionMade(): void {
    this.options.onConnectionMade?.(this.owner)
  }

  dataReceived(chunk: UnitOf<M>): void {
    this.options.onChunk(chunk, this.owner)
  }

  connectionLost(reason: CloseReason): void {
    this.options.onConnectionLost?.(reason, this.owner)
  }
}
