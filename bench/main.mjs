/**
 * `pnpm bench [--full] [--rounds 5] [--seconds 2] [--only ID[,ID]] [--json FILE] [--docs]`: measures ours and their peers, interleaved, and prints medians,
 * spreads, and ratios taken within a round. `--docs` writes docs/performance.md with its plots. Exits 1 if a goal is missed in the median.
 */
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { machine } from './lib/machine.mjs'
import { Results } from './lib/results.mjs'
import { table } from './lib/table.mjs'
import { allScenarios } from './scenarios/index.mjs'

const { values: options } = parseArgs({
  options: {
    full: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '1' },
    only: { type: 'string' },
    json: { type: 'string' },
    docs: { type: 'boolean', default: false },
  },
})
const seconds = Number(options.seconds)
const rounds = Number(options.rounds)
const wanted = options.only?.split(',')
const scenarios = allScenarios.filter((each) => (wanted === undefined ? options.full || each.full !== true : wanted.some((id) => each.id.startsWith(id))))
if (!(seconds > 0) || !(rounds >= 1) || scenarios.length === 0) {
  console.error(`--seconds and --rounds are numbers above 0; --only names some of: ${allScenarios.map(({ id }) => id).join(', ')}`)
  process.exit(2)
}

const results = new Results()
for (let round = 0; round < rounds; round++) {
  for (const scenario of scenarios) {
    const peers = Object.entries(scenario.peers)
    for (let turn = 0; turn < peers.length; turn++) {
      // Who comes first changes from round to round.
      const [peer, measure] = /** @type {(typeof peers)[number]} */ (peers[(turn + round) % peers.length])
      if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2Kround ${round + 1} of ${rounds}: ${scenario.id}, ${peer}`)
      try {
        results.add(scenario.id, round, peer, await measure({ seconds }))
      } catch (error) {
        results.fail(scenario.id, peer, error)
      }
    }
  }
}
if (process.stderr.isTTY) process.stderr.write('\r\u001b[2K')

const report = { ...machine(), rounds, seconds, scenarios: scenarios.map((scenario) => results.summary(scenario)) }
for (const each of report.scenarios) console.log(`${table(each)}\n`)
if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(report, undefined, 2)}\n`)
if (options.docs) (await import('./lib/page.mjs')).writePage(report)
const missed = report.scenarios.flatMap(({ id, goals, failures }) => [...goals.filter(({ met }) => !met).map(({ peer, metric }) => `${id}: ${peer}, ${metric}`), ...failures])
console.log(missed.length === 0 ? 'every goal is met' : `missed:\n  ${missed.join('\n  ')}`)
process.exitCode = missed.length === 0 ? 0 : 1
