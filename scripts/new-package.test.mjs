/**
 * What `pnpm new-package` makes passes every check: tried in a copy of the workspace.
 */
import { mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { root } from './lib/run.mjs'
import { WorkspaceCopy } from './lib/workspace-copy.mjs'

const made = ['protocol-foo', 'transport-bar']
/** @type {WorkspaceCopy} */
let copy

/** @param {string} name @param {string[]} args */
const tool = (name, args) => copy.execute(join(root, 'node_modules', '.bin', name), args)

/** Lines of a check's output that concern what was made. @param {string} script */
const complaints = (script) => copy.complaints(script).filter((line) => made.some((name) => line.includes(name)))

beforeAll(() => {
  copy = new WorkspaceCopy()
  for (const name of made) {
    copy.execute(process.execPath, ['scripts/new-package.mjs', name])
    // What `pnpm install` would do.
    mkdirSync(join(copy.folder, 'packages', name, 'node_modules', '@async'), { recursive: true })
    symlinkSync('../../../core', join(copy.folder, 'packages', name, 'node_modules', '@async', 'core'))
  }
})
afterAll(() => copy.remove())

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
    expect(tool('vitest', ['run', ...made.flatMap((name) => ['--project', name])])).toMatch(/Tests\s+4 passed/)
  }, 60_000)

  it('refuses a name that is none, and a package that exists', () => {
    expect(() => copy.execute(process.execPath, ['scripts/new-package.mjs', 'foo'])).toThrow(/usage: pnpm new-package/)
    expect(() => copy.execute(process.execPath, ['scripts/new-package.mjs', 'protocol-foo'])).toThrow(/packages\/protocol-foo exists/)
  })
})
