/** A run: inputs from a seed, our machine held to the oracle, and every difference from the other parsers counted by class. */
import { type Case, classify, harmless, type Peer } from './classes.ts'
import { generate, type Input } from './generate.ts'
import type { H11 } from './h11.ts'
import { llhttp } from './llhttp.ts'
import { escaped, firstDifference, type Outcome } from './outcome.ts'
import { examine, type OurOutcome, ours } from './ours.ts'
import { Random } from './random.ts'

export interface Options {
  readonly seed: number
  readonly from: number
  readonly to: number
  /** Of how many inputs one is shown to h11 as well. */
  readonly h11?: { readonly process: H11; readonly oneIn: number } | undefined
  readonly onProgress?: (tally: Tally, done: number) => void
}

/** What a run counts. */
export interface Tally {
  inputs: number
  bytes: number
  /** Inputs of which we took at least one message, and those of which we refused something. */
  accepted: number
  refused: number
  messages: number
  readonly compared: Record<Peer, number>
  readonly classes: Map<string, ClassTally>
  /** What escaped the oracle, and differences of no class; at most 1000 are kept. */
  readonly failures: string[]
  failureCount: number
}

/** How often a class was seen, and its shortest example. */
export interface ClassTally {
  readonly counts: Record<Peer, number>
  example: Input
}

export const newTally = (): Tally => ({
  inputs: 0, bytes: 0, accepted: 0, refused: 0, messages: 0, compared: { llhttp: 0, h11: 0 },
  classes: new Map(), failures: [], failureCount: 0,
})

/** Limits that inputs of this size run into. */
const small = { maxStartLineBytes: 30, maxHeaderBytes: 90, maxHeaderCount: 4, maxChunkExtensionBytes: 12, maxTrailerBytes: 20, maxBodyBytes: 30 }

/** Everything that our machine is held to by one input. */
export function hold(input: Input, random: Random): OurOutcome {
  // In several, in two anywhere, or in two at the beginning of a line.
  const { length } = input.text
  const at = random.oneIn(2) ? random.below(length + 1) : input.text.indexOf('\r\n', random.below(length + 1)) + 1 + random.below(3)
  const cut = random.oneIn(2) ? [1 + at, length + 1] : [1 + random.below(4), 1 + random.below(40), 1 + random.below(9), 1 + random.below(80)]
  const outcome = examine(input, cut)
  // A second look by another driver: small limits, offers to switch that are not taken.
  if (random.oneIn(4)) examine(input, cut, { limits: small, switches: random.oneIn(2) }, true)
  return outcome
}

/** The same for an input that is kept, without chance. */
export function replay(input: Input): OurOutcome {
  const cut = [3, 17, 1, 40]
  examine(input, cut, { limits: small, switches: false }, true)
  return examine(input, cut, {}, true)
}

/** Counts the differences between two outcomes. */
export function compare(tally: Tally, peer: Peer, input: Input, our: OurOutcome, theirs: Outcome, where: string): void {
  tally.compared[peer]++
  for (let from = 0; ;) {
    const difference = firstDifference(our, theirs, from)
    if (difference === undefined) return
    const { at } = difference
    const found: Case = { peer, input, ours: our, theirs, difference, rest: input.text.slice(our.starts[at] ?? 0), our: our.messages[at], their: theirs.messages[at] }
    const known = classify(found)
    if (known === undefined) {
      const both = `${our.end} ${our.why} / ${theirs.end} ${theirs.why}`
      const what = `${difference.what} ${difference.parts.join('+')} at ${at}`
      fail(tally, `${where}: ${peer}, ${what}: ${both}: ${escaped(found.rest)} ASKED ${String(input.asked)} ${JSON.stringify([found.our, found.their]).slice(0, 600)}`)
      return
    }
    let entry = tally.classes.get(known.name)
    if (entry === undefined) tally.classes.set(known.name, (entry = { counts: { llhttp: 0, h11: 0 }, example: input }))
    entry.counts[peer]++
    if (input.text.length < entry.example.text.length) entry.example = input
    if (!harmless.has(known.name)) return
    from = at + 1
  }
}

function fail(tally: Tally, text: string): void {
  tally.failureCount++
  if (tally.failures.length < 1000) tally.failures.push(text)
}

const batchCount = 2000

/** Runs the inputs from `from` to `to` of a seed. */
export async function campaign(options: Options, tally: Tally = newTally()): Promise<Tally> {
  const { seed, from, to, h11 } = options
  let pending: Promise<void> = Promise.resolve()
  for (let start = from; start < to; start += batchCount) {
    const shown: { readonly input: Input; readonly our: OurOutcome; readonly where: string }[] = []
    for (let index = start; index < Math.min(to, start + batchCount); index++) {
      const where = `seed ${seed} input ${index}`
      const random = new Random(seed, index)
      const input = generate(random)
      tally.inputs++
      tally.bytes += input.text.length
      try {
        const our = hold(input, random)
        tally.messages += our.messages.length
        if (our.messages.length > 0) tally.accepted++
        if (our.end === 'refused') tally.refused++
        compare(tally, 'llhttp', input, our, llhttp(input), where)
        if (h11 !== undefined && index % h11.oneIn === 0) shown.push({ input, our, where })
      } catch (error) {
        fail(tally, `${where}: ${escaped(input.text)} ASKED ${String(input.asked)} ${String((error as Error).stack ?? error).slice(0, 600)}`)
      }
    }
    // Python works at one batch while the next is made.
    await pending
    if (h11 !== undefined && shown.length > 0) {
      const answers = h11.process.parse(shown.map(({ input }) => input))
      pending = answers.then((all) => {
        for (const [at, { input, our, where }] of shown.entries()) compare(tally, 'h11', input, our, all[at]!, where)
      })
      pending.catch(() => {})
    }
    options.onProgress?.(tally, Math.min(to, start + batchCount))
  }
  await pending
  return tally
}

/** The outcome of one input, for who wants to see it. */
export const outcomeOf = (input: Input): OurOutcome => ours(input, [Buffer.from(input.text, 'latin1')])
