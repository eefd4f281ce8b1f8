import { describe, expect, it } from 'vitest'
import { bytes, everyFeeding, feed } from '../test/feeding.ts'
import type { LengthPrefixOptions } from './length-options.ts'
import { lengthSplitter } from './splitters.ts'

interface Row {
  readonly id: string
  readonly options: LengthPrefixOptions
  readonly input: string
  readonly events: readonly string[]
}

const rows: readonly Row[] = [
  { id: 'nothing at all', options: {}, input: '', events: ['end'] },
  { id: 'four bytes, big end first', options: {}, input: '\0\0\0\x03abc\0\0\0\0\0\0\0\x01\xff', events: ['abc', '', '\xff', 'end'] },
  { id: 'one byte', options: { widthBytes: 1 }, input: '\x03abc\x00\x01d', events: ['abc', '', 'd', 'end'] },
  { id: 'two bytes, little end first', options: { widthBytes: 2, endian: 'little' }, input: '\x03\x00abc', events: ['abc', 'end'] },
  { id: 'three bytes', options: { widthBytes: 3 }, input: '\0\0\x02ab', events: ['ab', 'end'] },
  { id: 'three bytes, little end first', options: { widthBytes: 3, endian: 'little' }, input: '\x02\0\0ab', events: ['ab', 'end'] },
  { id: 'eight bytes', options: { widthBytes: 8 }, input: '\0\0\0\0\0\0\0\x02ab', events: ['ab', 'end'] },
  {
    id: 'eight bytes, little end first', options: { widthBytes: 8, endian: 'little' },
    input: '\x02\0\0\0\0\0\0\0ab', events: ['ab', 'end'],
  },
  { id: 'a length that counts itself', options: { widthBytes: 2, counts: 'frame' }, input: '\0\x05abc\0\x02', events: ['abc', '', 'end'] },
  {
    id: 'a length that counts less than itself', options: { widthBytes: 2, counts: 'frame' },
    input: '\0\x01', events: ['ERR_CHUNK_BAD_LENGTH'],
  },
  {
    id: 'a length without a header of two', options: { widthBytes: 1, adjustBytes: 2 },
    input: '\x01hhp\x00hh', events: ['hhp', 'hh', 'end'],
  },
  { id: 'a length with one too many', options: { widthBytes: 1, adjustBytes: -1 }, input: '\x04abc\x01', events: ['abc', '', 'end'] },
  { id: 'less than is taken off', options: { widthBytes: 1, adjustBytes: -1 }, input: '\x00', events: ['ERR_CHUNK_BAD_LENGTH'] },
  { id: 'a varint of one byte', options: { widthBytes: 'varint' }, input: '\x03abc\x00', events: ['abc', '', 'end'] },
  { id: 'a varint of two bytes', options: { widthBytes: 'varint' }, input: `\xac\x02${'a'.repeat(300)}`, events: ['a'.repeat(300), 'end'] },
  { id: 'a varint with a zero behind it', options: { widthBytes: 'varint' }, input: '\x83\x00abc', events: ['ERR_CHUNK_BAD_LENGTH'] },
  { id: 'a varint of zero in two bytes', options: { widthBytes: 'varint' }, input: '\x80\x00', events: ['ERR_CHUNK_BAD_LENGTH'] },
  { id: 'a varint that does not end', options: { widthBytes: 'varint' }, input: '\x80'.repeat(8), events: ['ERR_CHUNK_BAD_LENGTH'] },
  { id: 'a varint of 2^56 - 1', options: { widthBytes: 'varint' }, input: '\xff'.repeat(7) + '\x7f', events: ['ERR_CHUNK_TOO_LONG'] },
  { id: 'the longest allowed', options: { maxChunkBytes: 3 }, input: '\0\0\0\x03abc', events: ['abc', 'end'] },
  { id: 'one byte more', options: { maxChunkBytes: 3 }, input: '\0\0\0\x03abc\0\0\0\x04', events: ['abc', 'ERR_CHUNK_TOO_LONG'] },
  { id: 'the largest length', options: {}, input: '\xff\xff\xff\xff', events: ['ERR_CHUNK_TOO_LONG'] },
  { id: 'the largest length of eight bytes', options: { widthBytes: 8 }, input: '\xff'.repeat(8), events: ['ERR_CHUNK_TOO_LONG'] },
  { id: 'cut in the length', options: {}, input: '\0\0\0\x01a\0\0', events: ['a', 'truncated 2'] },
  { id: 'cut behind the length', options: {}, input: '\0\0\0\x01', events: ['truncated 4'] },
  { id: 'cut in the payload', options: {}, input: '\0\0\0\x03ab', events: ['truncated 6'] },
  {
    id: 'text', options: { widthBytes: 1, mode: 'text' },
    input: '\x03\xe2\x82\xac\x00\x01a', events: ['text:€', 'text:', 'text:a', 'end'],
  },
  {
    id: 'text that is none', options: { widthBytes: 1, mode: 'text' },
    input: '\x01a\x02\xe2\x82', events: ['text:a', 'ERR_CHUNK_NOT_UTF8'],
  },
]

describe('lengthSplitter', () => {
  for (const { id, options, input, events } of rows) {
    it(`${id}: the same events however it is cut`, () => {
      for (const [way, reads] of everyFeeding(bytes(input))) expect(feed(lengthSplitter(options), reads), way).toEqual(events)
    })
  }

  it('names the length that is too large, and allocates nothing for it', () => {
    const splitter = lengthSplitter({ widthBytes: 8 })
    splitter.receiveData(bytes('\0\0\x01\0\0\0\0\0'))
    const what = { limit: 'maxChunkBytes', allowed: 1048576, actual: 1099511627776, unit: 'bytes' }
    expect(() => splitter.next()).toThrow(expect.objectContaining(what))
  })

  it('takes large payloads of many small reads', () => {
    const splitter = lengthSplitter({ maxChunkBytes: 300_000 })
    splitter.receiveData(bytes('\0\x04\x93\xe0'))
    for (let sent = 0; sent < 300_000; sent += 3) {
      expect(splitter.next()).toBe(undefined)
      splitter.receiveData(Uint8Array.of(sent & 255, (sent >> 8) & 255, sent >> 16))
    }
    const unit = splitter.next()!
    expect(unit.length).toBe(300_000)
    expect([unit[299_997], unit[299_998], unit[299_999]]).toEqual([0xdd, 0x93, 0x04])
  })

  it('gives back the length, too, of a message that is not complete', () => {
    const varint = { widthBytes: 'varint' } as const
    for (const [options, input] of [[{}, '\0\0\0\x03ab'], [{}, '\0\0'], [varint, '\xac\x02ab'], [varint, '\xac']] as const) {
      const splitter = lengthSplitter(options)
      splitter.receiveData(bytes(input))
      expect([splitter.next(), splitter.heldBytes]).toEqual([undefined, input.length])
      expect(splitter.takeLeftover()).toEqual(bytes(input))
      splitter.receiveData(bytes(input))
      expect([splitter.next(), splitter.heldBytes]).toEqual([undefined, input.length])
    }
  })

  it('refuses options that make no sense', () => {
    const wrong: readonly unknown[] = [
      { widthBytes: 5 }, { widthBytes: 0 }, { widthBytes: '4' }, { endian: 'middle' }, { counts: 'all' },
      { widthBytes: 'varint', counts: 'frame' },
      { maxChunkBytes: -1 }, { maxChunkBytes: 1.5 }, { adjustBytes: 0.5 }, { mode: 'utf8' },
    ]
    for (const options of wrong) {
      const make = (): unknown => lengthSplitter(options as LengthPrefixOptions)
      expect(make, JSON.stringify(options)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    }
  })
})
