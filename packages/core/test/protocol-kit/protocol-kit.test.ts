import { describe, expect, it } from 'vitest'
import { ConnectionError, type CloseReason, type Data, LimitError, type Messages, type Protocol } from '../../src/index.ts'
import type { Cause } from '../../src/reason.ts'
import { eventOf, type ProtocolSubject } from '../../src/testing/protocol/subject.ts'
import { protocolSuite, runProtocolKit } from '../../src/testing/protocol/suite.ts'
import { Lines, linesSubject } from './lines.ts'

protocolSuite({ describe, it }, linesSubject('lines', (below) => new Lines(below)), { counts: { pass: 14, notApplicable: 0, skipped: 0, fail: 0 } })

/** Lines with one mistake each, and the cases that find it: all of them, so that a case that goes blind is noticed. */
const controls: [mistake: string, make: new (below: ConstructorParameters<typeof Lines>[0]) => Lines, finds: string[]][] = [
  [
    'forgets what a read leaves',
    class extends Lines {
      protected override deliverHeld(): boolean {
        const done = super.deliverHeld()
        this.held = this.held.subarray(this.held.length)
        this.searched = 0
        return done
      }
    },
    // Whatever is cut goes wrong, so no control can concern K1 alone.
    ['K1 byte', 'K1 once', 'K1 random', 'K2', 'K4', 'K5', 'K6', 'K8', 'K9 endless', 'K9 behind'],
  ],
  [
    'joins two lines that one read brings',
    class extends Lines {
      protected override find(): number {
        const end = super.find()
        const next = end < 0 ? -1 : this.held.indexOf(10, end + 1)
        return next < 0 || this.held.length < 52 ? end : next
      }
    },
    ['K1 one', 'K1 once', 'K1 random', 'K3', 'K4', 'K5', 'K6', 'K7', 'K8', 'K9 behind'],
  ],
  [
    'delivers the tail as a line',
    class extends Lines {
      protected override deliverEof(): void {
        if (this.held.length > 0 && this.canDeliver(this.protocol)) this.protocol!.dataReceived(this.held)
        this.held = this.held.subarray(this.held.length)
        super.deliverEof()
      }
    },
    ['K2'],
  ],
  [
    'calls a cut line a clean end',
    class extends Lines {
      protected override undecodedBytes(): number {
        return 0
      }
    },
    ['K2'],
  ],
  [
    'calls a reset an end',
    class extends Lines {
      protected override reasonAbove(reason: CloseReason): Cause {
        return reason.kind === 'reset' ? { kind: 'closed', by: 'peer' } : super.reasonAbove(reason)
      }
    },
    ['K3'],
  ],
  [
    'delivers on when paused between two lines of one read',
    class extends Lines {
      protected override canDeliver(protocol: Protocol<Messages<Uint8Array>> | undefined): boolean {
        return this.readHalf === 'paused' || super.canDeliver(protocol)
      }
    },
    ['K4'],
  ],
  [
    'delivers inside resume()',
    class extends Lines {
      override resume(side?: 'read' | 'both'): void {
        super.resume(side)
        this.pump()
      }
    },
    ['K4'],
  ],
  [
    'delivers on after close()',
    class extends Lines {
      private lines: Protocol<Messages<Uint8Array>> | undefined
      override close(): void {
        this.lines = this.protocol
        const { held } = this
        super.close()
        if (held.length > 0) queueMicrotask(() => this.lines!.dataReceived(held))
      }
    },
    ['K5'],
  ],
  [
    'does not count what close() discards',
    class extends Lines {
      protected override dropHeld(): number {
        if (this.cause?.kind !== 'aborted') super.dropHeld()
        return this.cause?.kind === 'aborted' ? super.dropHeld() : 0
      }
    },
    ['K5'],
  ],
  [
    'takes abort() for close()',
    class extends Lines {
      override abort(): void {
        this.close()
      }
    },
    ['K6'],
  ],
  [
    'swallows what a callback throws',
    class extends Lines {
      protected override deliver(protocol: Protocol<Messages<Uint8Array>>, line: Uint8Array): void {
        try {
          protocol.dataReceived(line)
        } catch {
          // Gone.
        }
      }
    },
    ['K7'],
  ],
  [
    'loses a line after ten thousand bytes',
    class extends Lines {
      private bytes = 0
      protected override deliver(protocol: Protocol<Messages<Uint8Array>>, line: Uint8Array): void {
        this.bytes += line.length
        if (this.bytes < 10_000) protocol.dataReceived(line)
      }
    },
    ['K8'],
  ],
  [
    'has no limit',
    class extends Lines {
      protected override tooLong(): void {
        if (this.held.indexOf(10) < 0) return
        const end = this.held.indexOf(10)
        const line = this.held.slice(0, end)
        this.held = this.held.subarray(end + 1)
        this.protocol?.dataReceived(line)
      }
    },
    ['K9 endless', 'K9 behind'],
  ],
  [
    'has a limit that depends on how reads are cut',
    class extends Lines {
      protected override tooLong(): void {
        const end = this.held.indexOf(10)
        if (end < 0) return super.tooLong()
        const line = this.held.slice(0, end)
        this.held = this.held.subarray(end + 1)
        this.searched = 0
        this.protocol!.dataReceived(line)
        this.deliverHeld()
      }
    },
    ['K9 behind'],
  ],
  [
    'searches what it holds anew at each read',
    class extends Lines {
      protected override find(): number {
        this.searched = 0
        return super.find()
      }
    },
    ['K1 byte', 'K1 random', 'K4', 'K8', 'K9 behind', 'K10'],
  ],
  [
    'throws at bytes that are no ASCII',
    class extends Lines {
      protected override decode(data: Uint8Array): void {
        if (data.some((byte) => byte > 127)) throw new ConnectionError('ERR_X', 'no')
        super.decode(data)
      }
    },
    ['K10'],
  ],
  [
    'writes after its end',
    class extends Lines {
      override connectionLost(reason: CloseReason): void {
        super.connectionLost(reason)
        try {
          this.below.write('goodbye')
        } catch {
          // It cannot.
        }
      }
    },
    ['K1 byte', 'K1 once', 'K1 one', 'K1 random', 'K2', 'K3', 'K4', 'K5', 'K6', 'K7', 'K8', 'K9 behind', 'K9 endless'],
  ],
]

/** `K1 lines: byte by byte` is `K1 byte`. */
function short(name: string): string {
  const clause = name.slice(0, name.indexOf(' '))
  const words: Record<string, string> = { 'in one piece': 'one', 'byte by byte': 'byte', 'cut once': 'once', 'at random': 'random', 'an endless': 'endless', 'behind a good': 'behind' }
  const word = Object.entries(words).find(([text]) => name.includes(text))?.[1]
  return (clause === 'K1' || clause === 'K9') && word !== undefined ? `${clause} ${word}` : clause
}

describe('a control that', () => {
  it.each(controls)('%s is found by exactly these cases', async (mistake, Broken, finds) => {
    const report = await runProtocolKit(linesSubject(mistake, (below) => new Broken(below)))
    expect([...report.failed].map(short).sort()).toEqual([...finds].sort())
  })
})

/** Answers each line with itself. The input without its last end of line is cut off. */
function echoSubject(name: string, Made: typeof Lines): ProtocolSubject {
  const input = 'one\n\nthree\n'
  return {
    name,
    conversations: [{ name: 'echo', input, events: ['one', '', 'three'], boundaries: [0, 4, 5, 11], written: input }],
    endings: [
      { name: 'a whole line', input: 'one\n', events: ['one'], kind: 'closed', written: 'one\n' },
      { name: 'a cut line', input: `${'x'.repeat(70)}\non`, events: ['x'.repeat(70)], kind: 'truncated', error: { code: 'ERR_TRUNCATED' } },
    ],
    refused: [{ name: 'a long line', input: 'z'.repeat(201), events: [], kind: 'limit', error: { code: 'ERR_TOO_LONG', actual: 201 } }],
    attach(below, emit) {
      const lines = new Made(below)
      lines.start({
        dataReceived(line) {
          lines.write(line)
          emit(eventOf(line))
        },
        eofReceived: () => lines.halfClose(),
      })
      return { pause: () => lines.pause('read'), resume: () => lines.resume('read'), close: () => lines.close(), abort: () => lines.abort(), closed: lines.closed }
    },
  }
}

const cutLine = 'K2 a cut line: comes to its end, the same however it is cut'
const echoControls: [mistake: string, Made: typeof Lines, finds: string[]][] = [
  ['makes none', Lines, []],
  [
    'forgets the end of a line that it writes',
    class extends Lines {
      protected override accept(data: Data): void {
        this.below.write(data)
      }
    },
    [
      'K1 echo: byte by byte', 'K1 echo: cut at random', 'K1 echo: cut once, at every offset', 'K1 echo: in one piece',
      'K2 a whole line: comes to its end, the same however it is cut', 'K4 echo: paused in every event, nothing comes until resumed, and then the same',
    ],
  ],
  [
    'ends a cut line with an error of another code',
    class extends Lines {
      protected override deliverEof(): void {
        if (this.undecodedBytes() === 0) super.deliverEof()
        else this.finish({ kind: 'truncated', error: new ConnectionError('ERR_X', 'cut') })
      }
    },
    [cutLine],
  ],
  [
    'counts wrongly what is too long',
    class extends Lines {
      protected override tooLong(): void {
        this.finish({ kind: 'limit', error: new LimitError('ERR_TOO_LONG', { limit: 'maxLineBytes', allowed: 200, actual: 200, unit: 'bytes' }) })
      }
    },
    ['K9 a long line: is refused, the same however it is cut, within bounded memory and linear time'],
  ],
  [
    'takes a cut line for a whole one',
    class extends Lines {
      protected override undecodedBytes(): number {
        return 0
      }
    },
    [cutLine, 'K2 echo: an end at every offset is truncated, or between two events, and never an event'],
  ],
]

describe('an answering control that', () => {
  it.each(echoControls)('%s is found by exactly these cases', async (mistake, Made, finds) => {
    expect([...(await runProtocolKit(echoSubject(mistake, Made))).failed].sort()).toEqual([...finds].sort())
  })
})
