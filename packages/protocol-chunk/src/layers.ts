import type { Stream, Transport } from '@async/core'
import { type ChunkOptions, chunkSettings, checkedMode, oneOf } from './chunk-options.ts'
import { ChunkSplitter } from './chunk-splitter.ts'
import { type Above, ChunkLayerTransport, type ChunkTransport, type FramingLayer, type SplitTransport } from './chunk-transport.ts'
import { CountEncoder, DelimiterEncoder, type Encoder, LengthEncoder, LspEncoder } from './encoder.ts'
import { wholeNumber } from './errors.ts'
import { FramedTransport, Framing } from './framed-transport.ts'
import { type LengthPrefixOptions, lengthSettings } from './length-options.ts'
import { LengthSplitter } from './length-splitter.ts'
import { type LspOptions, lspSettings } from './lsp-options.ts'
import { LspSplitter } from './lsp-splitter.ts'
import type { Mode, Overlong, Splitter, UnitOf } from './splitter.ts'

/**
 * Messages that end at a delimiter. Options are checked here, not when a connection is made.
 * @throws UsageError `ERR_INVALID_ARGUMENT`
 */
export function chunk<M extends Mode = 'bytes'>(options: ChunkOptions<M>): FramingLayer<ChunkTransport<UnitOf<M>>> {
  const settings = chunkSettings(options)
  const shared = new Framing<UnitOf<M>>(() => new ChunkSplitter(settings), new DelimiterEncoder(settings), options.onOverlong)
  return <Below extends Transport<Stream>>(below: Below) => new ChunkLayerTransport(below, shared) as unknown as Above<Below, ChunkTransport<UnitOf<M>>>
}

/** Options of `line`: those of `chunk`, but for the delimiter. */
export interface LineOptions<M extends Mode = Mode> extends Omit<ChunkOptions<M>, 'delimiter'> {
  /**
   * What ends a line. `'lf'` (default): `\n` alone, and a `\r` before it is part of the line. `'crlf'`: `\r\n` alone. `'any'`: both when
   * reading, `\n` when writing; two readers of one stream that differ on what a line is can be played off against each other, so ask for
   * it.
   */
  readonly ending?: 'lf' | 'crlf' | 'any'
}

/** `line()` without options, as most have it, often made anew for each connection: they share one. */
let usualLines: FramingLayer<ChunkTransport<string>> | undefined

const endings = { lf: '\n', crlf: '\r\n', any: ['\n', '\r\n'] }

/**
 * Lines of text (`mode: 'bytes'` for bytes), ended by `\n`.
 * @throws UsageError `ERR_INVALID_ARGUMENT`
 */
export function line<M extends Mode = 'text'>(options?: LineOptions<M>): FramingLayer<ChunkTransport<UnitOf<M>>> {
  if (options === undefined) return (usualLines ??= chunk({ mode: 'text', delimiter: '\n' })) as FramingLayer<ChunkTransport<UnitOf<M>>>
  const { ending = 'lf', mode = 'text', ...others } = options
  oneOf('ending', ending, ['lf', 'crlf', 'any'])
  return chunk({ ...others, mode: mode as M, delimiter: endings[ending] })
}

/**
 * Messages that end at a NUL byte, as `xargs -0` and many device protocols have them.
 * @throws UsageError `ERR_INVALID_ARGUMENT`
 */
export function nul<M extends Mode = 'bytes'>(options: Omit<ChunkOptions<M>, 'delimiter'> = {}): FramingLayer<ChunkTransport<UnitOf<M>>> {
  return chunk({ ...options, delimiter: '\0' })
}

/** Options of `exact`. */
export interface ExactOptions<M extends Mode = Mode> {
  /** Bytes of every message, 1 at least, in both directions. */
  readonly chunkBytes: number
  /** Whether messages are `Uint8Array`s (default) or strings. */
  readonly mode?: M
}

/**
 * Messages of one length: records.
 * @throws UsageError `ERR_INVALID_ARGUMENT`
 */
export function exact<M extends Mode = 'bytes'>(options: ExactOptions<M>): FramingLayer<SplitTransport<UnitOf<M>>> {
  const chunkBytes = wholeNumber('chunkBytes', options.chunkBytes, 1)
  const settings = { ...chunkSettings({ delimiter: '\n', mode: checkedMode(options.mode ?? 'bytes') }), maxChunkBytes: chunkBytes }
  const makeSplitter = (): Splitter<UnitOf<M>> => {
    const splitter = new ChunkSplitter<UnitOf<M>>(settings)
    splitter.setCount(chunkBytes)
    return splitter
  }
  return framing(makeSplitter, new CountEncoder(chunkBytes))
}

/**
 * Messages behind their length.
 * @throws UsageError `ERR_INVALID_ARGUMENT`
 */
export function lengthPrefix<M extends Mode = 'bytes'>(options: LengthPrefixOptions<M> = {}): FramingLayer<SplitTransport<UnitOf<M>>> {
  const settings = lengthSettings(options)
  return framing(() => new LengthSplitter<UnitOf<M>>(settings), new LengthEncoder(settings))
}

/**
 * Messages behind a header with their length, as the Language Server Protocol frames them.
 * @throws UsageError `ERR_INVALID_ARGUMENT`
 */
export function lsp<M extends Mode = 'text'>(options: LspOptions<M> = {}): FramingLayer<SplitTransport<UnitOf<M>>> {
  const settings = lspSettings(options)
  // What a splitter of this kind tells of is what it skipped.
  const onSkipped = options.onSkipped as ((overlong: Overlong) => void) | undefined
  return framing(() => new LspSplitter<UnitOf<M>>(settings), new LspEncoder(settings), onSkipped)
}

function framing<D extends UnitOf<Mode>>(makeSplitter: () => Splitter<D>, encoder: Encoder, onOverlong?: (overlong: Overlong) => void): FramingLayer<SplitTransport<D>> {
  const shared = new Framing(makeSplitter, encoder, onOverlong)
  return <Below extends Transport<Stream>>(below: Below) => new FramedTransport<D>(below, shared) as unknown as Above<Below, SplitTransport<D>>
}
