/**
 * What `pnpm test` runs, and so what a change must pass: build, types of the tests, lint, the workspace's own checks, all tests.
 * Dependencies are already there: pnpm installs them before it runs a script. Stops at the first step that fails, prints what each step
 * took, and ends with a line `N passed, N failed, N skipped`. `--quick` leaves the checks out and goes straight to the tests.
 * Other arguments go to vitest: `pnpm test --project core`.
 */
import { writeFileSync } from 'node:fs'
import { compliancePage } from './lib/compliance.mjs'
import { requireNode, root, run, runSteps, since } from './lib/run.mjs'
import { runVitest } from './lib/vitest.mjs'
import { exists, read } from './lib/workspace.mjs'

const budgetSeconds = 300
const quick = process.argv.includes('--quick')
const forVitest = process.argv.slice(2).filter((argument) => argument !== '--quick')
const ci = process.env['CI'] === 'true'
const start = performance.now()

let tests = { passed: 0, failed: 0, skipped: /** @type {{ name: string, reason: string }[]} */ ([]), kit: /** @type {import('./lib/compliance.mjs').Outcome[]} */ ([]) }

/** @param {string} script */
const check = (script) => /** @type {const} */ ([script, () => run('node', [`scripts/${script}.mjs`])])

requireNode()
const failed = await runSteps([
  // pnpm only warns when the install before a script fails, for instance because the lockfile does not fit: here that is an error.
  ...(ci ? [/** @type {const} */ (['install, as locked', () => run('pnpm', ['install', '--frozen-lockfile', '--prefer-offline'])])] : []),
  ['build', () => run('tsc', ['-b'])],
  ['bundles', () => run('node', ['scripts/bundle.mjs'])],
  ...(quick
    ? []
    : [
        /** @type {const} */ (['types of tests and examples', () => run('tsc', ['-p', 'tsconfig.check.json'])]),
        /** @type {const} */ (['types of scripts', () => run('tsc', ['-p', 'scripts'])]),
        /** @type {const} */ (['types of the bench', () => run('tsc', ['-p', 'bench'])]),
        /** @type {const} */ (['lint', () => run('oxlint', ['--deny-warnings'])]),
        check('check-packages'),
        check('check-sources'),
        check('check-docs'),
        check('check-snippets'),
        check('run-examples'),
      ]),
  [
    'tests',
    async () => {
      const { code, ...counted } = await runVitest(forVitest)
      tests = counted
      // A test whose peer is missing fails by itself in CI; this is for one that forgot to.
      const forgotten = ci ? tests.skipped.filter(({ name, reason }) => /not installed/.test(`${name} ${reason}`)) : []
      for (const { name } of forgotten) console.error(`in CI every peer must be installed: ${name}`)
      return code === 0 && (forgotten.length > 0 || (tests.passed === 0 && forVitest.length === 0)) ? 1 : code
    },
  ],
  ...(forVitest.length > 0
    ? []
    : [
        /** @type {const} */ (['docs/compliance.md', async () => {
          const page = compliancePage(tests.kit)
          if (exists('docs/compliance.md') && read('docs/compliance.md') === page) return 0
          if (ci) console.error('docs/compliance.md is not what this run of the kit gives: run pnpm test, and commit it')
          else writeFileSync(`${root}/docs/compliance.md`, page)
          return ci ? 1 : 0
        }]),
      ]),
])

const tookSeconds = (performance.now() - start) / 1000
console.log(`\n${failed === undefined ? 'all is well' : `failed: ${failed}`}; in all ${since(start)}`)
if (tookSeconds > budgetSeconds) console.log(`that is over the ${budgetSeconds} s that this may take on two idle cores`)
if (failed !== undefined && tests.failed === 0) tests.failed = 1
console.log(`${tests.passed} passed, ${tests.failed} failed, ${tests.skipped.length} skipped`)
process.exitCode = failed === undefined ? 0 : 1
