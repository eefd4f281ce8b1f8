/** docs/performance.md and its plots, from a report. */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { bends, climb, straight, verdict } from './curve.mjs'
import { barPlot, curvePlot } from './plot.mjs'
import { notes } from '../notes.mjs'
import { number } from './table.mjs'

/**
 * @typedef {{ date: string, machine: string, versions: string, load: number, costs?: { call: number, page: number }, peers: string, rounds: number, seconds: number, full: boolean,
 *   scenarios: import('./results.mjs').Summary[], curves: import('./curve.mjs').Curved[] }} Report
 */

const docs = fileURLToPath(new URL('../../docs/', import.meta.url))

/** Which scenarios stand together: by the beginnings of their ids. */
const groups = [
  { id: 'http', title: 'HTTP', starts: ['http', 'fetch'] },
  { id: 'chunks', title: 'Chunks and frames', starts: ['chunks', 'text', 'frames'] },
  { id: 'json-rpc', title: 'JSON-RPC', starts: ['jsonrpc'] },
  { id: 'transports', title: 'TCP, Unix sockets, processes, WebSocket', starts: ['tcp', 'unix', 'exec', 'ws'] },
  { id: 'tls', title: 'TLS', starts: ['tls'] },
  { id: 'layers', title: 'Layers, memory, start-up', starts: ['layers', 'idle', 'start-up'] },
]

/** @param {import('./results.mjs').Summary} scenario @param {string} metric */
const isHigher = (scenario, metric) => scenario.goals.some((goal) => goal.metric === metric && goal.better === 'higher')

/** @param {Report} report */
export function writePage(report) {
  const folder = `${docs}performance`
  mkdirSync(folder, { recursive: true })
  for (const name of readdirSync(folder)) if (name.endsWith('.svg')) rmSync(`${folder}/${name}`)
  const draw = (/** @type {string} */ name, /** @type {string} */ plot) => writeFileSync(`${folder}/${name}.svg`, plot)
  const goals = report.scenarios.flatMap((scenario) => scenario.goals.map((goal) => ({ scenario, goal })))
  const missed = goals.filter(({ goal }) => !goal.met)
  const text = [
    '# Performance',
    '',
    'Ours and their peers, measured in the same run; written by `pnpm bench --full --docs`. [How to run it](../bench/README.md), and how to add a peer.',
    '',
    `${report.date} · ${report.machine} · ${report.versions} · ${report.peers} · ${report.rounds} rounds of ${report.seconds} s${report.full ? '' : ', without `--full`'}. When it began, the load average of the machine was ${report.load}${report.load > 0.5 ? ': others shared its cores' : ''}.${report.costs === undefined ? '' : ` A system call took ${report.costs.call} µs on it, the first touch of a page of memory ${report.costs.page} µs.`}`,
    '',
    ...howToRead,
    '## Goals',
    '',
    `${goals.length - missed.length} of ${goals.length} are met in the median.${missed.length === 0 ? '' : ' Missed:'}`,
    '',
    ...(missed.length === 0 ? [] : [...missed.map(({ scenario, goal }) => `- ${scenario.id}, ${goal.peer}, ${goal.metric}: ${ratioOf(goal)}, goal ${goalText(scenario, goal)}${wavers(goal) ? ' (met in some rounds)' : ''}`), '']),
    ...report.scenarios.flatMap(({ failures }) => failures).map((each) => `- failed: ${each}`),
    ...groups.flatMap((group) => section(group, report, draw)),
    ...curveSection(report, draw),
    ...ends,
  ]
  writeFileSync(`${docs}performance.md`, `${text.join('\n').replace(/\n{3,}/g, '\n\n').trimEnd()}\n`)
}

const howToRead = [
  '## How to read this',
  '',
  '- **CPU per operation comes first.** It is what the side that is measured used, user and system, divided by what it did. Rates and latencies depend on what else the machine does, this does far less.',
  '- **Everything is warm.** Before anything is measured the sides work in turns, until each has used as much of the CPU, a second at most (or has had eight turns), and has done 4,000 handshakes, 30,000 calls over HTTP, or a body of as many bytes: V8 compiles what was called often. Who is warm goes on, so that all work for as long.',
  '- **A ratio** is taken within a slice: in each round all sides are there, warm, and take turns five times, for a machine that is shared changes its speed by a third for seconds at a time. It is the median of a round, and of all rounds. The reference is 1.',
  '  "±" is half the distance between the outer rounds of a side, as a share of its median: it tells of the machine more than of a ratio.',
  '- **A goal** is a ratio that has to hold, at most, or (for rates) at least. "Reach for" is what a hand-made loop without limits and checks reaches: a direction, no promise.',
  '- Each side runs in a process of its own, pinned to a core; who comes first changes from round to round. What sends requests and waits for answers shares the core: a server that is faster than its load would sleep on a core of its own, and be woken for each request. What',
  '  moves bytes in bulk, or shakes hands, and what is loaded by wrk has a core to itself. Everything is on the loopback interface, through the whole public API, with default limits on.',
  '- Every answer is checked in every scenario: a wrong one fails it. Behind the measurement, input that exceeds each limit is sent to the very process that was measured, and has to be refused.',
  '- **The machine counts.** What all sides ask of the system alike weighs more the dearer it is, and ratios come nearer to 1.',
  '- **The machine is a virtual one that other work shares.** A polluted cache alone moves figures by 10 to 25 %; a full core on the other side, more. Compare ratios of one run, not figures of two, and run it on a machine of your own before you rely on it.',
  '',
]

const ends = [
  '## What does not depend on the machine',
  '',
  'The bytes that an operation allocates are pinned: `node bench/allocations/check.mjs` holds them against `bench/allocations/pinned.json`. So are the system calls of a server: `node bench/system-calls/check.mjs` has strace count one read and one write for each write of a client, however many requests are in it. How often each byte is looked at, and what is held under attack, is counted by the tests of the packages;',
  '[HTTP under fire](http-under-fire.md) has figures.',
]

/** @param {number} value */
const ratio = (value) => (Number.isFinite(value) ? value.toFixed(2) : 'not measured')

/** With more digits where a goal is missed by no more. @param {import('./results.mjs').Outcome} goal */
const ratioOf = (goal) => (goal.met || ratio(goal.ratio) !== ratio(goal.limit) ? ratio(goal.ratio) : goal.ratio.toFixed(4))

/** @param {import('./results.mjs').Summary} scenario @param {import('./results.mjs').Outcome} goal */
const goalText = (scenario, goal) => `${isHigher(scenario, goal.metric) ? '≥' : '≤'} ${goal.limit}`

/** Whether some rounds say otherwise than the median. @param {import('./results.mjs').Outcome} goal */
const wavers = ({ ratios, limit, better, met }) => ratios.some((ratio) => (better === 'higher' ? ratio >= limit : ratio <= limit) !== met)

/** @param {(typeof groups)[number]} group @param {Report} report @param {(name: string, plot: string) => void} draw */
function section({ id, title, starts }, report, draw) {
  const own = report.scenarios.filter((scenario) => starts.some((start) => scenario.id.startsWith(start)))
  if (own.length === 0) return []
  const bars = own.flatMap((scenario) =>
    scenario.goals.map((goal) => ({
      name: `${scenario.id}: ${goal.peer}${scenario.goals.length > 1 ? `, ${goal.metric}` : ''}${goal.reference === undefined ? '' : ` to ${goal.reference}`}`,
      ratio: goal.ratio, goal: goal.limit, met: goal.met, higher: isHigher(scenario, goal.metric),
    })))
  draw(id, barPlot(`${title}: ratios to the references`, bars))
  return [`## ${title}`, '', `![${title}: ratios to the references, each with its goal](performance/${id}.svg)`, '', ...own.flatMap(tableOf)]
}

/** @param {import('./results.mjs').Summary} scenario */
function tableOf(scenario) {
  const { id, title, reference, peers, goals, skipped, limits } = scenario
  const rows = peers.flatMap(({ peer, figures }) =>
    figures.flatMap(({ metric, unit, median, spread, ratio: own }) => {
      const row = (/** @type {string} */ value, /** @type {string} */ goal) => `| ${peer} | ${metric}: ${number(median)} ${unit} ±${Math.round(spread * 100)} % | ${value} | ${goal} |`
      const aims = goals.filter((goal) => goal.peer === peer && goal.metric === metric)
      if (peer === reference) return [row('1', ' | | ')]
      if (aims.length === 0) return [row(own.toFixed(2), ' | | ')]
      return aims.map((goal) => {
        const to = goal.reference === undefined ? '' : ` of ${goal.reference}`
        return row(`**${ratioOf(goal)}**${to}`, `${goalText(scenario, goal)} | ${goal.reach ?? ''} | ${goal.met ? '✓' : '✗ missed'}${wavers(goal) ? `, ${goal.met ? 'not' : 'but'} in ${goal.met ? 'all' : 'some'} rounds` : ''}`)
      })
    }))
  const held = Object.values(limits)[0]
  return [
    `**${id}.** ${title}.`, '', '| | median | ratio | goal | reach for | |', '|---|---|---|---|---|---|', ...rows, '',
    ...(goals.every((goal) => goal.met) || notes[id] === undefined ? [] : [`Where the rest goes: ${notes[id]}`, '']),
    ...(skipped.length === 0 ? [] : [`Not measured: ${skipped.join('; ')}.`, '']),
    ...(held === undefined ? [] : [`Refused by the process that was measured, behind the measurement, as beyond a limit: ${held.map((each) => `\`${each}\``).join(', ')}.`, '']),
  ]
}

/** @param {Report} report @param {(name: string, plot: string) => void} draw */
function curveSection({ curves }, draw) {
  if (curves.length === 0) return []
  const bent = curves.filter(bends).length
  return [
    '## How cost grows',
    '',
    `Each curve is the cost of *one*: what grows in proportion lies flat, what is quadratic climbs. It is straight if one at the top costs at most ${straight} of the cheapest in the upper half of the sizes. ${bent === 0 ? 'All are.' : `${bent} of ${curves.length} are not.`}`,
    '',
    ...curves.flatMap((curve) => {
      if (curve.points.length < 2) return [`**${curve.id}** was not measured: ${curve.failures.join('; ')}`, '']
      draw(curve.id, curvePlot(curve, straight))
      const { note } = curve
      return [
        `### ${curve.title}`, '', `![${curve.title}: ${curve.unit}, by ${curve.axis}; at the top ${climb(curve).toFixed(2)} of the cheapest](performance/${curve.id}.svg)`, '',
        `| ${curve.axis} | ${curve.points.map(({ size }) => size.toLocaleString('en')).join(' | ')} |`, `|---${'|---:'.repeat(curve.points.length)}|`,
        `| ${curve.unit} | ${curve.points.map(({ cost }) => number(cost)).join(' | ')} |`, '',
        `${verdict(curve)}.${note === undefined ? '' : ` ${note}`}`, '',
        ...curve.failures.map((each) => `- failed: ${each}`),
      ]
    }),
  ]
}
