import type { Data, HalfClosable, Messages, Stream, Transport } from '@async/core'
import type { ChunkSplitter } from './chunk-splitter.ts'
import type { Delimiter } from './delimiters.ts'
import { FramedTransport } from './framed-transport.ts'

/** Changing what ends a chunk, between two of them: the very next byte counts, within a read too. Writing is not concerned. */
export interface ChunkModes {
  /** Chunks end at `delimiter` from now on; without one, at the one of the beginning. @throws UsageError `ERR_INVALID_ARGUMENT` */
  setDelimiter(delimiter?: Delimiter): void
  /**
   * Each chunk has `bytes` bytes from now on, 1 at least. The number is often the peer's: catch the LimitError, or let it end the
   * connection.
   * @throws LimitError `ERR_CHUNK_TOO_LONG` above `maxChunkBytes`; UsageError `ERR_INVALID_ARGUMENT`. Nothing changes.
   */
  setCount(bytes: number): void
  /** Chunks are what comes, as it comes, from now on; text is held back where a read cuts a character. */
  setRaw(): void
}

/** A transport above a splitter: what is undecoded can be had back. */
export interface SplitTransport<D extends Data = Data> extends Transport<Messages<D>> {
  /** Bytes that came and were not delivered, yet. */
  readonly heldBytes: number
  /** Removes and returns the bytes that came and were not delivered: pass them to `start` of the transport below, to change protocols. */
  takeLeftover(): Uint8Array
}

/** A transport whose messages are chunks. */
export interface ChunkTransport<D extends Data = Data> extends SplitTransport<D>, ChunkModes {}

/** What a layer gives: `Top`, and half-closable exactly if what is below is. */
export type Above<Below, Top> = Below extends HalfClosable ? Top & HalfClosable : Top

/** A layer that turns a stream into messages. A transport of messages is not framed again: that does not compile. */
export type FramingLayer<Top> = <Below extends Transport<Stream>>(below: Below) => Above<Below, Top>

/** `FramedTransport`, over a `ChunkSplitter`. */
export class ChunkLayerTransport<D extends Data = Data> extends FramedTransport<D> implements ChunkTransport<D> {
  protected override get splitter(): ChunkSplitter<D> {
    return super.splitter as ChunkSplitter<D>
  }

  setDelimiter(delimiter?: Delimiter): void {
    this.splitter.setDelimiter(delimiter)
  }

  setCount(bytes: number): void {
    this.splitter.setCount(bytes)
  }

  setRaw(): void {
    this.splitter.setRaw()
  }
}
