import type { Messages, StreamTransport, Transport } from '@async/core'
import { lengthPrefix, line, lsp, nul } from '@async/protocol-chunk'

/** The ways to cut a stream into messages, by their names in stack strings. */
export const framings: readonly { readonly scheme: string; readonly layer: () => (below: StreamTransport) => Transport<Messages> }[] = [
  { scheme: 'line', layer: () => line() },
  { scheme: 'nul', layer: () => nul() },
  { scheme: 'lsp', layer: () => lsp() },
  { scheme: 'length-prefix', layer: () => lengthPrefix() },
]
