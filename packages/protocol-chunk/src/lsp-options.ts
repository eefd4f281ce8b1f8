import { limits } from '@async/core'
import { checkedMode } from './chunk-options.ts'
import { wholeNumber } from './errors.ts'
import type { Skipped } from './lsp-splitter.ts'
import type { Mode } from './splitter.ts'

/** Options of messages behind a header with their length, as the Language Server Protocol frames them. */
export interface LspOptions<M extends Mode = Mode> {
  /** Whether messages are strings (default) or `Uint8Array`s. Text is UTF-8, and bytes that are not end the connection. */
  readonly mode?: M
  /** Bytes of a message at most, in both directions. Checked when its header is complete. Default 1,048,576. */
  readonly maxChunkBytes?: number
  /** Bytes of a header at most, its empty line included. Default 4,096; what is sent in practice is below 100. */
  readonly maxHeaderBytes?: number
  /**
   * With it, what strayed into the stream where a header has to be (a line that was printed to standard output) is left out, and this is told
   * of it, a line at a time; a header that begins in the same line is found. Default: it ends the connection, and the error has its beginning.
   */
  readonly onSkipped?: (skipped: Skipped) => void
}

/** `LspOptions`, checked. */
export interface LspSettings {
  readonly mode: Mode
  readonly maxChunkBytes: number
  readonly maxHeaderBytes: number
  readonly skipsNoise: boolean
}

/** @throws UsageError `ERR_INVALID_ARGUMENT` */
export function lspSettings(options: LspOptions): LspSettings {
  return {
    mode: checkedMode(options.mode ?? 'text'),
    maxChunkBytes: wholeNumber('maxChunkBytes', options.maxChunkBytes ?? limits.maxMessageBytes, 0),
    maxHeaderBytes: wholeNumber('maxHeaderBytes', options.maxHeaderBytes ?? 4096, 32),
    skipsNoise: options.onSkipped !== undefined,
  }
}
