/** Numbers that look random and follow from a seed: a failure can be repeated. */
export interface Random {
  /** A whole number, at least 0 and below `limit`. */
  below(limit: number): number
  /** A number, at least 0 and below 1. */
  fraction(): number
  /** One of `list`, which is not empty. */
  pick<T>(list: readonly T[]): T
}

/** mulberry32: 32 bits of state, good enough for cutting bytes into pieces, and the same everywhere. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0
  const fraction = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (limit: number): number => Math.floor(fraction() * limit)
  return { below, fraction, pick: (list) => list[below(list.length)] as (typeof list)[number] }
}
