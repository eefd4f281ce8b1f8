/**
 * What framings cost, counted: that a fast path is taken where it pays. Text in one read is one string, of which chunks are slices; long chunks of
 * bytes are searched where they lie; a native search goes ahead to where a delimiter may begin.
 */
import type { Ending, ProtocolSubject } from '@async/core/testing'
import { makeTextTools, textTools } from '../src/text.ts'
import { bytes } from './feeding.ts'
import { costed, costedChunk, costedLengths, noStrings } from './subjects.ts'

const lines = (list: readonly string[]): string => list.map((one) => `${one}\n`).join('')
const many = (count: number, line: string): string[] => Array<string>(count).fill(line)
const cost = (name: string, input: string, event: string): Ending<'closed'> => ({ name, input: input.includes('\0') ? bytes(input) : input, events: [event], kind: 'closed' })
const message = (length: number, char = 'x'): string => `${String.fromCharCode(0, 0, length >> 8, length & 255)}${char.repeat(length)}`

const inTwoReads = cost('lines in two reads', lines(many(100, 'x'.repeat(78))), '100, opened 2, looked 0, decoded 1, searches 0, steps 0')
const someNotAscii = (event: string): Ending<'closed'> => cost('some lines are not ASCII', lines([...many(10, 'x'), 'é', ...many(9, 'y'), 'ü', 'ö', 'z']), event)
const longOnes = cost('long lines in a read that is not all ASCII', lines(['é', 'x'.repeat(201), 'é', 'x'.repeat(200), 'y']), '5, opened 1, looked 0, decoded 3, searches 0, steps 0')

const portable = makeTextTools(Uint8Array.prototype)
const text = costedChunk({ delimiter: '\n', mode: 'text' })
const plain = costedChunk({ delimiter: '\n' })

/** Costs. */
export const costs: readonly ProtocolSubject[] = [
  costed('the cost of text', 4000, text, textTools, [inTwoReads, someNotAscii('23, opened 1, looked 0, decoded 3, searches 0, steps 0'), longOnes]),
  costed('the cost of text without a Buffer', 4000, text, portable, [inTwoReads, someNotAscii('23, opened 1, looked 0, decoded 23, searches 24, steps 0')]),
  costed('the cost of bytes', 4000, plain, noStrings, [
    cost('short chunks', lines(many(100, 'x'.repeat(79))), '100, opened 2, looked 0, decoded 0, searches 102, steps 0'),
    cost('chunks at the bound of being long', lines(['v'.repeat(1950), 'w'.repeat(2048), 'x'.repeat(1949), 'y'.repeat(2049), 'z'.repeat(3999)]), '5, opened 2, looked 1, decoded 0, searches 8, steps 0'),
    cost('long chunks', lines(many(4, 'x'.repeat(2500))), '4, opened 1, looked 2, decoded 0, searches 7, steps 2'),
  ]),
  costed('the cost of long text', 4000, text, noStrings, [cost('long lines', lines(many(4, 'x'.repeat(2500))), '4, opened 3, looked 0, decoded 4, searches 7, steps 2')]),
  costed('the cost of two delimiters', 4000, costedChunk({ delimiter: ['\n', ';'] }), noStrings, [
    cost('one of them far away', `${'x'.repeat(3000)}\n${'y'.repeat(500)}\n;`, '3, opened 1, looked 0, decoded 0, searches 4, steps 3'), cost('many', 'ab;c\n'.repeat(20), '40, opened 1, looked 0, decoded 0, searches 41, steps 40'),
  ]),
  costed('the cost of two that begin alike', 4000, costedChunk({ delimiter: ['::a', '::b'] }), noStrings, [
    cost('false starts', `${'x:'.repeat(20)}${'y'.repeat(100)}:::a${'z'.repeat(100)}::b`, '2, opened 1, looked 0, decoded 0, searches 3, steps 54'),
  ]),
  costed('the cost of one delimiter of several bytes', 4000, costedChunk({ delimiter: 'aab' }), noStrings, [
    cost('false starts', `${'aaxxxxxxxxxxxxxxxxxxx'.repeat(20)}aab${'aab'.repeat(10)}`, '11, opened 1, looked 0, decoded 0, searches 32, steps 225'),
  ]),
  costed('the cost of many delimiters', 4000, costedChunk({ delimiter: ['a', 'b', 'c'] }), noStrings, [cost('no native search', `${'x'.repeat(100)}a`, '1, opened 1, looked 0, decoded 0, searches 0, steps 101')]),
  costed('the cost of lengths of text', 4000, costedLengths('text'), textTools, [
    cost('many in a read', message(30).repeat(20), '20, opened 1, looked 0, decoded 0, searches 0, steps 0'),
    cost('a few in a read', message(1000) + message(900) + message(400), '3, opened 0, looked 0, decoded 3, searches 0, steps 0'),
    cost('a quarter of what is left', message(100) + message(296), '2, opened 0, looked 0, decoded 2, searches 0, steps 0'),
    cost('a byte less than a quarter of it', message(100) + message(297), '2, opened 1, looked 0, decoded 0, searches 0, steps 0'),
    cost('a quarter, then more', message(300) + message(100) + message(292), '3, opened 0, looked 0, decoded 3, searches 0, steps 0'),
  ]),
]
