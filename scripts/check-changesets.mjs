/**
 * Shows what the pending changesets would release, and fails if one names no package of ours, or if a package that was never released has
 * none. Then lets changesets apply them in a copy, and fails if a package would change that no changeset names, or a version would jump
 * to 1.0.0 unasked.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { requireNode, root, run } from './lib/run.mjs'
import { filesIn, packagesIn, read, Report } from './lib/workspace.mjs'

requireNode()
const report = new Report()
const packages = packagesIn('packages')
const named = new Map(packages.map(({ manifest }) => [manifest['name'], /** @type {string | undefined} */ (undefined)]))

const files = filesIn('.changeset').filter((file) => file.endsWith('.md') && !file.endsWith('README.md'))
for (const file of files) {
  const head = /^---\n([\s\S]*?)\n---\n+(\S)/.exec(read(file))
  if (head === null) {
    report.add(file, 'needs a front matter with packages, and a text for users')
    continue
  }
  for (const [, name = '', bump = ''] of (head[1] ?? '').matchAll(/^['"]?(@?[\w/-]+)['"]?: *(\w+)$/gm)) {
    if (!named.has(name)) report.add(file, `names ${name}, which is no package of this workspace`)
    else if (bump === 'major' || named.get(name) === undefined) named.set(name, bump)
  }
}
for (const { manifest } of packages) {
  if (manifest['version'] === '0.0.0') report.expect(named.get(manifest['name']) !== undefined, manifest['name'], 'was never released, and no changeset names it')
}

const copy = mkdtempSync(join(tmpdir(), 'async-changesets-'))
try {
  for (const path of ['package.json', 'pnpm-workspace.yaml', '.changeset', ...packages.map(({ folder }) => `${folder}/package.json`)]) {
    cpSync(`${root}/${path}`, join(copy, path), { recursive: true })
  }
  symlinkSync(`${root}/node_modules`, join(copy, 'node_modules'))
  const code = files.length === 0 ? 0 : await run('changeset', ['version'], { cwd: copy })
  report.expect(code === 0, '.changeset', 'changesets cannot apply them')
  for (const { folder, manifest } of packages) {
    const after = JSON.parse(readFileSync(join(copy, folder, 'package.json'), 'utf8')).version
    if (after === manifest['version']) continue
    console.log(`${manifest['name']}: ${manifest['version']} → ${after}`)
    const bump = named.get(manifest['name'])
    report.expect(bump === 'major' || after.split('.')[0] === manifest['version'].split('.')[0], manifest['name'], `would become ${after} unasked`)
  }
} finally {
  rmSync(copy, { recursive: true, force: true })
}
report.end(`${files.length} changesets`)
