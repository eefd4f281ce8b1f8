import { transportCases } from './cases/index.ts'
import type { Subject } from './kit/case.ts'
import type { Report } from './kit/report.ts'
import { runKit, type RunOptions } from './kit/run.ts'
import { caseSuite, type Runner, type SuiteOptions } from './kit/suite.ts'

/** Runs the kit for transports without a test runner. Never rejects. */
export function runTransportKit(subject: Subject, options: RunOptions = {}): Promise<Report> {
  return runKit(transportCases, subject, options)
}

/** Declares the kit for transports as tests of vitest, mocha or node:test: `transportSuite({ describe, it }, subject, { counts })`. */
export function transportSuite(runner: Runner, subject: Subject, options: SuiteOptions = {}): void {
  caseSuite(runner, 'transport', transportCases, subject, options)
}
