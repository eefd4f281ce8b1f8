import type { Writable } from 'node:stream'
import { byteLength } from '../base/byte-length.ts'
import { afterTurn, soon } from '../base/clock.ts'
import type { TransportPolicy } from '../base/options.ts'
import { QueuedTransport } from '../base/queued-transport.ts'
import type { Data, Stream } from '../transport.ts'

/** Batches up to this size are copied into one write; above, the pieces go to writev as they are. Measured: a writev costs about what copying 16 KiB does. */
const joinBelowBytes = 16 * 1024
/** So are larger ones whose pieces are shorter than this on average: each piece of a writev has its own cost. */
const joinPiecesBelowBytes = 1024

/** Whether the transport calls somebody above, who may write meanwhile; and whether he has. */
type Calling = 'no' | 'yes' | 'written'

/** Bytes that may leave before the event loop goes on, which no promise and no tick lets it: a peer that keeps up must not keep all others waiting. */
const maxBurstBytes = 4 * 1024 * 1024
/** A call counts as so many, however little leaves in it. */
const callBytes = 4096

/** A transport that writes to a stream of Node's: when a batch leaves, in how many calls, and when the OS has it. */
export abstract class WritingTransport extends QueuedTransport<Stream> {
  readonly carries = 'stream'
  protected readonly output: Writable
  /** Bytes of the batch that Node still has, if it will say 'drain'. Undefined: nobody listens to that yet, for many a connection never has to. */
  private sentAtDrain: number | undefined
  private calling: Calling = 'no'
  /** Bytes that left since the event loop is known to have gone on. */
  private burstBytes = 0

  constructor(policy: TransportPolicy, output: Writable) {
    super(policy)
    this.output = output
  }

  /** Delivers what came. What is written meanwhile leaves at its end. */
  protected deliver(data: Uint8Array): void {
    this.burstBytes = 0
    this.calling = 'yes'
    try {
      this.received(data)
    } finally {
      if (this.hasWritten()) this.flush()
    }
  }

  protected scheduleFlush(): void {
    // What is there when our own call ends needs neither a microtask nor a tick.
    if (this.calling !== 'no') this.calling = 'written'
    // From the turn's own code a microtask, from there nextTick: the earliest place behind all of the turn's microtasks, so that what
    // asynchronous handlers answer in this turn leaves in the same write.
    else if (this.burstBytes < maxBurstBytes) soon(flushInTick, this as WritingTransport)
    else this.flushAfterTurn()
  }

  /** For the scheduled flush, and the end of a delivery. A producer that goes on when the OS has taken a batch need not wait for the next one. */
  override flush(): void {
    do {
      this.calling = 'yes'
      let again = false
      try {
        super.flush()
      } finally {
        again = this.hasWritten()
      }
      if (!again) return
    } while (this.burstBytes < maxBurstBytes)
    this.flushAfterTurn()
  }

  private flushAfterTurn(): void {
    afterTurn(() => {
      this.burstBytes = 0
      this.flush()
    })
  }

  private hasWritten(): boolean {
    const written = this.calling === 'written'
    this.calling = 'no'
    return written
  }

  protected send(batch: Data[], bytes: number): void {
    const { output } = this
    writeBatch(output, batch, bytes)
    // A failed write comes through `destroy`. One that is complete already, which is the rule, costs no callback.
    if (output.errored !== null) return
    const atOnce = output.writableLength === 0
    this.queue.taken(atOnce)
    this.burstBytes = atOnce ? this.burstBytes + bytes + callBytes : 0
    if (atOnce) this.sent(bytes)
    else if (output.writableNeedDrain) {
      if (this.sentAtDrain === undefined) output.on('drain', () => this.drainedByNode())
      this.sentAtDrain = bytes
    }
    else output.write('', 'latin1', (error) => error == null && this.sent(bytes))
  }

  /** Node has nothing left. It says so a tick late; a batch may be complete, and known to be, since. */
  private drainedByNode(): void {
    const bytes = this.sentAtDrain ?? 0
    this.sentAtDrain = 0
    if (bytes > 0) this.sent(bytes)
  }
}

/** Hands a turn's batch of `bytes` to a stream of Node in as few calls as pay: one string, one joined piece, or a writev. */
function writeBatch(stream: Writable, batch: readonly Data[], bytes: number): void {
  if (batch.length === 1) return write(stream, batch[0]!, bytes)
  const text = joinedText(batch, bytes)
  if (text !== undefined) write(stream, text, bytes)
  else if (bytes <= joinBelowBytes || bytes < joinPiecesBelowBytes * batch.length) {
    stream.write(Buffer.concat(batch.map((data) => (typeof data === 'string' ? Buffer.from(data) : data)), bytes))
  } else {
    stream.cork()
    for (const data of batch) stream.write(data as Uint8Array)
    stream.uncork()
  }
}

/** Strings of one batch as one string, unless the seam between two makes a surrogate pair of halves: those are U+FFFD each. */
function joinedText(batch: readonly Data[], bytes: number): string | undefined {
  if (!batch.every((data) => typeof data === 'string')) return undefined
  const text = batch.join('')
  return text.length === bytes || byteLength(text) === bytes ? text : undefined
}

/** One string of ASCII is the cheapest write there is: no Buffer is made for it. */
function write(stream: Writable, data: Data, bytes: number): void {
  if (typeof data === 'string') stream.write(data, data.length === bytes ? 'latin1' : 'utf8')
  else stream.write(data)
}

function flushInTick(transport: WritingTransport): void {
  process.nextTick(flush, transport)
}

function flush(transport: WritingTransport): void {
  transport.flush()
}
