/** What the encoders write, what ChunkProtocol tells and does, and switches from one mode to another. */
import type { CloseReason } from '@async/core'
import type { Attached, Ending, ProtocolSubject } from '@async/core/testing'
import { chunk, ChunkProtocol, type ChunkModes, exact, lengthPrefix, lsp } from '../src/index.ts'
import { text } from './conversations-delimited.ts'
import { bytes, show } from './feeding.ts'
import { ClosedPast, ending, maxHeldBytes, outcome, shaped, writing } from './subjects.ts'

const contains = 'ERR_CHUNK_CONTAINS_DELIMITER'
const long = (actual: number): string => `ERR_CHUNK_TOO_LONG ${actual}`
/** A conversation of the one message `go`. */
const written = (outcomes: readonly string[], output: string, go = 'go\n'): { readonly endings: readonly Ending<'closed'>[] } => ({
  endings: [{ name: 'what is written', input: bytes(go), events: [outcomes.join(', ')], kind: 'closed', written: bytes(output) }],
})

/** Encoders. */
export const encoders: readonly ProtocolSubject[] = [
  writing('chunk writes', chunk({ delimiter: '\n', maxChunkBytes: 5 }), ['abcde', 'é€', bytes('\xffabcd'), '', 'abcdef', 'é€x', bytes('abcdef'), 'a\nb', bytes('\n')], ['a', bytes('\xff'), '€'],
    written(['ok', 'ok', 'ok', 'ok', long(6), long(6), long(6), contains, contains, 'ok', long(6)], 'abcde\n\xc3\xa9\xe2\x82\xac\n\xffabcd\n\na\n\xff\n\xe2\x82\xac\n')),
  writing('chunk writes two bytes', chunk({ delimiter: '\r\n' }), ['a\r', 'a\r\nb', 'a\n', bytes('\r\n'), 'é\r\n', 'é\r', ''], ['b\r', bytes('\r')],
    written(['ok', contains, 'ok', contains, contains, 'ok', 'ok', 'ok', contains], 'a\r\r\na\n\r\n\xc3\xa9\r\r\n\r\nb\r\r\n\r\r\n', 'go\r\n')),
  writing('chunk writes one of two', chunk({ delimiter: ['\r', '\r\n'] }), ['a', 'b\n', 'a\r', 'a\rb', 'é'], ['x', 'y'],
    written(['ok', 'ok', contains, contains, 'ok', 'ok', contains], 'a\r\nb\n\r\n\xc3\xa9\r\nx\r\ny\r\n', 'go\r\n')),
  writing('chunk writes the first', chunk({ delimiter: [';', '\n', '\n'] }), ['a', 'a\n', 'a;', 'b'], ['x', 'y'],
    written(['ok', contains, contains, 'ok', 'ok', contains], 'a;b;x;y;', 'go;')),
  writing('chunk writes what overlaps', chunk({ delimiter: ['aab', 'aa'] }), ['x', 'a', 'ya', 'b', 'aa', 'é'], ['z'],
    written(['ok', contains, contains, 'ok', contains, 'ok', 'ok', contains], 'xaabbaab\xc3\xa9aabzaab', 'goaab')),
  writing('chunk writes a delimiter that repeats', chunk({ delimiter: '::' }), ['a', 'a:', 'a:b', ':', '', 'é:'], ['z'],
    written(['ok', contains, 'ok', contains, 'ok', contains, 'ok', contains], 'a::a:b::::z::', 'go::')),
  writing('chunk writes bytes above ASCII', chunk({ delimiter: '\u00ff' }), ['a', '\u00ff', 'Ã', bytes('\xc3'), '€'], ['z', '€'],
    written(['ok', contains, 'ok', 'ok', 'ok', 'ok', contains], 'a\xc3\xbf\xc3\x83\xc3\xbf\xc3\xc3\xbf\xe2\x82\xac\xc3\xbfz\xc3\xbf\xe2\x82\xac\xc3\xbf', 'go\xc3\xbf')),
  writing('chunk writes one byte above ASCII', chunk({ delimiter: bytes('\xff') }), ['a', 'ÿ', bytes('\xff'), 'é'], ['z', bytes('b')],
    written(['ok', 'ok', contains, 'ok', 'ok', contains], 'a\xff\xc3\xbf\xff\xc3\xa9\xffz\xffb\xff', 'go\xff')),
  writing('chunk writes behind one byte of a character', chunk({ delimiter: bytes('\xa9') }), ['a', 'é', '©', 'è'], ['z'],
    written(['ok', contains, contains, 'ok', 'ok', contains], 'a\xa9\xc3\xa8\xa9z\xa9', 'go\xa9')),
  writing('exact writes', exact({ chunkBytes: 3 }), ['abc', '€', bytes('\0\xff\n'), 'ab', 'abcd', ''], ['abc', bytes('def')],
    written(['ok', 'ok', 'ok', 'ERR_INVALID_ARGUMENT', 'ERR_INVALID_ARGUMENT', 'ERR_INVALID_ARGUMENT', 'ok', 'ERR_INVALID_ARGUMENT'], 'abc\xe2\x82\xac\0\xff\nabcdef', 'goo')),
  writing('lengthPrefix writes', lengthPrefix({ widthBytes: 2, maxChunkBytes: 300 }), ['abc', '€', '', bytes('\xff'), 'z'.repeat(300), 'z'.repeat(301), bytes('z'.repeat(301))], ['a', bytes('bc')],
    written(['ok', 'ok', 'ok', 'ok', 'ok', long(301), long(301), 'ok', long(301)], `\0\x03abc\0\x03\xe2\x82\xac\0\0\0\x01\xff\x01\x2c${'z'.repeat(300)}\0\x01a\0\x02bc`, '\0\x02go')),
  writing('lengthPrefix, little, writes', lengthPrefix({ widthBytes: 3, endian: 'little' }), ['abc', 'z'.repeat(65_793)], ['a'],
    written(['ok', 'ok', 'ok', 'ok'], `\x03\0\0abc\x01\x01\x01${'z'.repeat(65_793)}\x01\0\0a\x03\0\0abc\x01\x01\x01${'z'.repeat(65_793)}`, '\x02\0\0go')),
  writing('lengthPrefix, one byte, writes', lengthPrefix({ widthBytes: 1 }), ['z'.repeat(255), 'z'.repeat(256)], ['a'],
    written(['ok', long(256), 'ok', long(256)], `\xff${'z'.repeat(255)}\x01a`, '\x02go')),
  writing('lengthPrefix, one byte of a frame, writes', lengthPrefix({ widthBytes: 1, counts: 'frame' }), ['', 'z'.repeat(254), 'z'.repeat(255)], ['a'],
    written(['ok', 'ok', long(255), 'ok', long(255)], `\x01\xff${'z'.repeat(254)}\x02a`, '\x03go')),
  writing('lengthPrefix, adjusted, writes', lengthPrefix({ widthBytes: 1, adjustBytes: 2 }), ['ab', 'abc', 'a', ''], ['abcd'],
    written(['ok', 'ok', 'ERR_INVALID_ARGUMENT', 'ERR_INVALID_ARGUMENT', 'ok', 'ERR_INVALID_ARGUMENT'], '\0ab\x01abc\x02abcd', '\0go')),
  writing('lengthPrefix, varint, writes', lengthPrefix({ widthBytes: 'varint' }), ['', 'a', 'z'.repeat(127), 'z'.repeat(128), 'z'.repeat(16_384)], ['b'],
    written(['ok', 'ok', 'ok', 'ok', 'ok', 'ok', 'ok'], [1, 2].map((round) => `${round === 2 ? '\x01b' : ''}\0\x01a\x7f${'z'.repeat(127)}\x80\x01${'z'.repeat(128)}\x80\x80\x01${'z'.repeat(16_384)}`).join(''), '\x02go')),
  writing('lsp writes', lsp({ maxChunkBytes: 5 }), ['abcde', 'é€', '', bytes('\xff'), 'abcdef', bytes('abcdef')], ['a', bytes('b')],
    written(['ok', 'ok', 'ok', 'ok', long(6), long(6), 'ok', long(6)], 'Content-Length: 5\r\n\r\nabcdeContent-Length: 5\r\n\r\n\xc3\xa9\xe2\x82\xacContent-Length: 0\r\n\r\nContent-Length: 1\r\n\r\n\xffContent-Length: 1\r\n\r\naContent-Length: 1\r\n\r\nb', 'Content-Length: 2\r\n\r\ngo')),
]

const held = (at: number): string => `the chunk, or its end together with the delimiter, holds a delimiter at ${at}`

/** What comes down for a message: one call, and text with an ASCII frame around it as one string. */
export const shapes: readonly ProtocolSubject[] = [
  shaped('chunk gives', chunk({ delimiter: '\n' }), ['ab', 'é', bytes('c'), 'x\ny', bytes('x\n')], ['d', bytes('e')], 'go\n',
    ['"ab\\n"', '"é\\n"', '[<c> <\n>]', held(1), held(1), '["d\\n" <e> <\n>]']),
  shaped('chunk gives two bytes', chunk({ delimiter: '::' }), ['a', 'bc:', 'b::c', '::', bytes('b')], ['d'], 'go::',
    ['"a::"', held(2), held(1), held(0), '[<b> <::>]', '["d::"]']),
  shaped('chunk gives a delimiter that is not ASCII', chunk({ delimiter: bytes('\x80') }), ['ab', bytes('c'), 'À'], ['d'], 'go\x80',
    ['["ab" <\x80>]', '[<c> <\x80>]', held(1), '["d" <\x80>]']),
  shaped('exact gives', exact({ chunkBytes: 2 }), ['ab', bytes('cd')], ['ef', bytes('gh')], 'go', ['"ab"', '<cd>', '["ef" <gh>]']),
  shaped('lengthPrefix gives', lengthPrefix({ widthBytes: 1 }), ['ab', bytes('c')], ['d'], '\x02go', ['[<\x02> "ab"]', '[<\x01> <c>]', '[<\x01> "d"]']),
  shaped('lsp gives', lsp(), ['ab', bytes('c')], ['d', bytes('e')], 'Content-Length: 2\r\n\r\ngo', [
    '"Content-Length: 2\\r\\n\\r\\nab"', '["Content-Length: 1\\r\\n\\r\\n" <c>]',
    '["Content-Length: 1\\r\\n\\r\\nd" "Content-Length: 1\\r\\n\\r\\n" <e>]',
  ]),
]

/** What a chunk asks for: another way of reading. */
function obey(asked: string, modes: ChunkModes): string {
  switch (asked) {
    case 'three': case 'six': return outcome(() => modes.setCount(asked === 'six' ? 6 : 3))
    case 'many': return outcome(() => modes.setCount(201))
    case 'most': return outcome(() => modes.setCount(200))
    case 'none': return outcome(() => modes.setCount(0))
    case 'semi': return outcome(() => modes.setDelimiter(';'))
    case 'two': return outcome(() => modes.setDelimiter([';', '\r\n']))
    case 'deep': return outcome(() => modes.setDelimiter(['xbx!', 'x']))
    case 'pick': return outcome(() => modes.setDelimiter('b'))
    case 'empty': return [[], '', ['a', ''], 'x'.repeat(1025), 'x'.repeat(1024)].map((delimiter) => outcome(() => modes.setDelimiter(delimiter))).join(' ') + outcome(() => modes.setDelimiter())
    case 'same': return outcome(() => modes.setDelimiter('\n'))
    case 'end': case 'back': case 'finish': return outcome(() => modes.setDelimiter())
    case 'raw': return outcome(() => modes.setRaw())
    default: return ''
  }
}

const switches = [
  { name: 'a count, and back', input: 'three\nabcd\nfendx\n\n', events: ['three ok', 'abc', 'd\nf', 'end ok', 'x', ''], boundaries: [0, 6, 9, 12, 15, 17, 18] },
  { name: 'another delimiter, and back', input: 'semi\na\nb;back;x;y\n', events: ['semi ok', 'a\nb', 'back ok', 'x;y'], boundaries: [0, 5, 9, 14, 18] },
  { name: 'two other delimiters', input: 'two\na\nb;\r;\r\nback\r\nx\n', events: ['two ok', 'a\nb', '\r', '', 'back ok', 'x'], boundaries: [0, 4, 8, 10, 12, 18, 20] },
  { name: 'one count after the other', input: 'three\nsix00\n001finishx\n', events: ['three ok', 'six ok', '00\n001', 'finish ok', 'x'], boundaries: [0, 6, 9, 15, 21, 23] },
  { name: 'what cannot be', input: 'many\nnone\nsame\nx\n', events: ['many ERR_CHUNK_TOO_LONG 201', 'none ERR_INVALID_ARGUMENT', 'same ok', 'x'], boundaries: [0, 5, 10, 15, 17] },
]

/** Not a conversation: many of it would take long. */
const noDelimiters: Ending<'closed'> = {
  name: 'no delimiters', input: 'empty\nx\n', kind: 'closed',
  events: ['empty ERR_INVALID_ARGUMENT ERR_INVALID_ARGUMENT ERR_INVALID_ARGUMENT ERR_INVALID_ARGUMENT okok', 'x'],
}

/** What was searched for one delimiter is seen anew by the next one, also when the end has come. */
const seenAnew: readonly Ending<'truncated'>[] = [
  { name: 'decided by the end', input: 'deep\npickxbx', events: ['deep ok', 'pick ok', ''], kind: 'truncated', error: { message: 'the end came 1 bytes into a message' } },
  { name: 'decided by a byte', input: 'deep\npickxbxabx', events: ['deep ok', 'pick ok', '', 'xa'], kind: 'truncated', error: { message: 'the end came 1 bytes into a message' } },
]

/** Text: characters one by one, for raw chunks are as the reads are. */
const raw: readonly Ending<'closed' | 'truncated'>[] = [
  { name: 'raw', input: 'a\nraw\né\n€b😀;end\n', events: ['a', 'raw ok', ...'é\n€b😀;end\n'], kind: 'closed' },
  { name: 'raw, cut', input: bytes('raw\na\xf0\x9f\x98'), events: ['raw ok', 'a'], kind: 'truncated' },
  { name: 'raw, a first byte that nothing has', input: bytes('raw\na\xc0'), events: ['raw ok', 'a'], kind: 'truncated' },
  { name: 'raw, the first of each length', input: 'raw\n\u0080\u0800\u{10000}', events: ['raw ok', '\u0080', '\u0800', '\u{10000}'], kind: 'closed' },
  { name: 'raw, much', input: `raw\n${'0123456789é'.repeat(3000)}`, events: ['raw ok', ...'0123456789é'.repeat(3000)], kind: 'closed' },
]

/** ChunkProtocol by hand: `greets` with a line, answers each chunk, and says goodbye. */
function talking(name: string, delimiter: string, rest: Omit<ProtocolSubject, 'name' | 'attach'>): ProtocolSubject {
  return {
    name, maxHeldBytes, ...rest,
    attach(below, emit): Attached {
      const { closed, end } = ending()
      let early = ''
      let isRaw = false
      const protocol: ChunkProtocol<'text'> = new ChunkProtocol<'text'>({
        delimiter, mode: 'text', maxChunkBytes: 200, overlong: 'truncate',
        onOverlong: (overlong) => emit(`overlong ${overlong.bytes}/${overlong.deliveredBytes}`),
        onConnectionMade(self) {
          self.writeChunk(early)
          self.writeChunks([self === protocol ? 'made' : 'made of another', outcome(() => self.connectionMade(below))])
        },
        onChunk(asked, self) {
          if (isRaw) return Array.from(asked).forEach((char) => emit(char))
          const answer = obey(asked, self)
          if (self !== protocol) throw new Error('another protocol')
          isRaw = asked === 'raw'
          // Some of it cannot be written.
          outcome(() => self.writeChunk(`got ${asked}`))
          emit(answer === '' ? asked : `${asked} ${answer}`)
        },
        onEof(self) {
          self.writeChunk('bye')
          self.close()
        },
        onConnectionLost: (reason, self) => void (self === protocol && end(reason)),
      })
      early = `${outcome(() => protocol.writeChunk('early'))} ${outcome(() => void new ChunkProtocol({ delimiter: '\n' } as never))}`
      below.start(protocol)
      return {
        pause: () => protocol.pause('read'), resume: () => protocol.resume('read'), close: () => protocol.close(), abort: () => protocol.abort(), closed,
        get heldBytes() {
          return protocol.transport.heldBytes
        },
      }
    },
  }
}

/** ChunkProtocol as the draft has it, of which only what is below it is paused and closed. */
const bare: ProtocolSubject = {
  name: 'ChunkProtocol, closed below',
  conversations: [text],
  refused: [{ name: 'an endless line', input: 'y'.repeat(30_000), events: [], kind: 'limit' }],
  attach(lowest, emit) {
    const below = new ClosedPast(lowest)
    const protocol = new ChunkProtocol<'text'>('\n', emit, { mode: 'text', maxChunkBytes: 200 })
    below.start(protocol)
    return {
      pause: () => protocol.pause(), resume: () => protocol.resume(), close: () => below.close(), abort: () => below.abort(),
      closed: protocol.transport.closed,
    }
  },
}

/** A line, then records: the protocol is changed, and the leftover goes to the next one. */
const upgraded: ProtocolSubject = {
  name: 'ChunkProtocol, replaced',
  conversations: [{ name: 'a line, then others', input: 'one\nupgrade\na;\n;', events: ['one', 'upgrade', 'a', '\n'], boundaries: [0, 4, 12, 14, 16] }],
  endings: [{ name: 'cut', input: 'upgrade\na;b', events: ['upgrade', 'a'], kind: 'truncated' }],
  skip: { K8: 'what follows is not like it' },
  attach(below, emit) {
    const { closed, end } = ending()
    const lost = (reason: CloseReason): void => void (reason.kind !== 'detached' && end(reason))
    let current: ChunkProtocol<'text'>
    const next = new ChunkProtocol<'text'>(';', emit, { mode: 'text', onConnectionLost: lost })
    const first = new ChunkProtocol<'text'>('\n', (asked, self) => {
      if (asked !== 'upgrade') return emit(asked)
      current = next
      below.start(next, self.takeLeftover())
      emit(asked)
    }, { mode: 'text', onConnectionLost: lost })
    current = first
    below.start(first)
    return { pause: () => current.pause(), resume: () => current.resume(), close: () => current.close(), abort: () => current.abort(), closed }
  },
}

/** The modes of the layer, in bytes. */
const switching: ProtocolSubject = {
  name: 'chunk, switching',
  maxHeldBytes,
  conversations: switches,
  endings: [
    ...seenAnew,
    noDelimiters,
    { name: 'raw', input: bytes('a\nraw\n\xff\n\0b;end\n'), events: ['a', 'raw ok', ...'\xff\n\0b;end\n'], kind: 'closed' },
    { name: 'raw, much', input: `raw\n${'0123456789'.repeat(3000)}`, events: ['raw ok', ...'0123456789'.repeat(3000)], kind: 'closed' },
    { name: 'as many as there may be', input: `most\n${'x'.repeat(200)}`, events: ['most ok', 'x'.repeat(200)], kind: 'closed' },
  ],
  attach(below, emit) {
    const top = chunk({ delimiter: '\n', maxChunkBytes: 200 })(below)
    let isRaw = false
    top.start({
      dataReceived(data) {
        const asked = show(data)
        if (isRaw) return Array.from(asked).forEach((char) => emit(char))
        const answer = obey(asked, top)
        isRaw = asked === 'raw'
        emit(answer === '' ? asked : `${asked} ${answer}`)
      },
      eofReceived: () => top.halfClose(),
    })
    return { pause: () => top.pause('read'), resume: () => top.resume('read'), close: () => top.close(), abort: () => top.abort(), closed: top.closed }
  },
}

/** Modes, and ChunkProtocol. */
export const protocols: readonly ProtocolSubject[] = [
  switching,
  bare,
  upgraded,
  talking('ChunkProtocol', '\n', {
    conversations: [{ ...text, written: 'ERR_NOT_CONNECTED ERR_INVALID_ARGUMENT\nmade\nERR_ALREADY_CONNECTED\ngot one\ngot \ngot thrée\nbye\n' }, ...switches],
    endings: [...raw, ...seenAnew, { name: 'a long chunk', input: `${'z'.repeat(201)}\n`, events: ['overlong 201/200', 'z'.repeat(200)], kind: 'closed' }],
  }),
]
