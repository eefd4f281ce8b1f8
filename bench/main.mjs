/**
 * `pnpm bench [--full] [--curves] [--rounds 5] [--seconds 2] [--only ID[,ID]] [--json FILE] [--docs] [--from FILE]`: measures ours and their peers, interleaved, and
 * prints medians, spreads, and ratios taken within a round. `--curves` measures how cost grows instead, `--full` both, with peers and load generators of
 * the distribution. `--docs` writes docs/performance.md with its plots; `--from` shows what a run wrote with `--json`, and measures nothing. Exits 1 if a goal is missed in the median, a curve bends, or something failed.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { bundle } from '../scripts/bundle.mjs'
import { bends, Curves, curveText } from './lib/curve.mjs'
import { Skipped } from './lib/external.mjs'
import { machine } from './lib/machine.mjs'
import { Results } from './lib/results.mjs'
import { endAll, takeTurns } from './lib/round.mjs'
import { table } from './lib/table.mjs'
import { allCurves, allScenarios } from './scenarios/index.mjs'

const usage = 'pnpm bench [--full] [--curves] [--rounds 3] [--seconds 1] [--only ID[,ID]] [--json FILE] [--docs] [--from FILE]; bench/README.md says what they do'

/** What is asked for. It ends the process where that is help, or nothing that there is. */
function asked() {
  try {
    const { values } = parseArgs({
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        full: { type: 'boolean', default: false },
        curves: { type: 'boolean', default: false },
        rounds: { type: 'string', default: '3' },
        seconds: { type: 'string', default: '1' },
        only: { type: 'string' },
        json: { type: 'string' },
        from: { type: 'string' },
        docs: { type: 'boolean', default: false },
      },
    })
    if (!values.help) return values
    console.log(usage)
    return process.exit(0)
  } catch (error) {
    console.error(`${/** @type {Error} */ (error).message}\n${usage}`)
    return process.exit(2)
  }
}

const options = asked()
const seconds = Number(options.seconds)
const rounds = Number(options.rounds)
const { full } = options
const wanted = options.only?.split(',')
/** @param {{ id: string }} each */
const isWanted = ({ id }) => wanted === undefined || wanted.some((start) => id.startsWith(start))
const scenarios = options.curves && wanted === undefined && !full ? [] : allScenarios.filter((each) => isWanted(each) && (full || each.full !== true || wanted !== undefined))
const curves = full || options.curves || wanted !== undefined ? allCurves.filter(isWanted) : []
if (!(seconds > 0) || !(rounds >= 1) || scenarios.length + curves.length === 0) {
  console.error(`--seconds and --rounds are numbers above 0; --only names some of: ${[...allScenarios, ...allCurves].map(({ id }) => id).join(', ')}`)
  process.exit(2)
}

if (options.docs && wanted !== undefined) {
  console.error('--docs shows a whole run: leave --only out')
  process.exit(2)
}

/** What is measured now, where somebody looks on. @param {string} text */
function tell(text) {
  if (process.stderr.isTTY) process.stderr.write(`\r\u001b[2K${text}`)
}

/** One round of a scenario. @param {import('./lib/scenario.mjs').Scenario} scenario @param {number} round @param {Results} results */
async function measureRound(scenario, round, results) {
  const names = Object.keys(scenario.peers)
  // Who comes first changes from round to round.
  const order = names.map((_, turn) => /** @type {string} */ (names[(turn + round) % names.length]))
  for (const peers of scenario.once === true ? order.map((peer) => [peer]) : [order]) await measureTogether(scenario, peers, round, results)
}

/** @param {import('./lib/scenario.mjs').Scenario} scenario @param {string[]} peers @param {number} round @param {Results} results */
async function measureTogether({ id, peers: all, once }, peers, round, results) {
  /** @type {Map<string, import('./lib/scenario.mjs').Prepared>} */
  const sides = new Map()
  try {
    for (const peer of peers) {
      tell(`round ${round + 1} of ${rounds}: ${id}, ${peer}`)
      try {
        sides.set(peer, await /** @type {import('./lib/scenario.mjs').Prepare} */ (all[peer])({ seconds, full }))
      } catch (error) {
        if (error instanceof Skipped) results.skip(id, peer, error.message)
        else results.fail(id, peer, error)
      }
    }
    tell(`round ${round + 1} of ${rounds}: ${id}`)
    const slices = await takeTurns(sides, { seconds, once, failed: (peer, error) => results.fail(id, peer, error) })
    for (const [peer, values] of slices) results.add(id, round, peer, values)
    for (const [peer, { limits }] of sides) await limits?.().then((held) => results.held(id, peer, held), (error) => results.fail(id, peer, error))
  } finally {
    await endAll(sides)
  }
}

async function measureAll() {
  // What the packages' names lead to. It takes no time, and what was measured by mistake takes long to find.
  await bundle()
  const results = new Results()
  const grown = new Curves(curves)
  const told = machine()
  let done = 0
  const sofar = () => ({ ...told, rounds: done, seconds, full, scenarios: scenarios.map((scenario) => results.summary(scenario)), curves: grown.summary() })
  while (done < rounds) {
    for (const scenario of scenarios) await measureRound(scenario, done, results)
    // Of a curve its shape is looked at: half of the rounds will do.
    if (done % 2 === 0) for (const curve of curves) await grown.measure(curve, { seconds: seconds / 2, full }, (text) => tell(`round ${done + 1} of ${rounds}: ${text}`))
    done++
    // What is measured is not lost when somebody ends us.
    if (options.json !== undefined) writeFileSync(options.json, `${JSON.stringify(sofar(), undefined, 2)}\n`)
  }
  tell('')
  return sofar()
}

/** @type {import('./lib/page.mjs').Report} */
const report = options.from === undefined ? await measureAll() : JSON.parse(readFileSync(options.from, 'utf8'))
for (const each of report.scenarios) console.log(`${table(each)}\n`)
for (const each of report.curves) console.log(`${curveText(each)}\n`)
if (options.docs) (await import('./lib/page.mjs')).writePage(report)
const missed = [
  ...report.scenarios.flatMap(({ id, goals, failures }) => [...goals.filter(({ met }) => !met).map(({ peer, metric }) => `${id}: ${peer}, ${metric}`), ...failures]),
  ...report.curves.flatMap((each) => (bends(each) ? [`${each.id}: not straight`] : []).concat(each.failures)),
]
console.log(missed.length === 0 ? 'every goal is met' : `missed:\n  ${missed.join('\n  ')}`)
process.exitCode = missed.length === 0 ? 0 : 1
