/**
 * How much of the code the compliance kit really holds: changes the built code in one place at a time, and runs the kit alone against it.
 * A change that no case notices is a survivor. `pnpm mutate [--budget-seconds 600] [--seed 1] [--targets memory,chunk,tcp] [--workers 2]
 * [--report FILE] [--file x.js] [--at package/x.js:12]…`. Mutants are taken in an order that the seed decides until the budget is spent; without one, all of them.
 * Exits 1 if less than `--at-least` (90) percent of those that ran died.
 */
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { mutantsOf, mutated } from './mutation/mutants.mjs'
import { compileSuites, judge, sandbox } from './mutation/sandbox.mjs'
import { Schedule } from './mutation/schedule.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const { values: options } = parseArgs({
  options: {
    'budget-seconds': { type: 'string' },
    seed: { type: 'string', default: '1' },
    targets: { type: 'string', default: 'memory,chunk,tcp' },
    workers: { type: 'string', default: '2' },
    'at-least': { type: 'string', default: '90' },
    report: { type: 'string' },
    file: { type: 'string' },
    at: { type: 'string', multiple: true },
  },
})

/**
 * What is changed, and the suites of the kit that judge it: the package's own conformance tests, and nothing else of its tests. `isTimed`: what is
 * run depends on the outside world, too.
 * @type {Record<string, { files: (file: string) => boolean, suites: string[], isTimed?: true }>}
 */
const targets = {
  memory: { files: (file) => file === 'core/testing/memory-pair.js', suites: ['core/test/kit-memory.test.ts'] },
  base: {
    files: (file) => /^core\/base\/(transport-base|queued-transport|layer-transport|wrapped-transport|write-queue)\.js$/.test(file),
    suites: ['core/test/kit-memory.test.ts', 'protocol-chunk/test/conformance.test.ts'],
  },
  chunk: {
    // *-options.js check and complete what a program passes when it makes a layer: no behaviour of a protocol. The package's own tests have them.
    files: (file) => /^protocol-chunk\/.*\.js$/.test(file) && !/(\/index|-options)\.js$/.test(file),
    suites: ['protocol-chunk/test/conformance.test.ts'],
  },
  tcp: {
    // As above: options.js refuses bad options before there is a transport. Of core, what TCP stands on.
    files: (file) => /^(transport-tcp\/.*|core\/node\/(dial|read-slab|(socket|writing)-\w+)|core\/base\/connection-set)\.js$/.test(file) && !/\/(index|options)\.js$/.test(file),
    suites: ['transport-tcp/test/conformance.test.ts'],
    isTimed: true,
  },
}

/** Files of a built package, by name. @param {string} dist @param {string} below @param {string} prefix @returns {string[]} */
function filesBelow(dist, below, prefix) {
  return readdirSync(join(dist, below), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesBelow(dist, `${below}${entry.name}/`, prefix) : [`${prefix}${below}${entry.name}`],
  )
}

/** A repeatable order. @template T @param {T[]} list @param {number} seed @returns {T[]} */
function shuffled(list, seed) {
  let state = seed >>> 0
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  return list.map((item) => ({ item, at: next() })).sort((one, other) => one.at - other.at).map(({ item }) => item)
}

const base = mkdtempSync(join(tmpdir(), 'mutation-'))
try {
  process.exitCode = await main()
} finally {
  rmSync(base, { recursive: true, force: true })
}

async function main() {
  compileSuites(join(base, 'suites'))
  const folders = Array.from({ length: Number(options.workers) }, (_, index) => sandbox(join(base, `${index}`), join(base, 'suites')))
  const names = options.targets.split(',')
  const jobs = names.flatMap((name) => mutantsFor(name))
  /** @type {Map<string, Schedule>} */
  const schedules = new Map()
  for (const name of names) {
    const started = Date.now()
    /** @type {Record<string, number[]>} */
    const places = {}
    for (const job of jobs) if (job.name === name) (places[job.path] ??= []).push(job.mutant.at)
    const { failure, names: tests = [], timesMs = [], runBy = {} } = await judge(/** @type {string} */ (folders[0]), { suites: suitesOf(name), places }, 300_000)
    if (tests.length === 0) {
      console.error(`${name}: the kit does not even pass on the code as it is\n${failure}`)
      return 1
    }
    schedules.set(name, new Schedule({ names: tests, timesMs, runBy }, targets[name]?.isTimed === true))
    console.log(`${name}: unchanged, the ${tests.length} tests of the kit pass in ${Date.now() - started} ms, with notes of what they run`)
  }

  const order = shuffled(jobs, Number(options.seed))
  const deadline = options['budget-seconds'] === undefined ? Infinity : Date.now() + Number(options['budget-seconds']) * 1000
  const results = /** @type {(typeof jobs[number] & { verdict: string })[]} */ ([])
  await Promise.all(folders.map(async (folder) => {
    for (let job = order.shift(); job !== undefined && Date.now() < deadline; job = order.shift()) {
      const schedule = /** @type {Schedule} */ (schedules.get(job.name))
      const path = join(folder, 'packages', job.path)
      const source = readFileSync(path, 'utf8')
      writeFileSync(path, mutated(source, job.mutant))
      const plan = { suites: suitesOf(job.name), order: schedule.order(job.path, job.place), limitsMs: schedule.limitsMs }
      const { verdict, failed } = await judge(folder, plan, schedule.limitMs)
      writeFileSync(path, source)
      if (failed !== undefined) schedule.killed(failed)
      results.push({ ...job, verdict })
      if (verdict === 'survived') console.log(`survived  ${job.file}:${job.mutant.line}  ${job.mutant.was}  →  ${job.mutant.becomes}`)
      if (results.length % 50 === 0) console.log(`${results.length} of ${jobs.length}`)
    }
  }))
  return report(jobs.length, names, results)
}

/** @param {string} name */
function suitesOf(name) {
  return (targets[name]?.suites ?? []).map((suite) => suite.replace(/\.ts$/, '.js'))
}

/** Every mutant of a target; `place` counts those of a file. @param {string} name */
function mutantsFor(name) {
  const target = targets[name]
  if (target === undefined) throw new Error(`no target ${name}; there are ${Object.keys(targets).join(', ')}`)
  const packages = join(root, 'packages')
  const files = readdirSync(packages).flatMap((folder) => (existsSync(join(packages, folder, 'dist')) ? filesBelow(join(packages, folder, 'dist'), '', `${folder}/`) : []))
  return files.filter((file) => target.files(file) && (options.file === undefined || file.endsWith(`/${options.file}`))).flatMap((file) => {
    const path = file.replace('/', '/dist/')
    const all = mutantsOf(readFileSync(join(packages, path), 'utf8'))
    return all.filter(({ line }) => options.at === undefined || options.at.includes(`${file}:${line}`)).map((mutant, place) => ({ name, file, path, place, mutant }))
  })
}

/** @param {number} total @param {string[]} names @param {{ name: string, file: string, mutant: import('./mutation/mutants.mjs').Mutant, verdict: string }[]} results */
function report(total, names, results) {
  const dead = results.filter(({ verdict }) => verdict !== 'survived').length
  const lines = ['| target | mutants run | died | hung | survived | dead |', '|---|---:|---:|---:|---:|---:|']
  for (const name of names) {
    const own = results.filter((result) => result.name === name)
    const count = (/** @type {string} */ verdict) => own.filter((result) => result.verdict === verdict).length
    lines.push(`| ${name} | ${own.length} | ${count('died')} | ${count('hung')} | ${count('survived')} | ${percent(own.length - count('survived'), own.length)} |`)
  }
  const survivors = results
    .filter(({ verdict }) => verdict === 'survived')
    .sort((one, other) => one.file.localeCompare(other.file) || one.mutant.start - other.mutant.start)
    .map(({ file, mutant }) => `| \`${file}:${mutant.line}\` | \`${cell(mutant.was)}\` | \`${cell(mutant.becomes)}\` |`)
  console.log(`\n${lines.join('\n')}\n\n${results.length} of ${total} mutants ran, ${dead} died: ${percent(dead, results.length)}`)
  if (options.report !== undefined) {
    mkdirSync(join(root, options.report, '..'), { recursive: true })
    writeFileSync(join(root, options.report), [
      '# Mutants that the compliance kit alone was run against', '',
      `Made by \`pnpm mutate\` with seed ${options.seed}: ${results.length} of ${total} mutants ran. One place of the built code is changed at a time; the kit`,
      'runs until its first failure. "Hung" counts as dead: the watchdog or the time limit noticed.', '', ...lines, '',
      '## Survivors', '', '| where (built code) | was | becomes |', '|---|---|---|', ...survivors, '',
    ].join('\n'))
  }
  return results.length > 0 && dead * 100 >= Number(options['at-least']) * results.length ? 0 : 1
}

/** @param {number} part @param {number} whole */
function percent(part, whole) {
  return whole === 0 ? '–' : `${((part / whole) * 100).toFixed(1)} %`
}

/** @param {string} text */
function cell(text) {
  const line = text.replace(/\s+/g, ' ').replaceAll('|', '\\|').replaceAll('`', "'")
  return line.length > 60 ? `${line.slice(0, 57)}…` : line
}
