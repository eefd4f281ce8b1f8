import type { Case, Subject } from './case.ts'
import { type Counts, type Outcome, Report, checkCounts } from './report.ts'
import { type RunOptions, runCase } from './run.ts'

/** What vitest, mocha and node:test have in common. */
export interface Runner {
  /** Groups tests. */
  readonly describe: (name: string, body: () => void) => unknown
  /** A test. */
  readonly it: ((name: string, body: (...context: never[]) => Promise<void>) => unknown) & { readonly skip?: (name: string, body: () => Promise<void>) => unknown }
}

/** What vitest hands to a test, and its reporters get: there the outcome is noted, for tables of transports and clauses. */
interface VitestContext {
  readonly task?: { readonly meta?: Record<string, unknown> }
}

/** Options of a suite. */
export interface SuiteOptions extends RunOptions {
  /** What the counts must be: literals. Default: they are not compared, only failures fail. */
  readonly counts?: Counts
}

/** Declares a test for each of `cases`, and one that compares the counts. */
export function caseSuite(runner: Runner, title: string, cases: readonly Case[], subject: Subject, options: SuiteOptions): void {
  const { describe, it } = runner
  const outcomes: Outcome[] = []
  const chosen = cases.filter((tested) => options.filter?.(tested) !== false)
  describe(`${title}: ${subject.name}`, () => {
    for (const tested of chosen) {
      const skipped = subject.skip?.[tested.name] ?? subject.skip?.[tested.clause]
      if (skipped !== undefined) {
        outcomes.push({ name: tested.name, result: 'skipped', reason: skipped })
        it.skip?.(`${tested.name} (${skipped})`, async () => {})
        continue
      }
      // A rest parameter: mocha and node:test take a test with a parameter for one that calls back.
      it(tested.name, async (...context: unknown[]) => {
        const outcome = await runCase(tested, subject, options)
        outcomes.push(outcome)
        const meta = (context[0] as VitestContext | undefined)?.task?.meta
        if (meta !== undefined) meta['kit'] = { clause: tested.clause, result: outcome.result }
        if (outcome.result === 'fail') throw outcome.error
      })
    }
    const { counts } = options
    if (counts === undefined) return
    it(`counts: ${counts.pass} pass, ${counts.notApplicable} not applicable, ${counts.skipped} skipped`, async () => {
      // A run of selected tests has nothing to compare.
      if (outcomes.length === chosen.length) checkCounts(new Report(subject.name, outcomes), counts)
    })
  })
}
