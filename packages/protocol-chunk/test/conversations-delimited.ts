/** What framings with delimiters make of their input. */
import type { Ending, ProtocolSubject } from '@async/core/testing'
import { chunk, line, nul } from '../src/index.ts'
import { bytes } from './feeding.ts'
import { abrupt, budgeted, chunks, counted, disturbed, framing, takenFrom, unpausable, weighed, withoutBuffer } from './subjects.ts'

/** Lines, also of what is not ASCII. */
export const text = { name: 'lines', input: 'one\n\nthrée\n', events: ['one', '', 'thrée'], boundaries: [0, 4, 5, 12] }
/** A line without end. */
export const endless = { name: 'an endless line', input: 'y'.repeat(30_000), events: [], kind: 'limit' as const, error: { code: 'ERR_CHUNK_TOO_LONG', allowed: 200, actual: 201, limit: 'maxChunkBytes' } }

const characters = {
  name: 'characters of every length', input: 'é€😀a\n\ufeff\ufffd\n€\n',
  events: ['é€😀a', '\ufeff\ufffd', '€'], boundaries: [0, 11, 18, 22],
}
const mixed = { name: 'alternatives', input: 'a,b;;c::d:,', events: ['a', 'b', '', 'c', 'd:'], boundaries: [0, 2, 4, 5, 8, 11] }

/** What is not UTF-8: cut sequences, stray bytes, longer forms than needed, surrogates, beyond U+10FFFF. */
const notText = [
  '\xc3', '\xe2\x82', '\xf0\x9f\x98', '\x80', 'a\xbf', '\xc0\xaf', '\xe0\x80\xaf', '\xf0\x80\x80\xaf', '\xed\xa0\x80', '\xf4\x90\x80\x80',
  '\xf5\x80\x80\x80', '\xff', '\xc3a', '\xef\xbf\xbd\xff',
].map((bad) => ({
  name: `bytes that are not UTF-8: ${escape(bad)}`, input: bytes(`ok\n${bad}\nmore\n`), events: ['ok'], kind: 'protocol' as const,
  error: { code: 'ERR_CHUNK_NOT_UTF8', message: `a chunk of ${bad.length} bytes is not UTF-8` },
}))

/** Lines of lengths that make a difference to what holds and joins them. */
const lengths = [1, 30, 201, 700, 1023, 1024, 1500, 2049, 5000, 3, 0, 17_000, 40, 20_000, 2, 2, 2]
const long = (letter: string, size: number): Ending<'closed'> => {
  const lines = lengths.map((length) => letter.repeat(Math.floor(length / size)))
  return { name: `long lines of ${letter}`, input: lines.map((one) => `${one}\n`).join(''), events: lines, kind: 'closed' }
}
/** Short lines, between which some are not ASCII. */
const speckled = Array.from({ length: 300 }, (_, index) => (index % 7 === 3 ? `n° ${index}` : index % 50 === 49 ? 'é'.repeat(index) : `line ${index}`))
const speckledLines: Ending<'closed'> = { name: 'short lines, some of which are not ASCII', input: speckled.map((one) => `${one}\n`).join(''), events: speckled, kind: 'closed' }
/** Lines of different letters, in bytes that are cut anywhere. */
const various = Array.from({ length: 120 }, (_, index) => String.fromCharCode(97 + (index % 26)).repeat((index * 37) % 1400))
const variousLines: Ending<'closed'> = { name: 'lines of different letters', input: various.map((one) => `${one}\n`).join(''), events: various, kind: 'closed' }
/** The tail of a read of 20,000 bytes is a tenth of it. */
const thousands: Ending<'closed'> = { name: 'lines of 2,899', input: `${'w'.repeat(2899)}\n`.repeat(20), events: Array<string>(20).fill('w'.repeat(2899)), kind: 'closed' }
const atLimit = { name: 'as long as they may be', input: 'abcde\n\nfghij\n', events: ['abcde', '', 'fghij'], boundaries: [0, 6, 7, 13] }
const overLimit = (name: string, input: string, events: readonly string[] = []): Ending<'limit'> => ({
  name, input, events, kind: 'limit', error: { code: 'ERR_CHUNK_TOO_LONG', allowed: 5, actual: 6 },
})

const skip = { K3: 'where one delimiter begins another, a chunk waits for the byte that decides: a reset says nothing of it' }
const closed = (input: string, events: readonly string[]): Ending<'closed'> => ({ name: JSON.stringify(input), input, events, kind: 'closed' })
const cut = (input: string, events: readonly string[], cutBytes: number): Ending<'truncated'> => ({
  name: `${JSON.stringify(input)}, cut`, input, events, kind: 'truncated', error: { code: 'ERR_TRUNCATED', message: `the end came ${cutBytes} bytes into a message` },
})

/** Lines of text. */
export const lines: readonly ProtocolSubject[] = [
  framing('line', line({ maxChunkBytes: 200 }), {
    conversations: [text, characters],
    endings: [cut('a\nbc', ['a'], 2)],
    refused: [endless, { name: 'a long line behind a good one', input: `ok\n${'z'.repeat(201)}\nmore\n`, events: ['ok'], kind: 'limit' }, ...notText],
  }),
  framing('line, five bytes', line({ maxChunkBytes: 5 }), {
    conversations: [atLimit, { name: 'as long as they may be, with characters', input: 'é€\n', events: ['é€'], boundaries: [0, 6] }],
    refused: [overLimit('one byte too many', 'abcdef\n'), overLimit('one byte too many, without end', 'ab\nabcdef', ['ab'])],
  }),
  framing('long lines', line({ maxChunkBytes: 40_000 }), { conversations: [], endings: [long('x', 1), long('é', 2), long('😀', 4), speckledLines, variousLines] }),
  framing('long lines of bytes', line({ mode: 'bytes', maxChunkBytes: 40_000 }), { conversations: [], endings: [long('x', 1), variousLines] }),
  framing('line, crlf', line({ ending: 'crlf' }), { conversations: [{ name: 'lines', input: 'a\r\nb\nc\r\n', events: ['a', 'b\nc'], boundaries: [0, 3, 8] }] }),
  framing('line, any', line({ ending: 'any' }), { conversations: [{ name: 'lines', input: 'a\r\nb\nc\r\r\n', events: ['a', 'b', 'c\r'], boundaries: [0, 3, 5, 9] }] }),
  framing('nul', nul(), { conversations: [{ name: 'names', input: bytes('a\0\0b\n\0'), events: ['a', '', 'b\n'], boundaries: [0, 2, 3, 6] }] }),
  withoutBuffer('line, without a Buffer', { delimiter: '\n', mode: 'text', maxChunkBytes: 40_000 }, {
    conversations: [text, characters], endings: [speckledLines, variousLines], refused: notText,
  }),
  withoutBuffer('line of bytes, without a Buffer', { delimiter: '\n', maxChunkBytes: 40_000 }, { conversations: [atLimit], endings: [variousLines] }),
  unpausable('line, not to be paused', line({ maxChunkBytes: 40_000 }), {
    conversations: [text, characters, { name: 'an empty line last', input: 'a\n\n', events: ['a', ''], boundaries: [0, 2, 3] }], endings: [variousLines],
  }),
  budgeted('line, much of it held', { delimiter: '\n', mode: 'text' }, {
    conversations: [],
    endings: [{ name: 'long lines', input: `first\n${`${'0123456789'.repeat(3000)}\n`.repeat(10)}`, events: ['first', ...Array<string>(10).fill('01234')], kind: 'closed' }],
  }),
  budgeted('line, much of it held, and discarded', { delimiter: '\n', maxChunkBytes: 5, overlong: 'discard' }, {
    conversations: [],
    endings: [{ name: 'long lines', input: `first\n${`${'0123456789'.repeat(3000)}\n`.repeat(10)}`, events: ['', ...Array<string>(10).fill('overlong 30000')], kind: 'closed' }],
  }),
  budgeted('line, many held', { delimiter: '\n' }, {
    conversations: [],
    endings: [{ name: 'empty lines', input: `first line\n${'\n'.repeat(70_000)}`, events: [' line', '70000 empty ones'], kind: 'closed' }],
  }),
  framing('line, much of it at once', line(), {
    conversations: [], maxHeldBytes: 1_000_000,
    endings: [{ name: 'long lines', input: `${'0123456789'.repeat(3000)}\n`.repeat(10), events: Array<string>(10).fill('0123456789'.repeat(3000)), kind: 'closed' }],
  }),
  takenFrom('line, taken from', line(), { conversations: [text] }),
  weighed('line, weighed', line({ maxChunkBytes: 3000 }), { conversations: [], maxHeldBytes: 8000, endings: [thousands] }),
]

const crlf = { name: 'lines and halves of their end', input: 'a\r\n\r\r\nb\n\r\n', events: ['a', '\r', 'b\n'], boundaries: [0, 3, 6, 10] }

/** Delimiters of several bytes, and several of them. */
export const alternatives: readonly ProtocolSubject[] = [
  chunks('chunk', { delimiter: '\r\n', maxChunkBytes: 200 }, { conversations: [crlf], endings: [cut('a\r\nb\r', ['a'], 2)], refused: [endless] }),
  chunks('chunk, five bytes', { delimiter: '\r\n', maxChunkBytes: 5 }, {
    conversations: [{ name: 'as long as they may be', input: 'abcde\r\nabcd\r\r\n', events: ['abcde', 'abcd\r'], boundaries: [0, 7, 14] }],
    refused: [overLimit('one byte too many', 'abcdef\r\n'), overLimit('half a delimiter too many', 'abcde\rx\n'), overLimit('false starts', 'abcde\r\r\n')],
    endings: [cut('abcde\r', [], 6)],
  }),
  counted('chunk with alternatives', { delimiter: [',', ';', '::'], maxChunkBytes: 200 }, {
    conversations: [mixed],
    refused: [{ name: 'false starts without end', input: 'a:'.repeat(10_000), events: [], kind: 'limit' }],
  }),
  counted('two alternatives', { delimiter: [',', ';'] }, {
    conversations: [{ name: 'both', input: 'a,b;;c,,;d;', events: ['a', 'b', '', 'c', '', '', 'd'], boundaries: [0, 2, 4, 5, 7, 8, 9, 11] }],
    endings: [{ name: 'one of them, many times', input: `${'a,'.repeat(5000)};`, events: [...Array<string>(5000).fill('a'), ''], kind: 'closed' }],
  }),
  counted('a delimiter that begins like what is not one', { delimiter: 'aaab', maxChunkBytes: 60_000 }, {
    conversations: [{ name: 'false starts', input: 'aaaabxaabaaab', events: ['a', 'xaab'], boundaries: [0, 5, 13] }],
    endings: [
      { name: 'a long false start', input: `${'a'.repeat(20_000)}baaab`, events: ['a'.repeat(19_997), ''], kind: 'closed' },
      { name: 'false starts far from each other', input: `${'aab.............'.repeat(2000)}aaab`, events: ['aab.............'.repeat(2000)], kind: 'closed' },
    ],
  }),
  chunks('the same twice', { delimiter: ['\n', '\n'] }, { conversations: [{ name: 'lines', input: 'a\n\nb\n', events: ['a', '', 'b'], boundaries: [0, 2, 3, 5] }] }),
  chunks('one begins the other', { delimiter: ['\r', '\r\n'], maxChunkBytes: 5 }, {
    conversations: [{ name: 'the shorter one', input: 'a\rb\r\rd\r', events: ['a', 'b', '', 'd'], boundaries: [0, 2, 4, 5, 7] }],
    endings: [closed('a\rb\r\nc\r\rd\r\n', ['a', 'b', 'c', '', 'd']), closed('a\r', ['a']), closed('a\r\n', ['a']), closed('\r\r\r', ['', '', '']), cut('a\rb', ['a'], 1), closed('abcde\r', ['abcde'])],
    refused: [overLimit('one byte too many', 'a\rabcdef\r', ['a'])],
    skip,
  }),
  chunks('one is the end of the other', { delimiter: ['aab', 'ab', 'b'] }, { conversations: [{ name: 'all', input: 'aaabxabyaazb', events: ['a', 'x', 'yaaz'], boundaries: [0, 4, 7, 12] }] }),
  chunks('one lies in the other', { delimiter: ['abcd', 'bc'] }, { conversations: [], endings: [closed('xabcdyabcezbcabcabcd', ['x', 'ya', 'ez', 'a', '']), closed('abc', ['a'])] }),
  chunks('one has the other twice', { delimiter: ['aaab', 'aa'] }, {
    conversations: [{ name: 'the shorter one', input: 'xaaacaayaaaa', events: ['x', 'ac', 'y', ''], boundaries: [0, 3, 7, 10, 12] }],
    endings: [closed('xaaacaaabaayaaaa', ['x', 'ac', '', 'y', '']), cut('aaa', [''], 1), closed('aaaa', ['', ''])],
    skip,
  }),
  chunks('one begins and repeats in the other', { delimiter: ['abab!', 'a'], maxChunkBytes: 3 }, {
    conversations: [{ name: 'given up', input: 'xababyaba', events: ['x', 'b', 'by', 'b'], boundaries: [0, 2, 4, 7, 9] }],
    endings: [cut('xababyabab!aab', ['x', 'b', 'by', '', ''], 1), cut('aba!', ['', 'b'], 1)],
    skip,
  }),
  chunks('long chunks, given up at once', { delimiter: ['abab!', 'a'], mode: 'text' }, {
    conversations: [],
    endings: [{ name: 'long', input: `${'z'.repeat(2996)}abab${'y'.repeat(1500)}a`, events: ['z'.repeat(2996), 'b', `b${'y'.repeat(1500)}`], kind: 'closed' }],
  }),
  counted('lines, looked at', { delimiter: '\n', mode: 'text' }, { conversations: [text], endings: [speckledLines] }),
  chunks('one has another, which begins a third, twice', { delimiter: ['abcbcd!', 'bc', 'bcx'] }, {
    conversations: [], endings: [cut('abcbcd?abcbcd!bcxbcabcy', ['a', '', 'd?', '', '', 'a'], 1)],
  }),
  chunks('one in one in one', { delimiter: ['zyabc!', 'yab!', 'ab', 'abx'] }, {
    conversations: [], endings: [closed('zyabc?zyabc!yab!yabczyabyzyabxzyab', ['zy', 'c?', '', 'y', 'czy', 'yzy', 'zy'])],
  }),
  chunks('two, then more of a third and a fourth', { delimiter: ['a', 'b', 'abcbd', 'zabcyw'] }, {
    conversations: [], endings: [closed('zabcy?zabcywabcbdxa', ['z', '', 'cy?', '', 'x']), closed('zabcyazabcyb', ['z', '', 'cy', 'z', '', 'cy'])],
  }),
  chunks('one is the end of the longer', { delimiter: ['a', 'b\0'] }, { conversations: [{ name: 'both', input: 'xayb\0zbaa', events: ['x', 'y', 'zb', ''], boundaries: [0, 2, 5, 8, 9] }] }),
  chunks('repeats of one byte', { delimiter: ['aaaaaa!', 'aa', 'aaab'] }, { conversations: [], endings: [cut('aaaaaa?aaaaaa!aaabaaaaay', ['', '', '', '?', '', '', ''], 2)] }),
  chunks('three that overlap', { delimiter: ['abcabcx', 'bc', 'ca'] }, { conversations: [], endings: [closed('zabcabcyabcabcxabcabcabc', ['za', 'a', 'y', 'a', 'a', 'a'])] }),
  chunks('bytes above ASCII', { delimiter: bytes('\xff\xfe') }, { conversations: [{ name: 'chunks', input: bytes('a\xff\xff\xfe\xfe\xff\xfe'), events: ['a\xff', '\xfe'], boundaries: [0, 4, 7] }] }),
  takenFrom('chunk, taken from', chunk({ delimiter: '\r\n' }), {
    conversations: [{ name: 'halves of the end', input: '\n\r\r\n\n\r\n', events: ['\n\r', '\n'], boundaries: [0, 4, 7] }],
  }),
  unpausable('two alternatives, not to be paused', chunk({ delimiter: [',', ';'] }), {
    conversations: [{ name: 'both', input: 'abc,;d,;;ef,', events: ['abc', '', 'd', '', '', 'ef'], boundaries: [0, 4, 5, 7, 8, 9, 12] }],
  }),
  abrupt('chunk, without half-close', chunk({ delimiter: ['\r', '\r\n'] }), {
    conversations: [{ name: 'chunks', input: 'a\rb\r', events: ['a', 'b'], boundaries: [0, 2, 4] }],
    endings: [{ name: 'cut', input: 'a\rb', events: ['a'], kind: 'truncated', error: { code: 'ERR_TRUNCATED', message: 'the end came 1 bytes into a chunk' } }],
    skip,
  }),
  disturbed('two delimiters, set again behind each read', { delimiter: ['aab', 'ab'], mode: 'text' }, (top) => top.setDelimiter(['aab', 'ab']), {
    conversations: [{ name: 'both', input: 'aaabxabé\naab', events: ['a', 'x', 'é\n'], boundaries: [0, 4, 7, 13] }],
  }),
  disturbed('long chunks, the delimiter set again behind each read', { delimiter: '\n', maxChunkBytes: 40_000 }, (top) => top.setDelimiter('\n'), {
    conversations: [], endings: [variousLines],
  }),
  disturbed('the delimiter of the beginning, set again behind each read', { delimiter: '\n', maxChunkBytes: 40_000 }, (top) => top.setDelimiter(), {
    conversations: [atLimit], endings: [long('x', 1)],
  }),
]

/** What is too long is discarded, or truncated; delimiters that stay; what is behind the last one. */
export const policies: readonly ProtocolSubject[] = [
  chunks('discard', { delimiter: '\r\n', maxChunkBytes: 5, overlong: 'discard' }, {
    conversations: [{ name: 'a long one', input: 'ab\r\nabcdef\r\r\ncd\r\n', events: ['ab', 'overlong 7/0', 'cd'], boundaries: [0, 4, 13, 17] }],
    endings: [
      { name: 'a very long one', input: `${'y'.repeat(100_000)}\r\nok\r\n`, events: ['overlong 100000/0', 'ok'], kind: 'closed' },
      cut('ab\r\nabcdef\r', ['ab'], 7), closed('abcdef\r\nabcdefg\r\n', ['overlong 6/0', 'overlong 7/0']),
    ],
  }),
  chunks('discard, alternatives', { delimiter: ['\n', '\n.'], maxChunkBytes: 3, overlong: 'discard', mode: 'text' }, {
    conversations: [], endings: [closed('abcdé\n.é\nabcde\n', ['overlong 6/0', 'é', 'overlong 5/0']), closed('abcde\n', ['overlong 5/0'])],
  }),
  chunks('truncate', { delimiter: '\n', maxChunkBytes: 5, overlong: 'truncate' }, {
    conversations: [{ name: 'a long one', input: 'ab\nabcdefgh\ncd\n', events: ['ab', 'overlong 8/5', 'abcde', 'cd'], boundaries: [0, 3, 12, 12, 15] }],
    endings: [
      { name: 'a very long one', input: `${'y'.repeat(100_000)}\nok\n`, events: ['overlong 100000/5', 'yyyyy', 'ok'], kind: 'closed' },
      cut('ab\nabcdefgh', ['ab'], 8),
    ],
  }),
  chunks('truncate, text', { delimiter: '\n', maxChunkBytes: 5, overlong: 'truncate', mode: 'text' }, {
    conversations: [{ name: 'characters that do not fit', input: 'abcdé\nabc€\nab😀\nabcéx\n', events: ['overlong 6/4', 'abcd', 'overlong 6/3', 'abc', 'overlong 6/2', 'ab', 'overlong 6/5', 'abcé'], boundaries: [0, 7, 7, 14, 14, 21, 21, 28, 28] }],
    refused: [
      { name: 'a head that is not UTF-8', input: bytes('ab\xffcdef\n'), events: ['overlong 7/5'], kind: 'protocol', error: { code: 'ERR_CHUNK_NOT_UTF8', message: 'a chunk of 5 bytes is not UTF-8' } },
      { name: 'a head without a first byte', input: bytes('\x80\x80\x80\x80\x80\x80\n'), events: ['overlong 6/5'], kind: 'protocol' },
    ],
  }),
  chunks('truncate, two delimiters', { delimiter: ['\r', '\r\n'], maxChunkBytes: 5, overlong: 'truncate' }, {
    conversations: [], endings: [closed('abcdef\r\nx\r', ['overlong 6/5', 'abcde', 'x']), closed('abcdef\r', ['overlong 6/5', 'abcde'])],
  }),
  chunks('keep', { delimiter: '\n', keepDelimiter: true, maxChunkBytes: 5 }, {
    conversations: [{ name: 'lines', input: 'abcde\n\nbc\n', events: ['abcde\n', '\n', 'bc\n'], boundaries: [0, 6, 7, 10] }],
    refused: [overLimit('one byte too many', 'abcdef\n')],
  }),
  chunks('keep, text', { delimiter: ['\r\n', '\n'], keepDelimiter: true, mode: 'text' }, {
    conversations: [{ name: 'lines', input: 'a\né\r\n\r\n', events: ['a\n', 'é\r\n', '\r\n'], boundaries: [0, 2, 6, 8] }],
  }),
  chunks('keep and truncate', { delimiter: '\n', keepDelimiter: true, maxChunkBytes: 3, overlong: 'truncate' }, {
    conversations: [{ name: 'lines', input: 'abcd\ne\n', events: ['overlong 4/3', 'abc', 'e\n'], boundaries: [0, 5, 5, 7] }],
  }),
  chunks('tail', { delimiter: '\r\n', deliverTail: true, maxChunkBytes: 5 }, {
    conversations: [], endings: [closed('a\r\nbc', ['a', 'bc']), closed('a\r\n', ['a']), closed('', []), closed('abcde\r'.slice(0, 5), ['abcde']), closed('ab\r', ['ab\r'])],
    refused: [overLimit('a long tail', 'a\r\nabcdef', ['a']), overLimit('a long tail that ends like a delimiter', 'abcde\r')],
  }),
  chunks('tail, discard', { delimiter: '\n', deliverTail: true, maxChunkBytes: 5, overlong: 'discard' }, {
    conversations: [], endings: [closed('a\nabcdefg', ['a', 'overlong 7/0']), closed('abcdef\nbc', ['overlong 6/0', 'bc'])],
  }),
  chunks('tail, discard, two bytes', { delimiter: '\r\n', deliverTail: true, maxChunkBytes: 5, overlong: 'discard' }, {
    conversations: [], endings: [closed('abcde\r', ['overlong 6/0']), closed('abcdef\r', ['overlong 7/0'])],
  }),
  chunks('tail, truncate', { delimiter: '\n', deliverTail: true, maxChunkBytes: 5, overlong: 'truncate', mode: 'text' }, {
    conversations: [], endings: [closed('a\nabcdé', ['a', 'overlong 6/4', 'abcd']), closed('a\né', ['a', 'é'])],
    refused: [{ name: 'a tail that is not UTF-8', input: bytes('a\n\xc3'), events: ['a'], kind: 'protocol' }],
  }),
]
