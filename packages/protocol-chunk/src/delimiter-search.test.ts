import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytes, show } from '../test/feeding.ts'
import { chunkSettings } from './chunk-options.ts'
import { ChunkSplitter } from './chunk-splitter.ts'
import { compileDelimiters } from './delimiters.ts'
import { type Text, type TextTools, textTools } from './text.ts'

/** The rule, word for word, at any cost: the earliest start, and of those the longest. */
function splitNaively(input: string, delimiters: readonly string[]): { readonly chunks: string[]; readonly tail: string } {
  const chunks: string[] = []
  let from = 0
  for (let at = 0; at < input.length; at++) {
    const longest = delimiters.filter((one) => input.startsWith(one, at)).sort((a, b) => b.length - a.length)[0]
    if (longest === undefined) continue
    chunks.push(input.slice(from, at))
    from = at + longest.length
    at = from - 1
  }
  return { chunks, tail: input.slice(from) }
}

/** Counts every byte that a search looks at: each that it asks for, and each from where a native search begins to where it ends. */
class CountingText implements Text {
  private readonly text: Text
  private readonly length: number
  private readonly counter: { bytes: number }

  constructor(read: Uint8Array, counter: { bytes: number }) {
    this.text = textTools.look(read)
    this.length = read.length
    this.counter = counter
  }

  charCodeAt(index: number): number {
    this.counter.bytes++
    return this.text.charCodeAt(index)
  }

  indexOf(char: string, from: number): number {
    const found = this.text.indexOf(char, from)
    this.counter.bytes += (found < 0 ? this.length : found + 1) - from
    return found
  }
}

function counting(counter: { bytes: number }): TextTools {
  const open = (read: Uint8Array): Text => new CountingText(read, counter)
  return { ...textTools, open, look: open }
}

function split(input: string, delimiters: readonly string[], readBytes: number): { chunks: string[]; tail: string; examined: number } {
  const counter = { bytes: 0 }
  const splitter = new ChunkSplitter(chunkSettings({ delimiter: delimiters.map(bytes) }), counting(counter))
  const all = bytes(input)
  const chunks: string[] = []
  const pull = (): void => {
    for (let chunk = splitter.next(); chunk !== undefined; chunk = splitter.next()) chunks.push(show(chunk))
  }
  for (let at = 0; at < all.length; at += readBytes) {
    splitter.receiveData(all.slice(at, at + readBytes))
    pull()
  }
  splitter.receiveEof()
  pull()
  return { chunks, tail: show(splitter.takeLeftover()), examined: counter.bytes }
}

const few = fc.constantFrom('a', 'b', 'c')
const word = (maxLength: number): fc.Arbitrary<string> => fc.array(few, { minLength: 1, maxLength }).map((chars) => chars.join(''))
const delimiterSets = fc.array(word(5), { minLength: 1, maxLength: 6 })
const inputs = fc.array(few, { maxLength: 80 }).map((chars) => chars.join(''))

describe('the search for delimiters', () => {
  it('finds what the rule says, for any set of delimiters, any input, any reads', () => {
    fc.assert(
      fc.property(delimiterSets, inputs, fc.integer({ min: 1, max: 81 }), (delimiters, input, readBytes) => {
        const { chunks, tail, examined } = split(input, delimiters, readBytes)
        expect({ chunks, tail }).toEqual(splitNaively(input, delimiters))
        expect(examined).toBeLessThanOrEqual(3 * input.length)
      }),
      { numRuns: 1500 },
    )
  })

  const n = 20_000
  const hostile: readonly (readonly [id: string, delimiters: readonly string[], input: string])[] = [
    ['a delimiter that almost comes at every byte', ['aaab'], 'a'.repeat(n)],
    ['the same, ended now and then', ['aaab'], `${'a'.repeat(99)}b`.repeat(n / 100)],
    ['a delimiter of a thousand bytes, all but the last', [`${'a'.repeat(1000)}b`], `${'a'.repeat(1000)}c`.repeat(n / 1000)],
    ['false starts at every second byte', ['abb'], 'ab'.repeat(n / 2)],
    ['only delimiters', ['\n'], '\n'.repeat(n)],
    ['only delimiters of two bytes', ['\r\n'], '\r\n'.repeat(n / 2)],
    ['only halves of them', ['\r\n'], '\r'.repeat(n)],
    ['no delimiter', ['\n'], 'a'.repeat(n)],
    ['an alternative that never comes', ['\n', '\r\n'], 'a'.repeat(n)],
    ['two alternatives by turns', ['\n', '\r'], '\r\n'.repeat(n / 2)],
    ['one alternative far behind the others', ['\n', '\r'], `${'\n'.repeat(n - 1)}\r`],
    ['an alternative that begins another, far longer one', ['a', `${'a'.repeat(1000)}b`], 'a'.repeat(n)],
    ['many alternatives, nearly all of them', Array.from({ length: 40 }, (_, i) => `${'a'.repeat(i + 1)}c`), 'a'.repeat(n)],
    ['many alternatives of one byte', Array.from({ length: 200 }, (_, i) => String.fromCharCode(i + 40)), '!'.repeat(n)],
    ['alternatives with many first bytes', ['abcabcabd', 'bcabcabe', 'cabcabf'], 'abc'.repeat(n / 3)],
  ]
  for (const [id, delimiters, input] of hostile) {
    it(`looks at no byte more than three times: ${id}`, () => {
      for (const readBytes of [1, 2, 7, 1000, n]) {
        const { examined } = split(input, delimiters, readBytes)
        expect(examined, `in reads of ${readBytes}`).toBeLessThanOrEqual(3 * input.length)
        expect(examined, `in reads of ${readBytes}`).toBeGreaterThanOrEqual(input.length)
      }
    })
  }

  it('counts: a search that looks again at what it carried would fail', () => {
    const counter = { bytes: 0 }
    const text = new CountingText(bytes('aaaab'), counter)
    text.indexOf('b', 0)
    text.indexOf('c', 2)
    text.charCodeAt(0)
    expect(counter.bytes).toBe(5 + 3 + 1)
  })
})

describe('compileDelimiters', () => {
  it('writes the first that is not the beginning of another', () => {
    const written = (...delimiters: string[]): string => show(compileDelimiters(delimiters).written)
    expect(written('\n', '\r\n')).toBe('\n')
    expect(written('\r', '\n', '\r\n')).toBe('\n')
    expect(written('a', 'ab', 'abc')).toBe('abc')
    expect(written('x', 'x')).toBe('x')
  })

  it('does not follow what its caller does to the bytes later', () => {
    const delimiter = bytes('\n')
    const set = compileDelimiters(delimiter)
    delimiter[0] = 0
    expect(set.delimiters).toEqual([bytes('\n')])
  })
})
