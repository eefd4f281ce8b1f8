import type { CloseReason } from '../../reason.ts'
import { canHalfClose, type Carries, type Layer, type StreamTransport, type Transport } from '../../transport.ts'

/** What came in a recorded conversation, and what a protocol made of it. Literals. */
export interface Conversation {
  /** Heads its cases. */
  readonly name: string
  /** The bytes that come; a string stands for its UTF-8. Keep it short: every split of it is tried. */
  readonly input: Uint8Array | string
  /** What the protocol makes of all of it, in order: what `emit` is called with. Without the end. */
  readonly events: readonly string[]
  /**
   * How many bytes of the input each event needs, and 0: where an end of the input cuts nothing. `boundaries[n]` bytes give the first n events.
   * One more than there are events.
   */
  readonly boundaries: readonly number[]
  /** What the far end gets of the protocol by the end, where it answers; a string stands for its UTF-8. Absent: it is not looked at. */
  readonly written?: Uint8Array | string
}

/** Input of which the end matters, or that is too long to be cut everywhere. */
export interface Ending<Kind extends CloseReason['kind'] = CloseReason['kind']> {
  /** Heads its case. */
  readonly name: string
  /** The bytes that come, and then the end; a string stands for its UTF-8. */
  readonly input: Uint8Array | string
  /** What the protocol makes of it before it ends. */
  readonly events: readonly string[]
  /** Kind of the reason with which it ends. */
  readonly kind: Kind
  /** Properties that the reason's error has: its code, say. */
  readonly error?: Readonly<Record<string, unknown>>
  /** As `Conversation.written`; only with kind `closed`, for otherwise what was under way is dropped. */
  readonly written?: Uint8Array | string
}

/** A protocol that runs on a transport. */
export interface Attached {
  /** Stops events, strictly. */
  pause(): void
  /** Lets them go on, not inside this call. */
  resume(): void
  /** Ends in order. */
  close(): void
  /** Ends at once. */
  abort(): void
  /** Why it ended. */
  readonly closed: Promise<CloseReason>
  /** Bytes that it looked at so far, where it counts. */
  readonly examinedBytes?: number
  /** Bytes that it holds undecoded, where it can tell. */
  readonly heldBytes?: number
}

/** What the protocol kit examines. */
export interface ProtocolSubject {
  /** Heads every report. */
  readonly name: string
  /**
   * Starts the protocol on `below`. It calls `emit` once for each event, while it is being told of it: what `emit` throws must come out as
   * if the user's callback had thrown.
   */
  attach(below: StreamTransport, emit: (event: string) => void): Attached
  /** What is to be understood. At least one, or one of `endings`. */
  readonly conversations: readonly Conversation[]
  /** Inputs that exceed a limit: the connection ends with kind `limit` or `protocol`, after these events, whatever follows. */
  readonly refused?: readonly Ending<'limit' | 'protocol'>[]
  /** Inputs that come to an end, which decides something, or cuts something off; and long ones. */
  readonly endings?: readonly Ending<'closed' | 'truncated'>[]
  /** Bytes that it may hold undecoded, whatever comes. */
  readonly maxHeldBytes?: number
  /** Clauses, or names of cases, that are not run, with the reason. */
  readonly skip?: Readonly<Record<string, string>>
}

/** How an event of a layer is written: text as it is, bytes as latin-1 (each byte is the character of that number). */
export function eventOf(data: Uint8Array | string): string {
  return typeof data === 'string' ? data : Array.from(data, (byte) => String.fromCharCode(byte)).join('')
}

/** A subject of a framing layer: each delivery is an event, see `eventOf`. */
export function layerSubject(
  name: string,
  layer: Layer<StreamTransport, Transport<Carries>>,
  rest: Omit<ProtocolSubject, 'name' | 'attach'>,
  measure: (top: Transport) => { readonly examinedBytes?: number; readonly heldBytes?: number } = () => ({}),
): ProtocolSubject {
  return {
    name,
    ...rest,
    attach(below, emit) {
      const top = layer(below)
      top.start({
        dataReceived: (data) => emit(eventOf(data)),
        eofReceived() {
          if (canHalfClose(top)) top.halfClose()
          else top.close()
        },
      })
      return {
        pause: () => top.pause('read'),
        resume: () => top.resume('read'),
        close: () => top.close(),
        abort: () => top.abort(),
        closed: top.closed,
        get examinedBytes() {
          return measure(top).examinedBytes as number
        },
        get heldBytes() {
          return measure(top).heldBytes as number
        },
      }
    },
  }
}
