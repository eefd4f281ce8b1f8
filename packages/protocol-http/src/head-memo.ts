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

/** A text that came, and what it says, for when it comes again. */
class Remembered<T extends { readonly text: string }> {
  private last: T | undefined
  private misses = 0

  /** What `text` has at `at`, if it is what is kept. */
  find(text: string, at: number): T | undefined {
    const { last } = this
    // Two strings are compared some characters at a time: `startsWith` takes four times as long. (A slice costs nothing, and of a read that is this
    // and no more it is the text itself, which is compared faster still.)
    if (last === undefined || text.slice(at, at + last.text.length) !== last.text) {
      this.misses++
      return undefined
    }
    return last
  }

  /** Whether what was not found is worth keeping: of clients that differ, not each takes the other's place. */
  get wants(): boolean {
    return this.last === undefined || this.misses % 16 === 0
  }

  keep(it: T): void {
    this.last = it
  }
}

/**
 * The field lines that came last, for the next message: clients send the same ones with each of their requests, and servers with many of
 * their responses, and to compare a few hundred characters costs a tenth of parsing them. Also the whole head of the last request with a short request line,
 * for who polls asks for the same again. Shared by the connections of a server, or of a client's pool, so that it
 * takes one block of memory; what is in it was checked as always, and is frozen, for several messages have it.
 */
export class HeadMemo {
  readonly blocks: Remembered<Block> = new Remembered()
  readonly heads: Remembered<KnownHead> = new Remembered()

  /** Keeps a head that was parsed and is right, if its request line is short; its block is one that is kept. */
  keepHead(method: string, target: string, version: HttpVersion, block: Block): void {
    if (method.length + target.length > maxNameLength || !this.heads.wants) return
    this.heads.keep({ text: flat(`${method} ${target} HTTP/${version}\r\n${block.text}`), method: flat(method), target: flat(target), version, block })
  }

  /** Keeps a block that was parsed and is right. */
  keepBlock(text: string, headers: HeaderList, lineBytes: number): void {
    // How long a comparison took must tell nobody what another client's secret begins with.
    if (text.length > maxBlockBytes || headers.some(([name]) => secret.has(name))) return
    const own = headers.map(([name, value]) => Object.freeze([name, flat(value)] as const))
    this.blocks.keep({ text: flat(text), headers: Object.freeze(own), fields: gatherFields(own), lineBytes })
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
