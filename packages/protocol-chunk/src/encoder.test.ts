import type { Data } from '@async/core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytes, show } from '../test/feeding.ts'
import { type ChunkOptions, chunkSettings } from './chunk-options.ts'
import { CountEncoder, DelimiterEncoder, type Encoder, LengthEncoder, LspEncoder } from './encoder.ts'
import { type LengthPrefixOptions, lengthSettings } from './length-options.ts'
import { lspSettings } from './lsp-options.ts'
import { chunkSplitter, lengthSplitter, lspSplitter } from './splitters.ts'

/** What an encoder writes, call by call; the two ways to use it have to agree. */
function written(encoder: Encoder, payload: Data): Data[] {
  const calls: Data[][] = []
  encoder.write({ write: (data) => void calls.push([data]), writeSequence: (list) => void calls.push([...list]) }, payload)
  const appended: Data[] = []
  encoder.append(appended, payload)
  expect(calls).toHaveLength(1)
  expect(calls[0]).toEqual(appended)
  return calls[0]!
}

function refusal(encoder: Encoder, payload: Data): unknown {
  const calls: Data[] = []
  const list: Data[] = []
  const codes = new Set<unknown>()
  for (const call of [
    () => encoder.write({ write: (data) => void calls.push(data), writeSequence: (all) => void calls.push(...all) }, payload),
    () => encoder.append(list, payload),
  ]) {
    try {
      call()
      codes.add('accepted')
    } catch (error) {
      codes.add((error as { code: string }).code)
    }
  }
  if (!codes.has('accepted')) expect([calls, list]).toEqual([[], []])
  expect(codes.size).toBe(1)
  return [...codes][0]
}

const delimited = (options: ChunkOptions): DelimiterEncoder => new DelimiterEncoder(chunkSettings(options))
const encode = new TextEncoder()
const join = (pieces: readonly Data[]): Uint8Array =>
  bytes(pieces.map((piece) => show(typeof piece === 'string' ? encode.encode(piece) : piece)).join(''))

describe('the encoder of delimited chunks', () => {
  it('writes a string and an ASCII delimiter as one string, anything else without a copy', () => {
    expect(written(delimited({ delimiter: '\r\n' }), 'é')).toEqual(['é\r\n'])
    const payload = bytes('a')
    const pieces = written(delimited({ delimiter: '\r\n' }), payload)
    expect(pieces).toEqual([payload, bytes('\r\n')])
    expect(pieces[0]).toBe(payload)
    expect(written(delimited({ delimiter: '€' }), 'a')).toEqual(['a', bytes('\xe2\x82\xac')])
    expect(written(delimited({ delimiter: ['\r', '\r\n'] }), '')).toEqual(['\r\n'])
  })

  const contains: readonly (readonly [delimiter: string | readonly string[], payload: Data])[] = [
    ['\n', 'a\nb'], ['\n', '\n'], ['\n', bytes('ab\n')], ['\n', 'é\n'], ['\n', '😀\n'],
    ['\r\n', 'a\r\nb'], ['\r\n', bytes('\r\n')], ['\r\n', 'é\r\n'],
    ['€', 'a€'], ['€', bytes('\xe2\x82\xac')],
    [['\n', ';'], 'a;b'], [['\n', '\r\n'], 'a\n'],
    // Not in the payload, but in what a reader would see.
    ['--', 'a-'], ['aba', 'xab'], [['\n', '\r\n'], 'a\r'], [['ba', 'abaQ'], 'a'],
  ]
  it.each(contains)('with %j refuses %j: it would not be read back', (delimiter, payload) => {
    expect(refusal(delimited({ delimiter }), payload)).toBe('ERR_CHUNK_CONTAINS_DELIMITER')
  })

  it('takes what only looks like it', () => {
    const fine: readonly (readonly [string | readonly string[], Data])[] = [
      ['\r\n', '\n\r'], ['\r\n', 'a\r'], ['\r\n', bytes('\r\r\r')], ['\n', '\u010a'],
      ['\u0080', '\u00c2'], ['aab', 'aax'], [['\n', ';'], 'a,b'],
    ]
    for (const [delimiter, payload] of fine) {
      expect(refusal(delimited({ delimiter }), payload), JSON.stringify([delimiter, payload])).toBe('accepted')
    }
  })

  it('refuses what is too long in UTF-8, and takes what just fits', () => {
    const encoder = delimited({ delimiter: '\n', maxChunkBytes: 6 })
    for (const payload of ['123456', 'ééé', '€€', '😀ab', bytes('123456')]) expect(refusal(encoder, payload)).toBe('accepted')
    for (const payload of ['1234567', 'éééa', '€€a', '😀abc', bytes('1234567')]) {
      expect(refusal(encoder, payload)).toBe('ERR_CHUNK_TOO_LONG')
    }
    const what = { limit: 'maxChunkBytes', allowed: 6, actual: 7, unit: 'bytes' }
    expect(() => encoder.append([], '1234567')).toThrow(expect.objectContaining(what))
  })

  it('accepts exactly what is read back, whatever follows', () => {
    const few = fc.array(fc.constantFrom('a', 'b', 'c', 'é'), { maxLength: 6 }).map((chars) => chars.join(''))
    const delimiters = fc.array(few.filter((one) => one !== ''), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(delimiters, few, few, fc.boolean(), (delimiter, payload, next, asBytes) => {
        const options = { delimiter, mode: 'bytes' } as const
        const encoder = delimited(options)
        const pieces: Data[] = []
        try {
          encoder.append(pieces, asBytes ? encode.encode(payload) : payload)
        } catch {
          expect(pieces).toEqual([])
          return
        }
        const splitter = chunkSplitter(options)
        splitter.receiveData(join([...pieces, next]))
        expect(splitter.next()).toEqual(encode.encode(payload))
        expect(splitter.takeLeftover()).toEqual(encode.encode(next))
      }),
      { numRuns: 1500 },
    )
  })
})

describe('the encoder of records', () => {
  it('takes one length only', () => {
    const encoder = new CountEncoder(3)
    expect(written(encoder, '€')).toEqual(['€'])
    expect(['ab', 'abcd', '', 'é', bytes('ab')].map((payload) => refusal(encoder, payload))).toEqual(Array(5).fill('ERR_INVALID_ARGUMENT'))
  })
})

describe('the encoder of lengths', () => {
  const prefixes: readonly (readonly [LengthPrefixOptions, Data, string])[] = [
    [{}, 'abc', '\0\0\0\x03'], [{ endian: 'little' }, 'abc', '\x03\0\0\0'], [{ widthBytes: 1 }, '€', '\x03'], 
    [{ widthBytes: 2 }, 'x'.repeat(258), '\x01\x02'],
    [{ widthBytes: 3, endian: 'little' }, 'x'.repeat(258), '\x02\x01\0'], [{ widthBytes: 8 }, 'a', '\0\0\0\0\0\0\0\x01'], 
    [{ counts: 'frame' }, 'abc', '\0\0\0\x07'],
    [{ widthBytes: 1, adjustBytes: 2 }, 'hhp', '\x01'], [{ widthBytes: 'varint' }, '', '\0'], 
    [{ widthBytes: 'varint' }, 'x'.repeat(127), '\x7f'],
    [{ widthBytes: 'varint' }, 'x'.repeat(128), '\x80\x01'], [{ widthBytes: 'varint' }, 'x'.repeat(300), '\xac\x02'],
  ]
  it('writes the length in front', () => {
    for (const [options, payload, prefix] of prefixes) {
      expect(written(new LengthEncoder(lengthSettings(options)), payload)).toEqual([bytes(prefix), payload])
    }
  })

  it('refuses what is too long for the limit or for the length', () => {
    const of = (options: LengthPrefixOptions): LengthEncoder => new LengthEncoder(lengthSettings(options))
    expect(refusal(of({ maxChunkBytes: 2 }), '€')).toBe('ERR_CHUNK_TOO_LONG')
    expect(refusal(of({ widthBytes: 1 }), 'x'.repeat(255))).toBe('accepted')
    expect(refusal(of({ widthBytes: 1 }), 'x'.repeat(256))).toBe('ERR_CHUNK_TOO_LONG')
    expect(refusal(of({ widthBytes: 1, counts: 'frame' }), 'x'.repeat(254))).toBe('accepted')
    expect(refusal(of({ widthBytes: 1, counts: 'frame' }), 'x'.repeat(255))).toBe('ERR_CHUNK_TOO_LONG')
    expect(refusal(of({ widthBytes: 1, adjustBytes: 2 }), 'h')).toBe('ERR_INVALID_ARGUMENT')
  })

  it('writes what is read back', () => {
    const options = fc.record({
      widthBytes: fc.constantFrom(1 as const, 2 as const, 3 as const, 4 as const, 8 as const),
      endian: fc.constantFrom('big' as const, 'little' as const),
      counts: fc.constantFrom('payload' as const, 'frame' as const), adjustBytes: fc.integer({ min: -3, max: 0 }),
    })
    const lists = fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 5 })
    fc.assert(
      fc.property(fc.oneof(options, fc.constant({ widthBytes: 'varint' as const })), lists, (how, payloads) => {
        const encoder = new LengthEncoder(lengthSettings(how))
        const splitter = lengthSplitter(how)
        const pieces: Data[] = []
        for (const payload of payloads) encoder.append(pieces, payload)
        splitter.receiveData(join(pieces))
        expect(payloads.map(() => splitter.next())).toEqual(payloads.map((payload) => new Uint8Array(payload)))
        expect([splitter.next(), splitter.heldBytes]).toEqual([undefined, 0])
      }),
    )
  })
})

describe('the encoder of LSP', () => {
  it('counts bytes, not characters', () => {
    const encoder = new LspEncoder(lspSettings({}))
    expect(written(encoder, '"é€😀"')).toEqual(['Content-Length: 11\r\n\r\n"é€😀"'])
    expect(written(encoder, bytes('ab'))).toEqual(['Content-Length: 2\r\n\r\n', bytes('ab')])
    expect(written(encoder, '')).toEqual(['Content-Length: 0\r\n\r\n'])
  })

  it('refuses what is too long', () => {
    expect(refusal(new LspEncoder(lspSettings({ maxChunkBytes: 2 })), '€')).toBe('ERR_CHUNK_TOO_LONG')
    expect(refusal(new LspEncoder(lspSettings({ maxChunkBytes: 2 })), bytes('abc'))).toBe('ERR_CHUNK_TOO_LONG')
  })

  it('writes what is read back', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 5 }), fc.integer({ min: 1, max: 40 }), (messages, size) => {
        const encoder = new LspEncoder(lspSettings({}))
        const pieces: Data[] = []
        for (const message of messages) encoder.append(pieces, message)
        const all = join(pieces)
        const splitter = lspSplitter()
        const read: unknown[] = []
        for (let at = 0; at < all.length; at += size) {
          splitter.receiveData(all.slice(at, at + size))
          for (let unit = splitter.next(); unit !== undefined; unit = splitter.next()) read.push(unit)
        }
        expect(read).toEqual(messages)
      }),
    )
  })
})
