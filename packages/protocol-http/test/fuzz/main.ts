/**
 * A long run, from a shell: FUZZ_INPUTS, FUZZ_FROM (to go on with a run), FUZZ_SEED, FUZZ_H11 (of how many inputs h11 sees one; 0: none), FUZZ_OUT (a file for the figures,
 * written as it goes). `node test/fuzz/run.mjs` bundles this and runs it.
 */
import { writeFileSync } from 'node:fs'
import { campaign, type Tally } from './campaign.ts'
import { H11, pythonWithH11 } from './h11.ts'

Error.stackTraceLimit = 0
const number = (name: string, fallback: number): number => Number(process.env[name] ?? fallback)
const inputs = number('FUZZ_INPUTS', 100_000)
const seed = number('FUZZ_SEED', 1)
const oneIn = number('FUZZ_H11', 10)
const out = process.env['FUZZ_OUT']
const started = performance.now()
let peakBytes = 0

function report(tally: Tally): void {
  peakBytes = Math.max(peakBytes, process.memoryUsage().rss)
  const figures = {
    ...tally, seed, seconds: Math.round((performance.now() - started) / 1000),
    cpuSeconds: Math.round(process.cpuUsage().user / 1e6), peakMiB: Math.round(peakBytes / 1048576), node: process.version, llhttp: process.versions['llhttp'],
    classes: [...tally.classes].map(([name, { counts, example }]) => ({ name, ...counts, example })).sort((a, b) => b.llhttp + b.h11 - a.llhttp - a.h11),
  }
  const text = `${JSON.stringify(figures, undefined, 1)}\n`
  if (out === undefined) console.log(text)
  else writeFileSync(out, text)
}

const python = oneIn > 0 ? pythonWithH11() : undefined
if (oneIn > 0 && python === undefined) throw new Error('h11 is missing (Debian: python3-h11); FUZZ_H11=0 runs without')
const process11 = python === undefined ? undefined : new H11(python)
const tally = await campaign({
  seed, from: number('FUZZ_FROM', 0), to: inputs, h11: process11 === undefined ? undefined : { process: process11, oneIn },
  onProgress: (now, done) => {
    if (out !== undefined && done % 50_000 === 0) report(now)
  },
})
await process11?.stop()
report(tally)
if (tally.failureCount > 0) process.exitCode = 1
