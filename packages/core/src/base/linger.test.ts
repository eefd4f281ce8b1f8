import { describe, expect, it } from 'vitest'
import { memoryPair } from '../testing/memory-pair.ts'
import { VirtualClock } from '../testing/virtual-clock.ts'

describe('close', () => {
  it.each([
    ['not at all, for a layer that has waited already', 0, 0],
    ['as long as the call says', 200, 200],
  ])('waits for the peer’s end %s', async (_, lingerMs, waits) => {
    const clock = new VirtualClock()
    const { a, b } = memoryPair({ clock })
    b.start({ dataReceived() {}, eofReceived() {} })
    a.start({ dataReceived() {} })
    a.halfClose()
    await new Promise((resolve) => setImmediate(resolve))
    let over = false
    void a.closed.then(() => (over = true))
    a.close({ lingerMs })
    if (waits > 0) {
      clock.advance(waits - 1)
      await new Promise((resolve) => setImmediate(resolve))
      expect(over).toBe(false)
      clock.advance(1)
    }
    expect((await a.closed).kind).toBe('closed')
    expect(clock.pendingCount).toBe(0)
  })
})
