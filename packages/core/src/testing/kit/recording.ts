import type { Protocol } from '../../protocol.ts'
import type { CloseReason } from '../../reason.ts'
import type { Data } from '../../transport.ts'
import type { TestTransport } from './case.ts'

/** What a recording does besides recording: called after the event was noted. */
export interface Hooks {
  /** Inside `connectionMade`. */
  readonly made?: (transport: TestTransport) => void
  /** Inside `dataReceived`. */
  readonly data?: (data: Data) => void
  /** Inside `eofReceived`. `'close'`: the protocol has no `eofReceived`. */
  readonly eof?: (() => void) | 'close'
  /** Inside `connectionLost`. */
  readonly lost?: (reason: CloseReason) => void
}

/** A protocol that keeps what it was told. */
export interface Recording extends Protocol {
  /** Names of the calls, in order; of deliveries in a row only the first is noted. */
  readonly events: ('made' | 'data' | 'eof' | 'lost')[]
  /** Every delivery, as it came. */
  readonly deliveries: Data[]
  /** Bytes delivered; a string counts as its UTF-8 bytes. */
  bytes: number
  /** What `connectionMade` was called with. */
  transport: TestTransport | undefined
  /** What `connectionLost` was called with. */
  reason: CloseReason | undefined
}

const encoder = new TextEncoder()

/** `data` as bytes. */
export function bytesOf(data: Data): Uint8Array {
  return typeof data === 'string' ? encoder.encode(data) : data
}

/** A recording protocol. Without `hooks.eof` it stays open for writing when the peer ends. */
export function record(hooks: Hooks = {}): Recording {
  const note = (event: 'made' | 'data' | 'eof' | 'lost'): void => {
    if (event !== 'data' || recording.events.at(-1) !== 'data') recording.events.push(event)
  }
  const recording: Recording = {
    events: [],
    deliveries: [],
    bytes: 0,
    transport: undefined,
    reason: undefined,
    connectionMade(transport) {
      recording.transport = transport as TestTransport
      note('made')
      hooks.made?.(transport as TestTransport)
    },
    dataReceived(data) {
      note('data')
      recording.deliveries.push(data)
      recording.bytes += bytesOf(data).length
      hooks.data?.(data)
    },
    connectionLost(reason) {
      note('lost')
      recording.reason = reason
      hooks.lost?.(reason)
    },
  }
  const { eof } = hooks
  if (eof !== 'close') {
    recording.eofReceived = () => {
      note('eof')
      eof?.()
    }
  }
  return recording
}

/** All that was delivered, in one piece. */
export function joined(deliveries: readonly Data[]): Uint8Array {
  const pieces = deliveries.map(bytesOf)
  const all = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0))
  let at = 0
  for (const piece of pieces) {
    all.set(piece, at)
    at += piece.length
  }
  return all
}
