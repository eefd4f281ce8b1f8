import { describe, expect, it } from 'vitest'
import { transportPolicy } from './options.ts'
import { WriteQueue } from './write-queue.ts'

const block = new Uint8Array(64 * 1024)

describe('WriteQueue', () => {
  it('F8 resolves who waits although the producer, resumed, fills it again at once', async () => {
    const queue = new WriteQueue(transportPolicy({}), { producerThrew() {} })
    let on = true
    const fill = () => {
      while (on) queue.push(block)
    }
    queue.setProducer({ halfRegister() {}, pause: () => void (on = false), resume: () => ((on = true), fill()), stop() {} })
    fill()
    let resolved = 0
    void queue.drained().then(() => resolved++)
    void queue.drained(0).then(() => resolved++)
    for (let turn = 0; turn < 3; turn++) {
      queue.take()
      queue.sent(queue.bytes)
    }
    await Promise.resolve()
    expect(resolved).toBe(2)
    expect(queue.bytes).toBe(128 * 1024)
    expect(queue.hasWaiters).toBe(false)
  })

  it.each([NaN, -1])('F8 refuses to wait for %s bytes, which nobody would ever be told of', async (belowBytes) => {
    const queue = new WriteQueue(transportPolicy({}), { producerThrew() {} })
    queue.push(block)
    await expect(queue.drained(belowBytes)).rejects.toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  })
})
