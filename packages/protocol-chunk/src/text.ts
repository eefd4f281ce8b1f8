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

/** How a read becomes searchable. `large`: expect few hits, so that looking at the bytes where they lie is cheaper. */
export type OpenText = (bytes: Uint8Array, large: boolean) => Text

type Slice = (this: Uint8Array, start: number, end: number) => string

interface BufferPrototype {
  readonly latin1Slice?: Slice
  readonly utf8Slice?: Slice
  readonly indexOf: (this: Uint8Array, byte: number, from: number) => number
}

const buffer = (globalThis as { readonly Buffer?: { readonly prototype: BufferPrototype } }).Buffer?.prototype

/** A runtime's method, if it does on a plain Uint8Array what Node's does. */
function usable(slice: Slice | undefined, bytes: Uint8Array, expected: string): Slice | undefined {
  try {
    return slice?.call(bytes, 1, bytes.length) === expected ? slice : undefined
  } catch {
    return undefined
  }
}

const latin1Slice = usable(buffer?.latin1Slice, Uint8Array.of(0, 65, 0x80, 0xff), 'A\x80\xff')
const utf8Slice = usable(buffer?.utf8Slice, Uint8Array.of(0, 0xef, 0xbb, 0xbf, 0xc3, 0xa9, 0xff), '\ufeff\u00e9\ufffd')
const indexOfByte: BufferPrototype['indexOf'] = latin1Slice === undefined ? Uint8Array.prototype.indexOf : buffer!.indexOf

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Bytes searched where they lie. */
export class ByteText implements Text {
  private readonly bytes: Uint8Array

  constructor(bytes: Uint8Array) {
    this.bytes = bytes
  }

  charCodeAt(index: number): number {
    return this.bytes[index]!
  }

  indexOf(char: string, from: number): number {
    return indexOfByte.call(this.bytes, char.charCodeAt(0), from)
  }
}

/**
 * The runtime's fastest view of a read. Without Node's Buffer, text that is ASCII is still one string, and anything else is searched as
 * bytes.
 */
export const openText: OpenText = (bytes, large) => {
  if (large) return new ByteText(bytes)
  if (latin1Slice !== undefined) return latin1Slice.call(bytes, 0, bytes.length)
  try {
    const text = strict.decode(bytes)
    if (text.length === bytes.length) return text
  } catch {
    // Not UTF-8, or cut in a sequence: bytes, then.
  }
  return new ByteText(bytes)
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

/** `bytes` as text, or `undefined` if they are not UTF-8. A byte order mark is text like any other. */
export function decodeUtf8(bytes: Uint8Array): string | undefined {
  if (utf8Slice !== undefined) {
    const text = utf8Slice.call(bytes, 0, bytes.length)
    // A replacement character was sent, or stands for what is not UTF-8: rare enough to decode again, strictly.
    if (!text.includes('\ufffd')) return text
  }
  try {
    return strict.decode(bytes)
  } catch {
    return undefined
  }
}

/** Bytes at the end that begin a UTF-8 sequence and do not end it: 0 to 3. */
export function incompleteTail(bytes: Uint8Array): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back]!
    if ((byte & 0xc0) === 0x80) continue
    const needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return needs > back ? back : 0
  }
  return 0
}
