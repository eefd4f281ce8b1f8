/**
 * How much of the code the compliance kit really holds: changes the built code in one place at a time, and runs the kit alone against it.
 * A change that no case notices is a survivor. `pnpm mutate [--budget-seconds 600] [--seed 1] [--targets memory,chunk,tcp] [--workers 2]
 * [--report FILE]`. Mutants are taken in an order that the seed decides until the budget is spent; without one, all of them.
 * Exits 1 if less than `--at-least` (90) percent of those that ran died.
 */
import { execFileSync, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { mutantsOf, mutated } from './mutation/mutants.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const { values: options } = parseArgs({
  options: {
    'budget-seconds': { type: 'string' },
    seed: { type: 'string', default: '1' },
    targets: { type: 'string', default: 'memory,chunk,tcp' },
    workers: { type: 'string', default: '2' },
    'time-limit-ms': { type: 'string', default: '30000' },
    'at-least': { type: 'string', default: '90' },
    report: { type: 'string' },
    file: { type: 'string' },
  },
})

/**
 * What is changed, and the suites of the kit that judge it: the package's own conformance tests, and nothing else of its tests.
 * @type {Record<string, { package: string, files: (file: string) => boolean, suites: string[] }>}
 */
const targets = {
  memory: { package: 'core', files: (file) => file === 'testing/memory-pair.js', suites: ['core/test/kit-memory.test.ts'] },
  base: {
    package: 'core',
    files: (file) => /^base\/(transport-base|queued-transport|layer-transport|wrapped-transport|write-queue)\.js$/.test(file),
    suites: ['core/test/kit-memory.test.ts', 'protocol-chunk/test/conformance.test.ts'],
  },
  chunk: {
    package: 'protocol-chunk',
    // *-options.js check and complete what a program passes when it makes a layer: no behaviour of a protocol. The package's own tests have them.
    files: (file) => file.endsWith('.js') && file !== 'index.js' && !file.endsWith('-options.js'),
    suites: ['protocol-chunk/test/conformance.test.ts'],
  },
  tcp: {
    package: 'transport-tcp',
    // As above: options.js refuses bad options before there is a transport.
    files: (file) => file.endsWith('.js') && file !== 'index.js' && file !== 'options.js',
    suites: ['transport-tcp/test/conformance.test.ts'],
  },
}
const packages = ['core', 'protocol-chunk', 'transport-tcp']

/** The suites as JavaScript, with what they import of the tests beside them. @param {string} folder */
function compileSuites(folder) {
  const tests = packages.flatMap((name) => readdirSync(join(root, 'packages', name, 'test')).filter((file) => /^(?!.*types).*\.ts$/.test(file)).map((file) => `packages/${name}/test/${file}`))
  const how = ['--ignoreConfig', '--noCheck', '--noResolve', '--module', 'nodenext', '--target', 'es2022', '--rewriteRelativeImportExtensions', '--rootDir', 'packages']
  execFileSync(join(root, 'node_modules', '.bin', 'tsc'), [...how, '--outDir', folder, ...tests], { cwd: root, stdio: 'inherit' })
}

/**
 * A copy of the built packages, in which one file at a time is changed. The tests find them as `../src`, and each other by name.
 * @param {string} folder @param {string} suites
 */
function sandbox(folder, suites) {
  const modules = join(folder, 'node_modules')
  mkdirSync(join(modules, '@async'), { recursive: true })
  for (const name of packages) {
    const to = join(folder, 'packages', name)
    cpSync(join(root, 'packages', name, 'dist'), join(to, 'dist'), { recursive: true })
    cpSync(join(root, 'packages', name, 'package.json'), join(to, 'package.json'))
    cpSync(join(suites, name, 'test'), join(to, 'test'), { recursive: true })
    symlinkSync('dist', join(to, 'src'))
    symlinkSync(to, join(modules, '@async', name))
  }
  mkdirSync(join(modules, 'vitest'))
  writeFileSync(join(modules, 'vitest', 'package.json'), '{ "name": "vitest", "type": "module", "exports": "./index.js" }')
  cpSync(join(root, 'scripts', 'mutation', 'runner.mjs'), join(modules, 'vitest', 'index.js'))
  cpSync(join(root, 'scripts', 'mutation', 'judge.mjs'), join(folder, 'judge.mjs'))
  return folder
}

/**
 * Runs the kit in a sandbox. A process of its own: a mutant may loop for ever, or leave the process open.
 * @param {string} folder @param {string} target @param {number} limitMs @returns {Promise<{ verdict: 'survived' | 'died' | 'hung', output: string }>}
 */
function judge(folder, target, limitMs) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ['judge.mjs', ...(targets[target]?.suites ?? []).map((suite) => suite.replace(/\.ts$/, '.js'))], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const collect = (/** @type {Buffer} */ data) => {
      if (output.length < 20_000) output += data
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    let verdict = /** @type {'survived' | 'died' | 'hung'} */ ('died')
    const timer = setTimeout(() => {
      verdict = 'hung'
      child.kill('SIGKILL')
    }, limitMs)
    child.on('close', (code) => {
      clearTimeout(timer)
      resolve({ verdict: verdict === 'hung' ? 'hung' : code === 0 ? 'survived' : 'died', output })
    })
  })
}

/** Files of a built package, below its dist. @param {string} folder @param {string} [prefix] @returns {string[]} */
function filesBelow(folder, prefix = '') {
  return readdirSync(join(folder, prefix), { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesBelow(folder, `${prefix}${entry.name}/`) : [`${prefix}${entry.name}`],
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
  const workers = Number(options.workers)
  compileSuites(join(base, 'suites'))
  const folders = Array.from({ length: workers }, (_, index) => sandbox(join(base, `${index}`), join(base, 'suites')))
  const names = options.targets.split(',')
  const jobs = names.flatMap((name) => {
    const target = targets[name]
    if (target === undefined) throw new Error(`no target ${name}; there are ${Object.keys(targets).join(', ')}`)
    const dist = join(root, 'packages', target.package, 'dist')
    return filesBelow(dist).filter(target.files).filter((file) => options.file === undefined || file === options.file).flatMap((file) =>
      mutantsOf(readFileSync(join(dist, file), 'utf8')).map((mutant) => ({ name, package: target.package, file, mutant })),
    )
  })
  for (const name of names) {
    const started = Date.now()
    const { verdict, output } = await judge(/** @type {string} */ (folders[0]), name, 120_000)
    if (verdict !== 'survived') {
      console.error(`${name}: the kit does not even pass on the code as it is\n${output}`)
      return 1
    }
    console.log(`${name}: unchanged, the kit passes in ${Date.now() - started} ms`)
  }

  const order = shuffled(jobs, Number(options.seed))
  const deadline = options['budget-seconds'] === undefined ? Infinity : Date.now() + Number(options['budget-seconds']) * 1000
  const results = /** @type {(typeof jobs[number] & { verdict: string })[]} */ ([])
  await Promise.all(folders.map(async (folder) => {
    for (let job = order.shift(); job !== undefined && Date.now() < deadline; job = order.shift()) {
      const path = join(folder, 'node_modules', '@async', job.package, 'dist', job.file)
      const source = readFileSync(path, 'utf8')
      writeFileSync(path, mutated(source, job.mutant))
      const { verdict } = await judge(folder, job.name, Number(options['time-limit-ms']))
      writeFileSync(path, source)
      results.push({ ...job, verdict })
      if (verdict === 'survived') console.log(`survived  ${job.package}/${job.file}:${job.mutant.line}  ${job.mutant.was}  →  ${job.mutant.becomes}`)
      if (results.length % 50 === 0) console.log(`${results.length} of ${jobs.length}`)
    }
  }))
  return report(jobs.length, names, results)
}

/** @param {number} total @param {string[]} names @param {{ name: string, package: string, file: string, mutant: import('./mutation/mutants.mjs').Mutant, verdict: string }[]} results */
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
    .map(({ package: name, file, mutant }) => `| \`${name}/${file}:${mutant.line}\` | \`${cell(mutant.was)}\` | \`${cell(mutant.becomes)}\` |`)
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
