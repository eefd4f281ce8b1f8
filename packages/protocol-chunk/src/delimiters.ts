/**
 * Theory of operation. A set of delimiters is compiled to a tree of their beginnings, as Aho and Corasick have it, but for the rule that
 * the earliest start wins, and at equal start the longest. The node at which a search stands is the longest run of bytes, up to here,
 * that may still become a delimiter whose start is earlier than that of any other candidate. When the next byte does not continue it,
 * what that run means is known beforehand: which delimiters lie in it, and at which node (always nearer to the root) the search goes on
 * with the same byte. So a search never goes back: each byte is looked at once, and each step towards the root was paid by a byte before
 * it.
 */
import { type Data, UsageError } from '@async/core'
import { toBytes } from '@async/core/base'

/** Bytes of all delimiters of one set together. A search costs half a KiB of memory for each. */
export const maxDelimiterBytes = 1024

/** One delimiter, or several alternatives. */
export type Delimiter = Data | readonly Data[]

/** A compiled set of delimiters, shared by all searches for it. */
export interface DelimiterSet {
  /** The delimiters, as bytes, in the order given. */
  readonly delimiters: readonly Uint8Array[]
  /**
   * The one that is written: the first that is not the beginning of another, for after such a one a reader would wait, or read too much.
   */
  readonly written: Uint8Array
  /** The only delimiter, if there is one, as characters U+0000 to U+00FF. */
  readonly only: string | undefined
  /** The bytes with which delimiters begin, if there are one or two of them: then a native search can go ahead. */
  readonly firstChars: readonly string[] | undefined
  /** Child of node `n` for byte `b` at `n * 256 + b`; 0: none. */
  readonly next: Uint16Array
  /** Bytes from the root to the node. */
  readonly depth: Uint16Array
  /** 1 where nothing can become longer: what the run means is known without another byte. */
  readonly isLeaf: Uint8Array
  /** Where the search goes on when a node's run is given up. */
  readonly fallback: Uint16Array
  /** Pairs of offset (from the run's start) and length: the delimiters in the run. */
  readonly found: readonly (readonly number[])[]
}

/** The sets of the first few short delimiters, such as everybody uses: who names one for each connection pays for it once. */
const usualSets = new Map<Delimiter, DelimiterSet>()
const maxUsualSets = 8

/** @throws UsageError `ERR_INVALID_ARGUMENT` for no delimiter, an empty one, or more than 1,024 bytes of them. */
export function compileDelimiters(delimiter: Delimiter): DelimiterSet {
  const usual = usualSets.get(delimiter)
  if (usual !== undefined) return usual
  const set = compile(delimiter)
  if (typeof delimiter === 'string' && delimiter.length <= 2 && usualSets.size < maxUsualSets) usualSets.set(delimiter, set)
  return set
}

function compile(delimiter: Delimiter): DelimiterSet {
  const delimiters = (Array.isArray(delimiter) ? (delimiter as readonly Data[]) : [delimiter as Data]).map((one) => toBytes(one).slice())
  const total = delimiters.reduce((sum, one) => sum + one.length, 0)
  if (delimiters.length === 0 || delimiters.some((one) => one.length === 0)) {
    throw new UsageError('ERR_INVALID_ARGUMENT', 'delimiter: at least one byte is needed')
  }
  if (total > maxDelimiterBytes) {
    throw new UsageError('ERR_INVALID_ARGUMENT', `delimiter: ${total} bytes, at most ${maxDelimiterBytes} are allowed`)
  }
  const next = new Uint16Array((total + 1) * 256)
  const runs: Uint8Array[] = [new Uint8Array(0)]
  const isEnd = new Set<number>()
  for (const one of delimiters) {
    let node = 0
    one.forEach((byte, index) => {
      let child = next[node * 256 + byte]!
      if (child === 0) {
        child = runs.push(one.subarray(0, index + 1)) - 1
        next[node * 256 + byte] = child
      }
      node = child
    })
    isEnd.add(node)
  }
  const depth = Uint16Array.from(runs, (run) => run.length)
  const hasChild = (node: number): boolean => next.subarray(node * 256, node * 256 + 256).some((child) => child !== 0)
  const isLeaf = Uint8Array.from(runs, (_, node) => (hasChild(node) ? 0 : 1))
  const fallback = new Uint16Array(runs.length)
  const found: number[][] = runs.map(() => [])

  /** What `run` means from its byte `from` on, which depends only on nodes nearer to the root. */
  const settle = (node: number, run: Uint8Array, from: number): void => {
    let at = 0
    const giveUp = (end: number): void => {
      for (let i = 0; i < found[at]!.length; i += 2) found[node]!.push(end - depth[at]! + found[at]![i]!, found[at]![i + 1]!)
      at = fallback[at]!
    }
    for (let i = from; i < run.length; i++) {
      let child = next[at * 256 + run[i]!]!
      while (child === 0 && at !== 0) {
        giveUp(i)
        child = next[at * 256 + run[i]!]!
      }
      at = child
    }
    fallback[node] = at
  }

  // Nearest to the root first.
  const order = [...runs.keys()].slice(1).sort((a, b) => depth[a]! - depth[b]!)
  for (const node of order) {
    const run = runs[node]!
    let longest = 0
    let at = 0
    run.forEach((byte, index) => {
      at = next[at * 256 + byte]!
      if (isEnd.has(at)) longest = index + 1
    })
    if (longest > 0) found[node]!.push(0, longest)
    settle(node, run, Math.max(1, longest))
  }

  const firsts = [...new Set(delimiters.map((one) => String.fromCharCode(one[0]!)))]
  const first = delimiters[0]!
  return {
    delimiters,
    written: delimiters.find((one) => !delimiters.some((other) => other.length > one.length && startsWith(other, one))) ?? first,
    only: delimiters.every((one) => one.length === first.length && startsWith(one, first)) ? String.fromCharCode(...first) : undefined,
    firstChars: firsts.length <= 2 ? firsts : undefined,
    next, depth, isLeaf, fallback, found,
  }
}

function startsWith(bytes: Uint8Array, beginning: Uint8Array): boolean {
  return beginning.every((byte, index) => bytes[index] === byte)
}
