/**
 * Packs every package as it would be published and looks at the result from outside: `publint --strict`, `attw` for ESM, and a user's
 * project in strict mode that installs the tarballs, imports every entry, and is compiled by the newest and the oldest supported
 * TypeScript, with and without the DOM. Needs a build. Takes about a minute.
 */
import { execFileSync } from 'node:child_process'
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
  const entries = packages.flatMap(({ name, manifest }) =>
    Object.keys(manifest['exports']).filter((path) => path !== './package.json').map((path) => `@async/${name}${path.slice(1)}`))
  const lines = entries.map((entry, index) => `import * as entry${index} from '${entry}'`)
  const names = entries.map((_, index) => `entry${index}`).join(', ')
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'user', type: 'module' }))
  writeFileSync(join(project, 'main.ts'), `${lines.join('\n')}\nfor (const entry of [${names}]) if (Object.keys(entry).length === 0) throw new Error('empty')\n`)
  writeFileSync(join(project, 'main.js'), `${lines.join('\n')}\nfor (const entry of [${names}]) if (Object.keys(entry).length === 0) throw new Error('empty')\n`)
  for (const [name, lib] of /** @type {const} */ ([['node', ['ES2022', 'ESNext.Disposable']], ['dom', ['ES2022', 'ESNext.Disposable', 'DOM']]])) {
    writeFileSync(join(project, `tsconfig.${name}.json`), JSON.stringify({
      compilerOptions: { target: 'ES2022', module: 'NodeNext', moduleResolution: 'NodeNext', lib, types: ['node'], strict: true, exactOptionalPropertyTypes: true, skipLibCheck: false, noEmit: true },
      files: ['main.ts'],
    }))
  }
  return project
}

try {
  let project = ''
  const failed = await runSteps([
    ['pack', async () => {
      for (const { folder: from } of packages) execFileSync('pnpm', ['pack', '--pack-destination', folder], { cwd: `${root}/${from}`, stdio: ['ignore', 'ignore', 'inherit'], shell: process.platform === 'win32' })
      project = makeProject()
      return 0
    }],
    ...packages.map(({ name }) => /** @type {const} */ ([`publint ${name}`, () => run(`${bin}/publint`, ['run', tarball(name), '--strict'])])),
    ...packages
      .filter(({ manifest }) => manifest['exports']['.'] !== undefined)
      .map(({ name }) => /** @type {const} */ ([`attw ${name}`, () => run(`${bin}/attw`, [tarball(name), '--profile', 'esm-only', '--format', 'ascii'])])),
    ['imports in Node', () => run('node', ['main.js'], { cwd: project })],
    ['types, TypeScript 7', () => run('tsc', ['-p', join(project, 'tsconfig.node.json')])],
    ['types, TypeScript 7 with the DOM', () => run('tsc', ['-p', join(project, 'tsconfig.dom.json')])],
    ['types, TypeScript 5.9', () => run(`${bin}/tsc`, ['-p', join(project, 'tsconfig.node.json')])],
  ])
  process.exitCode = failed === undefined ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
