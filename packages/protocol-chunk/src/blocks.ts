/**
 * Memory to gather reads in, lent while a unit is unfinished, and memory for the unit, when it is joined. The next unit needs blocks again at once, and
 * those that come back are warm, where new memory has to be zeroed, paged in and collected: that costs more than the copying. A block is its borrower's
 * alone, nothing of it is ever handed out, and who has no unit begun has none. See docs/decisions/0070-reads-are-gathered-in-lent-blocks.md.
 */

/** Blocks smaller than this are not worth keeping. */
const leastLentBytes = 1024
/** The largest block. */
export const maxBlockBytes = 65_536
/** How many of each size wait for the next borrower: 508 KiB in all, for the whole process, however many connections there are. */
const maxFree = 4
/** Free blocks, at the power of two that is their size. */
const free: Uint8Array[][] = Array.from({ length: 1 + power(maxBlockBytes) }, () => [])

/** What is larger is mapped by the allocator on its own, and need not be kept. */
const maxKeptBytes = 131_072
/** Never read. */
export let newest: Uint8Array | undefined

/** A block of at most `wantedBytes` and more than half of that, or the largest one. What stands in it is left over from earlier. */
export function lend(wantedBytes: number): Uint8Array {
  if (wantedBytes < leastLentBytes) return new Uint8Array(wantedBytes)
  const exponent = power(Math.min(wantedBytes, maxBlockBytes))
  return free[exponent]!.pop() ?? new Uint8Array(2 ** exponent)
}

/** Takes a block back, once: it is the borrower's no more. */
export function giveBack(block: Uint8Array): void {
  if (block.length < leastLentBytes) return
  const blocks = free[power(block.length)]!
  if (blocks.length < maxFree) blocks.push(block)
}

/**
 * New memory, for good. The newest is kept alive until the next is asked for: units that die together would else leave the end of the heap free at each
 * collection, malloc would give that back to the system, and paging it in again costs up to two thirds of the rate.
 */
export function forUnit(bytes: number): Uint8Array {
  const memory = new Uint8Array(bytes)
  if (bytes <= maxKeptBytes) newest = memory
  return memory
}

function power(bytes: number): number {
  return 31 - Math.clz32(bytes)
}
