/**
 * Packs every package as it would be published and looks at the result from outside: `publint --strict`, `attw` for ESM, and a user's
 * project in strict mode that installs the tarballs, imports every entry, and is compiled by the newest and the oldest supported
 * TypeScript; core, the protocols and what is named `web` also as for a browser, with the DOM's types and without Node's. Needs a build. Takes ten seconds.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { requireNode, root, run, runSteps } from './lib/run.mjs'
import { packagesIn } from './lib/workspace.mjs'

requireNode()
const packages = packagesIn('packages')
const folder = mkdtempSync(join(tmpdir(), 'async-tarballs-'))
const bin = `${root}/scripts/node_modules/.bin`
const tarball = (/** @type {string} */ name) => {
  const found = readdirSync(folder).find((file) => file.startsWith(`async-${name}-`) && file.endsWith('.tgz'))
  if (found === undefined) throw new Error(`no tarball of ${name} in ${folder}`)
  return join(folder, found)
}

/** Unpacks the tarballs into a user's node_modules, as an install would, without asking a registry for anything. */
function makeProject() {
  const project = join(folder, 'user')
  for (const { name } of packages) {
    const to = join(project, 'node_modules', '@async', name)
    mkdirSync(to, { recursive: true })
    execFileSync('tar', ['-xzf', tarball(name), '-C', to, '--strip-components=1'])
  }
  mkdirSync(join(project, 'node_modules', '@types'), { recursive: true })
  symlinkSync(`${root}/node_modules/@types/node`, join(project, 'node_modules', '@types', 'node'))
  // What they exist because of, as the workspace has it.
  for (const { folder: from, manifest } of packages) {
    for (const name of Object.keys(manifest['dependencies'] ?? {})) {
      if (!name.startsWith('@async/')) symlinkSync(`${root}/${from}/node_modules/${name}`, join(project, 'node_modules', name))
    }
  }
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'user', type: 'module' }))
  const isPortable = (/** @type {string} */ name, /** @type {string} */ path) => (name === 'core' || name.startsWith('protocol-') ? path !== './node' : path === './web')
  writeProgram(project, 'main', () => true, { lib: ['ES2022', 'ESNext.Disposable'], types: ['node'] })
  writeProgram(project, 'browser', isPortable, { lib: ['ES2022', 'ESNext.Disposable', 'DOM'], types: [] })
  return project
}

/**
 * A program that imports every entry that `takes` takes, and a tsconfig file for it.
 * @param {string} project @param {string} name @param {(name: string, path: string) => boolean} takes @param {{ lib: string[], types: string[] }} environment
 */
function writeProgram(project, name, takes, environment) {
  const entries = packages.flatMap(({ name: folder, manifest }) =>
    Object.keys(manifest['exports']).filter((path) => path !== './package.json' && takes(folder, path)).map((path) => `@async/${folder}${path.slice(1)}`))
  const lines = entries.map((entry, index) => `import * as entry${index} from '${entry}'`)
  const check = `for (const entry of [${entries.map((_, index) => `entry${index}`).join(', ')}]) if (Object.keys(entry).length === 0) throw new Error('empty')`
  for (const ending of ['ts', 'js']) writeFileSync(join(project, `${name}.${ending}`), `${lines.join('\n')}\n${check}\n`)
  const compilerOptions = {
    target: 'ES2022', module: 'NodeNext', moduleResolution: 'NodeNext', strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, noEmit: true, ...environment,
  }
  writeFileSync(join(project, `tsconfig.${name}.json`), JSON.stringify({ compilerOptions, files: [`${name}.ts`] }))
}

/** Runs a tool of the scripts' package, and shows what it says only if it complains. @param {string} tool @param {string[]} args */
async function quietly(tool, args) {
  const { status, stdout, stderr } = spawnSync(`${bin}/${tool}`, args, { encoding: 'utf8', shell: process.platform === 'win32' })
  if (status !== 0) console.error(stdout, stderr)
  return status ?? 1
}

try {
  let project = ''
  const failed = await runSteps([
    ['pack', async () => {
      for (const { folder: from } of packages) execFileSync('pnpm', ['pack', '--pack-destination', folder], { cwd: `${root}/${from}`, stdio: ['ignore', 'ignore', 'inherit'], shell: process.platform === 'win32' })
      project = makeProject()
      return 0
    }],
    ...packages.map(({ name }) => /** @type {const} */ ([`publint ${name}`, () => quietly('publint', ['run', tarball(name), '--strict'])])),
    ...packages
      .filter(({ manifest }) => manifest['exports']['.'] !== undefined)
      .map(({ name }) => /** @type {const} */ ([`attw ${name}`, () => quietly('attw', [tarball(name), '--profile', 'esm-only', '--format', 'ascii'])])),
    ['imports in Node', () => run('node', ['main.js'], { cwd: project })],
    ...['main', 'browser'].flatMap((name) => [
      /** @type {const} */ ([`types of ${name}, TypeScript 7`, () => run('tsc', ['-p', join(project, `tsconfig.${name}.json`)])]),
      /** @type {const} */ ([`types of ${name}, TypeScript 5.9`, () => run(`${bin}/tsc`, ['-p', join(project, `tsconfig.${name}.json`)])]),
    ]),
  ])
  process.exitCode = failed === undefined ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
