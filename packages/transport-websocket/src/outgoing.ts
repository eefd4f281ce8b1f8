// Not the global: on Node that is a getter.
import { Buffer } from 'node:buffer'
import type { Data } from '@async/core'
import { toBytes, utf8Length } from '@async/core/base'
import type { Deflate } from './deflate.ts'
import { maxShortBytes } from './short-frames.ts'
import { Sender } from './ws.ts'

/** Opcodes (RFC 6455 §5.2). */
export const opcodes = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const

/** Messages up to this size go into one piece with their header: copying them is cheaper than another piece of a write. */
const joinBelowBytes = 4096

/** Makes frames. A client masks, which copies; a server passes what is large on as it is. */
export class Outgoing {
  private readonly isServer: boolean
  private readonly deflate: Deflate | undefined

  constructor(isServer: boolean, deflate: Deflate | undefined) {
    this.isServer = isServer
    this.deflate = deflate
  }

  /** The frame of a short message, where it is one piece; else undefined: see `append`. Most messages are such, and need no list. */
  short(data: Data): Buffer | undefined {
    return this.isServer && this.deflate === undefined && data.length <= maxShortBytes ? unmaskedShort(data) : undefined
  }

  /** Appends the pieces of a message's frame. */
  append(pieces: Data[], data: Data): void {
    const opcode = typeof data === 'string' ? opcodes.text : opcodes.binary
    const deflated = this.deflate?.tryCompress(toBytes(data))
    if (deflated !== undefined) pieces.push(...this.frame(deflated, opcode, true))
    else if (this.isServer) appendUnmasked(pieces, data, opcode)
    else pieces.push(...this.frame(toBytes(data), opcode, false))
  }

  /** The frame of a control message. */
  control(opcode: number, payload: Uint8Array): Data[] {
    return this.frame(payload, opcode, false)
  }

  private frame(data: Uint8Array, opcode: number, rsv1: boolean): Data[] {
    return Sender.frame(data as Buffer, { fin: true, opcode, mask: !this.isServer, readOnly: true, rsv1 })
  }
}

function unmaskedShort(data: Data): Buffer | undefined {
  const isText = typeof data === 'string'
  const length = isText ? utf8Length(data) : data.length
  if (length > maxShortBytes) return undefined
  const frame = Buffer.allocUnsafe(2 + length)
  frame[0] = 0x80 | (isText ? opcodes.text : opcodes.binary)
  frame[1] = length
  if (!isText) frame.set(data, 2)
  // ASCII: as latin1 it is the same bytes, which are copied, not encoded.
  else frame.write(data, 2, length === data.length ? 'latin1' : 'utf8')
  return frame
}

/** A server's frame: `Sender.frame` would encode a string, and put the header beside it, in steps of their own. */
function appendUnmasked(pieces: Data[], data: Data, opcode: number): void {
  const isText = typeof data === 'string'
  const length = isText ? utf8Length(data) : data.length
  const headerBytes = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const joins = isText || length <= joinBelowBytes
  const frame = Buffer.allocUnsafe(joins ? headerBytes + length : headerBytes)
  frame[0] = 0x80 | opcode
  if (headerBytes === 2) frame[1] = length
  else if (headerBytes === 4) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeUIntBE(0, 2, 2)
    frame.writeUIntBE(length, 4, 6)
  }
  if (isText) frame.write(data, headerBytes)
  else if (joins) frame.set(data, headerBytes)
  pieces.push(frame)
  if (!joins) pieces.push(data)
}
