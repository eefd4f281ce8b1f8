import { describe, expect, it } from 'vitest'
import { guardBorrowed } from './borrow-guard.ts'
import { memoryPair } from './memory-pair.ts'

describe('guardBorrowed', () => {
  const make = () => {
    const changed: Uint8Array[] = []
    const { a, b } = memoryPair()
    const guarded = guardBorrowed((bytes) => changed.push(bytes))(a)
    guarded.start({ dataReceived() {} })
    b.start({ dataReceived() {} })
    return { changed, guarded }
  }

  it('names bytes that are changed before they have left', async () => {
    const { changed, guarded } = make()
    const [first, second] = [Uint8Array.of(1, 2, 3), Uint8Array.of(4, 5, 6)]
    guarded.write(first)
    guarded.writeSequence(['text', second])
    second[1] = 0
    await guarded.drained(0)
    await Promise.resolve()
    expect(changed).toEqual([second])
  })

  it('is silent when they are changed afterwards', async () => {
    const { changed, guarded } = make()
    const mine = Uint8Array.of(1, 2, 3)
    guarded.write(mine)
    await guarded.drained(0)
    await Promise.resolve()
    mine[0] = 9
    guarded.write(Uint8Array.of(7))
    await guarded.drained(0)
    await Promise.resolve()
    expect(changed).toEqual([])
  })

  it('looks also after a loss', async () => {
    const { changed, guarded } = make()
    const mine = Uint8Array.of(1, 2, 3)
    guarded.write(mine)
    mine[0] = 9
    guarded.abort()
    await guarded.closed
    await Promise.resolve()
    expect(changed).toEqual([mine])
  })
})
