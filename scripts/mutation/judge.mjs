/**
 * Runs in a sandbox of mutate.mjs, beside the changed packages: `judge.mjs PLAN ANSWER`, two files. The plan names suites, the packages' own
 * conformance tests.
 * With `places` it finds out how long each test takes, and which of the places in the code each of them runs; else it runs the tests
 * of `order`, until the first failure. What a mutant leaves open is the sandbox's to end, and so is what hangs.
 */
import { readFileSync, writeFileSync } from 'node:fs'
// @ts-ignore -- in the sandbox it is runner.mjs
import { run as runTests } from 'vitest'
import { profile } from './profile.mjs'
import { watch } from './watch.mjs'

const run = /** @type {typeof import('./runner.mjs').run} */ (runTests)

/**
 * @typedef {object} Plan
 * @property {string[]} suites
 * @property {Record<string, number[]>} [places] of which it is wanted which tests run them: offsets, by file
 * @property {number[]} [order] the tests to run; all, if it is absent
 * @property {number} [loadLimitMs] how long it may take until the tests are declared
 * @property {number[]} [limitsMs] how long each test may take, by its index
 */
/**
 * @typedef {object} Answer
 * @property {string} [failure] the first; absent: all of it holds
 * @property {number} [failed] index of the test that failed
 * @property {string[]} [names] of all tests
 * @property {number[]} [timesMs] how long each test takes
 * @property {Record<string, number[][]>} [runBy] for each place of a file, the tests that run it
 */

const [planFile, answerFile] = /** @type {[string, string]} */ (process.argv.slice(2))
/** @type {import('./judge.mjs').Plan} */
const plan = JSON.parse(readFileSync(planFile, 'utf8'))

/** @param {import('./judge.mjs').Answer} answer */
function answer(answer) {
  writeFileSync(answerFile, JSON.stringify(answer))
  process.exit(answer.failure === undefined ? 0 : 1)
}

let current = -1
process.on('uncaughtException', (error) => answer({ failed: current, failure: `uncaught: ${error}` }))
process.on('unhandledRejection', (error) => answer({ failed: current, failure: `unhandled: ${error}` }))

if (plan.places === undefined) {
  const started = watch()
  started(plan.loadLimitMs ?? 60_000)
  for (const suite of plan.suites) await import(`./packages/${suite}`)
  const failure = await run(plan.order, (test, index) => {
    current = index
    started(plan.limitsMs?.[index] ?? 60_000)
    return test()
  })
  answer(failure === undefined ? {} : { failed: current, failure })
} else answer(await profile(plan.suites, plan.places, run))
