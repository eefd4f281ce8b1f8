import { describe, expect, it } from 'vitest'
import { memoryMessagePair } from './memory-pair.ts'

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
