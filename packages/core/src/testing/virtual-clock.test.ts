import { describe, expect, it } from 'vitest'
import { VirtualClock } from './virtual-clock.ts'

describe('VirtualClock', () => {
  it('runs timers at their own time, in order, also those that are set meanwhile', () => {
    const clock = new VirtualClock(100)
    const log: [string, number][] = []
    const note = (name: string) => () => void log.push([name, clock.nowMs()])
    clock.setTimer(note('second'), 20)
    clock.setTimer(() => {
      note('first')()
      clock.setTimer(note('between'), 5)
      clock.setTimer(note('too late'), 50)
    }, 10)
    clock.setTimer(note('second, set later'), 20)
    clock.clearTimer(clock.setTimer(note('cleared'), 1))
    clock.advance(30)
    expect(log).toEqual([['first', 110], ['between', 115], ['second', 120], ['second, set later', 120]])
    expect(clock.nowMs()).toBe(130)
    expect(clock.pendingCount).toBe(1)
  })

  it('runs everything late, at one moment, after a jump', () => {
    const clock = new VirtualClock(0)
    const log: number[] = []
    clock.setTimer(() => log.push(clock.nowMs()), 20)
    clock.setTimer(() => log.push(clock.nowMs()), 10)
    clock.jump(1000)
    expect(log).toEqual([1000, 1000])
    expect(clock.pendingCount).toBe(0)
  })

  it('stands at the time of a task that throws', () => {
    const clock = new VirtualClock(0)
    clock.setTimer(() => {
      throw new Error('mine')
    }, 10)
    expect(() => clock.advance(20)).toThrow('mine')
    expect(clock.nowMs()).toBe(10)
  })
})
