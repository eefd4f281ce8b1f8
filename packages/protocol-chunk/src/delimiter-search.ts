import type { DelimiterSet } from './delimiters.ts'
import type { Text } from './text.ts'

/** Bytes that are stepped through after a false start before the native search goes ahead again: a call costs as much as some ten steps. */
const stepsAfterFalseStart = 8

/**
 * A search for the next delimiter, over reads as they come. Positions are indices into the read at hand; those of earlier reads are
 * negative. A native search goes ahead to a byte with which a delimiter begins, if there are at most two such bytes; from there the tree
 * decides. Together they look at no byte more than three times.
 */
export class DelimiterSearch {
  /** Whether a delimiter was found: at `start`, up to `end`. */
  hasFound = false
  /** Where the delimiter begins. */
  start = 0
  /** Where it ends. */
  end = 0
  /** Starts and ends of further delimiters in a run that was given up: as many as fit into the longest delimiter. */
  private more: number[] = []
  private node = 0
  /** Where the native searches stand: the next occurrence of each first byte, or -1 if that is not known. */
  private ahead0 = -1
  private ahead1 = -1
  private readonly set: DelimiterSet

  constructor(set: DelimiterSet) {
    this.set = set
  }

  /** Bytes, up to where the search stands, that may belong to a delimiter. */
  get pendingBytes(): number {
    return this.set.depth[this.node]!
  }

  /** Begins anew: nothing before the next byte belongs to a delimiter. */
  reset(): void {
    this.hasFound = false
    this.more = []
    this.node = 0
    this.ahead0 = -1
    this.ahead1 = -1
  }

  /** The first byte of the only delimiter comes next at `index`: no need to look for it again. */
  beginAt(index: number): void {
    this.ahead0 = index
  }

  /** The next `scan` is in another read, which begins where the one of `length` bytes ended. */
  nextRead(): void {
    this.ahead0 = -1
    this.ahead1 = -1
  }

  /** Forgets the delimiter that was found; another may follow at once. */
  consume(): void {
    const { more } = this
    this.hasFound = more.length > 0
    if (!this.hasFound) return
    this.start = more.shift()!
    this.end = more.shift()!
  }

  /** Looks at `text` from `from` to `end`, or to where a delimiter is known to lie, and says where it stopped. */
  scan(text: Text, from: number, end: number): number {
    const { next, isLeaf, fallback, firstChars } = this.set
    let { node } = this
    let steppedUntil = 0
    let at = from
    while (at < end) {
      if (node === 0 && firstChars !== undefined && at >= steppedUntil) {
        at = this.skip(text, firstChars, at, end)
        if (at === end) break
      }
      const byte = text.charCodeAt(at)
      let child = next[node * 256 + byte]!
      while (child === 0 && node !== 0) {
        this.add(node, at)
        node = fallback[node]!
        child = next[node * 256 + byte]!
        steppedUntil = at + stepsAfterFalseStart
      }
      node = child
      at++
      if (isLeaf[node] === 1) {
        this.add(node, at)
        node = fallback[node]!
      }
      if (this.hasFound) break
    }
    this.node = node
    return at
  }

  /** No byte follows: what may have become a longer delimiter is decided. `end` is where the search stands. */
  finish(end: number): void {
    while (this.node !== 0) {
      this.add(this.node, end)
      this.node = this.set.fallback[this.node]!
    }
  }

  private add(node: number, end: number): void {
    const pairs = this.set.found[node]!
    for (let i = 0; i < pairs.length; i += 2) {
      const start = end - this.set.depth[node]! + pairs[i]!
      if (this.hasFound) this.more.push(start, start + pairs[i + 1]!)
      else {
        this.hasFound = true
        this.start = start
        this.end = start + pairs[i + 1]!
      }
    }
  }

  private skip(text: Text, firstChars: readonly string[], from: number, end: number): number {
    if (this.ahead0 < from) this.ahead0 = ahead(text, firstChars[0]!, from, end)
    if (firstChars.length === 1) return this.ahead0
    if (this.ahead1 < from) this.ahead1 = ahead(text, firstChars[1]!, from, end)
    return Math.min(this.ahead0, this.ahead1)
  }
}

function ahead(text: Text, char: string, from: number, end: number): number {
  const found = text.indexOf(char, from)
  return found < 0 ? end : found
}
