/**
 * Many connections, one after the other, opened, used and ended, and what they leave behind: memory, and whatever the caller counts (descriptors,
 * handles, files, processes). Knows no runtime and no test runner. (R6)
 */
import type { Transport } from '../transport.ts'
import { afterTurn } from '../base/clock.ts'
import type { Pair, TestTransport } from './kit/case.ts'
import { equal } from './kit/check.ts'
import { type Recording, record } from './kit/recording.ts'

/** How a connection can be ended. */
export type SoakWay = 'close' | 'halfClose' | 'abort' | 'peer aborts'

/** What is soaked. */
export interface SoakSubject {
  /** Makes a connection; its ends are not started. */
  makePair(): Promise<Pair>
  /** Bytes of the heap, after a collection. */
  heapBytes(): number | Promise<number>
  /** What must be the same afterwards, by name: numbers of descriptors, of handles. Asked until it is, for some seconds. */
  readonly counters?: Readonly<Record<string, () => number>>
  /** What ends a connection, beside the ways that there are, and is waited for: a process killed, a device pulled out. */
  readonly ends?: Readonly<Record<string, (pair: Pair) => unknown>>
}

/** Options of `soak`. */
export interface SoakOptions {
  /** Connections before memory is measured first, and between two measurements. Default 1,000. */
  readonly connectionCount?: number
  /** Bytes that the heap may grow by for each connection. Default 64. */
  readonly maxGrowthBytes?: number
  /** Further rounds that may show that growth was none: what leaks leaks in each of them; what V8 compiles late, on a busy machine, does not. Default 4. */
  readonly moreRoundCount?: number
}

/** What was found. */
export interface SoakReport {
  /** Bytes that the heap grew by for each connection, round after round. The last one is what counts. */
  readonly growthBytes: readonly number[]
}

const used = 'used'
const endings: Readonly<Record<SoakWay, (a: TestTransport, b: TestTransport) => void>> = {
  close: (a) => a.close(),
  halfClose: (a) => a.halfClose(),
  abort: (a) => a.abort(),
  'peer aborts': (_, b) => b.abort(),
}

/**
 * Ends `connectionCount` connections `way`, measures, and as many again.
 * @param way one of `SoakWay`, or a name of `subject.ends`
 * @throws (rejects) Error if the heap has grown, or a counter is not what it was.
 */
export async function soak(subject: SoakSubject, way: string, options: SoakOptions = {}): Promise<SoakReport> {
  const { connectionCount = 1000, maxGrowthBytes = 64, moreRoundCount = 4 } = options
  const end = subject.ends?.[way] ?? (({ a, b }: Pair) => endings[way as SoakWay](a as TestTransport, b as TestTransport))
  const round = async (): Promise<number> => {
    for (let i = 0; i < connectionCount; i++) await connection(subject, end)
    return subject.heapBytes()
  }
  // What is there for good after the first one (a shared clock, a process that helps) is not what a connection leaves.
  await connection(subject, end)
  const counters = Object.entries(subject.counters ?? {}).map(([name, count]) => ({ name, count, before: count() }))
  const growthBytes: number[] = []
  let before = await round()
  for (let rounds = 0; rounds <= moreRoundCount; rounds++) {
    const after = await round()
    growthBytes.push((after - before) / connectionCount)
    if (after - before <= maxGrowthBytes * connectionCount) break
    before = after
  }
  const growth = growthBytes.at(-1)!
  if (growth > maxGrowthBytes) throw new Error(`after ${way}, the heap grows by ${growthBytes.map((bytes) => bytes.toFixed(0)).join(', ')} bytes a connection`)
  for (const { name, count, before } of counters) await comesBack(`${name}, after ${way}`, count, before)
  return { growthBytes }
}

async function connection(subject: SoakSubject, end: (pair: Pair) => unknown): Promise<void> {
  const pair = await subject.makePair()
  const atA = record({ eof: 'close' })
  const atB: Recording = record({ eof: 'close', data: (data) => pair.b.write(data) })
  pair.a.start(atA)
  pair.b.start(atB)
  pair.a.write(used)
  while (atA.bytes < used.length) {
    if (atA.reason !== undefined || atB.reason !== undefined) throw new Error(`a connection was lost in use: ${atA.reason?.kind}, ${atB.reason?.kind}`)
    await turn()
  }
  end(pair)
  await Promise.all([over(pair.a), over(pair.b)])
  await pair.dispose?.()
}

async function over(transport: Transport): Promise<void> {
  await transport.closed
}

async function comesBack(what: string, count: () => number, before: number): Promise<void> {
  for (let turns = 0; turns < 20_000 && count() > before; turns++) await turn()
  equal(Math.max(count(), before), before, what)
}

function turn(): Promise<void> {
  return new Promise(afterTurn)
}
