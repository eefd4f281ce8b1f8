import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { bytes } from '../test/feeding.ts'
import type * as TextModule from './text.ts'

type Module = typeof TextModule

const runtimes: readonly (readonly [name: string, buffer: unknown])[] = [
  ['with Node’s Buffer', globalThis.Buffer],
  ['without a Buffer', undefined],
  ['with a Buffer that lacks the fast methods', { prototype: { indexOf: Uint8Array.prototype.indexOf }, byteLength: undefined }],
]

describe.each(runtimes)('text, %s', (name, buffer) => {
  let text: Module

  beforeEach(async () => {
    vi.resetModules()
    // Core counts with Buffer.byteLength where there is a Buffer: that is its own matter.
    const real = globalThis.Buffer
    if (buffer !== undefined && buffer !== real) Object.assign(buffer as object, { byteLength: real.byteLength.bind(real) })
    vi.stubGlobal('Buffer', buffer)
    text = await import('./text.ts')
  })

  afterEach(() => vi.unstubAllGlobals())

  it('opens reads of any bytes to the same searches', () => {
    const every = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('')
    const contents = ['', 'plain\nascii', 'caf\xc3\xa9\n', '\xff\xfe\n\x80', '\xe2\x82', every]
    for (const content of contents) {
      const larger = bytes(`\n${content}\n`).subarray(1, content.length + 1)
      for (const opened of [text.textTools.open(larger), text.textTools.look(larger)]) {
        expect(Array.from(content, (_, index) => opened.charCodeAt(index))).toEqual([...bytes(content)])
        for (const char of ['\n', '\xff', '\x80', 'a']) {
          for (const from of [0, 1, content.length]) expect(opened.indexOf(char, from)).toBe(content.indexOf(char, from))
        }
      }
    }
  })

  it('opens ASCII as one string', () => {
    expect(text.textTools.open(bytes('plain'))).toBe('plain')
  })

  it('decodes UTF-8, and nothing else', () => {
    const good: readonly (readonly [string, string])[] = [
      ['', ''], ['a', 'a'], ['\xc3\xa9', 'é'], ['\xe2\x82\xac', '€'], ['\xf0\x9f\x98\x80', '😀'], ['\xef\xbb\xbfa', '\ufeffa'],
      ['\xef\xbf\xbd', '\ufffd'],
    ]
    for (const [latin1, expected] of good) expect(text.textTools.decode(bytes(`.${latin1}`).subarray(1))).toBe(expected)
    for (const latin1 of ['\x80', '\xff', '\xc3', '\xc0\xaf', '\xed\xa0\x80', '\xf5\x80\x80\x80', '\xe2\x82a', 'a\xef\xbf\xbd\xff']) {
      expect(text.textTools.decode(bytes(latin1)), JSON.stringify(latin1)).toBe(undefined)
    }
  })

  it('splits as everywhere', async () => {
    const { chunkSplitter } = await import('./splitters.ts')
    const splitter = chunkSplitter({ delimiter: '\n', mode: 'text' })
    for (const read of ['plain\nca', 'f\xc3', '\xa9\n\n😀'.slice(0, 3), '\xf0\x9f\x98\x80\nend\n']) splitter.receiveData(bytes(read))
    expect([splitter.next(), splitter.next(), splitter.next(), splitter.next(), splitter.next(), splitter.next()]).toEqual([
      'plain', 'café', '', '😀', 'end', undefined,
    ])
    expect(name).toBeTypeOf('string')
  })
})

describe('incompleteTail', () => {
  it('counts the bytes of a sequence that is begun and not ended', async () => {
    const { incompleteTail } = await import('./text.ts')
    const rows: readonly (readonly [string, number])[] = [
      ['', 0], ['a', 0], ['\xc3', 1], ['a\xc3', 1], ['\xc3\xa9', 0], ['\xe2', 1], ['\xe2\x82', 2], ['\xe2\x82\xac', 0], ['\xf0', 1],
      ['\xf0\x9f', 2],
      ['\xf0\x9f\x98', 3], ['\xf0\x9f\x98\x80', 0], ['\x80\x80\x80\x80', 0], ['\x80', 0], ['\xc3\xa9\xc3', 1],
    ]
    for (const [latin1, count] of rows) expect(incompleteTail(bytes(latin1)), JSON.stringify(latin1)).toBe(count)
  })
})

describe('indexOfNonAscii', () => {
  it('says where ASCII ends, from any index', async () => {
    const { indexOfNonAscii, isAscii } = await import('./text.ts')
    expect([0, 1, 2, 3, 4].map((from) => indexOfNonAscii('a\x80b\xff', from))).toEqual([1, 1, 3, 3, 4])
    expect([indexOfNonAscii('abc', 0), indexOfNonAscii('', 0)]).toEqual([3, 0])
    expect([isAscii(''), isAscii('a\x7f'), isAscii('a\x80')]).toEqual([true, true, false])
  })
})
