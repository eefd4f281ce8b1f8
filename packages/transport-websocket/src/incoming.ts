// Not the global: on Node that is a getter.
import { Buffer } from 'node:buffer'
import type { Data } from '@async/core'
import { byteLength } from '@async/core/base'
import type { Deflate } from './deflate.ts'
import { Gathered } from './gathered.ts'
import { shortFrame, shortFrameEnd } from './short-frames.ts'
import { isBetweenMessages, missingBytes, Receiver, type ReceiverError } from './ws.ts'

/** What comes besides messages. */
export type Control =
  | { readonly type: 'ping'; readonly payload: Uint8Array }
  | { readonly type: 'pong' }
  | { readonly type: 'close'; readonly code: number; readonly text: string }
  | { readonly type: 'error'; readonly error: ReceiverError }
  | { readonly type: 'eof' }

/** Limits of what comes. */
export interface IncomingLimits {
  readonly maxMessageBytes: number
  readonly maxFragments: number
}

/** Compressed bytes that are decoded before the next look whether anybody takes messages: they expand to 1 MiB at most. */
const deflatedSliceBytes = 1024

/**
 * Bytes in, messages and control frames out, one by one as they are asked for: what nobody asks for is not decoded, but for what the Receiver
 * makes of the read that it came with. Nothing comes behind a close, an error, or the end.
 */
export class Incoming {
  private readonly receiver: Receiver
  private readonly isServer: boolean
  private readonly maxMessageBytes: number
  private readonly sliceBytes: number
  private readonly gathered = new Gathered()
  private raw: Uint8Array[] = []
  /** The read in the short lane, and how far that is: what is between messages, and has only short ones up to there. */
  private lane: Buffer | undefined
  private laneAt = 0
  private items: (Data | Control)[] = []
  private at = 0
  /** The bytes have ended. */
  private ended = false
  /** The last item was decoded. */
  private over = false

  constructor(isServer: boolean, { maxMessageBytes, maxFragments }: IncomingLimits, deflate: Deflate | undefined) {
    this.isServer = isServer
    this.maxMessageBytes = maxMessageBytes
    this.receiver = new Receiver({
      isServer,
      maxPayload: maxMessageBytes,
      maxFragments,
      // More than there can be: short pieces are gathered.
      maxBufferedChunks: Math.max(16_384, Math.ceil(maxMessageBytes / 256)),
      extensions: deflate === undefined ? {} : { 'permessage-deflate': deflate },
    })
    this.sliceBytes = deflate === undefined ? Infinity : deflatedSliceBytes
    this.receiver
      .on('message', (data, isBinary) => this.items.push(isBinary ? data : data.toString()))
      .on('ping', (payload) => this.items.push({ type: 'ping', payload }))
      .on('pong', () => this.items.push(pong))
      .on('conclude', (code, text) => this.last({ type: 'close', code, text: text.toString() }))
      .on('error', ignore)
  }

  /** Whether anything came that was not taken; a part of a frame counts only while nobody has looked at it. */
  get hasItems(): boolean {
    return this.at < this.items.length || this.lane !== undefined || this.raw.length > 0 || (this.ended && !this.over)
  }

  /** Bytes for the decoder, which owns them from now on. */
  receive(data: Uint8Array): void {
    if (this.over) return
    // The rule: nothing waits before it.
    if (this.lane === undefined && this.raw.length === 0 && data.length <= this.sliceBytes && isBetweenMessages(this.receiver)) this.take(toBuffer(data))
    else this.raw.push(data)
  }

  /** The end of the bytes. */
  receiveEof(): void {
    this.ended = true
  }

  /** The next message or control frame; undefined if none is complete. */
  next(): Data | Control | undefined {
    while (this.at === this.items.length) {
      if (this.at > 0) {
        this.items.length = 0
        this.at = 0
      }
      if (this.lane !== undefined) {
        const message = this.nextShort(this.lane)
        if (message !== undefined) return message
      } else if (this.raw.length > 0) this.decodeSome()
      else if (this.ended && !this.over) this.last({ type: 'eof' })
      else return undefined
    }
    return this.items[this.at++]
  }

  /** Forgets everything, and says how many bytes that were. */
  drop(): number {
    let bytes = 0
    while (this.lane !== undefined) {
      const message = this.nextShort(this.lane)
      if (message !== undefined) bytes += byteLength(message)
    }
    for (const item of this.items.slice(this.at)) if (isData(item)) bytes += byteLength(item)
    for (const data of this.raw) bytes += data.length
    this.items = []
    this.raw = []
    this.at = 0
    this.over = true
    return bytes
  }

  private take(bytes: Buffer): void {
    this.lane = bytes
    this.laneAt = 0
  }

  /** The next message of the short lane. Where there is none, the rest of the read goes to the Receiver. */
  private nextShort(lane: Buffer): Data | undefined {
    const at = this.laneAt
    const message = shortFrame(lane, at, this.isServer, this.maxMessageBytes)
    if (message === undefined) {
      this.lane = undefined
      this.decode(at === 0 ? lane : lane.subarray(at))
      return undefined
    }
    this.laneAt = shortFrameEnd(lane, at, this.isServer)
    if (this.laneAt === lane.length) this.lane = undefined
    return message
  }

  private decodeSome(): void {
    const data = this.raw[0]!
    const slice = data.length <= this.sliceBytes ? data : data.subarray(0, this.sliceBytes)
    if (slice === data) this.raw.shift()
    else this.raw[0] = data.subarray(this.sliceBytes)
    const bytes = toBuffer(slice)
    if (isBetweenMessages(this.receiver)) this.take(bytes)
    else this.decode(bytes)
  }

  private decode(bytes: Buffer): void {
    if (this.gathered.takes(bytes, missingBytes(this.receiver), this.parse)) return
    const before = this.gathered.take()
    if (before !== undefined) this.parse(before)
    this.parse(bytes)
  }

  private readonly parse = (bytes: Buffer): void => {
    // Called here, and not through Writable.write: that reports an error a tick late, and costs more than a small frame does.
    // It expects Buffers, whatever it is cut into: a plain Uint8Array would come out as one.
    this.receiver._write(bytes, 'buffer', this.decoded)
  }

  private readonly decoded = (error?: ReceiverError | null): void => {
    if (error != null) this.last({ type: 'error', error })
  }

  private last(item: Control): void {
    if (this.over) return
    this.items.push(item)
    this.raw = []
    this.over = true
  }
}

/** Whether an item is a message. */
export function isData(item: Data | Control): item is Data {
  return typeof item === 'string' || item instanceof Uint8Array
}

function toBuffer(data: Uint8Array): Buffer {
  return Buffer.isBuffer(data) ? data : Buffer.from(data.buffer, data.byteOffset, data.length)
}

const pong: Control = { type: 'pong' }

function ignore(): void {}
