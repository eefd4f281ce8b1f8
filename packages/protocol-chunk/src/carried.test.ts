import { describe, expect, it } from 'vitest'
import { Carried } from './carried.ts'

/** Bytes that tell where they come from. */
const numbered = (from: number, length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (from + i) % 251)

/** All of it, removed. */
function all(carried: Carried): Uint8Array {
  const bytes = new Uint8Array(carried.length)
  carried.remove(bytes.length, bytes)
  return bytes
}

function weightBytes(carried: Carried): number {
  const { pieces } = carried as unknown as { pieces: { bytes: Uint8Array }[] }
  return pieces.reduce((sum, { bytes }) => sum + bytes.buffer.byteLength, 0)
}

describe('Carried', () => {
  it('gives back in order what was added, in whatever sizes, and what several carry is not mixed up', () => {
    const sizes = [1, 3000, 15_000, 16_384, 1, 70_000, 64, 1023, 40_000, 2]
    const both = [new Carried(), new Carried()]
    for (let round = 0; round < 3; round++) {
      const totals = [0, 0]
      for (const size of sizes) {
        both.forEach((carried, i) => {
          carried.add(numbered(i * 100 + totals[i]!, size))
          totals[i]! += size
        })
      }
      both.forEach((carried, i) => expect(Buffer.compare(all(carried), numbered(i * 100, totals[i]!))).toBe(0))
    }
  })

  it('removes a part, and goes on', () => {
    const carried = new Carried()
    carried.add(numbered(0, 1500))
    carried.remove(1400)
    carried.add(numbered(1500, 1500))
    const some = new Uint8Array(1000)
    carried.remove(1000, some)
    carried.add(numbered(3000, 20_000))
    expect(carried.length).toBe(20_600)
    expect(Buffer.compare(some, numbered(1400, 1000))).toBe(0)
    expect(Buffer.compare(all(carried), numbered(2400, 20_600))).toBe(0)
    expect(weightBytes(carried)).toBe(0)
  })

  it('weighs three times what it holds at most', () => {
    for (const sizes of [[1], [100], [1000], [1500, 1], [5000], [16_384], [16_384, 1], [30_000, 1, 1], [40_000], [65_537], [1, 100_000]]) {
      const carried = new Carried()
      const slab = new Uint8Array(1_000_000)
      let most = 0
      for (let i = 0; carried.length < 300_000; i++) {
        carried.add(slab.subarray(7, 7 + sizes[i % sizes.length]!))
        most = Math.max(most, weightBytes(carried) / Math.max(22, carried.length))
      }
      expect(most, sizes.join()).toBeLessThanOrEqual(3)
    }
  })

  it('keeps a long read as it is, but not for the sake of half of it', () => {
    const carried = new Carried()
    carried.add(new Uint8Array(32_768).subarray(16_384))
    expect(weightBytes(carried)).toBe(32_768)
    carried.add(new Uint8Array(32_769).subarray(16_385))
    expect(weightBytes(carried)).toBe(32_768 + 32_768)
    carried.add(new Uint8Array(1_000_000).subarray(0, 80_000))
    expect(weightBytes(carried)).toBe(32_768 + 32_768 + 80_000)
  })

  it('copies a long Buffer that is a part of a larger one', () => {
    const carried = new Carried()
    const slab = Buffer.alloc(1_000_000, 1)
    carried.add(slab.subarray(0, 70_000))
    slab.fill(2)
    expect(all(carried).every((byte) => byte === 1)).toBe(true)
  })
})
