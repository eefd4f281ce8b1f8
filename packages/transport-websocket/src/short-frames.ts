/**
 * The lane for what most frames are: short, whole messages, uncompressed. They are decoded here, one as it is asked for; whatever is not
 * plainly such a frame, also if it is wrong, is left to `ws`'s Receiver, which knows all the rules.
 */
import type { Data } from '@async/core'
import { isUtf8 } from 'node:buffer'

const finalText = 0x81
const finalBinary = 0x82
/** Above, the length takes more bytes, and the cost is in the payload. */
export const maxShortBytes = 125

/** The message of the frame that begins at `at`; undefined if it is none of the short ones, or is not whole. `data` is ours: it is unmasked in place. */
export function shortFrame(data: Buffer, at: number, isServer: boolean, maxMessageBytes: number): Data | undefined {
  const start = at + (isServer ? 6 : 2)
  if (start > data.length) return undefined
  const first = data[at]!
  const length = data[at + 1]! ^ (isServer ? 0x80 : 0)
  const end = start + length
  if ((first !== finalText && first !== finalBinary) || length > maxShortBytes || length > maxMessageBytes || end > data.length) return undefined
  const bits = isServer ? unmask(data, start, end) : bitsOf(data, start, end)
  if (first === finalBinary) return data.subarray(start, end)
  // ASCII is the rule, and its text the cheapest to make.
  if (bits < 0x80) return data.toString('latin1', start, end)
  if (isUtf8(data.subarray(start, end))) return data.toString('utf8', start, end)
  if (isServer) unmask(data, start, end)
  return undefined
}

/** Where the frame at `at` ends, of which `shortFrame` has given the message. */
export function shortFrameEnd(data: Buffer, at: number, isServer: boolean): number {
  return at + (isServer ? 6 : 2) + (data[at + 1]! & 0x7f)
}

/** With the mask before `start`, four bytes a step. Again: masks. Gives the bits that any byte has. */
function unmask(data: Buffer, start: number, end: number): number {
  const a = data[start - 4]!
  const b = data[start - 3]!
  const c = data[start - 2]!
  const d = data[start - 1]!
  let bits = 0
  let i = start
  for (; i + 4 <= end; i += 4) {
    bits |= (data[i]! ^= a) | (data[i + 1]! ^= b) | (data[i + 2]! ^= c) | (data[i + 3]! ^= d)
  }
  if (i < end) bits |= data[i]! ^= a
  if (i + 1 < end) bits |= data[i + 1]! ^= b
  if (i + 2 < end) bits |= data[i + 2]! ^= c
  return bits
}

function bitsOf(data: Buffer, start: number, end: number): number {
  let bits = 0
  for (let i = start; i < end; i++) bits |= data[i]!
  return bits
}
