import { runKit, type RunOptions } from '../kit/run.ts'
import type { Report } from '../kit/report.ts'
import { caseSuite, type Runner, type SuiteOptions } from '../kit/suite.ts'
import { protocolCarrier, protocolCases } from './cases.ts'
import type { ProtocolSubject } from './subject.ts'

/** Declares the protocol kit's cases for `subject` with a test runner. */
export function protocolSuite(runner: Runner, subject: ProtocolSubject, options: SuiteOptions = {}): void {
  caseSuite(runner, 'protocol kit', protocolCases(subject), protocolCarrier(subject), options)
}

/** Runs the protocol kit's cases for `subject` without one. */
export function runProtocolKit(subject: ProtocolSubject, options: RunOptions = {}): Promise<Report> {
  return runKit(protocolCases(subject), protocolCarrier(subject), options)
}
