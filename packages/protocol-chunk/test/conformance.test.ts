import type { HalfClosable, Messages, Stream, Transport } from '@async/core'
import { layerSubject, memoryPair, type ProtocolSubject, protocolSuite, type Subject, transportSuite } from '@async/core/testing'
import { describe, it } from 'vitest'
import { chunk, ChunkProtocol, exact, lengthPrefix, line, lsp, type SplitTransport } from '../src/index.ts'
import { bytes } from './feeding.ts'

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
/** The kit's largest message has 16 MiB. */
const maxChunkBytes = 64 * 1024 * 1024

const ofLetters = { pass: 143, notApplicable: 28, skipped: 0, fail: 0 }
const ofBytes = { pass: 145, notApplicable: 26, skipped: 0, fail: 0 }

transportSuite({ describe, it }, subject('chunk', chunk({ delimiter: '\r\n', maxChunkBytes }), { alphabet: letters }), { counts: ofLetters })
transportSuite({ describe, it }, subject('line', line({ maxChunkBytes }), { alphabet: letters }), { counts: ofLetters })
transportSuite({ describe, it }, subject('lengthPrefix', lengthPrefix({ maxChunkBytes })), { counts: ofBytes })
transportSuite({ describe, it }, subject('lsp', lsp({ mode: 'bytes', maxChunkBytes })), { counts: ofBytes })

/** What the protocol kit reads of a layer. */
const measure = (top: Transport): { readonly heldBytes: number } => ({ heldBytes: (top as SplitTransport).heldBytes })
/** A chunk, and the read at hand. */
const maxHeldBytes = 70_000

const text = { name: 'lines', input: 'one\n\nthrée\n', events: ['one', '', 'thrée'], boundaries: [0, 4, 5, 12] }
const endless = { name: 'an endless line', input: 'y'.repeat(30_000), events: [], kind: 'limit' as const }
const crlf = { name: 'lines and halves of their end', input: 'a\r\n\r\r\nb\n\r\n', events: ['a', '\r', 'b\n'], boundaries: [0, 3, 6, 10] }
const mixed = { name: 'alternatives', input: 'a,b;;c::d:,', events: ['a', 'b', '', 'c', 'd:'], boundaries: [0, 2, 4, 5, 8, 11] }

const layers: readonly ProtocolSubject[] = [
  layerSubject('line', line({ maxChunkBytes: 200 }), {
    conversations: [text],
    refused: [
      endless,
      { name: 'a long line behind a good one', input: `ok\n${'z'.repeat(201)}\nmore\n`, events: ['ok'], kind: 'limit' },
      { name: 'a line that is not UTF-8', input: bytes('ok\n\xc3\nmore\n'), events: ['ok'], kind: 'protocol' },
    ],
    maxHeldBytes,
  }, measure),
  layerSubject('chunk', chunk({ delimiter: '\r\n', maxChunkBytes: 200 }), { conversations: [crlf], refused: [endless], maxHeldBytes }, measure),
  layerSubject('chunk with alternatives', chunk({ delimiter: [',', ';', '::'], maxChunkBytes: 200 }), {
    conversations: [mixed],
    refused: [{ name: 'false starts without end', input: 'a:'.repeat(10_000), events: [], kind: 'limit' }],
    maxHeldBytes,
  }, measure),
  layerSubject('exact', exact({ chunkBytes: 3 }), {
    conversations: [{ name: 'records', input: bytes('abc\n\0\xc3'), events: ['abc', '\n\0\xc3'], boundaries: [0, 3, 6] }],
    maxHeldBytes,
  }, measure),
  layerSubject('lengthPrefix', lengthPrefix({ widthBytes: 2, maxChunkBytes: 200 }), {
    conversations: [{ name: 'messages', input: bytes('\0\x03one\0\0\0\x01\xff'), events: ['one', '', '\xff'], boundaries: [0, 5, 7, 10] }],
    refused: [{ name: 'a length over the limit', input: bytes(`\0\x01a\0\xc9${'z'.repeat(300)}`), events: ['a'], kind: 'limit' }],
    maxHeldBytes,
  }, measure),
  layerSubject('lengthPrefix, varint', lengthPrefix({ widthBytes: 'varint', maxChunkBytes: 200 }), {
    conversations: [{ name: 'messages', input: bytes(`\x03one\x00\x82\x01${'z'.repeat(130)}`), events: ['one', '', 'z'.repeat(130)], boundaries: [0, 4, 5, 137] }],
    refused: [
      { name: 'a length that is not in its shortest form', input: bytes('\x01a\x81\x00'), events: ['a'], kind: 'protocol' },
      { name: 'a length that does not end', input: bytes('\x80'.repeat(100)), events: [], kind: 'protocol' },
    ],
    maxHeldBytes,
  }, measure),
  layerSubject('lsp', lsp({ maxChunkBytes: 200 }), {
    conversations: [
      { name: 'messages', input: 'Content-Length: 2\r\n\r\n{}X: y\r\ncontent-length:0\r\n\r\n', events: ['{}', ''], boundaries: [0, 23, 49] },
    ],
    refused: [
      { name: 'a stray line', input: 'Content-Length: 2\r\n\r\n{}Server started\nmore', events: ['{}'], kind: 'protocol' },
      { name: 'an endless header', input: `X: ${'y'.repeat(30_000)}`, events: [], kind: 'limit' },
      { name: 'a length over the limit', input: `Content-Length: 201\r\n\r\n${'z'.repeat(300)}`, events: [], kind: 'limit' },
    ],
    maxHeldBytes,
  }, measure),
]
for (const layer of layers) protocolSuite({ describe, it }, layer)

protocolSuite({ describe, it }, {
  name: 'ChunkProtocol',
  conversations: [text],
  refused: [endless],
  attach(below, emit) {
    const protocol = new ChunkProtocol({ delimiter: '\n', mode: 'text', maxChunkBytes: 200, onChunk: emit })
    below.start(protocol)
    return {
      pause: () => protocol.pause('read'),
      resume: () => protocol.resume('read'),
      close: () => protocol.close(),
      abort: () => protocol.abort(),
      closed: protocol.transport.closed,
    }
  },
})
