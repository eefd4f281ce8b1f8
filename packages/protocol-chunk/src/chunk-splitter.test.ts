import { describe, expect, it } from 'vitest'
import { bytes, everyFeeding, feed } from '../test/feeding.ts'
import { type ChunkOptions, chunkSettings } from './chunk-options.ts'
import { ChunkSplitter } from './chunk-splitter.ts'
import { chunkSplitter } from './splitters.ts'
import { textTools } from './text.ts'

interface Row {
  readonly id: string
  readonly options: ChunkOptions
  readonly input: string
  readonly events: readonly string[]
}

const abc = { delimiter: ['a', 'ab', 'abc'] }
const rows: readonly Row[] = [
  { id: 'nothing at all', options: { delimiter: '\n' }, input: '', events: ['end'] },
  { id: 'one chunk', options: { delimiter: '\n' }, input: 'one\n', events: ['one', 'end'] },
  { id: 'three chunks, one of them empty', options: { delimiter: '\n' }, input: 'one\n\nthree\n', events: ['one', '', 'three', 'end'] },
  { id: 'only delimiters', options: { delimiter: '\n' }, input: '\n\n\n', events: ['', '', '', 'end'] },
  { id: 'a cut chunk', options: { delimiter: '\n' }, input: 'one\ntw', events: ['one', 'truncated 2'] },
  { id: 'a \\r that is not ours to strip', options: { delimiter: '\n' }, input: 'one\r\n', events: ['one\r', 'end'] },
  {
    id: 'every byte but the delimiter', options: { delimiter: '\n' },
    input: '\x00\x7f\x80\xff\r\n', events: ['\x00\x7f\x80\xff\r', 'end'],
  },
  { id: 'a delimiter beyond ASCII', options: { delimiter: bytes('\xff') }, input: 'a\xffb\xfe\xff', events: ['a', 'b\xfe', 'end'] },
  { id: 'two bytes', options: { delimiter: '\r\n' }, input: 'one\r\ntwo\r\n', events: ['one', 'two', 'end'] },
  {
    id: 'two bytes, halves of them inside', options: { delimiter: '\r\n' },
    input: 'o\rn\ne\r\r\n\n\r\n', events: ['o\rn\ne\r', '\n', 'end'],
  },
  { id: 'two bytes, cut between them', options: { delimiter: '\r\n' }, input: 'one\r', events: ['truncated 4'] },
  { id: 'a delimiter that begins with its own end', options: { delimiter: 'aab' }, input: 'aaab.aab', events: ['a', '.', 'end'] },
  { id: 'a delimiter of equal bytes', options: { delimiter: '--' }, input: 'a---b----', events: ['a', '-b', '', 'end'] },
  { id: 'alternatives of one byte', options: { delimiter: [',', ';', '|'] }, input: 'a;b,c|', events: ['a', 'b', 'c', 'end'] },
  { id: 'the earliest start wins', options: { delimiter: ['bcd', 'abcde'] }, input: '.abcde.bcd', events: ['.', '.', 'end'] },
  { id: 'the earliest start fails late', options: { delimiter: ['bc', 'abcde'] }, input: '.abcd.', events: ['.a', 'truncated 2'] },
  {
    id: 'several in a run that came to nothing', options: { delimiter: ['bc', 'abcbcbcX'] },
    input: '.abcbcbc.', events: ['.a', '', '', 'truncated 1'],
  },
  {
    id: 'at equal start the longest wins', options: { delimiter: ['\r', '\r\n', '\n'] },
    input: 'a\r\nb\rc\nd\r', events: ['a', 'b', 'c', 'd', 'end'],
  },
  { id: 'the longest of three', options: abc, input: '1abc2ab3a4', events: ['1', '2', '3', 'truncated 1'] },
  { id: 'a beginning decided by the end', options: abc, input: '1ab', events: ['1', 'end'] },
  { id: 'delimiters decided by the end', options: { delimiter: ['a', 'aaaX'] }, input: '1aa', events: ['1', '', 'end'] },
  {
    id: 'chunks that keep their delimiter', options: { delimiter: ['\n', '\r\n'], keepDelimiter: true },
    input: 'a\r\nb\n\n', events: ['a\r\n', 'b\n', '\n', 'end'],
  },
  { id: 'one byte, kept', options: { delimiter: '\n', keepDelimiter: true }, input: 'a\n\nb', events: ['a\n', '\n', 'truncated 1'] },
  { id: 'a tail that is wanted', options: { delimiter: '\n', deliverTail: true }, input: 'one\ntw', events: ['one', 'tw', 'end'] },
  { id: 'no tail, none is made', options: { delimiter: '\n', deliverTail: true }, input: 'one\n', events: ['one', 'end'] },
  { id: 'a tail with half a delimiter', options: { delimiter: '\r\n', deliverTail: true }, input: 'one\r', events: ['one\r', 'end'] },

  { id: 'as long as allowed', options: { delimiter: '\n', maxChunkBytes: 3 }, input: 'one\ntwo\n', events: ['one', 'two', 'end'] },
  {
    id: 'one byte too long', options: { delimiter: '\n', maxChunkBytes: 3 },
    input: 'one\nfour\nsix\n', events: ['one', 'ERR_CHUNK_TOO_LONG'],
  },
  {
    id: 'too long without an end', options: { delimiter: '\n', maxChunkBytes: 3 },
    input: 'one\nfour', events: ['one', 'ERR_CHUNK_TOO_LONG'],
  },
  {
    id: 'as long as allowed, without an end', options: { delimiter: '\n', maxChunkBytes: 3 },
    input: 'one\nsix', events: ['one', 'truncated 3'],
  },
  {
    id: 'the delimiter does not count', options: { delimiter: '----', maxChunkBytes: 3 },
    input: 'one----two---', events: ['one', 'truncated 6'],
  },
  { id: 'a false start counts', options: { delimiter: '----', maxChunkBytes: 3 }, input: 'one---.', events: ['ERR_CHUNK_TOO_LONG'] },
  {
    id: 'the kept delimiter does not count', options: { delimiter: '--', maxChunkBytes: 3, keepDelimiter: true },
    input: 'one--', events: ['one--', 'end'],
  },
  {
    id: 'a tail too long', options: { delimiter: '\n', maxChunkBytes: 3, deliverTail: true },
    input: 'four', events: ['ERR_CHUNK_TOO_LONG'],
  },
  {
    id: 'discard, and go on', options: { delimiter: '\n', maxChunkBytes: 3, overlong: 'discard' }, input: 'one\n1234567\nsix\n12345\n',
    events: ['one', 'overlong 7/0', 'six', 'overlong 5/0', 'end'],
  },
  {
    id: 'discard, with a delimiter of three and false starts', options: { delimiter: '-=-', maxChunkBytes: 2, overlong: 'discard' },
    input: 'a-=-bc-=bc-=-d-=-', events: ['a', 'overlong 6/0', 'd', 'end'],
  },
  {
    id: 'discard, with a run that is given up behind the end',
    options: { delimiter: ['\r', '\r\nxyz'], maxChunkBytes: 2, overlong: 'discard' },
    input: 'abc\r\nx\rd\r', events: ['overlong 3/0', '\nx', 'd', 'end'],
  },
  {
    id: 'discard, cut', options: { delimiter: '\n', maxChunkBytes: 3, overlong: 'discard' },
    input: 'one\n12345', events: ['one', 'truncated 5'],
  },
  {
    id: 'discard, a tail', options: { delimiter: '\n', maxChunkBytes: 3, overlong: 'discard', deliverTail: true }, input: 'one\n12345',
    events: ['one', 'overlong 5/0', 'end'],
  },
  {
    id: 'truncate, and go on', options: { delimiter: '\n', maxChunkBytes: 3, overlong: 'truncate' }, input: 'one\n1234567\nsix\n1234\n',
    events: ['one', 'overlong 7/3', '123', 'six', 'overlong 4/3', '123', 'end'],
  },
  {
    id: 'truncate, kept delimiters are not invented',
    options: { delimiter: '\n', maxChunkBytes: 3, overlong: 'truncate', keepDelimiter: true },
    input: '1234\nab\n', events: ['overlong 4/3', '123', 'ab\n', 'end'],
  },
  { id: 'truncate, cut', options: { delimiter: '\n', maxChunkBytes: 3, overlong: 'truncate' }, input: '12345', events: ['truncated 5'] },
  {
    id: 'truncate, a tail', options: { delimiter: '\n', maxChunkBytes: 3, overlong: 'truncate', deliverTail: true }, input: '12345',
    events: ['overlong 5/3', '123', 'end'],
  },
  {
    id: 'truncate, text ends with a whole character', options: { delimiter: '\n', maxChunkBytes: 3, overlong: 'truncate', mode: 'text' },
    input: 'ab\xc3\xa9cd\nok\n', events: ['overlong 6/2', 'text:ab', 'text:ok', 'end'],
  },

  { id: 'text', options: { delimiter: '\n', mode: 'text' }, input: 'one\n\ntwo\n', events: ['text:one', 'text:', 'text:two', 'end'] },
  {
    id: 'text of two, three and four bytes a character', options: { delimiter: '\n', mode: 'text' },
    input: 'a\n\xc3\xa9\nb\n\xe2\x82\xac\n\xf0\x9f\x98\x80\nc\n',
    events: ['text:a', 'text:é', 'text:b', 'text:€', 'text:😀', 'text:c', 'end'],
  },
  {
    id: 'a byte order mark is text', options: { delimiter: '\n', mode: 'text' },
    input: '\xef\xbb\xbfa\n', events: ['text:\ufeffa', 'end'],
  },
  {
    id: 'a replacement character that was sent', options: { delimiter: '\n', mode: 'text' },
    input: '\xef\xbf\xbd\n', events: ['text:\ufffd', 'end'],
  },
  {
    id: 'a lone continuation byte', options: { delimiter: '\n', mode: 'text' },
    input: 'a\n\x80\nb\n', events: ['text:a', 'ERR_CHUNK_NOT_UTF8'],
  },
  {
    id: 'a sequence that the delimiter cuts', options: { delimiter: '\n', mode: 'text' },
    input: 'a\xc3\n\xa9\n', events: ['ERR_CHUNK_NOT_UTF8'],
  },
  { id: 'an overlong encoding', options: { delimiter: '\n', mode: 'text' }, input: '\xc0\xaf\n', events: ['ERR_CHUNK_NOT_UTF8'] },
  { id: 'a surrogate', options: { delimiter: '\n', mode: 'text' }, input: '\xed\xa0\x80\n', events: ['ERR_CHUNK_NOT_UTF8'] },
  {
    id: 'text, two bytes end it', options: { delimiter: '\r\n', mode: 'text' },
    input: 'a\r\n\xc3\xa9\r\n', events: ['text:a', 'text:é', 'end'],
  },
  {
    id: 'text with a tail', options: { delimiter: '\n', mode: 'text', deliverTail: true },
    input: 'a\n\xc3\xa9', events: ['text:a', 'text:é', 'end'],
  },
  {
    id: 'text with a cut tail', options: { delimiter: '\n', mode: 'text', deliverTail: true },
    input: 'a\n\xc3', events: ['text:a', 'ERR_CHUNK_NOT_UTF8'],
  },
]

describe('chunkSplitter', () => {
  for (const { id, options, input, events } of rows) {
    it(`${id}: the same events however it is cut`, () => {
      for (const [way, reads] of everyFeeding(bytes(input))) expect(feed(chunkSplitter(options), reads), way).toEqual(events)
    })
  }

  it('decodes nothing ahead: what is not pulled is held, and can be had back', () => {
    const splitter = chunkSplitter({ delimiter: '\n' })
    splitter.receiveData(bytes('one\ntwo\nthr'))
    splitter.receiveData(bytes('ee\n'))
    expect(splitter.heldBytes).toBe(14)
    expect(splitter.next()).toEqual(bytes('one'))
    expect(splitter.heldBytes).toBe(10)
    expect(splitter.takeLeftover()).toEqual(bytes('two\nthree\n'))
    expect(splitter.heldBytes).toBe(0)
    expect(splitter.next()).toBe(undefined)
  })

  it('takes a read before it was asked for what is behind a unit', () => {
    for (const options of [{ delimiter: '\n' }, { delimiter: [';', '\n'] }, { delimiter: ['abc', '\n'] }]) {
      const splitter = chunkSplitter({ ...options, mode: 'text' })
      const units = ['one\n', '\n', 'two\n'].map((read) => {
        splitter.receiveData(bytes(read))
        return splitter.next()
      })
      expect(units).toEqual(['one', '', 'two'])
    }
  })

  it('gives an empty line at the beginning of a read that is searched as bytes', () => {
    const splitter = new ChunkSplitter(chunkSettings({ delimiter: '\n', mode: 'text' }), { ...textTools, open: textTools.look })
    splitter.receiveData(bytes('\n\xc3\xa9\n'))
    expect([splitter.next(), splitter.next(), splitter.next()]).toEqual(['', 'é', undefined])
  })

  it('gives back what was searched and carried, and begins anew', () => {
    const splitter = chunkSplitter({ delimiter: '\r\n' })
    splitter.receiveData(bytes('one\r'))
    expect(splitter.next()).toBe(undefined)
    expect(splitter.takeLeftover()).toEqual(bytes('one\r'))
    splitter.receiveData(bytes('\ntwo\r\n'))
    expect(splitter.next()).toEqual(bytes('\ntwo'))
  })

  it('decodes long lines and short ones of a read that is not all ASCII', () => {
    const lines = ['a', 'é', 'x'.repeat(500), `${'y'.repeat(500)}€`, '', 'b', 'z'.repeat(199), '😀', 'end']
    const splitter = chunkSplitter({ delimiter: '\n', mode: 'text' })
    splitter.receiveData(new TextEncoder().encode(`${lines.join('\n')}\n`))
    expect([...lines.map(() => splitter.next()), splitter.next()]).toEqual([...lines, undefined])
    const broken = chunkSplitter({ delimiter: '\n', mode: 'text' })
    broken.receiveData(bytes(`a\n${'x'.repeat(500)}\xff\n`))
    expect(broken.next()).toBe('a')
    expect(() => broken.next()).toThrow(expect.objectContaining({ code: 'ERR_CHUNK_NOT_UTF8', side: 'remote' }))
  })

  it('is dead once it threw', () => {
    const splitter = chunkSplitter({ delimiter: '\n', maxChunkBytes: 1 })
    splitter.receiveData(bytes('ab\nc\n'))
    const failures: unknown[] = []
    const next = (): unknown => splitter.next()
    for (const call of [next, next, () => splitter.receiveData(bytes('x')), () => splitter.receiveEof()]) {
      try {
        call()
      } catch (error) {
        failures.push(error)
      }
    }
    expect(failures).toHaveLength(4)
    expect(new Set(failures).size).toBe(1)
    expect(failures[0]).toMatchObject({ code: 'ERR_CHUNK_TOO_LONG', limit: 'maxChunkBytes', allowed: 1, actual: 2, unit: 'bytes' })
  })

  it('waits with the next chunk until the report of an overlong one is taken', () => {
    const splitter = chunkSplitter({ delimiter: '\n', maxChunkBytes: 1, overlong: 'discard' })
    splitter.receiveData(bytes('ab\nc\n'))
    expect([splitter.next(), splitter.next()]).toEqual([undefined, undefined])
    expect(splitter.takeOverlong()).toEqual({ bytes: 2, deliveredBytes: 0 })
    expect(splitter.takeOverlong()).toBe(undefined)
    expect(splitter.next()).toEqual(bytes('c'))
  })

  it('holds no more than the limit and a delimiter of a chunk that is too long', () => {
    for (const overlong of ['discard', 'truncate'] as const) {
      const splitter = chunkSplitter({ delimiter: '\r\n', maxChunkBytes: 100, overlong })
      for (let i = 0; i < 1000; i++) {
        splitter.receiveData(new Uint8Array(1000).fill(0x61))
        expect(splitter.next()).toBe(undefined)
        expect(splitter.heldBytes).toBe(0)
      }
    }
  })

  it('gives plain views of the read, not copies, and never a Buffer', () => {
    const read = Buffer.from('one\ntwo\n')
    const splitter = chunkSplitter({ delimiter: '\n' })
    splitter.receiveData(read)
    const unit = splitter.next()!
    expect(Object.getPrototypeOf(unit)).toBe(Uint8Array.prototype)
    expect([unit.buffer === read.buffer, unit.byteOffset - read.byteOffset, unit.length]).toEqual([true, 0, 3])
  })

  it('refuses options that make no sense', () => {
    const refused = (options: unknown): unknown => {
      try {
        chunkSplitter(options as ChunkOptions)
        return 'accepted'
      } catch (error) {
        return (error as { code: string }).code
      }
    }
    for (const delimiter of ['', [], ['a', ''], new Uint8Array(0), 'x'.repeat(1025), ['x'.repeat(1000), 'y'.repeat(25)]]) {
      expect(refused({ delimiter })).toBe('ERR_INVALID_ARGUMENT')
    }
    for (const maxChunkBytes of [0, -1, 1.5, NaN, Infinity]) {
      expect(refused({ delimiter: '\n', maxChunkBytes })).toBe('ERR_INVALID_ARGUMENT')
    }
    for (const overlong of ['', '__proto__', 'drop']) expect(refused({ delimiter: '\n', overlong })).toBe('ERR_INVALID_ARGUMENT')
    expect(refused({ delimiter: '\n', mode: 'string' })).toBe('ERR_INVALID_ARGUMENT')
    expect(refused({ delimiter: ['x'.repeat(1000), 'y'.repeat(24)], maxChunkBytes: 1 })).toBe('accepted')
  })
})

describe('a splitter that changes its mode', () => {
  /** Pulls units; each may say what is next. */
  type Then = (unit: string, splitter: ReturnType<typeof chunkSplitter>) => void
  function script(input: string, size: number, options: ChunkOptions, then: Then): string[] {
    const splitter = chunkSplitter(options as ChunkOptions<'bytes'>)
    const units: string[] = []
    const all = bytes(input)
    for (let at = 0; at < all.length; at += size) {
      splitter.receiveData(all.slice(at, at + size))
      for (let unit = splitter.next(); unit !== undefined; unit = splitter.next()) {
        const shown = typeof unit === 'string' ? unit : Array.from(unit as Uint8Array, (byte) => String.fromCharCode(byte)).join('')
        units.push(shown)
        then(shown, splitter)
      }
    }
    return units
  }

  for (const size of [1, 2, 3, 5, 8, 1000]) {
    it(`reads a line, as many bytes as it says, and lines again, in reads of ${size}`, () => {
      const units = script('5\nab\ncd3\nxyz1\n\nend\n', size, { delimiter: '\n' }, (unit, splitter) => {
        if (/^\d$/.test(unit)) splitter.setCount(Number(unit))
        else splitter.setDelimiter()
      })
      expect(units).toEqual(['5', 'ab\ncd', '3', 'xyz', '1', '\n', 'end'])
    })

    it(`changes the delimiter for the very next byte, what an alternative looked ahead at included, in reads of ${size}`, () => {
      const units = script('a\r\nb\r\nc;d;', size, { delimiter: ['\r', '\r\nb\r\nX'] }, (unit, splitter) => {
        if (unit === 'a') splitter.setDelimiter('\r\n')
        if (unit === '\nb') splitter.setDelimiter(';')
      })
      expect(units).toEqual(['a', '\nb', 'c', 'd'])
    })

    it(`reads text in raw mode without cutting a character, in reads of ${size}`, () => {
      const units = script('go\n\xf0\x9f\x98\x80\xc3\xa9\xe2\x82\xac.', size, { delimiter: '\n', mode: 'text' }, (unit, splitter) => {
        if (unit === 'go') splitter.setRaw()
      })
      expect(units[0]).toBe('go')
      expect(units.slice(1).join('')).toBe('😀é€.')
    })
  }

  it('gives raw bytes as they come, and what is left of the read first', () => {
    const splitter = chunkSplitter({ delimiter: '\n' })
    splitter.receiveData(bytes('a\nbc\nd'))
    expect(splitter.next()).toEqual(bytes('a'))
    splitter.setRaw()
    splitter.receiveData(bytes('e'))
    expect([splitter.next(), splitter.next(), splitter.next()]).toEqual([bytes('bc\nd'), bytes('e'), undefined])
    splitter.setDelimiter()
    splitter.receiveData(bytes('f\n'))
    expect(splitter.next()).toEqual(bytes('f'))
  })

  it('changes in the middle of a chunk: what came of it is read anew', () => {
    const splitter = chunkSplitter({ delimiter: '\n' })
    splitter.receiveData(bytes('a;b'))
    expect(splitter.next()).toBe(undefined)
    splitter.setDelimiter(';')
    expect([splitter.next(), splitter.next()]).toEqual([bytes('a'), undefined])
    splitter.setCount(2)
    splitter.receiveData(bytes('cd'))
    expect([splitter.next(), splitter.next()]).toEqual([bytes('bc'), undefined])
    expect(splitter.takeLeftover()).toEqual(bytes('d'))
  })

  it('is cut in the middle of a count, or of a character, but not when raw', () => {
    const counted = chunkSplitter({ delimiter: '\n' })
    counted.setCount(3)
    expect(feed(counted, [bytes('abcd')])).toEqual(['abc', 'truncated 1'])
    const raw = chunkSplitter({ delimiter: '\n' })
    raw.setRaw()
    expect(feed(raw, [bytes('abcd')])).toEqual(['abcd', 'end'])
    const text = chunkSplitter({ delimiter: '\n', mode: 'text' })
    text.setRaw()
    expect(feed(text, [bytes('ab\xe2\x82')])).toEqual(['text:ab', 'truncated 2'])
    const noText = chunkSplitter({ delimiter: '\n', mode: 'text' })
    noText.setRaw()
    expect(feed(noText, [bytes('ab\xe2'), bytes('\x82A')])).toEqual(['text:ab', 'ERR_CHUNK_NOT_UTF8'])
  })

  it('searches anew what the end had decided', () => {
    const splitter = chunkSplitter({ delimiter: ['a', 'aaaX'] })
    splitter.receiveData(bytes('1aa'))
    splitter.receiveEof()
    expect(splitter.next()).toEqual(bytes('1'))
    splitter.setDelimiter('a')
    expect([splitter.next(), splitter.next(), splitter.truncatedBytes]).toEqual([bytes(''), undefined, 0])
  })

  it('reports what it was discarding', () => {
    const splitter = chunkSplitter({ delimiter: '\n', maxChunkBytes: 2, overlong: 'discard' })
    splitter.receiveData(bytes('abcd'))
    expect(splitter.next()).toBe(undefined)
    splitter.setCount(1)
    expect(splitter.takeOverlong()).toEqual({ bytes: 4, deliveredBytes: 0 })
    splitter.receiveData(bytes('e'))
    expect(splitter.next()).toEqual(bytes('e'))
  })

  it('refuses a count that is none, or over the limit, and goes on as before', () => {
    const splitter = chunkSplitter({ delimiter: '\n', maxChunkBytes: 10 })
    for (const count of [0, -1, 1.5, NaN, 2 ** 53]) {
      expect(() => splitter.setCount(count)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    }
    expect(() => splitter.setCount(11)).toThrow(expect.objectContaining({ code: 'ERR_CHUNK_TOO_LONG', allowed: 10, actual: 11 }))
    expect(() => splitter.setDelimiter('')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    splitter.receiveData(bytes('ok\n'))
    expect(splitter.next()).toEqual(bytes('ok'))
  })
})
