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
  /** Connections that are open, held for want of room, and refused since the beginning. With `holdsConnections`. */
  counts?(): { readonly open: number; readonly held: number; readonly refused: number }
}

/** One address of a name under test, and what happens to who connects to it. */
export interface Place {
  /** IPv4 or IPv6. The kit asks for one IPv6 address at most. */
  readonly family: 4 | 6
  /** `hang`: it neither accepts nor refuses, until `answer` is called. */
  readonly does: 'accept' | 'refuse' | 'hang'
}

/** How the kit has a name connected to. What is `undefined` is the transport's default. */
export interface ByNameOptions extends TransportOptions {
  /** The name, or an address. */
  readonly host: string
  /** Looks the name up. May throw, hang, or give anything. Default: the system's. */
  readonly lookup?: (host: string) => Promise<readonly { readonly address: string; readonly family: number }[]>
  /** An address of our own, which the kit takes from those of the name. */
  readonly localAddress?: string
  /** A port of our own. */
  readonly localPort?: number
  /** Milliseconds for all of it. Default 30,000. */
  readonly connectTimeoutMs?: number
  /** Milliseconds until the next address is tried beside the one before. Default 250. */
  readonly attemptDelayMs?: number
  /** Gives it up. */
  readonly signal?: AbortSignal
}

/** A name under test: its addresses, and the way to them. */
export interface NameUnderTest {
  /** One for each place, in the same order. The first of IPv4 is `127.0.0.1`, for `localhost` must find it. */
  readonly addresses: readonly string[]
  /** Connects by a name. What it gives has the address in `info.remote`, and its errors have theirs in the message. */
  connect(options: ByNameOptions): Promise<Transport>
  /** Lets the places that hang accept who waits there. */
  answer(): void
  /** Sockets that `connect` has opened and not let go. */
  socketCount(): number
  /** Frees the places. */
  dispose(): void | Promise<void>
}

/** Options that the kit gives to a listener under test, beside those of its transports. */
export interface ListenerOptions extends TransportOptions {
  /** Open connections above which further ones are refused. Default: none. */
  readonly maxConnections?: number
  /** Connections above `maxConnections` that are held until there is room. Only given where the subject `holdsConnections`. */
  readonly maxHeldConnections?: number
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
  /** Listens. For L4–L9 and L17, and for connecting, L1 and L2. */
  makeListener?(accept: (transport: Transport) => void, options?: ListenerOptions): Promise<ListenerUnderTest>
  /** Whether its listeners hold connections above their limit, rather than refuse them. For L16. */
  readonly holdsConnections?: true
  /** Makes places for a name to lead to. For L10–L15. */
  makeName?(places: readonly Place[]): Promise<NameUnderTest>
  /** Connects to where nobody listens. For L3. */
  connectToNobody?(): Promise<Transport>
  /**
   * Waits until what is on its way between the ends has arrived, where that takes more than a few turns: other processes carry it. Called when a
   * case lets happen what is going to happen. Default: turns of the event loop are enough.
   */
  settle?(): Promise<void>
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
  | 'makeName'
  | 'holdsConnections'
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
    case 'makeName':
    case 'holdsConnections':
      return subject[need] !== undefined
    case 'all byte values':
      return subject.alphabet === undefined
    default:
      return info[need]
  }
}
