import type { TransportOptions } from '../../base/options.ts'
import type { HalfClosable, Info, Listener, Transport } from '../../transport.ts'
import type { CaseContext } from './context.ts'

/** A transport as the cases see it: every transport has `halfClose` at run time. */
export type TestTransport = Transport & HalfClosable

/** Two ends of one connection, neither of them started. */
export interface Pair {
  /** The end that the cases prefer for what only a connecting side guarantees. */
  readonly a: Transport
  /** The other end: what is written to `a` is delivered by it, and the other way round. */
  readonly b: Transport
  /** Frees what the two transports do not free themselves (a listener). Both are aborted before. */
  dispose?(): void | Promise<void>
}

/** A listener under test, and the way to it. */
export interface ListenerUnderTest {
  /** The listener. */
  readonly listener: Listener
  /** Connects to it. */
  connect(options?: { readonly signal?: AbortSignal }): Promise<Transport>
}

/** Options that the kit gives to a listener under test, beside those of its transports. */
export interface ListenerOptions extends TransportOptions {
  /** Open connections above which further ones are refused. Default: none. */
  readonly maxConnections?: number
}

/** What the kit examines: a way to make connections, and what is known of them. */
export interface Subject {
  /** Heads every report. */
  readonly name: string
  /** Whether boundaries mean anything. */
  readonly carries: 'stream' | 'message'
  /**
   * Makes two connected transports, not started. `options` is for both ends, and has to reach the lowest transport: the virtual clock,
   * the report hook and small limits come this way.
   */
  makePair(options?: TransportOptions): Promise<Pair>
  /**
   * Makes a pair of which `a` has more than its high-water mark queued, as long as `b` is not started: a fast way where there is one.
   * Default: the kit writes to `a` until nothing leaves any more.
   */
  makeCloggedPair?(options?: TransportOptions): Promise<Pair>
  /** Listens. For L4–L9, and for connecting, L1 and L2. */
  makeListener?(accept: (transport: Transport) => void, options?: ListenerOptions): Promise<ListenerUnderTest>
  /** Connects to where nobody listens. For L3. */
  connectToNobody?(): Promise<Transport>
  /** Byte values that a payload may have, where not all can be sent (a delimited message). At least 8 values. Default: all 256. */
  readonly alphabet?: readonly number[]
  /** Clauses, or names of cases, that are not run, with the reason. */
  readonly skip?: Readonly<Record<string, string>>
}

/** What a case needs to mean anything. */
export type Need =
  | 'halfCloses'
  | 'no halfCloses'
  | 'resets'
  | 'no resets'
  | 'pausable'
  | 'readsAfterWriteError'
  | 'makeListener'
  | 'connectToNobody'
  | 'all byte values'

/** One thing that must hold, and the code that finds out. */
export interface Case {
  /** The clause's id, then what is observed: `C3 close() delivers 4 MiB to a slow reader that keeps writing`. */
  readonly name: string
  /** The id, as in docs/contract.md. */
  readonly clause: string
  /** Only for transports that carry this. Default: both. */
  readonly carries?: 'stream' | 'message'
  /** What the transport, or the subject, must have. */
  readonly needs: readonly Need[]
  /** Throws when it does not hold. */
  run(context: CaseContext): Promise<void>
}

/** What a case restricts itself to. */
export interface CaseFilter {
  /** Only for transports that carry this. */
  readonly carries?: 'stream' | 'message'
  /** What the transport, or the subject, must have. */
  readonly needs?: readonly Need[]
}

/** Makes a case; the clause's id is the first word of its name. */
export function testCase(name: string, run: (context: CaseContext) => Promise<void>, filter: CaseFilter = {}): Case {
  const clause = name.slice(0, name.indexOf(' '))
  const made = { name, clause, needs: filter.needs ?? [], run }
  return filter.carries === undefined ? made : { ...made, carries: filter.carries }
}

/** Why `wanted` does not apply to `subject`, whose transports have `info`; undefined if it does. */
export function whyNot(wanted: Case, subject: Subject, info: Info): string | undefined {
  if (wanted.carries !== undefined && wanted.carries !== subject.carries) return `carries ${subject.carries}`
  for (const need of wanted.needs) if (!has(need, subject, info)) return `lacks: ${need}`
  return undefined
}

function has(need: Need, subject: Subject, info: Info): boolean {
  switch (need) {
    case 'no halfCloses':
      return !info.halfCloses
    case 'no resets':
      return !info.resets
    case 'makeListener':
    case 'connectToNobody':
      return subject[need] !== undefined
    case 'all byte values':
      return subject.alphabet === undefined
    default:
      return info[need]
  }
}
