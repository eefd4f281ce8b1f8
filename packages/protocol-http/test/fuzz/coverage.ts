/**
 * What of the parser's code the fuzz reaches, by V8's own block coverage, and the corpus that it leaves: inputs that reached code first, each
 * made as small as it can be. FUZZ_INPUTS, FUZZ_SEED; with FUZZ_OUT it writes the corpus there, without it tells the figure. Run by `node test/fuzz/run.mjs coverage`.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { Session } from 'node:inspector'
import { fileURLToPath } from 'node:url'
import type { Input } from './generate.ts'

interface Range { readonly startOffset: number; readonly endOffset: number; readonly count: number }
interface Covered { readonly functionName: string; readonly isBlockCoverage: boolean; readonly ranges: readonly Range[] }

Error.stackTraceLimit = 0
const session = new Session()
session.connect()
function post<T>(method: string, params?: object): T {
  let answer: T | undefined
  session.post(method, params, (error, result) => {
    if (error !== null) throw error as unknown as Error
    answer = result as T
  })
  return answer!
}

// Blocks are counted in what is compiled from here on.
post('Profiler.enable')
post('Profiler.startPreciseCoverage', { callCount: true, detailed: true })
const { hold, replay } = await import('./campaign.ts')
const { generate } = await import('./generate.ts')
const { Random } = await import('./random.ts')

/** The parser's files, as they were compiled, one after the other in the places that this counts. */
let size = 0
const files = ['reader', 'read-queue', 'grammar', 'framing', 'head-memo', 'connection-base', 'connection'].map((name) => {
  const path = fileURLToPath(new URL(`../../src/${name}.mjs`, import.meta.url))
  const source = readFileSync(path, 'utf8')
  const from = size
  size += source.length
  return { name: `${name}.ts`, path, source, from }
})
type File = (typeof files)[number]
/** The half of connection.ts that sends. */
const sending = /^(?:send\w*|takeOutput|refuseNext|startNextRequest|ourFraming|lengthLine|get (?:awaitsContinue|isChunked|takesTrailers)|constructor)$/

function take(): [file: File, functions: readonly Covered[]][] {
  const { result } = post<{ result: { url: string; functions: Covered[] }[] }>('Profiler.takePreciseCoverage')
  return files.map((file) => {
    const functions = result.find(({ url }) => url.endsWith(file.path))?.functions ?? []
    return [file, functions.filter(({ functionName }) => functionName !== '' && !(file.name.startsWith('connection') && sending.test(functionName)))]
  })
}

const reached = new Uint8Array(size)
/** What ran since the last time, each character of the source by itself. */
function painted(): Uint8Array {
  const onto = new Uint8Array(size)
  for (const [{ from }, functions] of take()) {
    for (const { ranges } of functions) for (const { startOffset, endOffset, count } of ranges) onto.fill(count > 0 ? 1 : 0, from + startOffset, from + endOffset)
  }
  return onto
}
function run(input: Input): Uint8Array {
  take()
  replay(input)
  return painted()
}
function fresh(onto: Uint8Array): number[] {
  const places: number[] = []
  for (let at = 0; at < size; at++) if (onto[at] === 1 && reached[at] === 0) places.push(at)
  return places
}

/** The smallest text, by leaving pieces out, that still reaches all these places. */
function minimised(input: Input, places: readonly number[]): Input {
  let { text } = input
  for (let length = Math.max(1, text.length >> 1); length >= 1; length >>= 1) {
    for (let at = 0; at < text.length;) {
      const shorter = { ...input, text: text.slice(0, at) + text.slice(at + length) }
      const onto = run(shorter)
      if (places.every((place) => onto[place] === 1)) text = shorter.text
      else at += length
    }
  }
  return { ...input, text }
}

const inputs = Number(process.env['FUZZ_INPUTS'] ?? 20_000)
const seed = Number(process.env['FUZZ_SEED'] ?? 1)
const out = process.env['FUZZ_OUT']

// The corpus: batches first, and the inputs of those that reached something one by one.
const corpus: (readonly [text: string, asked: readonly string[] | null])[] = []
for (let start = 0; out !== undefined && start < inputs; start += 20) {
  const batch = Array.from({ length: 20 }, (_, at) => generate(new Random(seed, start + at))).filter(({ text }) => text.length < 2500)
  take()
  for (const input of batch) replay(input)
  if (fresh(painted()).length === 0) continue
  for (const input of batch) {
    const places = fresh(run(input))
    if (places.length === 0) continue
    const small = minimised(input, places)
    const all = run(small)
    for (let at = 0; at < size; at++) if (all[at] === 1) reached[at] = 1
    corpus.push([small.text, small.asked ?? null])
  }
}
if (out !== undefined) {
  writeFileSync(out, `[\n${corpus.map((each) => `  ${JSON.stringify(each)}`).join(',\n')}\n]\n`)
  console.log(`${corpus.length} inputs reached something first`)
  process.exit()
}

// The figure: everything of a run, counted once.
for (let index = 0; index < inputs; index++) {
  const random = new Random(seed, index)
  hold(generate(random), random)
}
let blocks = 0
let reachedBlocks = 0
for (const [{ name, source }, functions] of take()) {
  const ranges = functions.flatMap((each) => each.ranges)
  const missed = ranges.filter(({ count }) => count === 0)
  blocks += ranges.length
  reachedBlocks += ranges.length - missed.length
  console.log(`${name}: ${ranges.length - missed.length} of ${ranges.length} branches`)
  for (const { startOffset, endOffset } of missed) console.log(`  not reached: ${source.slice(startOffset, endOffset).replace(/\s+/g, ' ').slice(0, 140)}`)
}
console.log(`all: ${reachedBlocks} of ${blocks} (${((reachedBlocks / blocks) * 100).toFixed(1)} %), ${inputs} inputs of seed ${seed}, ${process.version}`)
