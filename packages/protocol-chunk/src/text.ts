import { utf8Length } from '@async/core/base'

/**
 * One read, as a search sees it: characters U+0000 to U+00FF, one a byte. A string is one, and the fastest: a read becomes a string with
 * one native call, and each search in it costs a third of a search in bytes. Whatever looks at bytes goes through this, so a test can
 * count it.
 */
export interface Text {
  /** The byte at `index`. */
  charCodeAt(index: number): number
  /** Index of the byte `char` at or after `from`, or -1. */
  indexOf(char: string, from: number): number
}

type Slice = (this: Uint8Array, start: number, end: number) => string

/** What a runtime has for text. Node's Buffer has all of it, and its methods take any Uint8Array. */
export interface TextRuntime {
  readonly latin1Slice?: Slice
  readonly utf8Slice?: Slice
  readonly indexOf: (this: Uint8Array, byte: number, from: number) => number
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Bytes searched where they lie. */
class ByteText implements Text {
  private readonly bytes: Uint8Array
  private readonly indexOfByte: TextRuntime['indexOf']

  constructor(bytes: Uint8Array, indexOfByte: TextRuntime['indexOf']) {
    this.bytes = bytes
    this.indexOfByte = indexOfByte
  }

  charCodeAt(index: number): number {
    return this.bytes[index]!
  }

  indexOf(char: string, from: number): number {
    return this.indexOfByte.call(this.bytes, char.charCodeAt(0), from)
  }
}

/** How bytes are searched, and become text. */
export interface TextTools {
  /** `bytes` to be searched where they lie: the cheapest, where few hits are expected. */
  look(bytes: Uint8Array): Text
  /** `bytes` to be searched often. */
  open(bytes: Uint8Array): Text
  /** `bytes` as text, or `undefined` if they are not UTF-8. A byte order mark is text like any other. */
  decode(bytes: Uint8Array): string | undefined
}

/** Tools made of what a runtime has. (Closures: what they call is a constant to the compiler, which a property is not.) */
export function makeTextTools({ latin1Slice, utf8Slice, indexOf }: TextRuntime): TextTools {
  const look = (bytes: Uint8Array): Text => new ByteText(bytes, indexOf)
  return {
    look,
    open(bytes) {
      if (latin1Slice !== undefined) return latin1Slice.call(bytes, 0, bytes.length)
      // What is ASCII is one string here, too.
      const text = strictly(bytes)
      return text?.length === bytes.length ? text : look(bytes)
    },
    decode(bytes) {
      if (utf8Slice === undefined) return strictly(bytes)
      const text = utf8Slice.call(bytes, 0, bytes.length)
      // A replacement character was sent, or stands for what is not UTF-8: rare enough to decode again, strictly.
      return text.includes('\ufffd') ? strictly(bytes) : text
    },
  }
}

/** Those of the runtime that this is. */
export const textTools: TextTools = makeTextTools(
  (globalThis as { readonly Buffer?: { readonly prototype: TextRuntime } }).Buffer?.prototype ?? Uint8Array.prototype,
)

function strictly(bytes: Uint8Array): string | undefined {
  try {
    return strict.decode(bytes)
  } catch {
    return undefined
  }
}

/**
 * Whether every character of a latin1 string is ASCII. Node counts with vector instructions: a twentieth of what a regular expression
 * takes.
 */
export function isAscii(text: string): boolean {
  return utf8Length(text) === text.length
}

const beyondAscii = /[\x80-\xff]/g

/** Index of the first character at or after `from` that is not ASCII, or the text's length. */
export function indexOfNonAscii(text: string, from: number): number {
  beyondAscii.lastIndex = from
  return beyondAscii.test(text) ? beyondAscii.lastIndex - 1 : text.length
}

/** First bytes of sequences of more than one byte, of more than two, of more than three. */
const longerThan = [0xc0, 0xe0, 0xf0]

/** Bytes at the end that begin a UTF-8 sequence and do not end it: 0 to 3. */
export function incompleteTail(bytes: Uint8Array): number {
  let back = 0
  for (const first of longerThan) {
    const byte = bytes[bytes.length - ++back] ?? 0
    if ((byte & 0xc0) !== 0x80) return byte >= first ? back : 0
  }
  return 0
}
