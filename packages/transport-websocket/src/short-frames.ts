/**
 * The lane for what most frames are: short, whole messages, uncompressed. They are decoded here, in one look at each byte; whatever is not
 * plainly such a frame, also if it is wrong, is left to `ws`'s Receiver, which knows all the rules.
 */
import type { Data } from '@async/core'
import { isUtf8 } from 'node:buffer'

const finalText = 0x81
const finalBinary = 0x82
/** Above, the length takes more bytes, and the cost is in the payload. */
const maxShortBytes = 125

/** Decodes the frames that `data` begins with, appends their messages, and says how many bytes that were. `data` is ours: it is unmasked in place. */
export function decodeShortFrames(data: Buffer, isServer: boolean, maxMessageBytes: number, messages: { push(message: Data): unknown }): number {
  const most = Math.min(maxShortBytes, maxMessageBytes)
  const headBytes = isServer ? 6 : 2
  let at = 0
  while (at + headBytes <= data.length) {
    const first = data[at]!
    const length = data[at + 1]! ^ (isServer ? 0x80 : 0)
    const start = at + headBytes
    const end = start + length
    if ((first !== finalText && first !== finalBinary) || length > most || end > data.length) break
    if (isServer) unmask(data, start, end)
    const message: Data | undefined = first === finalBinary ? data.subarray(start, end) : text(data, start, end)
    if (message === undefined) {
      if (isServer) unmask(data, start, end)
      break
    }
    messages.push(message)
    at = end
  }
  return at
}

/** With the mask before `start`. Again: masks. */
function unmask(data: Buffer, start: number, end: number): void {
  for (let i = start, mask = start - 4; i < end; i++) {
    data[i]! ^= data[mask]!
    if (++mask === start) mask -= 4
  }
}

/** Undefined if it is no UTF-8. */
function text(data: Buffer, start: number, end: number): Data | undefined {
  for (let i = start; i < end; i++) {
    if (data[i]! >= 0x80) return isUtf8(data.subarray(start, end)) ? data.toString('utf8', start, end) : undefined
  }
  return data.toString('latin1', start, end)
}
