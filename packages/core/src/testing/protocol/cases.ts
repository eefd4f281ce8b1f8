/**
 * The protocol kit: whatever is recorded of a conversation has to come out the same however the bytes are cut, wherever the connection is
 * paused, closed, aborted or cut, and garbage may cost no more than its length. Clauses K1–K10 of docs/contract.md.
 */
import { seededRandom } from '../random.ts'
import { type Case, type Subject, testCase } from '../kit/case.ts'
import { memoryPair } from '../memory-pair.ts'
import { cutAt, drive, type Driven, inputBytes } from './drive.ts'
import { type Conversation, type Ending, eventOf, type ProtocolSubject } from './subject.ts'

/** How often input is cut at random, and how much garbage is tried. */
const randomRuns = 40
/** An input of which the end matters is cut at every offset if it is not longer. */
const everyOffsetBytes = 64

/** The cases for one protocol. */
export function protocolCases(subject: ProtocolSubject): readonly Case[] {
  const cases: Case[] = []
  const add = (name: string, run: () => Promise<void>): void => void cases.push(testCase(name, run))
  for (const conversation of subject.conversations) conversationCases(subject, conversation, add)
  for (const ending of subject.endings ?? []) {
    add(`K2 ${ending.name}: comes to its end, the same however it is cut`, () => endsAs(subject, ending))
  }
  for (const refused of subject.refused ?? []) {
    add(`K9 ${refused.name}: is refused, the same however it is cut, within bounded memory and linear time`, () => endsAs(subject, refused))
  }
  add('K10 garbage neither escapes as an exception nor costs more than its length', async () => {
    for (let seed = 1; seed <= randomRuns; seed++) {
      const random = seededRandom(seed)
      const seeds = [...subject.conversations, ...(subject.endings ?? [])].map(({ input }) => inputBytes(input))
      const bytes = Uint8Array.from({ length: 4000 }, () => {
        // Half of it from what the protocol knows, so that it gets beyond the first byte.
        const known = random.pick(seeds)
        return random.below(2) === 0 ? random.below(256) : (known[random.below(Math.max(1, known.length))] ?? 0)
      })
      const driven = await drive(subject, { pieces: randomly(bytes, seed) })
      is(driven.reports.length, 0, 'reports of exceptions')
      if (driven.reason === undefined) throw new Error(`seed ${seed}: the connection did not end`)
      bounded(subject, driven, bytes.length)
    }
  })
  return cases
}

/** The subject that runs protocol cases in the kit's suite: they make their own transports. */
export function protocolCarrier(subject: ProtocolSubject): Subject {
  const carrier = { name: subject.name, carries: 'stream' as const, makePair: async () => memoryPair() }
  return subject.skip === undefined ? carrier : { ...carrier, skip: subject.skip }
}

function conversationCases(subject: ProtocolSubject, conversation: Conversation, add: (name: string, run: () => Promise<void>) => void): void {
  const { name, events, boundaries } = conversation
  const bytes = inputBytes(conversation.input)
  if (boundaries.length !== events.length + 1 || boundaries.at(-1) !== bytes.length) throw new Error(`${name}: boundaries do not fit events and input`)
  const clean = (driven: Driven): void => {
    same(driven, events)
    is(driven.reason?.kind, 'closed', 'kind of the reason')
    bounded(subject, driven, bytes.length)
    wrote(driven, conversation.written)
  }
  const run = async (pieces: readonly Uint8Array[]): Promise<void> => {
    clean(await drive(subject, { pieces, collects: conversation.written !== undefined }))
  }
  add(`K1 ${name}: in one piece`, () => run([bytes]))
  add(`K1 ${name}: byte by byte`, () => run(oneByOne(bytes, bytes)))
  add(`K1 ${name}: cut once, at every offset`, async () => {
    for (let at = 1; at < bytes.length; at++) await run(cutAt(bytes, [at]))
  })
  add(`K1 ${name}: cut at random`, async () => {
    for (let seed = 1; seed <= randomRuns; seed++) await run(randomly(bytes, seed))
  })
  add(`K2 ${name}: an end at every offset is truncated, or between two events, and never an event`, async () => {
    for (let end = 0; end < bytes.length; end++) {
      for (const pieces of [[bytes.slice(0, end)], oneByOne(bytes.slice(0, end), bytes)]) {
        const driven = await drive(subject, { pieces })
        const whole = boundaries.filter((boundary) => boundary <= end).length - 1
        same(driven, events.slice(0, whole), `cut at ${end}: `)
        is(driven.reason?.kind, boundaries.includes(end) ? 'closed' : 'truncated', `cut at ${end}: kind of the reason`)
      }
    }
  })
  add(`K3 ${name}: a reset at every boundary brings the events before it, and kind reset`, async () => {
    for (const end of new Set(boundaries)) {
      const count = boundaries.lastIndexOf(end)
      const driven = await drive(subject, { pieces: cutAt(bytes.slice(0, end), []), end: 'reset' })
      same(driven, events.slice(0, count))
      is(driven.reason?.kind, 'reset', 'kind of the reason')
    }
  })
  add(`K4 ${name}: paused in every event, nothing comes until resumed, and then the same`, async () => {
    for (const pieces of [[bytes], oneByOne(bytes, bytes)]) {
      let pausedTurns = 0
      let seen = 0
      const driven = await drive(subject, {
        pieces,
        collects: conversation.written !== undefined,
        onEvent: (_, attached) => {
          attached.pause()
          pausedTurns = 0
        },
        onTurn: (attached, so) => {
          if (so.length > seen + 1) throw new Error(`${so.length - seen} events came although paused in the first`)
          if (so.length === seen) {
            if (pausedTurns >= 0 && ++pausedTurns === 4) resumeStrictly(attached, so)
          } else seen = so.length
          return false
        },
      })
      clean(driven)
    }
  })
  for (const end of ['close', 'abort'] as const) {
    const clause = end === 'close' ? 'K5' : 'K6'
    add(`${clause} ${name}: ${end} in every event is the last event`, async () => {
      for (let last = 0; last < events.length; last++) {
        for (const pieces of [[bytes], oneByOne(bytes, bytes)]) {
          const driven = await drive(subject, { pieces, onEvent: (index, attached) => index === last && attached[end]() })
          same(driven, events.slice(0, last + 1))
          is(driven.reason?.kind, end === 'close' ? 'closed' : 'aborted', 'kind of the reason')
          // All that came in the same read, and was not made an event, is counted.
          if (pieces.length === 1) is(driven.reason?.unreadBytes, bytes.length - boundaries[last + 1]!, `${end} in event ${last}: unreadBytes`)
        }
      }
    })
  }
  add(`K7 ${name}: a callback that throws ends with kind protocol, reported once`, async () => {
    for (let last = 0; last < events.length; last++) {
      const failure = new Error('thrown by the test')
      const driven = await drive(subject, {
        pieces: [bytes],
        onEvent: (index) => {
          if (index === last) throw failure
        },
      })
      same(driven, events.slice(0, last + 1))
      is(driven.reason?.kind, 'protocol', 'kind of the reason')
      is(driven.reports.length, 1, 'reports')
      is(driven.reports[0] === failure, true, 'whether the report is what was thrown')
    }
  })
  add(`K8 ${name}: nothing is lost, or comes twice, between many like it`, async () => {
    const times = Math.max(2, Math.ceil(20_000 / bytes.length))
    const many = new Uint8Array(bytes.length * times)
    for (let i = 0; i < times; i++) many.set(bytes, i * bytes.length)
    const expected = Array.from({ length: times }, () => events).flat()
    for (const pieces of [[many], randomly(many, 7)]) {
      const driven = await drive(subject, { pieces })
      same(driven, expected)
      bounded(subject, driven, many.length)
    }
  })
}

/** In one piece, byte by byte, at random, and a short one cut at every offset. */
async function endsAs(subject: ProtocolSubject, { input, events, kind, error, written }: Ending): Promise<void> {
  const bytes = inputBytes(input)
  const ways = [[bytes], oneByOne(bytes.slice(0, 5000), bytes), randomly(bytes, 1), randomly(bytes, 2)]
  if (bytes.length <= everyOffsetBytes) for (let at = 1; at < bytes.length; at++) ways.push(cutAt(bytes, [at]))
  else for (const size of [5, 600, 1500, 5000, 20_000]) ways.push(evenly(bytes, size))
  for (const pieces of ways) {
    const driven = await drive(subject, { pieces, collects: written !== undefined })
    same(driven, events)
    is(driven.reason?.kind, kind, 'kind of the reason')
    const actual = (driven.reason as { readonly error?: object } | undefined)?.error as Readonly<Record<string, unknown>> | undefined
    for (const [name, expected] of Object.entries(error ?? {})) is(actual?.[name], expected, `${name} of the reason's error`)
    bounded(subject, driven, bytes.length)
    wrote(driven, written)
  }
}

function resumeStrictly(attached: { resume(): void }, events: readonly string[]): void {
  const before = events.length
  attached.resume()
  if (events.length !== before) throw new Error('an event came inside resume()')
}

/** `bytes` one by one, but not more than 5,000 pieces: the rest of `whole` follows as one. */
function oneByOne(bytes: Uint8Array, whole: Uint8Array): Uint8Array[] {
  const pieces = Array.from(bytes.subarray(0, 5000), (byte) => Uint8Array.of(byte))
  return whole.length > bytes.length && bytes.length === 5000 ? [...pieces, whole.slice(5000)] : pieces
}

function evenly(bytes: Uint8Array, size: number): Uint8Array[] {
  return cutAt(bytes, Array.from({ length: Math.ceil(bytes.length / size) - 1 }, (_, index) => (index + 1) * size))
}

function randomly(bytes: Uint8Array, seed: number): Uint8Array[] {
  const random = seededRandom(seed)
  const longest = random.pick([2, 3, 7, 40, 1000, 20_000])
  const offsets: number[] = []
  for (let at = 1 + random.below(longest); at < bytes.length; at += 1 + random.below(longest)) offsets.push(at)
  return cutAt(bytes, offsets)
}

function same(driven: Driven, expected: readonly string[], where = ''): void {
  if (driven.wrong.length > 0) throw new Error(`${where}${driven.wrong.join('; ')}`)
  const { events } = driven
  const at = events.findIndex((event, i) => event !== expected[i])
  if (at >= 0) throw new Error(`${where}event ${at} is ${short(events[at])}, expected is ${short(expected[at])}`)
  if (events.length !== expected.length) throw new Error(`${where}${events.length} events, expected are ${expected.length}; the next would be ${short(expected[events.length])}`)
}

function wrote({ written }: Driven, expected: Uint8Array | string | undefined): void {
  if (expected === undefined) return
  const literal = eventOf(inputBytes(expected))
  if (written !== literal) throw new Error(`${JSON.stringify(written)} was written, expected is ${JSON.stringify(literal)}`)
}

function bounded(subject: ProtocolSubject, driven: Driven, bytes: number): void {
  if (subject.maxHeldBytes !== undefined && driven.mostHeldBytes > subject.maxHeldBytes) {
    throw new Error(`${driven.mostHeldBytes} bytes were held, allowed are ${subject.maxHeldBytes}`)
  }
  if (driven.examinedBytes !== undefined && driven.examinedBytes > 3 * bytes) throw new Error(`${driven.examinedBytes} bytes were examined of ${bytes}`)
}

function is(actual: unknown, expected: unknown, what: string): void {
  if (actual !== expected) throw new Error(`${what}: ${String(actual)}, expected is ${String(expected)}`)
}

function short(event: string | undefined): string {
  return event === undefined ? 'none' : JSON.stringify(event.length > 60 ? `${event.slice(0, 60)}…` : event)
}
