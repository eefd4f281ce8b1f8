/**
 * What we take of `ws`: its Receiver (frames in), its Sender's framing (frames out), and its negotiation of permessage-deflate. They are exported,
 * but @types/ws does not have them. Its WebSocket is not used: see docs/decisions/0055.
 */
import type { Data } from '@async/core'
import * as ws from 'ws'

/** An extension as a Receiver uses it. */
export interface Extension {
  /** Gives what `data`, the payload of one frame, decompresses to. `fin`: the message is complete. */
  decompress(data: Buffer, fin: boolean, done: (error: Error | null, data?: Buffer) => void): void
}

/** A parser of frames; a Writable, of which only the sink is used. */
export interface Receiver {
  on(event: 'message', listener: (data: Buffer, isBinary: boolean) => void): this
  on(event: 'ping' | 'pong', listener: (data: Buffer) => void): this
  on(event: 'conclude', listener: (code: number, text: Buffer) => void): this
  on(event: 'error', listener: (error: Error) => void): this
  /** Parses, synchronously; then says `done`, with what is wrong with the bytes. */
  _write(data: Buffer, encoding: string, done: (error?: ReceiverError | null) => void): void
}

/** What a Receiver says is wrong. */
export interface ReceiverError extends Error {
  readonly code: string
}

interface Params {
  readonly server_max_window_bits?: number
  readonly client_max_window_bits?: number
  readonly client_no_context_takeover?: boolean
  readonly server_no_context_takeover?: boolean
}

/** Negotiates permessage-deflate (RFC 7692 §7). */
export interface PerMessageDeflate {
  /** Our offer. */
  offer(): Params
  /** Takes offers, or the answer to ours. Throws for what is not acceptable. */
  accept(configurations: unknown): Params
}

interface Internals {
  readonly Receiver: new (options: {
    readonly isServer: boolean
    readonly maxPayload: number
    readonly maxFragments: number
    readonly maxBufferedChunks: number
    readonly extensions: Readonly<Record<string, Extension>>
  }) => Receiver
  readonly Sender: {
    frame(data: Buffer | string, options: { fin: true; opcode: number; mask: boolean; readOnly: boolean; rsv1: boolean }): Data[]
  }
  readonly PerMessageDeflate: {
    new (options: { isServer: boolean; serverNoContextTakeover: true; clientNoContextTakeover: true; clientMaxWindowBits?: false }): PerMessageDeflate
    readonly extensionName: 'permessage-deflate'
  }
  readonly extension: {
    parse(header: string): Record<string, unknown>
    format(extensions: Record<string, unknown>): string
  }
  readonly subprotocol: { parse(header: string): Set<string> }
}

const internals = ws as unknown as Internals

export const Receiver: Internals['Receiver'] = internals.Receiver
export const Sender: Internals['Sender'] = internals.Sender
export const PerMessageDeflate: Internals['PerMessageDeflate'] = internals.PerMessageDeflate
export const extension: Internals['extension'] = internals.extension
export const subprotocol: Internals['subprotocol'] = internals.subprotocol

/**
 * Whether a Receiver has nothing of a message: the next byte is the first of one. By fields of its own that are no API; without them it is
 * false, and every byte goes through the Receiver.
 */
export function isBetweenMessages(receiver: Receiver): boolean {
  const { _state, _bufferedBytes, _fragmented } = receiver as unknown as Record<string, unknown>
  return _state === 0 && _bufferedBytes === 0 && _fragmented === 0
}

/** How many bytes of a payload a Receiver waits for: with fewer it only keeps them. 0 elsewhere, and without those fields. */
export function missingBytes(receiver: Receiver): number {
  const { _state, _bufferedBytes, _payloadLength } = receiver as unknown as Record<string, number | undefined>
  return _state === 4 && _payloadLength !== undefined && _bufferedBytes !== undefined ? _payloadLength - _bufferedBytes : 0
}
