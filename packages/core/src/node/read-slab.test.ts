import { describe, expect, it } from 'vitest'
import { ReadSlab } from './read-slab.ts'

/** Reads `bytes` of `value` into the slab, as a socket does. */
function read(slab: ReadSlab, bytes: number, value: number): { readonly view: Uint8Array; readonly room: number } {
  const into = slab.next()
  into.fill(value, 0, bytes)
  return { view: slab.taken(bytes), room: into.length }
}

describe('ReadSlab', () => {
  it('gives views that later reads leave alone', () => {
    const slab = new ReadSlab()
    const views = Array.from({ length: 1_000 }, (_, i) => read(slab, 1 + ((i * 37) % 1_000), i % 256).view)
    views.forEach((view, i) => {
      expect(view.length).toBe(1 + ((i * 37) % 1_000))
      expect(view.every((byte) => byte === i % 256)).toBe(true)
    })
  })

  it('starts with 2 KiB, and grows to 64 KiB while reads fill it', () => {
    const slab = new ReadSlab()
    const rooms: number[] = []
    for (let i = 0; i < 6; i++) {
      const room = slab.next().length
      rooms.push(room)
      slab.taken(room)
    }
    expect(rooms).toEqual([2_048, 8_192, 32_768, 65_536, 65_536, 65_536])
  })

  it('stays small for small reads, and always has 1 KiB of room', () => {
    const slab = new ReadSlab()
    const rooms = Array.from({ length: 100 }, () => read(slab, 100, 1).room)
    expect(Math.max(...rooms)).toBe(2_048)
    expect(Math.min(...rooms)).toBeGreaterThanOrEqual(1_024)
  })

  it('reads again to where it was given back', () => {
    const slab = new ReadSlab()
    const first = read(slab, 100, 1).view
    slab.giveBack(100)
    const second = read(slab, 100, 2).view
    expect([second.byteOffset, second.buffer === first.buffer]).toEqual([first.byteOffset, true])
    expect(first[0]).toBe(2)
  })

  it('grows although everything is given back, and then stays', () => {
    const slab = new ReadSlab()
    const rooms: number[] = []
    const buffers = new Set<ArrayBufferLike>()
    for (let i = 0; i < 6; i++) {
      const into = slab.next()
      rooms.push(into.length)
      buffers.add(into.buffer)
      slab.taken(into.length)
      slab.giveBack(into.length)
    }
    expect(rooms).toEqual([2_048, 8_192, 32_768, 65_536, 65_536, 65_536])
    expect(buffers.size).toBe(4)
  })
})
