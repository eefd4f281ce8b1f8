import type { StackLayer } from '@async/core'
import type * as Chunk from '@async/protocol-chunk'
import { usage } from '../exit.ts'
import { layerOptions } from '../layer-options.ts'
import { acceptLayer, overLayer, type Any, type LayerScheme, type Surroundings } from './scheme.ts'

const delimited = { maxChunkBytes: 'count', overlong: 'text', deliverTail: 'boolean' } as const

/** The framings of protocol-chunk: `line`, `nul`, `lsp`, `length-prefix`, `chunk`, `exact`. */
export const framing: LayerScheme = {
  needs: 'stream',
  gives: 'message',
  connects: async (layer, around) => overLayer(await frame(layer, around)),
  accepts: async (layer, around) => acceptLayer(await frame(layer, around)),
}

/** Messages are bytes: what they mean is for what is above. */
async function frame(layer: StackLayer, { load }: Surroundings): Promise<(below: Any) => Any> {
  const mode = 'bytes'
  const chunk = await load<typeof Chunk>('@async/protocol-chunk', layer.scheme)
  switch (layer.scheme) {
    case 'line':
      return chunk.line({ deliverTail: true, ...layerOptions(layer, { ending: 'text', ...delimited }), mode })
    case 'nul':
      return chunk.nul({ deliverTail: true, ...layerOptions(layer, delimited), mode })
    case 'chunk':
      return chunk.chunk({ ...delimiter(layer), mode })
    case 'exact':
      return chunk.exact({ ...chunkBytes(layer), mode })
    case 'lsp':
      return chunk.lsp({ ...layerOptions(layer, { maxChunkBytes: 'count', maxHeaderBytes: 'count' }), mode })
    default:
      return chunk.lengthPrefix({ ...lengthPrefixOptions(layer), mode })
  }
}

function delimiter(layer: StackLayer): { delimiter: string } {
  const options = layerOptions(layer, { delimiter: 'text', ...delimited })
  if (options['delimiter'] === undefined) throw usage('chunk needs a delimiter, as in chunk;delimiter=%0D%0A')
  // `layerOptions` gives a record of what the string said; that the delimiter is there, and text, was seen above.
  return { deliverTail: true, ...options } as unknown as { delimiter: string }
}

function chunkBytes(layer: StackLayer): { chunkBytes: number } {
  const options = layerOptions(layer, { chunkBytes: 'count' })
  if (options['chunkBytes'] === undefined) throw usage('exact needs a length, as in exact;chunkBytes=16')
  return options as { chunkBytes: number }
}

function lengthPrefixOptions(layer: StackLayer): object {
  const { widthBytes, ...others } = layerOptions(layer, { widthBytes: 'text', endian: 'text', counts: 'text', maxChunkBytes: 'count' })
  if (widthBytes === undefined) return others
  return { ...others, widthBytes: widthBytes === 'varint' ? widthBytes : Number(widthBytes) }
}
