import { describe, expect, it } from 'vitest'
import { settle } from '../../test/settle.ts'
import type { CloseReason } from '../reason.ts'
import { type FaultOptions, withFaults } from './faults.ts'
import { memoryPair } from './memory-pair.ts'
import { VirtualClock } from './virtual-clock.ts'

function faulty(options: FaultOptions) {
  const { a, b } = memoryPair()
  const top = withFaults(options)(b)
  const got: number[][] = []
  const events: string[] = []
  let reason: CloseReason | undefined
  top.start({
    dataReceived: (data) => void got.push([...data]),
    eofReceived: () => void events.push('eof'),
    connectionLost: (why) => void (reason = why),
  })
  a.start({ dataReceived() {}, eofReceived() {} })
  return { a, top, got, events, reason: () => reason }
}

describe('withFaults', () => {
  it('cuts what comes into fragments', async () => {
    const { a, got } = faulty({ fragmentBytes: 2 })
    a.write(Uint8Array.of(1, 2, 3, 4, 5))
    await settle()
    expect(got).toEqual([[1, 2], [3, 4], [5]])
  })

  it('cuts at random, the same for the same seed', async () => {
    const lengths = async (seed: number): Promise<number[]> => {
      const { a, got } = faulty({ randomFragmentBytes: 5, seed })
      a.write(new Uint8Array(40))
      await settle()
      return got.map((piece) => piece.length)
    }
    const first = await lengths(1)
    expect(first.reduce((sum, length) => sum + length)).toBe(40)
    expect(Math.max(...first)).toBeLessThanOrEqual(5)
    expect(new Set(first).size).toBeGreaterThan(1)
    expect(await lengths(1)).toEqual(first)
    expect(await lengths(2)).not.toEqual(first)
  })

  it('glues what comes in one turn', async () => {
    const { a, got } = faulty({ glue: true })
    for (let i = 0; i < 3; i++) a.write(Uint8Array.of(i))
    await settle()
    expect(got).toEqual([[0, 1, 2]])
  })

  it('is late on the clock, and the end is not early', async () => {
    const clock = new VirtualClock()
    const { a, got, events } = faulty({ delayMs: 1000, clock })
    a.write(Uint8Array.of(1))
    a.halfClose()
    await settle()
    clock.advance(999)
    await settle()
    expect([got, events]).toEqual([[], []])
    clock.advance(2)
    await settle()
    expect([got, events]).toEqual([[[1]], ['eof']])
  })

  it('is late by as much for each delivery', async () => {
    const clock = new VirtualClock()
    const { a, got } = faulty({ delayMs: 1000, clock })
    a.write(Uint8Array.of(1))
    await settle()
    clock.advance(600)
    a.write(Uint8Array.of(2))
    await settle()
    clock.advance(400)
    expect(got).toEqual([[1]])
    clock.advance(600)
    expect(got).toEqual([[1], [2]])
  })

  it('is reset behind what is late', async () => {
    const clock = new VirtualClock()
    const { a, got, reason } = faulty({ delayMs: 1000, resetAt: 2, clock })
    a.write(Uint8Array.of(1, 2, 3))
    await settle()
    expect([got, reason()]).toEqual([[], undefined])
    clock.advance(1000)
    await settle()
    expect(got).toEqual([[1, 2]])
    expect(reason()).toMatchObject({ kind: 'reset' })
  })

  it('leaves no timer behind', async () => {
    const clock = new VirtualClock()
    const { a, top } = faulty({ delayMs: 1000, clock })
    a.write(Uint8Array.of(1))
    await settle()
    expect(clock.pendingCount).toBe(1)
    top.abort()
    expect(clock.pendingCount).toBe(0)
  })

  it('reads slowly, and holds the writer back', async () => {
    const clock = new VirtualClock()
    const { a, got } = faulty({ bytesPerMs: 1000, clock })
    for (let i = 0; i < 10; i++) a.write(new Uint8Array(50_000))
    await settle()
    expect(a.queuedBytes).toBeGreaterThan(300_000)
    const total = (): number => got.reduce((sum, piece) => sum + piece.length, 0)
    for (let i = 0; i < 100; i++) clock.advance(1)
    await settle()
    expect(total()).toBeLessThanOrEqual(100_000)
    while (total() < 500_000) {
      clock.advance(100)
      await settle()
    }
    expect(a.queuedBytes).toBe(0)
  })

  it('ends after so many bytes', async () => {
    const { a, got, events } = faulty({ cutAt: 3, fragmentBytes: 2 })
    a.write(Uint8Array.of(1, 2, 3, 4, 5))
    await settle()
    expect([got, events]).toEqual([[[1, 2], [3]], ['eof']])
  })

  it('resets after so many bytes', async () => {
    const { a, got, events, reason } = faulty({ resetAt: 3 })
    a.write(Uint8Array.of(1, 2, 3, 4, 5))
    await settle()
    expect([got, events]).toEqual([[[1, 2, 3]], []])
    expect(reason()).toMatchObject({ kind: 'reset', unreadBytes: 2 })
    expect(await a.closed).toMatchObject({ kind: 'reset' })
  })

  it('is strict when paused between two fragments', async () => {
    const { a, b } = memoryPair()
    const top = withFaults({ fragmentBytes: 1 })(b)
    const got: number[] = []
    top.start({
      dataReceived(data) {
        got.push(data[0]!)
        if (data[0] === 2) top.pause('read')
      },
    })
    a.start({ dataReceived() {} })
    a.write(Uint8Array.of(1, 2, 3, 4))
    await settle()
    expect(got).toEqual([1, 2])
    top.resume('read')
    await settle()
    expect(got).toEqual([1, 2, 3, 4])
    top.abort()
  })
})
