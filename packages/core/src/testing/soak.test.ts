import { describe, expect, it } from 'vitest'
import { memoryPair } from './memory-pair.ts'
import { soak, type SoakSubject } from './soak.ts'

/** A heap that is told what it holds. */
function subject(perConnection: number): SoakSubject & { made: number } {
  const made = { made: 0, makePair: async () => (made.made++, memoryPair()), heapBytes: () => made.made * perConnection }
  return made
}

describe('soak', () => {
  it('opens, uses and ends twice as many connections as are counted, and one before', async () => {
    const soaked = subject(64)
    expect(await soak(soaked, 'close', { connectionCount: 3 })).toEqual({ growthBytes: [64] })
    expect(soaked.made).toBe(7)
  })

  it.each(['close', 'halfClose', 'abort', 'peer aborts'])('ends by %s', async (way) => {
    await soak(subject(0), way, { connectionCount: 2 })
  })

  it('fails when memory grows, round after round', async () => {
    await expect(soak(subject(65), 'close', { connectionCount: 2, moreRoundCount: 1 })).rejects.toThrow('after close, the heap grows by 65, 65 bytes a connection')
  })

  it('forgives growth that does not last', async () => {
    const heap = [0, 10_000, 10_000]
    const grown = { ...subject(0), heapBytes: () => heap.shift()! }
    expect(await soak(grown, 'abort', { connectionCount: 2 })).toEqual({ growthBytes: [5000, 0] })
  })

  it('fails when a counter is not what it was', async () => {
    let handles = 3
    const leaking = { ...subject(0), counters: { handles: () => handles++ } }
    await expect(soak(leaking, 'close', { connectionCount: 1 })).rejects.toThrow('handles, after close')
  })

  it('has an end of the subject’s own', async () => {
    let ended = 0
    const own: SoakSubject = {
      ...subject(0),
      ends: {
        pulled: ({ a, b }) => {
          ended++
          a.abort()
          b.abort()
        },
      },
    }
    await soak(own, 'pulled', { connectionCount: 2 })
    expect(ended).toBe(5)
  })
})
