import { toBytes } from '../../base/byte-length.ts'
import { afterTurn } from '../../base/clock.ts'
import type { CloseReason } from '../../reason.ts'
import type { Protocol } from '../../protocol.ts'
import type { Data, Stream, StreamTransport } from '../../transport.ts'
import { WrappedTransport } from '../../base/wrapped-transport.ts'
import { memoryPair } from '../memory-pair.ts'
import { type Attached, eventOf, type ProtocolSubject } from './subject.ts'

/** What is done to a protocol while it is fed. */
export interface Drive {
  /** The input, in the pieces in which it is to be delivered. */
  readonly pieces: readonly Uint8Array[]
  /** How the peer ends afterwards. Default `eof`. */
  readonly end?: 'eof' | 'reset' | 'nothing'
  /** Called inside each event, with its index. */
  readonly onEvent?: (index: number, attached: Attached) => void
  /** Called after each turn; true: the drive is over, although the connection is not. */
  readonly onTurn?: (attached: Attached, events: readonly string[]) => boolean
  /** Waits for what the protocol wrote, also behind its end. */
  readonly collects?: boolean
}

/** What came of it. */
export interface Driven {
  /** What was emitted. */
  readonly events: readonly string[]
  /** Why it ended. */
  readonly reason: CloseReason | undefined
  /** What was reported through `onError` of the transport. */
  readonly reports: readonly unknown[]
  /** Most bytes that were held undecoded, as far as the protocol tells. */
  readonly mostHeldBytes: number
  /** Bytes that were looked at, where the protocol counts. */
  readonly examinedBytes: number | undefined
  /** What is wrong whatever was driven: events after the end, writes after the end. */
  readonly wrong: readonly string[]
  /** What the far end got, as latin-1 characters. */
  readonly written: string
}

/** Feeds a protocol on a memory pair, piece by piece, and sees what happens. */
export async function drive(subject: ProtocolSubject, how: Drive): Promise<Driven> {
  const events: string[] = []
  const reports: unknown[] = []
  const wrong: string[] = []
  let reason: CloseReason | undefined
  const { a, b } = memoryPair({ onError: (error) => void reports.push(error), capacityBytes: 1 << 20, lingerMs: 1000 })
  const watched = new Watched(b, wrong)
  let written = ''
  let isAOver = false
  a.start({
    dataReceived: (data) => void (written += eventOf(data)),
    eofReceived: () => a.halfClose(),
    connectionLost: () => void (isAOver = true),
  })
  const attached: Attached = subject.attach(watched, (event) => {
    // Not `watched.isOver`: where the end below is one of both sides, what came before it may be delivered behind it.
    if (reason !== undefined) wrong.push(`the event ${JSON.stringify(event)} after the end`)
    events.push(event)
    how.onEvent?.(events.length - 1, attached)
  })
  void attached.closed.then((why) => {
    reason = why
  })
  let mostHeldBytes = 0
  try {
    for (const piece of how.pieces) if (piece.length > 0) a.write(piece)
    if (how.end === undefined || how.end === 'eof') a.halfClose()
  } catch {
    // The protocol has ended meanwhile.
  }
  for (let turns = 0; reason === undefined && turns < 20_000; turns++) {
    await new Promise<void>((resolve) => afterTurn(resolve))
    mostHeldBytes = Math.max(mostHeldBytes, attached.heldBytes ?? 0)
    if (how.end === 'reset' && a.queuedBytes === 0 && turns > 5) a.abort()
    if (how.onTurn?.(attached, events) === true) break
    if (how.end === 'nothing' && turns > 50) break
  }
  for (let turns = 0; how.collects === true && !isAOver && turns < 1000; turns++) await new Promise<void>((resolve) => afterTurn(resolve))
  const examinedBytes = attached.examinedBytes
  a.abort()
  b.abort()
  return { events, reason, reports, mostHeldBytes, examinedBytes, wrong, written }
}

/** Notes what a protocol tries after its end, whether or not the transport refuses it. */
class Watched extends WrappedTransport<Stream> {
  isOver = false
  private readonly wrong: string[]

  constructor(below: StreamTransport, wrong: string[]) {
    super(below)
    this.wrong = wrong
  }

  override write(data: Data): void {
    if (this.isOver) this.wrong.push('a write after the end')
    super.write(data)
  }

  override writeSequence(list: readonly Data[]): void {
    if (this.isOver) this.wrong.push('a write after the end')
    super.writeSequence(list)
  }

  override onLost(reason: CloseReason, protocol: Protocol<Stream>): void {
    // Replaced by another protocol: it goes on.
    if (reason.kind !== 'detached') this.isOver = true
    super.onLost(reason, protocol)
  }
}

/** `input` as bytes. */
export function inputBytes(input: Uint8Array | string): Uint8Array {
  return toBytes(input)
}

/** `bytes` cut at `offsets`, each piece a copy of its own: a protocol that reads beyond its piece is found out. */
export function cutAt(bytes: Uint8Array, offsets: readonly number[]): Uint8Array[] {
  const all = [0, ...offsets, bytes.length]
  return all.slice(1).map((to, i) => bytes.slice(all[i], to)).filter((piece) => piece.length > 0)
}
