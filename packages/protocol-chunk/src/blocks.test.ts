import { describe, expect, it } from 'vitest'
import { forUnit, giveBack, lend } from './blocks.ts'

describe('lend', () => {
  it('gives more than half of what is wanted, and at most 64 KiB', () => {
    const wanted = [64, 1023, 1024, 1025, 2047, 2048, 65_535, 65_536, 1_000_000]
    expect(wanted.map((bytes) => lend(bytes).length)).toEqual([64, 1023, 1024, 1024, 1024, 2048, 32_768, 65_536, 65_536])
  })

  it('gives a block to one borrower at a time', () => {
    const blocks = Array.from({ length: 10 }, () => lend(4096))
    expect(new Set(blocks).size).toBe(10)
    for (const block of blocks) giveBack(block)
    const again = Array.from({ length: 10 }, () => lend(4096))
    expect(new Set(again).size).toBe(10)
  })

  it('keeps four of each size for later, and none that is small', () => {
    const large = Array.from({ length: 6 }, () => lend(8192))
    const small = lend(1000)
    for (const block of [...large, small]) giveBack(block)
    const again = new Set(Array.from({ length: 6 }, () => lend(8192)))
    expect(large.filter((block) => again.has(block)).length).toBe(4)
    expect(lend(1000)).not.toBe(small)
  })
})

describe('forUnit', () => {
  it('gives memory of its own, zeroed, whatever was lent before', () => {
    const block = lend(2048).fill(1)
    giveBack(block)
    const unit = forUnit(2048)
    expect(unit.buffer).not.toBe(block.buffer)
    expect([unit.buffer.byteLength, unit.every((byte) => byte === 0)]).toEqual([2048, true])
  })
})
