import { limits } from '@async/core'
import { checkedMode, oneOf } from './chunk-options.ts'
import { invalid, wholeNumber } from './errors.ts'
import type { Mode } from './splitter.ts'

/** Options of messages that follow their length. */
export interface LengthPrefixOptions<M extends Mode = Mode> {
  /** Bytes of the length, or `'varint'`: seven bits a byte, the lowest first, as protobuf and libp2p write it. Default 4. */
  readonly widthBytes?: 1 | 2 | 3 | 4 | 8 | 'varint'
  /** Order of the length's bytes; a varint has none. Default `'big'`. */
  readonly endian?: 'big' | 'little'
  /** Whether the length counts the payload alone (default), or the frame: the length itself as well. A varint counts the payload. */
  readonly counts?: 'payload' | 'frame'
  /** Added to the length that was read to get the bytes that follow, taken off when written: for headers that it leaves out. Default 0. */
  readonly adjustBytes?: number
  /** Whether messages are `Uint8Array`s or strings. Text is UTF-8, and bytes that are not end the connection. */
  readonly mode?: M
  /** Bytes of a payload at most, in both directions. Checked as soon as the length is known, before anything is held. Default 1,048,576. */
  readonly maxChunkBytes?: number
}

/** `LengthPrefixOptions`, checked. */
export interface LengthSettings {
  /** Bytes of the length; 0: a varint. */
  readonly widthBytes: number
  readonly isLittle: boolean
  /** Added to the length to get the payload's. */
  readonly adjustBytes: number
  readonly mode: Mode
  readonly maxChunkBytes: number
}

/** Bytes of a varint at most: 2^56 is beyond every safe integer. */
export const maxVarintBytes = 8

/** @throws UsageError `ERR_INVALID_ARGUMENT` */
export function lengthSettings(options: LengthPrefixOptions): LengthSettings {
  const width = oneOf('widthBytes', options.widthBytes ?? 4, [1, 2, 3, 4, 8, 'varint'])
  const widthBytes = typeof width === 'number' ? width : 0
  const counts = oneOf('counts', options.counts ?? 'payload', ['payload', 'frame'])
  if (widthBytes === 0 && counts === 'frame') throw invalid('counts: a varint cannot count itself')
  const addedBytes = wholeNumber('adjustBytes', options.adjustBytes ?? 0, -0xffff_ffff, 0xffff_ffff)
  const adjustBytes = counts === 'frame' ? addedBytes - widthBytes : addedBytes
  const largest = widthBytes === 0 || widthBytes === 8 ? Number.MAX_SAFE_INTEGER : 256 ** widthBytes - 1
  return {
    widthBytes,
    adjustBytes,
    isLittle: oneOf('endian', options.endian ?? 'big', ['big', 'little']) === 'little',
    mode: checkedMode(options.mode ?? 'bytes'),
    // What the length cannot say is too long to be written.
    maxChunkBytes: Math.min(wholeNumber('maxChunkBytes', options.maxChunkBytes ?? limits.maxMessageBytes, 0), largest + adjustBytes),
  }
}
