import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JsonScanner } from './json-scanner.ts'

const encoder = new TextEncoder()

/** What a scanner makes of pieces: texts as strings, noise as `[bytes, start]`. */
function scan(pieces: readonly Uint8Array[], settings: { maxTextBytes?: number; onNoise?: 'skip' | 'abort' } = {}): { found: unknown[]; left: number } {
  const scanner = new JsonScanner({ maxTextBytes: 1000, onNoise: 'skip', ...settings })
  const found: unknown[] = []
  const drain = (): void => {
    for (;;) {
      const text = scanner.next()
      if (text !== undefined) {
        found.push(new TextDecoder().decode(text))
        continue
      }
      const noise = scanner.takeNoise()
      if (noise === undefined) return
      found.push([noise.bytes, noise.start])
    }
  }
  for (const piece of pieces) {
    scanner.receiveData(piece)
    drain()
  }
  scanner.receiveEof()
  drain()
  return { found, left: scanner.truncatedBytes }
}

const splits = (text: string, sizes: readonly number[]): Uint8Array[] => {
  const bytes = encoder.encode(text)
  const pieces: Uint8Array[] = []
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length]!
    pieces.push(bytes.slice(at, at + size))
    at += size
  }
  return pieces
}

const table: readonly (readonly [name: string, text: string, found: readonly unknown[], left?: number])[] = [
  ['an object', '{"a":1}', ['{"a":1}']],
  ['an array', '[1,2]', ['[1,2]']],
  ['empty ones', '{}[]', ['{}', '[]']],
  ['two without anything between', '{"a":1}{"b":2}', ['{"a":1}', '{"b":2}']],
  ['white space of all kinds', ' \t\r\n{ "a" : [ 1 , 2 ] }\n\n[ ]\n', ['{ "a" : [ 1 , 2 ] }', '[ ]']],
  ['brackets and quotes in strings', '{"a":"}]{[\\"\\\\"}[]', ['{"a":"}]{[\\"\\\\"}', '[]']],
  ['every kind of value', '[0,-1.5e+3,true,false,null,"é€😀",{"k":[{}]}]', ['[0,-1.5e+3,true,false,null,"é€😀",{"k":[{}]}]']],
  ['a line that was printed', 'Listening on 80\n{}', [[15, 'Listening on 80'], '{}']],
  ['lines that were printed', 'one\ntwo\n{}three\n', [[3, 'one'], [3, 'two'], '{}', [5, 'three']]],
  ['a print without an end of line', 'debug: {"a":1}', [[7, 'debug:'], '{"a":1}']],
  ['a log line in brackets', '[INFO] started\n{}', [[14, '[INFO] started'], '{}']],
  ['a log line in brackets before a text', '[INFO] {"a":1}', [[7, '[INFO]'], '{"a":1}']],
  ['a word that begins like a literal', '[trace] x\n[true]', [[9, '[trace] x'], '[true]']],
  ['a date in brackets', '[2024-01-01 10:00] x\n{}', [[20, '[2024-01-01 10:00] x'], '{}']],
  ['a text that breaks off in a string', '{"a":"b\n{"c":1}', [[7, '{"a":"b'], '{"c":1}']],
  ['a text that breaks off before a value', '{"a":\n{"c":1}\n{"d":1}', [[14, '{"a":\n{"c":1}'], '{"d":1}']],
  ['a bare value', '17\n"x"\n{}', [[2, '17'], [3, '"x"'], '{}']],
  ['a bracket that closes nothing', '}]{}', [[2, '}]'], '{}']],
  ['the wrong bracket', '[1}{}', [[3, '[1}'], '{}']],
  ['a comma too many', '[1,]{"a":1,}{}', [[12, '[1,]{"a":1,}'], '{}']],
  ['noise to the end', '{}oops', ['{}', [4, 'oops']]],
  ['a text that is cut', '{}{"a":', ['{}'], 5],
  ['a text that is cut in a string', '["€', [], 5],
  ['nothing', '', []],
]

describe('JsonScanner', () => {
  for (const [name, text, found, left = 0] of table) {
    // Whole, byte by byte, and in threes: the same.
    it(`finds ${name}`, () => {
      for (const sizes of [[1000], [1], [3], [2, 5]]) expect(scan(splits(text, sizes))).toEqual({ found, left })
    })
  }

  it('finds the same however the stream is cut', () => {
    const piece = fc.oneof(fc.json({ maxDepth: 4 }).filter((text) => /^[[{]/.test(text)), fc.constantFrom('noise\n', '[x]', '{"a', '\n', ' ', '"', '}', '[1,', 'null'))
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 6 }), (pieces, sizes) => {
        const text = pieces.join('')
        expect(scan(splits(text, sizes))).toEqual(scan(splits(text, [1_000_000])))
      }),
      { numRuns: 300 },
    )
  })

  it('finds every text that is one, and loses nothing', () => {
    fc.assert(
      fc.property(fc.array(fc.json({ maxDepth: 5 }).filter((text) => /^[[{]/.test(text)), { maxLength: 6 }), (texts) => {
        expect(scan(splits(texts.join(''), [7]), { maxTextBytes: 1_000_000 }).found).toEqual(texts)
      }),
      { numRuns: 200 },
    )
  })

  it('ends at a text that is too long, whether or not its end is there', () => {
    const limit = { code: 'ERR_JSON_TEXT_TOO_LONG', limit: 'maxTextBytes', allowed: 10, unit: 'bytes' }
    expect(() => scan(splits(`["${'x'.repeat(20)}"]`, [1000]), { maxTextBytes: 10 })).toThrow(expect.objectContaining({ ...limit, actual: 24 }))
    expect(() => scan(splits(`["${'x'.repeat(20)}`, [4]), { maxTextBytes: 10 })).toThrow(expect.objectContaining({ ...limit, actual: 12 }))
    expect(scan(splits('["123456"]', [4]), { maxTextBytes: 10 }).found).toEqual(['["123456"]'])
  })

  it('ends at noise if it is not to be skipped, and says what it read', () => {
    const error = { code: 'ERR_JSON_NOISE', message: 'neither an object nor an array: "Listening on 80\\n"' }
    expect(() => scan(splits('Listening on 80\n', [1000]), { onNoise: 'abort' })).toThrow(expect.objectContaining(error))
    expect(scan(splits(' {}\n[]', [1]), { onNoise: 'abort' }).found).toEqual(['{}', '[]'])
  })

  it('is dead once it threw', () => {
    const scanner = new JsonScanner({ maxTextBytes: 10, onNoise: 'abort' })
    scanner.receiveData(encoder.encode('x'))
    expect(() => scanner.next()).toThrow('neither an object')
    expect(() => scanner.next()).toThrow('neither an object')
    expect(() => scanner.receiveData(encoder.encode('{}'))).toThrow('neither an object')
  })

  it('holds no noise, however much of it there is', () => {
    const scanner = new JsonScanner({ maxTextBytes: 1000, onNoise: 'skip' })
    for (let i = 0; i < 1000; i++) {
      scanner.receiveData(encoder.encode('x'.repeat(100)))
      expect(scanner.next()).toBe(undefined)
      expect(scanner.heldBytes).toBe(0)
    }
    scanner.receiveData(encoder.encode('\n'))
    expect(scanner.next()).toBe(undefined)
    expect(scanner.takeNoise()).toEqual({ bytes: 100_000, start: 'x'.repeat(64) })
  })

  it('hands over what it holds', () => {
    const scanner = new JsonScanner({ maxTextBytes: 1000, onNoise: 'skip' })
    scanner.receiveData(encoder.encode('{}{"a'))
    scanner.next()
    scanner.next()
    scanner.receiveData(encoder.encode('":1}['))
    expect(scanner.heldBytes).toBe(8)
    expect(new TextDecoder().decode(scanner.takeLeftover())).toBe('{"a":1}[')
    expect(scanner.heldBytes).toBe(0)
  })
})

it('a text that comes a byte at a time is not held as an object for each', () => {
  const scanner = new JsonScanner({ maxTextBytes: 1_000_000, onNoise: 'skip' })
  const text = `["${'a'.repeat(50_000)}"]`
  let found: Uint8Array | undefined
  let most = 0
  for (const byte of new TextEncoder().encode(text)) {
    scanner.receiveData(Uint8Array.of(byte))
    found = scanner.next()
    most = Math.max(most, (scanner as unknown as { pieces: unknown[] }).pieces.length)
  }
  expect(new TextDecoder().decode(found)).toBe(text)
  expect(most).toBeLessThan(1100)
})
