import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chunkSplitter, lengthSplitter, lspSplitter } from '../src/index.ts'
import type { ChunkOptions, Splitter } from '../src/index.ts'
import { feed } from './feeding.ts'

/** `input`, cut at any offsets. */
const recut = (input: Uint8Array, cuts: readonly number[]): Uint8Array[] => {
  const offsets = [...new Set([0, ...cuts.map((cut) => cut % (input.length + 1)), input.length])].sort((a, b) => a - b)
  return offsets.slice(1).map((end, index) => input.slice(offsets[index], end))
}

const cuts = fc.array(fc.nat(1000), { maxLength: 20 })
/** Bytes of which many are delimiters, halves of them, or parts of UTF-8 sequences. */
const noisy = fc.constantFrom(0x61, 0x0d, 0x0a, 0x0d, 0x0a, 0xc3, 0xa9, 0xe2, 0x82, 0xac, 0x00)
const noise = fc.array(noisy, { maxLength: 60 }).map((list) => Uint8Array.from(list))

function sameEvents(make: () => Splitter, input: Uint8Array, at: readonly number[]): void {
  expect(feed(make(), recut(input, at))).toEqual(feed(make(), [input.slice()]))
}

describe('any way to cut a stream', () => {
  const options: fc.Arbitrary<ChunkOptions> = fc.record({
    delimiter: fc.constantFrom('\n', '\r\n', ['\n', '\r\n'], ['\r', '\r\n', '\n'], ['\r', '\r\n\r\n'], 'a'),
    mode: fc.constantFrom('bytes', 'text'),
    maxChunkBytes: fc.integer({ min: 1, max: 12 }),
    overlong: fc.constantFrom('abort', 'discard', 'truncate'),
    keepDelimiter: fc.boolean(),
    deliverTail: fc.boolean(),
  })

  it('gives the same chunks, reports and end', () => {
    fc.assert(fc.property(options, noise, cuts, (how, input, at) => sameEvents(() => chunkSplitter(how), input, at)), { numRuns: 2500 })
  })

  it('holds no more than a chunk, its delimiter, and the read at hand', () => {
    fc.assert(
      fc.property(options, noise, cuts, (how, input, at) => {
        const splitter = chunkSplitter(how)
        try {
          for (const read of recut(input, at)) {
            splitter.receiveData(read)
            while (splitter.next() !== undefined || splitter.takeOverlong() !== undefined);
            expect(splitter.heldBytes).toBeLessThanOrEqual(how.maxChunkBytes! + 4)
          }
        } catch (error) {
          expect(error).toMatchObject({ code: expect.stringMatching(/^ERR_CHUNK_/) })
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('gives the same messages behind lengths', () => {
    const lengths = fc.array(fc.constantFrom(0, 1, 2, 3, 0x80, 0x81, 0xff), { maxLength: 60 }).map((list) => Uint8Array.from(list))
    const how = fc.record({
      widthBytes: fc.constantFrom(1 as const, 2 as const, 'varint' as const), endian: fc.constantFrom('big' as const, 'little' as const),
      maxChunkBytes: fc.constantFrom(2, 300), mode: fc.constantFrom('bytes' as const, 'text' as const),
    })
    const same = fc.property(how, lengths, cuts, (chosen, input, at) => sameEvents(() => lengthSplitter(chosen), input, at))
    fc.assert(same, { numRuns: 1000 })
  })

  it('gives the same messages behind headers', () => {
    const pieces = fc.array(
      fc.constantFrom(
        'Content-Length: 2\r\n', 'Content-Length: 0\r\n', '\r\n', '{}', 'X: y\r\n', '\n',
        'Content-Length: 02\r\n\r\n[]', 'Content-Length:3\r\n\r\nabc',
      ),
      { maxLength: 12 },
    )
    fc.assert(
      fc.property(pieces, cuts, (list, at) => {
        sameEvents(() => lspSplitter({ maxHeaderBytes: 48 }), new TextEncoder().encode(list.join('')), at)
      }),
      { numRuns: 1000 },
    )
  })
})
