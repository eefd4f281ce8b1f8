import { describe, expect, it } from 'vitest'
import type { LimitError } from './errors.ts'
import { type BudgetMember, MemoryBudget } from './memory-budget.ts'
import { memoryPair } from './testing/memory-pair.ts'

class Member implements BudgetMember {
  heldBytes = 0
  readonly seen: string[] = []
  private readonly budget: MemoryBudget
  constructor(budget: MemoryBudget) {
    this.budget = budget
    budget.join(this)
  }
  add(bytes: number): void {
    this.heldBytes += bytes
    this.budget.change(bytes)
  }
  holdReading(on: boolean): void {
    this.seen.push(on ? 'hold' : 'read')
  }
  overBudget(error: LimitError): void {
    this.seen.push(`${error.code} ${error.allowed} ${error.actual}`)
    this.add(-this.heldBytes)
    this.budget.leave(this)
  }
}

describe('MemoryBudget', () => {
  it('stops every reader above three quarters, and lets them go below a half', () => {
    const budget = new MemoryBudget({ maxBytes: 100 })
    const one = new Member(budget)
    const two = new Member(budget)
    one.add(75)
    expect(two.seen).toEqual([])
    one.add(1)
    expect([one.seen, two.seen]).toEqual([['hold'], ['hold']])
    one.add(-25)
    expect(two.seen).toEqual(['hold'])
    one.add(-1)
    expect([one.seen, two.seen]).toEqual([['hold', 'read'], ['hold', 'read']])
  })

  it('ends the largest member above the whole, and only that one', () => {
    const budget = new MemoryBudget({ maxBytes: 100 })
    const small = new Member(budget)
    const large = new Member(budget)
    small.add(40)
    large.add(50)
    small.add(11)
    expect(small.seen).toEqual(['hold', 'ERR_MEMORY_BUDGET 100 101', 'read'])
    expect(large.seen).toEqual(['hold', 'read'])
    expect(budget.usedBytes).toBe(50)
  })

  it('tells one who joins late to hold', () => {
    const budget = new MemoryBudget({ maxBytes: 100 })
    new Member(budget).add(80)
    expect(new Member(budget).seen).toEqual(['hold'])
  })

  it.each([0, -1, NaN])('refuses a size of %d', (maxBytes) => {
    expect(() => new MemoryBudget({ maxBytes })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })

  it('ends a transport whose peer does not read, with kind limit', async () => {
    const memoryBudget = new MemoryBudget({ maxBytes: 1_000_000 })
    const { a, b } = memoryPair({ memoryBudget })
    a.start({ dataReceived() {} })
    for (let i = 0; i < 11; i++) if (memoryBudget.usedBytes < 950_000) a.write(new Uint8Array(100_000))
    a.write(new Uint8Array(100_000))
    expect(await a.closed).toMatchObject({ kind: 'limit', error: { code: 'ERR_MEMORY_BUDGET' }, unsentBytes: 1_100_000 })
    expect(memoryBudget.usedBytes).toBe(0)
    b.abort()
  })
})
