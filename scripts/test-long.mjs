/**
 * What `pnpm test:long` runs: the checks that take minutes, or that only a release needs. Run `pnpm test` before. Packed tarballs, pending
 * changesets, the `*.long.ts` suites, the mutation run with a small budget, the outside trials in docs/evidence.
 */
import { requireNode, root, run, runSteps, since } from './lib/run.mjs'
import { filesIn } from './lib/workspace.mjs'
import { runVitest } from './lib/vitest.mjs'

requireNode()
const start = performance.now()
const suites = ['packages', 'examples', 'scripts'].flatMap((folder) => filesIn(folder)).filter((file) => /\.long\.(ts|mjs)$/.test(file))
const trials = filesIn('docs/evidence').filter((file) => /\/\d\d-[\w-]+\.sh$/.test(file) && !file.endsWith('02-fresh-clone-test.sh'))

const failed = await runSteps([
  ['build', () => run('tsc', ['-b'])],
  ['bundles', () => run('node', ['scripts/bundle.mjs'])],
  ['tarballs', () => run('node', ['scripts/check-tarballs.mjs'])],
  ['changesets', () => run('node', ['scripts/check-changesets.mjs'])],
  ...(suites.length === 0 ? [] : [/** @type {const} */ (['long suites', async () => {
    const { code, passed, failed: lost, skipped } = await runVitest([], { TEST_LONG: '1' })
    console.log(`${passed} passed, ${lost} failed, ${skipped.length} skipped`)
    return code
  }])]),
  // What a busy machine does not change.
  ['allocations', () => run('node', ['bench/allocations/check.mjs'])],
  ['system calls', () => run('node', ['bench/system-calls/check.mjs'])],
  // Samples: docs/evidence/mutation.md says where each stands, and what survives.
  ['mutants of the memory pair', () => run('node', ['scripts/mutate.mjs', '--targets', 'memory', '--budget-seconds', '90', '--at-least', '80'])],
  ['mutants of TCP, a sample', () => run('node', ['scripts/mutate.mjs', '--targets', 'tcp', '--budget-seconds', '60', '--at-least', '72'])],
  ['mutants of chunks, a sample', () => run('node', ['scripts/mutate.mjs', '--targets', 'chunk', '--budget-seconds', '60', '--at-least', '72'])],
  ...trials.map((file) => /** @type {const} */ ([file, () => run('bash', [`${root}/${file}`])])),
])

console.log(`\n${failed === undefined ? 'all is well' : `failed: ${failed}`}; in all ${since(start)}`)
process.exitCode = failed === undefined ? 0 : 1
