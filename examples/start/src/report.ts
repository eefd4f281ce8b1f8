import type { BatchEntry } from '@async/protocol-jsonrpc'
import type { Crossings } from './crossings.ts'
import type { Outcome } from './steps.ts'

/** One message of the conversation over the seed's own stack. */
export interface StepReport {
  /** What it shows. */
  readonly title: string
  /** What was asked. */
  readonly entries: readonly BatchEntry[]
  /** What came of it. */
  readonly outcomes: readonly Outcome[]
  /** Whether that is what must come of it. */
  readonly right: boolean
  /** Whether what left one process entered the other. */
  readonly agree: boolean
  /** What crossed each boundary in the client process. */
  readonly client: Crossings
  /** What crossed each boundary in the server process. */
  readonly server: Crossings
}

/** The same conversation over another stack. */
export interface StackReport {
  /** The stack, as a stack string where it has one. */
  readonly stack: string
  /** Whether every outcome was what it must be. */
  readonly right: boolean
  /** What the transport did there, where there is something to tell. */
  readonly note?: string
}

/** What `start --json` prints. */
export interface Report {
  /** The seed's own stack, as a stack string. */
  readonly stack: string
  readonly steps: readonly StepReport[]
  readonly others: readonly StackReport[]
  /** Whether all of it was right. */
  readonly right: boolean
}
