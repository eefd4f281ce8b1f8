/** Numbers from a seed: the same on every machine, so that an input is named by two numbers. (xmur-like mixing into mulberry32.) */
export class Random {
  private state: number

  constructor(seed: number, index: number) {
    let mixed = Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(index + 1, 0xc2b2ae35)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d)
    this.state = (mixed ^ (mixed >>> 13)) >>> 0
  }

  /** 0 to 2³² − 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let mixed = this.state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (mixed ^ (mixed >>> 14)) >>> 0
  }

  /** 0 to `count` − 1. */
  below(count: number): number {
    return this.next() % count
  }

  /** True once in `count`. */
  oneIn(count: number): boolean {
    return this.next() % count === 0
  }

  pick<T>(list: readonly T[]): T {
    return list[this.next() % list.length]!
  }
}
