/**
 * A vitest reporter that counts. It prints each skipped test with its reason, so that nothing is skipped unseen, and leaves the numbers
 * in the file that TALLY_FILE names, for test.mjs, with what the kit's cases noted.
 */
import { writeFileSync } from 'node:fs'
import { outcomeOf } from './compliance.mjs'

/** See vitest's `Reporter`. */
export default class Tally {
  /**
   * @param {readonly import('vitest/node').TestModule[]} modules
   * @param {readonly unknown[]} unhandledErrors
   */
  onTestRunEnd(modules, unhandledErrors) {
    const tally = { passed: 0, failed: unhandledErrors.length, skipped: /** @type {{ name: string, reason: string }[]} */ ([]), kit: /** @type {import('./compliance.mjs').Outcome[]} */ ([]) }
    for (const module of modules) {
      const failedBefore = tally.failed
      for (const test of module.children.allTests()) {
        const result = test.result()
        const noted = outcomeOf(test)
        if (noted !== undefined) tally.kit.push(noted)
        if (result.state === 'passed') tally.passed++
        else if (result.state === 'failed') tally.failed++
        else tally.skipped.push({ name: `${module.project.name} › ${test.fullName}`, reason: /** @type {any} */ (result).note ?? '' })
      }
      // A file that does not load, or a hook that throws, fails without any test of it failing.
      if (!module.ok() && tally.failed === failedBefore) tally.failed++
    }
    for (const { name, reason } of tally.skipped) console.log(`skipped: ${name}${reason !== '' ? ` (${reason})` : name.endsWith(')') ? '' : ' (no reason given)'}`)
    const file = process.env['TALLY_FILE']
    if (file !== undefined) writeFileSync(file, JSON.stringify(tally))
  }
}
