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

/** Longer ones, of method and target, are not kept: a target that fits is a name, and not a secret. */
const maxNameLength = 22

/** The whole head of a request, as text, and what it says. */
export interface KnownHead {
  readonly text: string
  readonly method: string
  readonly target: string
  readonly version: HttpVersion
  readonly block: Block
}

/**
 * The field lines that came last, for the next message: clients send the same ones with each of their requests, and servers with many of
 * their responses, and to compare a few hundred characters costs a tenth of parsing them. Shared by the connections of a server, or of a client's pool, so that it
 * takes one block of memory; what is in it was checked as always, and is frozen, for several messages have it.
 */
export class HeadMemo {
  private last: Block | undefined
  private misses = 0
  private head: KnownHead | undefined
  private headMisses = 0

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

  /** The head that `text` has at `at`, if it is the one that is kept: who polls asks for the same again. */
  findHead(text: string, at: number): KnownHead | undefined {
    const { head } = this
    // A read that is one head and no more is no slice: it is compared in a tenth of the time.
    if (head === undefined || text.slice(at, at + head.text.length) !== head.text) {
      this.headMisses++
      return undefined
    }
    return head
  }

  /** Keeps a head that was parsed and is right, if its request line is short and its block one that is kept; of those that differ, not each takes the other's place. */
  keepHead(method: string, target: string, version: HttpVersion, block: Block): void {
    if (method.length + target.length > maxNameLength || (this.head !== undefined && this.headMisses % 16 !== 0)) return
    this.head = { text: flat(`${method} ${target} HTTP/${version}\r\n${block.text}`), method: flat(method), target: flat(target), version, block }
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
