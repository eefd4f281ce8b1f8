import { type ChunkOptions, chunkSettings } from './chunk-options.ts'
import { ChunkSplitter } from './chunk-splitter.ts'
import { type LengthPrefixOptions, lengthSettings } from './length-options.ts'
import { LengthSplitter } from './length-splitter.ts'
import { type LspOptions, lspSettings } from './lsp-options.ts'
import { LspSplitter } from './lsp-splitter.ts'
import type { Mode, Splitter, UnitOf } from './splitter.ts'

/**
 * The machine behind `chunk()`, for use without a transport: from a file, in synchronous code. @throws UsageError `ERR_INVALID_ARGUMENT`
 */
export function chunkSplitter<M extends Mode = 'bytes'>(options: Omit<ChunkOptions<M>, 'onOverlong'>): ChunkSplitter<UnitOf<M>> {
  return new ChunkSplitter(chunkSettings(options))
}

/** The machine behind `lengthPrefix()`. @throws UsageError `ERR_INVALID_ARGUMENT` */
export function lengthSplitter<M extends Mode = 'bytes'>(options: LengthPrefixOptions<M> = {}): Splitter<UnitOf<M>> {
  return new LengthSplitter(lengthSettings(options))
}

/** The machine behind `lsp()`. @throws UsageError `ERR_INVALID_ARGUMENT` */
export function lspSplitter<M extends Mode = 'text'>(options: LspOptions<M> = {}): Splitter<UnitOf<M>> {
  return new LspSplitter(lspSettings(options))
}
