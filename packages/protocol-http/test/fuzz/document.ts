/**
 * After a long run: makes each class's example as small as it can be, and writes corpus.json and the tables of docs/http-differences.md.
 * FUZZ_FIGURES: what main.ts wrote, or several with commas; FUZZ_MORE: figures of another run, for what it could not
 * classify; FUZZ_REACHED: what coverage.ts wrote (without: as in the corpus). Run by `node test/fuzz/run.mjs document`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { compare, hold, newTally, outcomeOf, replay } from './campaign.ts'
import type { Peer } from './classes.ts'
import { type Corpus, type Figures, figures, inputOf, readCorpus, summary, table } from './corpus.ts'
import { H11, pythonWithH11 } from './h11.ts'
import { generate, type Input } from './generate.ts'
import { llhttp } from './llhttp.ts'
import { Random } from './random.ts'

const folder = process.env['FUZZ_FOLDER']!
const corpusFile = new URL('corpus.json', folder)
const documentFile = new URL('../../../../docs/http-differences.md', folder)
type Part = Figures & { classes: { name: string; llhttp: number; h11: number; example: Input }[]; failures: string[] }
/** A run may have been made in parts, one after the other; the classes are those of the last. */
const parts = process.env['FUZZ_FIGURES']!.split(',').map((path) => JSON.parse(readFileSync(path, 'utf8')) as Part)
const run = parts.at(-1)!
const sum = (of: (part: Part) => number): number => parts.reduce((total, part) => total + of(part), 0)
const h11 = new H11(pythonWithH11()!)

/** The first class that an input shows with a parser. */
async function classOf(input: Input, peer: Peer): Promise<string | undefined> {
  const tally = newTally()
  compare(tally, peer, input, outcomeOf(input), peer === 'llhttp' ? llhttp(input) : (await h11.parse([input]))[0]!, '')
  return tally.failureCount > 0 || tally.classes.size !== 1 ? undefined : [...tally.classes.keys()][0]
}

async function minimised(input: Input, name: string, peer: Peer): Promise<Input> {
  let best = input
  const isSame = async (shorter: Input): Promise<boolean> => (await classOf(shorter, peer)) === name
  for (let count = (best.asked?.length ?? 1) - 1; count >= 1; count--) {
    const fewer = { ...best, asked: best.asked!.slice(0, count) }
    if (await isSame(fewer)) best = fewer
  }
  // Lines first, so that what is left can be read; then pieces of what is still long.
  for (let again = true; again;) {
    again = false
    const lines = best.text.split(/(?<=\n)/)
    for (let at = 0; at < lines.length; at++) {
      const shorter = { ...best, text: lines.filter((_, index) => index !== at).join('') }
      if (shorter.text.length < best.text.length && await isSame(shorter)) {
        best = shorter
        again = true
        break
      }
    }
  }
  for (let length = best.text.length >> 1; length >= 4; length >>= 1) {
    for (let at = 0; best.text.length > 90 && at + length <= best.text.length;) {
      const shorter = { ...best, text: best.text.slice(0, at) + best.text.slice(at + length) }
      if (await isSame(shorter)) best = shorter
      else at += length
    }
  }
  return best
}

// What the run could not classify, once more: by now somebody has looked.
const again = newTally()
const more = process.env['FUZZ_MORE']
const others = more === undefined ? [] : (JSON.parse(readFileSync(more, 'utf8')) as Part).failures
for (const failure of [...parts.flatMap(({ failures }) => failures), ...others]) {
  const [, seed, index] = /^seed (\d+) input (\d+)/.exec(failure)!
  const random = new Random(Number(seed), Number(index))
  const input = generate(random)
  const our = hold(input, random)
  compare(again, 'llhttp', input, our, llhttp(input), failure.slice(0, 40))
  compare(again, 'h11', input, our, (await h11.parse([input]))[0]!, failure.slice(0, 40))
}
for (const failure of again.failures) console.error(`still unclassified: ${failure}`)
for (const [name, { counts, example }] of again.classes) if (!run.classes.some((known) => known.name === name)) run.classes.push({ name, ...counts, example })

const examples: Record<string, Corpus['classes'][string]> = {}
for (const { name, llhttp: withLlhttp, h11: withH11, example } of run.classes) {
  const peers = (['llhttp', 'h11'] as const).filter((peer) => (peer === 'llhttp' ? withLlhttp : withH11) > 0)
  let peer: Peer | undefined
  for (const each of peers) if (peer === undefined && (await classOf(example, each)) === name) peer = each
  if (peer === undefined) {
    console.error(`no example of "${name}" shows it alone`)
    peer = peers[0]!
  }
  const small = await minimised(example, name, peer)
  examples[name] = { input: [small.text, small.asked === undefined ? null : [...small.asked], summary(replay(small))], llhttp: withLlhttp, h11: withH11, peer }
}
await h11.stop()

const reachedFile = process.env['FUZZ_REACHED']
const reached = reachedFile === undefined ? readCorpus(corpusFile).reached : (JSON.parse(readFileSync(reachedFile, 'utf8')) as Corpus['reached'])
const corpus: Corpus = {
  run: {
    seed: run.seed, inputs: sum((part) => part.inputs), countedInputs: run.inputs, bytes: sum((part) => part.bytes), messages: sum((part) => part.messages),
    accepted: sum((part) => part.accepted), refused: sum((part) => part.refused), compared: { llhttp: sum((part) => part.compared.llhttp), h11: sum((part) => part.compared.h11) },
    seconds: sum((part) => part.seconds), cpuSeconds: sum((part) => part.cpuSeconds), peakMiB: Math.max(...parts.map((part) => part.peakMiB)), node: run.node, llhttp: run.llhttp,
    h11: process.env['FUZZ_H11_VERSION'] ?? '0.14.0',
  },
  reached: reached.map(([text, asked]) => [text, asked, summary(replay(inputOf([text, asked, ''])))]),
  classes: Object.fromEntries(Object.entries(examples).sort(([some], [other]) => (some < other ? -1 : 1))),
}
const lines = (entries: readonly string[]): string => entries.map((entry) => `    ${entry}`).join(',\n')
writeFileSync(corpusFile, `{
  "run": ${JSON.stringify(corpus.run)},
  "reached": [\n${lines(corpus.reached.map((each) => JSON.stringify(each)))}\n  ],
  "classes": {\n${lines(Object.entries(corpus.classes).map(([name, each]) => `${JSON.stringify(name)}: ${JSON.stringify(each)}`))}\n  }
}\n`)

let document = readFileSync(documentFile, 'utf8')
const put = (mark: string, text: string): void => {
  document = document.replace(new RegExp(`(<!-- ${mark} -->\n)[\\s\\S]*?(<!-- /${mark} -->)`), (_, before: string, after: string) => `${before}${text}\n${after}`)
}
put('figures', figures(corpus))
put('differences', table(corpus))
writeFileSync(documentFile, document)
const unknown = parts.reduce((count, { failures }) => count + failures.length, 0)
console.log(`${Object.keys(examples).length} classes, ${corpus.reached.length} inputs that reached something first; ${unknown} unclassified by the run, ${again.failureCount} now`)
