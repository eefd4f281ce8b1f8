/**
 * permessage-deflate (RFC 7692), without context takeover in either direction: each message is compressed by itself, in one call, so that a
 * connection holds no window (64 KiB to 300 KiB each elsewhere), order needs no queue, and what a message expands to is bounded before it
 * is there. See docs/decisions/0056.
 */
import { constants, deflateRawSync, inflateRawSync } from 'node:zlib'
import { type Extension, extension, PerMessageDeflate } from './ws.ts'

/** What each message ends with before the last four bytes are cut off, and put back (RFC 7692 §7.2.1). */
const tail = Buffer.from([0x00, 0x00, 0xff, 0xff])
const empty = Buffer.alloc(0)

/** Compression of one connection. */
export class Deflate implements Extension {
  private readonly windowBits: number
  private readonly maxMessageBytes: number
  private readonly thresholdBytes: number
  private parts: Buffer[] = []

  constructor(windowBits: number, maxMessageBytes: number, thresholdBytes: number) {
    this.windowBits = windowBits
    this.maxMessageBytes = maxMessageBytes
    this.thresholdBytes = thresholdBytes
  }

  /** `data` compressed, or undefined where that is not worth it. */
  tryCompress(data: Uint8Array): Buffer | undefined {
    if (data.length < this.thresholdBytes) return undefined
    const made = deflateRawSync(data, { finishFlush: constants.Z_SYNC_FLUSH, windowBits: this.windowBits })
    // The cut leaves the last block open, as it has to be.
    return made.length - 4 < data.length ? made.subarray(0, -4) : undefined
  }

  /** For the Receiver: gathers the frames of a message, and inflates them with the last. */
  decompress(data: Buffer, fin: boolean, done: (error: Error | null, data?: Buffer) => void): void {
    this.parts.push(data)
    if (!fin) return done(null, empty)
    const parts = Buffer.concat([...this.parts, tail])
    this.parts = []
    let inflated: Buffer
    try {
      inflated = inflateRawSync(parts, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: Math.max(1, this.maxMessageBytes) })
    } catch (error) {
      return done(error as Error)
    }
    done(null, inflated)
  }
}

/** The header's value for the offer of a client. */
export function deflateOffer(): string {
  return extension.format({ 'permessage-deflate': [negotiator(false).offer()] })
}

/**
 * A server's answer to the `Sec-WebSocket-Extensions` of a request: the header's value, and the bits of the window for sending; undefined if
 * nothing that suits is offered. @throws what `ws` throws for a header that is malformed.
 */
export function acceptDeflate(header: string): { readonly answer: string; readonly windowBits: number } | undefined {
  const offers = extension.parse(header)['permessage-deflate'] as Record<string, [string]>[] | undefined
  // zlib makes a window of 9 bits where 8 are asked for, which is not what the peer could read.
  const usable = offers?.filter((offer) => Number(offer['server_max_window_bits']?.[0] ?? 15) > 8)
  if (usable === undefined || usable.length === 0) return undefined
  const params = negotiator(true).accept(usable)
  return { answer: extension.format({ 'permessage-deflate': [params] }), windowBits: params.server_max_window_bits ?? 15 }
}

/** What the server's answer to our offer means: the bits of the window for sending; undefined if it does not compress. @throws for what we did not offer. */
export function deflateAnswered(header: string): { readonly windowBits: number } | undefined {
  const answer = extension.parse(header)
  const names = Object.keys(answer)
  if (names.length === 0) return undefined
  const params = names.length === 1 && names[0] === 'permessage-deflate' ? negotiator(false).accept(answer['permessage-deflate']) : undefined
  if (params?.server_no_context_takeover !== true || params.client_max_window_bits !== undefined) throw new Error('the server answered with an extension that was not offered')
  return { windowBits: 15 }
}

function negotiator(isServer: boolean): PerMessageDeflate {
  // We offer no client_max_window_bits: a server that sent one would answer what was not asked.
  return new PerMessageDeflate({ isServer, serverNoContextTakeover: true, clientNoContextTakeover: true, ...(isServer ? {} : { clientMaxWindowBits: false }) })
}
