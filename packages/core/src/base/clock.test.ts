import { describe, expect, it, vi } from 'vitest'
import { systemClock } from './clock.ts'

describe('systemClock', () => {
  it('takes any number of milliseconds, Infinity too: what is too large for a timer is not due at once', () => {
    vi.useFakeTimers()
    try {
      let fired = 0
      const timers = [Infinity, 2 ** 31, 10_000_000_000].map((ms) => systemClock.setTimer(() => fired++, ms))
      vi.advanceTimersByTime(2_000_000_000)
      expect(fired).toBe(0)
      timers.forEach((timer) => systemClock.clearTimer(timer))
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})
