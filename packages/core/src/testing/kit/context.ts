import { afterTurn } from '../../base/clock.ts'
import type { TransportOptions } from '../../base/options.ts'
import type { Transport } from '../../transport.ts'
import { VirtualClock } from '../virtual-clock.ts'
import type { ListenerOptions, ListenerUnderTest, NameUnderTest, Place, Subject, TestTransport } from './case.ts'
import { Pattern } from './payload.ts'
import { type Recording, record } from './recording.ts'

/** Turns in which anything that is on its way between two ends of one machine has arrived. For "nothing happens", which no event can announce. */
const quietTurns = 25

/** Two transports under test. */
export interface TestPair {
  /** The end that the cases prefer for what only a connecting side guarantees. */
  readonly a: TestTransport
  /** The other end. */
  readonly b: TestTransport
}

/** Two started transports, and what records their events. */
export interface StartedPair extends TestPair {
  /** Started on `a`. */
  readonly atA: Recording
  /** Started on `b`. */
  readonly atB: Recording
}

/** What a case works with. */
export class CaseContext {
  /** What is under test. */
  readonly subject: Subject
  /** Time of every transport that this context makes. */
  readonly clock: VirtualClock = new VirtualClock()
  /** What was reported through `onError` of every transport that this context makes. */
  readonly reports: unknown[] = []
  /** What can be sent. */
  readonly pattern: Pattern
  /** What the case waits for, for the watchdog's message. */
  waitingFor = 'nothing in particular'
  private readonly maxTurns: number
  private readonly cleanups: (() => unknown)[] = []
  private turnsTaken = 0
  private over = false

  /** @param maxTurns turns of the event loop after which the case is given up */
  constructor(subject: Subject, maxTurns: number = Infinity) {
    this.subject = subject
    this.maxTurns = maxTurns
    this.pattern = new Pattern(subject.alphabet)
  }

  /** A pair on this context's clock, not started. Aborted and disposed of when the case is over. */
  async pair(options: TransportOptions = {}): Promise<TestPair> {
    return this.keep(await this.subject.makePair(this.options(options)))
  }

  /** A pair, both ends started with recordings, `a` first. */
  async started(atB: Recording = record(), atA: Recording = record(), options: TransportOptions = {}): Promise<StartedPair> {
    const { a, b } = await this.pair(options)
    a.start(atA)
    b.start(atB)
    return { a, b, atA, atB }
  }

  /**
   * A pair of which `a` is started, and has queued more than its high-water mark, none of which leaves until `b`, which is not started, is.
   * `written`: how many bytes of the pattern were written, in all.
   */
  async clogged(atA: Recording = record(), options: TransportOptions = {}): Promise<TestPair & { readonly atA: Recording; readonly written: number }> {
    const made = this.subject.makeCloggedPair === undefined ? undefined : await this.subject.makeCloggedPair(this.options(options))
    const pair = made === undefined ? await this.pair(options) : this.keep(made)
    pair.a.start(atA)
    return { ...pair, atA, written: await this.clog(pair.a) }
  }

  /** Writes the pattern to `transport`, whose peer does not read, until none of it leaves any more; gives the number of bytes. */
  async clog(transport: Transport, pieceBytes: number = 32 * 1024): Promise<number> {
    let written = 0
    let stuck = 0
    while (stuck < 8) {
      const before: number = transport.queuedBytes
      if (before <= 3 * pieceBytes) {
        transport.write(this.pattern.bytes(pieceBytes, written))
        written += pieceBytes
        stuck = 0
      } else stuck++
      await this.turn()
      if (transport.queuedBytes < before) stuck = 0
    }
    return written
  }

  /** Listens; ended when the case is over. */
  async listener(accept: (transport: TestTransport) => unknown, options: ListenerOptions = {}): Promise<ListenerUnderTest> {
    const made = await this.subject.makeListener!((transport) => {
      this.cleanups.push(() => transport.abort())
      return accept(transport as TestTransport)
    }, this.options(options))
    this.cleanups.push(() => made.listener.abortConnections())
    return made
  }

  /** Places for a name to lead to, on this context's clock; freed when the case is over, and the transports aborted. */
  async name(...places: Place[]): Promise<NameUnderTest> {
    const made = await this.subject.makeName!(places)
    this.cleanups.push(() => made.dispose())
    return {
      addresses: made.addresses,
      connect: (options) => {
        const connecting = made.connect({ clock: this.clock, ...options })
        connecting.then((transport) => (this.over ? transport.abort() : this.own(transport)), () => {})
        return connecting
      },
      answer: () => made.answer(),
      socketCount: () => made.socketCount(),
      dispose: () => made.dispose(),
    }
  }

  /** Aborts `transport` when the case is over. */
  own(transport: Transport): TestTransport {
    this.cleanups.push(() => transport.abort())
    return transport as TestTransport
  }

  /** Something to do when the case is over. */
  afterwards(task: () => unknown): void {
    this.cleanups.push(task)
  }

  /** Resolves in the next turn of the event loop. */
  turn(): Promise<void> {
    return new Promise((resolve, reject) => {
      afterTurn(() => {
        // A case that was given up ends here, rather than going round for ever.
        if (this.over) return
        if (++this.turnsTaken > this.maxTurns) reject(new Error(`${this.turnsTaken} turns of the event loop were not enough; waiting for: ${this.waitingFor}`))
        else resolve()
      })
    })
  }

  /** Lets happen what is going to happen without time passing. */
  async quiet(turns: number = quietTurns): Promise<void> {
    for (let i = 0; i < turns; i++) await this.turn()
    await this.subject.settle?.()
  }

  /** Resolves when `holds` does: it is asked once a turn. */
  async until(what: string, holds: () => boolean): Promise<void> {
    this.waitingFor = what
    while (!holds()) await this.turn()
    this.waitingFor = 'nothing in particular'
  }

  /** What `promise` gives; the watchdog says `what` if it never does. Turns are counted meanwhile. */
  async wait<T>(what: string, promise: Promise<T>): Promise<T> {
    let settled = false
    const mark = (): void => {
      settled = true
    }
    promise.then(mark, mark)
    await this.until(what, () => settled)
    return promise
  }

  /** Writes `total` bytes of the pattern to `transport`, as fast as it takes them. Need not be awaited: a failure shows in what arrives. */
  send(transport: Transport, total: number, pieceBytes: number = 64 * 1024, from: number = 0): Promise<void> {
    return this.background(this.sendAll(transport, total, pieceBytes, from))
  }

  /** Marks `promise` as one that may reject when nobody waits for it any more, because the case has failed before. */
  background<T>(promise: Promise<T>): Promise<T> {
    promise.catch(() => {})
    return promise
  }

  private async sendAll(transport: Transport, total: number, pieceBytes: number, from: number): Promise<void> {
    for (let sent = 0; sent < total; sent += pieceBytes) {
      transport.write(this.pattern.bytes(Math.min(pieceBytes, total - sent), from + sent))
      if (transport.queuedBytes > 64 * 1024) await this.wait('drained()', transport.drained())
    }
  }

  /** Ends what the case left open. The case does not go on afterwards. */
  async end(): Promise<void> {
    this.over = true
    for (const cleanup of this.cleanups.reverse()) await cleanup()
  }

  private options(options: TransportOptions): TransportOptions {
    return { clock: this.clock, onError: (error) => this.reports.push(error), ...options }
  }

  private keep(made: { readonly a: Transport; readonly b: Transport; dispose?(): unknown }): TestPair {
    this.cleanups.push(() => {
      made.a.abort()
      made.b.abort()
      return made.dispose?.()
    })
    return made as TestPair
  }
}
