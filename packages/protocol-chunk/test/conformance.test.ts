import type { HalfClosable, Messages, Stream, Transport } from '@async/core'
import { memoryPair, protocolSuite, type Subject, transportSuite } from '@async/core/testing'
import { describe, it } from 'vitest'
import { chunk, lengthPrefix, line, lsp } from '../src/index.ts'
import { counted, headers, noisy } from './conversations-counted.ts'
import { costs } from './costs.ts'
import { alternatives, lines, policies } from './conversations-delimited.ts'
import { encoders, protocols, shapes } from './conversations-written.ts'

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

for (const tested of [...lines, ...alternatives, ...policies, ...counted, ...headers, ...noisy, ...encoders, ...shapes, ...costs, ...protocols]) protocolSuite({ describe, it }, tested)

/** Letters: what every framing here carries. */
const letters = Array.from('abcdefghijklmnop', (letter) => letter.charCodeAt(0))
/** The kit's largest message has 16 MiB. */
const maxChunkBytes = 64 * 1024 * 1024

const ofLetters = { pass: 151, notApplicable: 54, skipped: 0, fail: 0 }
const ofBytes = { pass: 153, notApplicable: 52, skipped: 0, fail: 0 }

transportSuite({ describe, it }, subject('chunk', chunk({ delimiter: '\r\n', maxChunkBytes }), { alphabet: letters }), { counts: ofLetters })
transportSuite({ describe, it }, subject('line', line({ maxChunkBytes }), { alphabet: letters }), { counts: ofLetters })
transportSuite({ describe, it }, subject('lengthPrefix', lengthPrefix({ maxChunkBytes })), { counts: ofBytes })
transportSuite({ describe, it }, subject('lsp', lsp({ mode: 'bytes', maxChunkBytes })), { counts: ofBytes })
