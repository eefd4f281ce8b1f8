/** What happens to a message on its way: small damage at any place, and the tricks of those who make two parsers disagree. */
import type { Random } from './random.ts'

const bytes = [...'\0\x01\t\n\x0b\x0c\r\x1b\x1f !"#$%&\'()*+,-./0129:;<=>?@AFZ[\\]^_`afgxz{|}~\x7f\x80\x85\xa0\xff']
const fragments = [
  '\r\n', '\n', '\r', '\r\n\r\n', '\n\n', '\r\r\n', ' ', '\t', ':', ';', ',', '0\r\n\r\n', '\r\n ', '\r\n\t', '\n ', 'Content-Length: 3\r\n',
  'Content-Length: 0\r\n', 'Transfer-Encoding: chunked\r\n', 'Transfer-Encoding: identity\r\n',
  'Host: x\r\n', 'Connection: close\r\n', 'Connection: upgrade\r\nUpgrade: websocket\r\n', 'HTTP/1.1', 'HTTP/1.0', 'GET / HTTP/1.1\r\nHost: h\r\n\r\n',
  '\xef\xbb\xbf', '%00', '"', '\\', 'chunked', '100-continue', '\0', '\x16\x03\x01', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
]

type Mutator = (random: Random, text: string, make: (random: Random) => string) => string

const replace = (text: string, from: number, to: number, by: string): string => text.slice(0, from) + by + text.slice(to)

/** One of the places where `what` stands, or -1. */
function placeOf(random: Random, text: string, what: string): number {
  const at = text.indexOf(what, random.below(text.length + 1))
  return at < 0 ? text.indexOf(what) : at
}

function swapAt(random: Random, text: string, what: string, by: readonly string[]): string {
  const at = placeOf(random, text, what)
  return at < 0 ? text : replace(text, at, at + what.length, random.pick(by))
}

const mutators: readonly Mutator[] = [
  // A bit.
  (random, text) => {
    const at = random.below(text.length || 1)
    return at < text.length ? replace(text, at, at + 1, String.fromCharCode(text.charCodeAt(at) ^ (1 << random.below(8)))) : text
  },
  // A byte.
  (random, text) => {
    const at = random.below(text.length + 1)
    return replace(text, at, at + 1, random.pick(bytes))
  },
  (random, text) => {
    const at = random.below(text.length + 1)
    return replace(text, at, at, random.pick(bytes))
  },
  (random, text) => {
    const at = random.below(text.length + 1)
    return replace(text, at, at + 1 + random.below(random.oneIn(4) ? 20 : 2), '')
  },
  // Line endings.
  (random, text) => swapAt(random, text, '\r\n', ['\n', '\r', '\r\r\n', '\n\r', '', ' \r\n', '\r\n\r\n', '\0\r\n', '\r\n ', '\r\n\t', '\t\r\n', '\x0b\r\n', '\r\n\r', '\r \n']),
  (_random, text) => text.replaceAll('\r\n', '\n'),
  // White space and separators.
  (random, text) => swapAt(random, text, ':', [' :', '\t:', '::', '', ': ', ':\t', ':\r\n ', ':\0', ';', ' ']),
  (random, text) => swapAt(random, text, ' ', ['  ', '\t', '', '\x0b', '\x0c', '\r', '\xa0', '\0', ' \t']),
  // Folding: what was a line goes on in the next.
  (random, text) => swapAt(random, text, '\r\n', ['\r\n ', '\r\n\t', '\r\n x\r\n', '\n ']),
  // Something that means something, at the start of a line or anywhere.
  (random, text) => {
    const line = placeOf(random, text, '\r\n')
    const at = random.oneIn(3) || line < 0 ? random.below(text.length + 1) : line + 2
    return replace(text, at, at, random.pick(fragments))
  },
  // A line twice, and a line elsewhere.
  (random, text) => {
    const from = placeOf(random, text, '\r\n') + 2
    const to = text.indexOf('\r\n', from) + 2
    if (from < 2 || to < 2) return text
    const at = random.oneIn(2) ? to : placeOf(random, text, '\r\n') + 2
    return replace(text, at, at, text.slice(from, to))
  },
  // Digits: lengths, sizes, versions, ports.
  (random, text) => {
    const from = random.below(text.length || 1)
    for (let at = from; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code >= 0x30 && code <= 0x39) return replace(text, at, at + 1, random.pick(['0', '1', '2', '3', '9', 'a', 'F', '00', '10', ' ', '-1', '+1', '0x1', '', '1,', '1.']))
    }
    return text
  },
  // Cut off, repeated, spliced.
  (random, text) => text.slice(0, random.below(text.length + 1)),
  (random, text) => {
    const from = random.below(text.length + 1)
    const piece = text.slice(from, from + 1 + random.below(30))
    return replace(text, from, from, piece)
  },
  (random, text, make) => {
    const other = make(random)
    return text.slice(0, random.below(text.length + 1)) + other.slice(random.below(other.length + 1))
  },
  // Case.
  (random, text) => {
    const at = random.below(text.length || 1)
    const piece = text.slice(at, at + 8)
    return replace(text, at, at + 8, random.oneIn(2) ? piece.toUpperCase().slice(0, 8) : piece.toLowerCase()).replace(/[^\0-\xff]/g, '?')
  },
]

/** `text`, damaged one to four times. */
export function mutate(random: Random, text: string, make: (random: Random) => string): string {
  let mutant = text
  for (let count = random.oneIn(4) ? 1 + random.below(4) : 1; count > 0; count--) mutant = random.pick(mutators)(random, mutant, make)
  return mutant
}
