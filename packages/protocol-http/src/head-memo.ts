import type { HeaderList, HttpVersion } from './events.ts'
import { type Fields, gatherFields } from './framing.ts'
import type { HttpLimits } from './limits.ts'

/** Longer ones are not kept: they have something of this one request in them. */
const maxBlockBytes = 4096
/** Nor are those with one of these, their names in lower case. */
export const secret: ReadonlySet<string> = new Set(['authorization', 'cookie', 'proxy-authorization', 'set-cookie'])

/** The field lines of a head, as text, with the empty line behind them; and what they say. */
export interface Block {
  readonly text: string
  readonly headers: HeaderList
  readonly fields: Fields
  readonly lineBytes: number
}

/** Longer request lines are not kept: a target that fits is a name, and not a secret. */
const maxLineLength = 32

/** A request line, and what it says. */
export interface RequestLine {
  readonly text: string
  readonly method: string
  readonly target: string
  readonly version: HttpVersion
}

/**
 * The field lines that came last, for the next message: clients send the same ones with each of their requests, and servers with many of
 * their responses, and to compare a few hundred characters costs a tenth of parsing them. Shared by the connections of a server, or of a client's pool, so that it
 * takes one block of memory; what is in it was checked as always, and is frozen, for several messages have it.
 */
export class HeadMemo {
  private last: Block | undefined
  private misses = 0
  private line: RequestLine | undefined
  private lineMisses = 0

  /** The block that `text` has at `at`, if it is the one that is kept. */
  find(text: string, at: number): Block | undefined {
    const { last } = this
    // A slice costs nothing, and two strings are compared some characters at a time: `startsWith` takes four times as long.
    if (last === undefined || text.slice(at, at + last.text.length) !== last.text) {
      this.misses++
      return undefined
    }
    return last
  }

  /** Whether the block that was not found is worth keeping: of clients that differ, not each takes the other's place. */
  get wants(): boolean {
    return this.last === undefined || this.misses % 16 === 0
  }

  /** What the request line `text` says, if it is the one that is kept: who polls asks for the same again, and two short strings are compared in no time. */
  knownLine(text: string): RequestLine | undefined {
    if (this.line?.text === text) return this.line
    this.lineMisses++
    return undefined
  }

  /** Keeps a request line that was parsed and is right, if it is short; of those that differ, not each takes the other's place. */
  keepLine(text: string, method: string, target: string, version: HttpVersion): void {
    if (text.length > maxLineLength || (this.line !== undefined && this.lineMisses % 16 !== 0)) return
    this.line = { text: flat(text), method, target: flat(target), version }
  }

  /** Keeps a block that was parsed and is right. */
  keep(text: string, headers: HeaderList, lineBytes: number): void {
    // How long a comparison took must tell nobody what another client's secret begins with.
    if (text.length > maxBlockBytes || headers.some(([name]) => secret.has(name))) return
    const own = headers.map(([name, value]) => Object.freeze([name, flat(value)] as const))
    this.last = { text: flat(text), headers: Object.freeze(own), fields: gatherFields(own), lineBytes }
  }
}

const memos: WeakMap<HttpLimits, HeadMemo> = new WeakMap()

/** The memo of those who have these limits: the connections of one server, or of one pool. */
export function memoOf(limits: HttpLimits): HeadMemo {
  let memo = memos.get(limits)
  if (memo === undefined) memos.set(limits, (memo = new HeadMemo()))
  return memo
}

/** A copy: a slice would keep the whole text that it is of. */
export function flat(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string
}
