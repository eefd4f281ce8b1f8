import { limits } from '@async/core'
import { type Delimiter, type DelimiterSet, compileDelimiters } from './delimiters.ts'
import { invalid, wholeNumber } from './errors.ts'
import type { Mode, Overlong } from './splitter.ts'

/** What becomes of a chunk that is longer than `maxChunkBytes`. */
export type OverlongPolicy = 'abort' | 'discard' | 'truncate'

/** Options of everything that splits at delimiters. */
export interface ChunkOptions<M extends Mode = Mode> {
  /**
   * What ends a chunk: bytes or a string (its UTF-8 bytes), or several alternatives. The earliest wins, so the shortest chunk; of those
   * that begin at the same byte the longest. Where one alternative begins another (`'\r'`, `'\r\n'`), a chunk waits for the byte that
   * decides. At most 1,024 bytes together.
   */
  readonly delimiter: Delimiter
  /** Whether chunks are `Uint8Array`s or strings. Text is UTF-8, and bytes that are not end the connection. */
  readonly mode?: M
  /** Bytes of a chunk without its delimiter, at most, in both directions, however the reads cut it. Default 1,048,576. */
  readonly maxChunkBytes?: number
  /**
   * What a longer one that comes does: `'abort'` (default) ends the connection with kind `limit`; `'discard'` skips it; `'truncate'`
   * delivers its first `maxChunkBytes` (of text: as many whole characters as fit). The last two report it to `onOverlong` and go on
   * behind its delimiter.
   */
  readonly overlong?: OverlongPolicy
  /** Called once for each chunk that was discarded or truncated, when its end has come; before the truncated chunk is delivered. */
  readonly onOverlong?: (overlong: Overlong) => void
  /** Whether chunks that are read keep their delimiter (default: no). `writeChunk` appends one in any case. */
  readonly keepDelimiter?: boolean
  /**
   * Whether bytes behind the last delimiter are delivered as a chunk at the end, as text tools do (default: no, the reason is
   * `truncated`).
   */
  readonly deliverTail?: boolean
}

/** `ChunkOptions`, checked and compiled: shared by all connections of a layer. */
export interface ChunkSettings {
  readonly set: DelimiterSet
  readonly mode: Mode
  readonly maxChunkBytes: number
  readonly overlong: OverlongPolicy
  readonly keepDelimiter: boolean
  readonly deliverTail: boolean
}

/** @throws UsageError `ERR_INVALID_ARGUMENT` */
export function chunkSettings(options: ChunkOptions): ChunkSettings {
  return {
    set: compileDelimiters(options.delimiter),
    mode: checkedMode(options.mode ?? 'bytes'),
    maxChunkBytes: wholeNumber('maxChunkBytes', options.maxChunkBytes ?? limits.maxMessageBytes, 1),
    overlong: oneOf('overlong', options.overlong ?? 'abort', ['abort', 'discard', 'truncate']),
    keepDelimiter: options.keepDelimiter ?? false,
    deliverTail: options.deliverTail ?? false,
  }
}

/** @throws UsageError `ERR_INVALID_ARGUMENT` */
export function checkedMode(mode: Mode): Mode {
  return oneOf('mode', mode, ['bytes', 'text'])
}

/** @throws UsageError `ERR_INVALID_ARGUMENT` */
export function oneOf<T extends string | number>(name: string, value: T, values: readonly T[]): T {
  if (!values.includes(value)) throw invalid(`${name}: ${String(value)}; one of ${values.join(', ')} is needed`)
  return value
}
