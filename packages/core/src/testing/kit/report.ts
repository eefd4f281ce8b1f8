/** What became of a case. */
export interface Outcome {
  /** The case. */
  readonly name: string
  /** `not applicable`: a capability is missing. `skipped`: the subject says why. */
  readonly result: 'pass' | 'not applicable' | 'skipped' | 'fail'
  /** Why, unless it passed. */
  readonly reason?: string
  /** What a failed case threw. */
  readonly error?: unknown
}

/** How many cases came out how. */
export interface Counts {
  /** Cases that held. */
  readonly pass: number
  /** Cases whose capability is missing. */
  readonly notApplicable: number
  /** Cases that the subject has a reason not to run. */
  readonly skipped: number
  /** Cases that did not hold. */
  readonly fail: number
}

/** What a run of the kit gave. */
export class Report {
  /** Whose. */
  readonly subject: string
  /** Each case, in the order in which they ran. */
  readonly outcomes: readonly Outcome[]

  constructor(subject: string, outcomes: readonly Outcome[]) {
    this.subject = subject
    this.outcomes = outcomes
  }

  /** The four numbers. */
  get counts(): Counts {
    const count = (result: Outcome['result']): number => this.outcomes.filter((outcome) => outcome.result === result).length
    return { pass: count('pass'), notApplicable: count('not applicable'), skipped: count('skipped'), fail: count('fail') }
  }

  /** The names of the cases that failed. */
  get failed(): readonly string[] {
    return this.outcomes.filter(({ result }) => result === 'fail').map(({ name }) => name)
  }

  /** The report as text: a line of numbers, then a line for each case that did not pass; `all`: for each case. */
  toString(all = false): string {
    const { pass, notApplicable, skipped, fail } = this.counts
    const head = `${this.subject}: ${pass} pass, ${notApplicable} not applicable, ${skipped} skipped, ${fail} fail`
    const lines = this.outcomes
      .filter(({ result }) => all || result !== 'pass')
      .map(({ name, result, reason }) => `  ${result.padEnd(14)}  ${name}${reason === undefined ? '' : ` (${reason})`}`)
    return [head, ...lines].join('\n')
  }
}

/** Throws, with the whole report, unless the counts are exactly `pinned`: a case that stops being run is noticed like one that fails. */
export function checkCounts(report: Report, pinned: Counts): void {
  const { pass, notApplicable, skipped, fail } = report.counts
  if (pass === pinned.pass && notApplicable === pinned.notApplicable && skipped === pinned.skipped && fail === pinned.fail) return
  const wanted = `${pinned.pass} pass, ${pinned.notApplicable} not applicable, ${pinned.skipped} skipped, ${pinned.fail} fail`
  throw new Error(`expected is ${wanted}\n${report.toString()}`)
}
