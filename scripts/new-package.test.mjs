/**
 * What `pnpm new-package` makes passes every check: tried in a copy of the workspace, where nothing else can go wrong than what is new.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from './lib/run.mjs'

/** The copy has core alone: the checks must hold for the new packages, not for those that are being worked on. */
const copied = [
  '.changeset/config.json', '.oxlintrc.json', 'LICENSE', 'package.json', 'pnpm-workspace.yaml', 'tsconfig.base.json', 'vitest.config.ts',
  'types', 'scripts', 'docs', 'packages/core', 'packages/protocol-chunk',
]
const made = ['protocol-foo', 'transport-bar']
let copy = ''

/** @param {string} program @param {string[]} args */
function execute(program, args) {
  const { status, stdout, stderr } = spawnSync(program, args, { cwd: copy, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  if (status !== 0) throw new Error(`${stdout}${stderr}`)
  return stdout
}

/** @param {string} name @param {string[]} args */
const tool = (name, args) => execute(join(root, 'node_modules', '.bin', name), args)

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'async-new-package-'))
  for (const path of copied) cpSync(join(root, path), join(copy, path), { recursive: true, verbatimSymlinks: true })
  writeFileSync(join(copy, 'tsconfig.json'), JSON.stringify({ files: [], references: [{ path: 'packages/core' }, { path: 'packages/protocol-chunk' }] }))
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'))
  for (const name of made) {
    execute(process.execPath, ['scripts/new-package.mjs', name])
    // What `pnpm install` would do.
    mkdirSync(join(copy, 'packages', name, 'node_modules', '@async'), { recursive: true })
    symlinkSync('../../../core', join(copy, 'packages', name, 'node_modules', '@async', 'core'))
  }
})
afterAll(() => rmSync(copy, { recursive: true, force: true }))

/** Lines of a check's output that concern what was made. @param {string} script */
function complaints(script) {
  try {
    execute(process.execPath, [`scripts/${script}.mjs`])
    return []
  } catch (error) {
    return /** @type {Error} */ (error).message.split('\n').filter((line) => made.some((name) => line.includes(name)))
  }
}

describe('pnpm new-package', () => {
  it('makes packages that the checks of packages, sources and documents accept', () => {
    expect(complaints('check-packages')).toEqual([])
    expect(complaints('check-sources')).toEqual([])
    expect(complaints('check-docs')).toEqual([])
  })

  it('makes packages that compile', () => {
    expect(tool('tsc', ['-b', ...made.map((name) => `packages/${name}`)])).toBe('')
  }, 60_000)

  it('makes packages that the linter accepts', () => {
    expect(tool('oxlint', ['--deny-warnings', ...made.map((name) => `packages/${name}`)])).toContain('0 warnings and 0 errors')
  })

  it('makes packages whose tests pass', () => {
    expect(tool('vitest', ['run', ...made.flatMap((name) => ['--project', name])])).toContain('Tests  4 passed')
  }, 60_000)

  it('refuses a name that is none, and a package that exists', () => {
    expect(() => execute(process.execPath, ['scripts/new-package.mjs', 'foo'])).toThrow(/usage: pnpm new-package/)
    expect(() => execute(process.execPath, ['scripts/new-package.mjs', 'protocol-foo'])).toThrow(/packages\/protocol-foo exists/)
  })
})
