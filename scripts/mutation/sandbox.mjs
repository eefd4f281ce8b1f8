/** Copies of the built packages, in which one place at a time is changed, and the kit run in them. */
import { execFileSync, spawn } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const packages = ['core', 'protocol-chunk', 'transport-tcp']

/** The suites as JavaScript, with what they import of the tests beside them. @param {string} folder */
export function compileSuites(folder) {
  const isSuite = /^(?!.*types).*\.ts$/
  const tests = packages.flatMap((name) =>
    readdirSync(join(root, 'packages', name, 'test')).filter((file) => isSuite.test(file)).map((file) => `packages/${name}/test/${file}`),
  )
  const how = ['--ignoreConfig', '--noCheck', '--noResolve', '--module', 'nodenext', '--target', 'es2022', '--rewriteRelativeImportExtensions', '--rootDir', 'packages']
  execFileSync(join(root, 'node_modules', '.bin', 'tsc'), [...how, '--outDir', folder, ...tests], { cwd: root, stdio: 'inherit' })
}

/**
 * A copy of the built packages. The tests find them as `../src`, and each other by name.
 * @param {string} folder @param {string} suites
 */
export function sandbox(folder, suites) {
  const modules = join(folder, 'node_modules')
  mkdirSync(join(modules, '@async'), { recursive: true })
  for (const name of packages) {
    const to = join(folder, 'packages', name)
    cpSync(join(root, 'packages', name, 'dist'), join(to, 'dist'), { recursive: true })
    // Published names lead to bundles; here to the modules, which are what is changed.
    writeFileSync(join(to, 'package.json'), readFileSync(join(root, 'packages', name, 'package.json'), 'utf8').replaceAll('./bundle/', './dist/'))
    cpSync(join(suites, name, 'test'), join(to, 'test'), { recursive: true })
    symlinkSync('dist', join(to, 'src'))
    symlinkSync(to, join(modules, '@async', name))
  }
  mkdirSync(join(modules, 'vitest'))
  writeFileSync(join(modules, 'vitest', 'package.json'), '{ "name": "vitest", "type": "module", "exports": "./index.js" }')
  cpSync(join(root, 'scripts', 'mutation', 'runner.mjs'), join(modules, 'vitest', 'index.js'))
  for (const file of ['judge.mjs', 'profile.mjs', 'watch.mjs']) cpSync(join(root, 'scripts', 'mutation', file), join(folder, file))
  return folder
}

/**
 * Runs the kit in a sandbox. A process of its own: a mutant may loop for ever, or leave the process open.
 * @param {string} folder @param {import('./judge.mjs').Plan} plan @param {number} limitMs
 * @returns {Promise<import('./judge.mjs').Answer & { verdict: 'survived' | 'died' | 'hung' }>}
 */
export function judge(folder, plan, limitMs) {
  const answerFile = join(folder, 'answer.json')
  writeFileSync(join(folder, 'plan.json'), JSON.stringify(plan))
  writeFileSync(answerFile, '{}')
  return new Promise((resolve) => {
    // V8 does not count the calls that its optimizing compiler inlines.
    const flags = plan.places === undefined ? [] : ['--no-opt']
    const child = spawn(process.execPath, [...flags, 'judge.mjs', 'plan.json', 'answer.json'], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
    let output = ''
    child.stderr.on('data', (/** @type {Buffer} */ data) => {
      if (output.length < 20_000) output += data
    })
    const timer = setTimeout(() => child.kill('SIGKILL'), limitMs)
    child.on('close', (code, signal) => {
      clearTimeout(timer)
      const verdict = signal === 'SIGKILL' ? 'hung' : code === 0 ? 'survived' : 'died'
      resolve({ verdict, ...(verdict === 'survived' ? {} : { failure: output }), ...JSON.parse(readFileSync(answerFile, 'utf8')) })
    })
  })
}
