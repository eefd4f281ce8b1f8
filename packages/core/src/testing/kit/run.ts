import { systemClock } from '../../base/clock.ts'
import type { Transport } from '../../transport.ts'
import { type Case, type Subject, whyNot } from './case.ts'
import { CaseContext } from './context.ts'
import { type Outcome, Report } from './report.ts'

/** How the kit is run. */
export interface RunOptions {
  /** Milliseconds of real time after which a case is given up. Default 10,000: cases take no time, a loaded machine may. */
  readonly watchdogMs?: number
  /**
   * Turns of the event loop after which a case is given up: does not depend on how fast the machine is, but only a transport that needs
   * no outside world (memory) can promise to be ready in so many. Default: no limit.
   */
  readonly maxTurns?: number
  /** Only cases for which this is true. Default: all. */
  readonly filter?: (tested: Case) => boolean
  /** Stop at the first failure. */
  readonly bail?: boolean
}

/** Runs one case. Never rejects. */
export async function runCase(tested: Case, subject: Subject, options: RunOptions = {}): Promise<Outcome> {
  const { name } = tested
  const reason = subject.skip?.[name] ?? subject.skip?.[tested.clause]
  if (reason !== undefined) return { name, result: 'skipped', reason }
  const context = new CaseContext(subject, options.maxTurns)
  let timer: unknown
  try {
    const lacking = await lacks(tested, subject, context)
    if (lacking !== undefined) return { name, result: 'not applicable', reason: lacking }
    const watchdogMs = options.watchdogMs ?? 10_000
    const watchdog = new Promise<never>((_, reject) => {
      timer = systemClock.setTimer(() => reject(new Error(`not done after ${watchdogMs} ms; waiting for: ${context.waitingFor}`)), watchdogMs)
    })
    await Promise.race([tested.run(context), watchdog])
    return { name, result: 'pass' }
  } catch (error) {
    return { name, result: 'fail', reason: error instanceof Error ? error.message : String(error), error }
  } finally {
    systemClock.clearTimer(timer)
    await end(context, options.watchdogMs ?? 10_000)
  }
}

/** Runs every case of `cases` against `subject`, one after the other. */
export async function runKit(cases: readonly Case[], subject: Subject, options: RunOptions = {}): Promise<Report> {
  const outcomes: Outcome[] = []
  for (const tested of cases) {
    if (options.filter?.(tested) === false) continue
    const outcome = await runCase(tested, subject, options)
    outcomes.push(outcome)
    if (outcome.result === 'fail' && options.bail === true) break
  }
  return new Report(subject.name, outcomes)
}

/** The facts do not change from pair to pair: one look is enough. */
const facts = new WeakMap<Subject, Promise<Transport['info']>>()

async function lacks(tested: Case, subject: Subject, context: CaseContext): Promise<string | undefined> {
  if (tested.carries === undefined && tested.needs.length === 0) return undefined
  let known = facts.get(subject)
  if (known === undefined) {
    known = context.pair().then(({ a }) => a.info)
    facts.set(subject, known)
  }
  return whyNot(tested, subject, await known)
}

/** Cleaning up must not hang either, nor turn a pass into a failure: what is left open is the business of a case of its own. */
async function end(context: CaseContext, watchdogMs: number): Promise<void> {
  let timer: unknown
  const limit = new Promise<void>((resolve) => {
    timer = systemClock.setTimer(resolve, watchdogMs)
  })
  try {
    await Promise.race([context.end(), limit])
  } catch {
    // A broken transport may throw even from abort().
  } finally {
    systemClock.clearTimer(timer)
  }
}
