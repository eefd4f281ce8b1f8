import type { HalfClosable, Messages, Stream, Transport } from '@async/core'
import { memoryPair, type Subject, transportSuite } from '@async/core/testing'
import { describe, it } from 'vitest'
import { chunk, lengthPrefix, line, lsp } from '../src/index.ts'

type AnyLayer = <Below extends Transport<Stream> & HalfClosable>(below: Below) => Transport<Messages> & HalfClosable

function subject(name: string, layer: AnyLayer, extras: Partial<Subject> = {}): Subject {
  return {
    name: `${name} over memory`,
    carries: 'message',
    makePair: async (options) => {
      const { a, b } = memoryPair(options)
      return { a: layer(a), b: layer(b) }
    },
    ...extras,
  }
}

/** Letters: what every framing here carries. */
const letters = Array.from('abcdefghijklmnop', (letter) => letter.charCodeAt(0))

transportSuite({ describe, it }, subject('chunk', chunk({ delimiter: '\r\n', maxChunkBytes: 64 * 1024 * 1024 }), { alphabet: letters }))
transportSuite({ describe, it }, subject('line', line({ maxChunkBytes: 64 * 1024 * 1024 }), { alphabet: letters }))
transportSuite({ describe, it }, subject('lengthPrefix', lengthPrefix({ maxChunkBytes: 64 * 1024 * 1024 })))
transportSuite({ describe, it }, subject('lsp', lsp({ mode: 'bytes', maxChunkBytes: 64 * 1024 * 1024 })))
