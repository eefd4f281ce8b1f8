import type { Data } from '../transport.ts'

interface NodeBuffer {
  readonly Buffer?: { byteLength(text: string, encoding: 'utf8'): number }
}

/** Node's own count is vectorised; the loop serves every other runtime. */
const native = (globalThis as NodeBuffer).Buffer

/** The text that `writeCounted` writes, and its bytes. */
let counted = ''
let countedBytes = 0

/** How many bytes `text` takes in UTF-8. A lone surrogate counts as U+FFFD, which is what encoders make of it. */
export function utf8Length(text: string): number {
  if (text === counted) return countedBytes
  if (native !== undefined) return native.byteLength(text, 'utf8')
  let bytes = text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x80) continue
    if (unit < 0x800) bytes += 1
    else if (unit >= 0xd800 && unit < 0xdc00 && (text.charCodeAt(i + 1) & 0xfc00) === 0xdc00) {
      bytes += 2
      i++
    } else bytes += 2
  }
  return bytes
}

/** How many bytes `data` is on the wire. */
export function byteLength(data: Data): number {
  return typeof data === 'string' ? utf8Length(data) : data.length
}

/**
 * Writes `text`, which is `bytes` long in UTF-8: who has put it together of parts that were counted says so, for to count the whole takes as long as to
 * send it. The number must be right, for all that is below reckons with it.
 */
export function writeCounted(transport: { write(data: Data): void }, text: string, bytes: number): void {
  counted = text
  countedBytes = bytes
  try {
    transport.write(text)
  } finally {
    counted = ''
    countedBytes = 0
  }
}

/** Bytes of memory that a message takes at least, while it is held: its object, its place in a list. */
const leastHeldBytes = 64

/** How many bytes a message counts while it is held, so that a limit of bytes also bounds messages of none. */
export function heldLength(message: Data): number {
  return Math.max(leastHeldBytes, byteLength(message))
}

/** Made when it is needed: on Node the first one loads code. */
let encoder: { encode(text: string): Uint8Array } | undefined

/** `data` as bytes; a string is encoded, bytes are passed on as they are. */
export function toBytes(data: Data): Uint8Array {
  return typeof data === 'string' ? (encoder ??= new TextEncoder()).encode(data) : data
}
