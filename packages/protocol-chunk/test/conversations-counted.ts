/** What framings with a count make of their input: records, lengths, headers. */
import type { Ending, ProtocolSubject } from '@async/core/testing'
import { exact, lengthPrefix, type LengthPrefixOptions, lsp } from '../src/index.ts'
import { bytes } from './feeding.ts'
import { framing, skipping, takenFrom, unpausable } from './subjects.ts'

const z = (count: number): string => 'z'.repeat(count)
const cut = (input: string, events: readonly string[], cutBytes: number): Ending<'truncated'> => ({
  name: `${JSON.stringify(input.slice(0, 40))}, cut`, input: bytes(input), events, kind: 'truncated', error: { code: 'ERR_TRUNCATED', message: `the end came ${cutBytes} bytes into a message` },
})
const tooLong = (name: string, input: string, events: readonly string[], allowed: number, actual: number): Ending<'limit'> => ({
  name, input: bytes(input), events, kind: 'limit', error: { code: 'ERR_CHUNK_TOO_LONG', limit: 'maxChunkBytes', allowed, actual },
})
const badLength = (name: string, input: string, events: readonly string[], message: string): Ending<'protocol'> => ({
  name, input: bytes(input), events, kind: 'protocol', error: { code: 'ERR_CHUNK_BAD_LENGTH', message },
})

/** `abc`, nothing, and one byte, behind lengths of some form. */
function lengths(name: string, options: LengthPrefixOptions, prefixes: readonly [string, string, string], refused: readonly Ending<'limit' | 'protocol'>[]): ProtocolSubject {
  const parts = [`${prefixes[0]}abc`, prefixes[1], `${prefixes[2]}\xff`]
  const boundaries = [0, ...parts.map((_, last) => parts.slice(0, last + 1).join('').length)]
  return framing(`lengthPrefix, ${name}`, lengthPrefix({ maxChunkBytes: 200, ...options }), {
    conversations: [{ name: 'messages', input: bytes(parts.join('')), events: ['abc', '', '\xff'], boundaries }],
    endings: [cut(`${prefixes[0]}ab`, [], prefixes[0].length + 2)],
    refused,
  })
}

/** Records and lengths. */
export const counted: readonly ProtocolSubject[] = [
  framing('exact', exact({ chunkBytes: 3 }), {
    conversations: [{ name: 'records', input: bytes('abc\n\0\xc3'), events: ['abc', '\n\0\xc3'], boundaries: [0, 3, 6] }],
    endings: [cut('abcde', ['abc'], 2)],
  }),
  framing('exact, text', exact({ chunkBytes: 4, mode: 'text' }), {
    conversations: [{ name: 'records', input: 'abé😀€\n', events: ['abé', '😀', '€\n'], boundaries: [0, 4, 8, 12] }],
    refused: [{ name: 'a record that cuts a character', input: 'abcé', events: [], kind: 'protocol', error: { code: 'ERR_CHUNK_NOT_UTF8', message: 'a chunk of 4 bytes is not UTF-8' } }],
  }),
  framing('exact, long', exact({ chunkBytes: 3000 }), { conversations: [], endings: [{ name: 'records', input: `${'a'.repeat(3000)}${'b'.repeat(3000)}${'c'.repeat(3000)}`, events: ['a'.repeat(3000), 'b'.repeat(3000), 'c'.repeat(3000)], kind: 'closed' }] }),
  lengths('four bytes', {}, ['\0\0\0\x03', '\0\0\0\0', '\0\0\0\x01'], [tooLong('one too many', '\0\0\0\xc9', [], 200, 201), tooLong('too long by far', '\xff\xff\xff\xff', [], 200, 4_294_967_295)]),
  lengths('one byte', { widthBytes: 1 }, ['\x03', '\0', '\x01'], [tooLong('one too many', '\x01a\xc9', ['a'], 200, 201)]),
  lengths('two bytes', { widthBytes: 2 }, ['\0\x03', '\0\0', '\0\x01'], [tooLong('one too many', `\0\x01a\0\xc9${z(300)}`, ['a'], 200, 201)]),
  lengths('three bytes', { widthBytes: 3, endian: 'little' }, ['\x03\0\0', '\0\0\0', '\x01\0\0'], [tooLong('too long', '\x01\x02\x03', [], 200, 197_121)]),
  lengths('eight bytes', { widthBytes: 8 }, ['\0\0\0\0\0\0\0\x03', '\0\0\0\0\0\0\0\0', '\0\0\0\0\0\0\0\x01'], [tooLong('too long', '\0\0\x01\0\0\0\0\x02', [], 200, 1_099_511_627_778)]),
  lengths('little', { endian: 'little' }, ['\x03\0\0\0', '\0\0\0\0', '\x01\0\0\0'], [tooLong('too long', '\x01\x02\0\0', [], 200, 513)]),
  lengths('of the frame', { widthBytes: 2, counts: 'frame' }, ['\0\x05', '\0\x02', '\0\x03'], [
    badLength('less than itself', '\0\x01', [], 'a length of 1, which has to count 2 bytes at least'), tooLong('one too many', '\0\xcb', [], 200, 201),
  ]),
  framing('lengthPrefix, adjusted', lengthPrefix({ widthBytes: 1, adjustBytes: 2 }), {
    conversations: [{ name: 'messages', input: bytes('\x01abc\0de'), events: ['abc', 'de'], boundaries: [0, 4, 7] }],
    endings: [{ name: 'the longest', input: bytes(`\xff${z(257)}`), events: [z(257)], kind: 'closed' }],
  }),
  lengths('adjusted frame', { widthBytes: 1, counts: 'frame', adjustBytes: -1 }, ['\x05', '\x02', '\x03'], [badLength('less than its header', '\x02\x01', [''], 'a length of 1, which has to count 2 bytes at least')]),
  lengths('varint', { widthBytes: 'varint' }, ['\x03', '\0', '\x01'], [
    badLength('not in its shortest form', '\x01a\x81\0', ['a'], 'the varint is longer than it has to be'),
    badLength('without end', '\x80'.repeat(100), [], 'the varint does not end within 8 bytes'),
    tooLong('seven bytes and one', '\xff\xff\xff\xff\xff\xff\xff\x01', [], 200, 1_125_899_906_842_623),
    tooLong('one too many', '\xc9\x01', [], 200, 201),
  ]),
  framing('lengthPrefix, one byte, no limit', lengthPrefix({ widthBytes: 1 }), {
    conversations: [], endings: [{ name: 'the longest', input: bytes(`\xff${z(255)}\0`), events: [z(255), ''], kind: 'closed' }],
  }),
  framing('lengthPrefix, varint, two bytes', lengthPrefix({ widthBytes: 'varint', maxChunkBytes: 200 }), {
    conversations: [{ name: 'messages', input: bytes(`\x03one\0\x82\x01${z(130)}`), events: ['one', '', z(130)], boundaries: [0, 4, 5, 137] }],
    endings: [{ name: 'at the limit', input: bytes(`\xc8\x01${z(200)}`), events: [z(200)], kind: 'closed' }],
  }),
  framing('lengthPrefix, text', lengthPrefix({ widthBytes: 1, mode: 'text' }), {
    conversations: [{ name: 'messages', input: '\x05é€\x01a\0', events: ['é€', 'a', ''], boundaries: [0, 6, 8, 9] }],
    refused: [{ name: 'half a character', input: bytes('\x01a\x01\xc3\xa9'), events: ['a'], kind: 'protocol', error: { code: 'ERR_CHUNK_NOT_UTF8' } }],
  }),
  unpausable('lengthPrefix, not to be paused', lengthPrefix(), { conversations: [{ name: 'messages', input: bytes('\0\0\0\x03abc\0\0\0\x01\xff'), events: ['abc', '\xff'], boundaries: [0, 7, 12] }] }),
  takenFrom('lengthPrefix, taken from', lengthPrefix({ widthBytes: 4 }), {
    conversations: [{ name: 'messages', input: bytes('\0\0\0\x03abc\0\0\0\x01\xff'), events: ['abc', '\xff'], boundaries: [0, 7, 12] }],
  }),
]

const headerCode = 'ERR_CHUNK_BAD_HEADER'
const bad = (input: string, message: string, events: readonly string[] = []): Ending<'protocol'> => ({
  name: JSON.stringify(input), input: bytes(input), events, kind: 'protocol', error: { code: headerCode, message },
})

const message = 'Content-Length: 3\r\n\r\none'
const another = 'content-length: 3\r\nContent-Type: x\r\n\r\ntwo'
const strayed = (name: string, input: string, ...events: string[]): Ending<'closed'> => ({ name, input, events, kind: 'closed' })

/** Headers between which something was printed. */
export const noisy: readonly ProtocolSubject[] = [
  skipping('lsp that skips', { maxHeaderBytes: 64, maxChunkBytes: 200 }, {
    conversations: [],
    endings: [
      strayed('nothing', message + another, 'one', 'two'),
      strayed('a printed line', `Server started\n${message}`, 'skipped 15 Server started', 'one'),
      strayed('lines between two messages', `${message}a\nb: c\nd\r\n${another}`, 'one', 'skipped 2 a', 'skipped 5 b: c', 'skipped 3 d', 'two'),
      strayed('a print without an end of line', `debug ${message}${another}`, 'skipped 6 debug', 'one', 'two'),
      strayed('one that looks like a field', `debug: x ${message}${another}`, 'skipped 9 debug: x', 'one', 'two'),
      strayed('one that is not ASCII, before a length', `größe ${message}${another}`, 'skipped 8 größe', 'one', 'two'),
      strayed('a line that is not ASCII', `größe ✓\n${message}`, 'skipped 12 größe ✓', 'one'),
      strayed('a CR in the midst of a line', `50%\r100%\n${message}`, 'skipped 9 50%\r100%', 'one'),
      strayed('a header that has no length', `a: b\r\n\r\n${message}`, 'skipped 8 a: b', 'one'),
      strayed('an empty line', `\r\n${message}`, 'skipped 2 ', 'one'),
      strayed('a length that is none', `Content-Length: x\r\n${message}`, 'skipped 19 Content-Length: x', 'one'),
      strayed('a header that was cut', `Content-Length: 3\r\n${message}`, 'skipped 19 Content-Length: 3', 'one'),
      strayed('a long line', `${'x'.repeat(200)}\n${message}`, `skipped 201 ${'x'.repeat(64)}`, 'one'),
      strayed('a very long line', `${'xy'.repeat(2000)}\n${message}`, `skipped 4001 ${'xy'.repeat(32)}`, 'one'),
      strayed('a length behind a very long print', `${'y'.repeat(1000)}${message}${another}`, `skipped 1000 ${'y'.repeat(64)}`, 'one', 'two'),
      strayed('two of them', `a\n\nb\n${message}`, 'skipped 2 a', 'skipped 1 ', 'skipped 2 b', 'one'),
      strayed('a line at the end', `${message}\xe9bye`, 'one', 'skipped 5 \xe9bye'),
      strayed('a header as long as it may be', `X: ${z(38)}\r\n${message}`, 'one'),
      cut(`${message}bye`, ['one'], 3),
    ] as readonly Ending<'closed' | 'truncated'>[],
    refused: [tooLong('one byte too many', `x\nContent-Length: 201\r\n\r\n${z(300)}`, ['skipped 2 x'], 200, 201)],
  }),
]

/** Headers with lengths. */
export const headers: readonly ProtocolSubject[] = [
  framing('lsp', lsp({ maxChunkBytes: 200, maxHeaderBytes: 64 }), {
    conversations: [
      { name: 'messages', input: 'Content-Length: 2\r\n\r\n{}X: y\r\ncontent-length:0\r\n\r\n', events: ['{}', ''], boundaries: [0, 23, 49] },
      { name: 'usual ones', input: 'Content-Length: 12\r\n\r\nabcdefghijklContent-Length: 2\r\n\r\nbc', events: ['abcdefghijkl', 'bc'], boundaries: [0, 34, 57] },
      { name: 'fields', input: 'a-B_9:\r\nCONTENT-LENGTH: \t4 \r\nx: ~ !\t\r\n\r\n{é}', events: ['{é}'], boundaries: [0, 44] },
    ],
    endings: [
      { name: 'charset', input: 'Content-Type: a/b; charset=utf-8\r\nContent-Length: 1\r\n\r\na', events: ['a'], kind: 'closed' },
      { name: 'the other charset', input: 'content-type:a/b;Charset = "UTF8" ;c=d\r\nContent-Length:1\r\n\r\nb', events: ['b'], kind: 'closed' },
      { name: 'no charset', input: 'Content-Type: a/b\r\nContent-Length: 1\r\n\r\na', events: ['a'], kind: 'closed' },
      { name: 'a header as long as it may be', input: `Content-Length: 1\r\nX: ${z(38)}\r\n\r\na`, events: ['a'], kind: 'closed' },
      { name: 'a usual header as long as it may be', input: `Content-Length: ${'0'.repeat(42)}01\r\n\r\na`, events: ['a'], kind: 'closed' },
      { name: 'as much as there may be', input: `Content-Length: 200\r\n\r\n${z(200)}`, events: [z(200)], kind: 'closed' },
      cut('Content-Le', [], 10), cut('Content-Length: 5\r\n\r\nabc', [], 24), cut('Content-Length: 1\r\n\r\naX: y\r', ['a'], 5),
    ],
    refused: [
      bad('Content-Length: 2\r\n\r\n{}Server started\nmore', 'a line that does not end in CR LF: "Server started"', ['{}']),
      bad('Content-Length: 2\r\n\r\n{}Server started\r\nmore', 'not a header field: "Server started"', ['{}']),
      bad(`${'w'.repeat(40)}\r\n`, `not a header field: "${'w'.repeat(32)}"`),
      bad('\r\n', 'a header without Content-Length'),
      bad('X: y\r\n\r\n', 'a header without Content-Length'),
      bad('Content-Length : 2\r\n\r\n{}', 'not a header field: "Content-Length : 2"'),
      bad('Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}', 'a second Content-Length: "Content-Length: 2"'),
      bad('Content-Length: 0\r\nContent-Length: 0\r\n\r\n', 'a second Content-Length: "Content-Length: 0"'),
      bad('Content-Length: +2\r\n\r\n{}', 'a Content-Length that is not a number: "Content-Length: +2"'),
      bad('Content-Length: 2a\r\n\r\n{}', 'a Content-Length that is not a number: "Content-Length: 2a"'),
      bad('Content-Length: \r\n\r\n{}', 'a Content-Length that is not a number: "Content-Length: "'),
      bad('Content-Length: 2/\r\n\r\n{}', 'a Content-Length that is not a number: "Content-Length: 2/"'),
      bad('Content-Length: 2:\r\n\r\n{}', 'a Content-Length that is not a number: "Content-Length: 2:"'),
      bad('X: a\rb', 'a CR without LF: "X: a\\r"'),
      bad('X: a\r\r\n', 'a CR without LF: "X: a\\r"'),
      bad('X: y\r\n\rz', 'a CR without LF: "\\r"'),
      bad('X: y\r\n\nz', 'a line that does not end in CR LF'),
      bad('\n', 'a line that does not end in CR LF'),
      bad('X: \xe9', 'a byte that is not ASCII text: "X: "'),
      bad('X: \x7f', 'a byte that is not ASCII text: "X: "'),
      bad('X: \x1f', 'a byte that is not ASCII text: "X: "'),
      bad('\0', 'a byte that is not ASCII text'),
      bad('Content-Type: a/b; charset=latin1\r\nContent-Length: 1\r\n\r\na', 'a charset other than UTF-8: "Content-Type: a/b; charset=latin"'),
      { name: 'an endless header', input: `X: ${'y'.repeat(30_000)}`, events: [], kind: 'limit', error: { code: 'ERR_HEADER_TOO_LARGE', limit: 'maxHeaderBytes', allowed: 64, actual: 65 } },
      { name: 'a header with one byte too many', input: `Content-Length: 1\r\nX: ${z(39)}\r\n\r\na`, events: [], kind: 'limit', error: { code: 'ERR_HEADER_TOO_LARGE', allowed: 64, actual: 65 } },
      { name: 'a usual header with one byte too many', input: `Content-Length: ${'0'.repeat(43)}01\r\n\r\na`, events: [], kind: 'limit', error: { code: 'ERR_HEADER_TOO_LARGE', allowed: 64 } },
      tooLong('one byte too many', `Content-Length: 201\r\n\r\n${z(300)}`, [], 200, 201),
      { name: 'a body that is not UTF-8', input: bytes('Content-Length: 1\r\n\r\n\xff'), events: [], kind: 'protocol', error: { code: 'ERR_CHUNK_NOT_UTF8' } },
    ],
  }),
  framing('lsp, bytes', lsp({ mode: 'bytes' }), { conversations: [{ name: 'messages', input: bytes('Content-Length: 2\r\n\r\n\xff\0'), events: ['\xff\0'], boundaries: [0, 23] }] }),
  takenFrom('lsp, taken from', lsp(), {
    conversations: [{ name: 'messages', input: 'Content-Length: 2\r\n\r\n{}X: y\r\ncontent-length:1\r\n\r\na', events: ['{}', 'a'], boundaries: [0, 23, 50] }],
  }),
]
