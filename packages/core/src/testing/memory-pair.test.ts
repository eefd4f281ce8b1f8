import { describe, expect, it } from 'vitest'
import { memoryMessagePair, memoryPair } from './memory-pair.ts'

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}

describe('memoryMessagePair', () => {
  it('delivers what did not fit at once to a reader that pauses at every message', async () => {
    const { a, b } = memoryMessagePair({ capacityBytes: 10 })
    const got: unknown[] = []
    a.start({ dataReceived() {} })
    b.start({
      dataReceived(data) {
        got.push(data)
        b.pause('read')
      },
    })
    for (const text of ['first, long', 'second, long', 'third, long']) a.write(text)
    for (let i = 0; i < 3; i++) {
      await turns(5)
      b.resume('read')
    }
    expect(got).toEqual(['first, long', 'second, long', 'third, long'])
  })
})

describe('memoryPair', () => {
  it('copies what it is given, also out of a Buffer, whose slice shares the memory', async () => {
    const { a, b } = memoryPair()
    const got: Uint8Array[] = []
    a.start({ dataReceived() {} })
    b.start({ dataReceived: (data) => got.push(data) })
    const mine = Buffer.from('mine')
    a.write(mine)
    await a.drained(0)
    mine.fill(0)
    await turns(5)
    expect(String.fromCharCode(...got[0]!)).toBe('mine')
  })
})
