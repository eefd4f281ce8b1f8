import { describe, expect, it } from 'vitest'
import { settle } from '../test/settle.ts'
import { type IdleTimeoutOptions, withIdleTimeout } from './idle-timeout.ts'
import { memoryPair } from './testing/memory-pair.ts'
import { VirtualClock } from './testing/virtual-clock.ts'

function idle(options: Omit<IdleTimeoutOptions, 'clock'>) {
  const clock = new VirtualClock()
  const { a, b } = memoryPair()
  const top = withIdleTimeout({ ...options, clock })(a)
  let lost: string | undefined
  top.start({ dataReceived() {}, connectionLost: (reason) => void (lost = 'error' in reason ? `${reason.kind} ${(reason.error as { code?: string }).code}` : reason.kind) })
  return { clock, top, far: b, lost: () => lost }
}

describe('withIdleTimeout', () => {
  it('ends a connection on which nothing came for readMs, with kind timeout', async () => {
    const { clock, top, far, lost } = idle({ readMs: 1000 })
    far.start({ dataReceived() {} })
    clock.advance(900)
    far.write('x')
    await settle()
    clock.advance(900)
    await settle()
    expect(lost()).toBeUndefined()
    clock.advance(100)
    expect(await top.closed).toMatchObject({ kind: 'timeout', error: { code: 'ERR_IDLE_TIMEOUT' }, below: { kind: 'aborted' } })
    expect(lost()).toBe('timeout ERR_IDLE_TIMEOUT')
    expect(await far.closed).toMatchObject({ kind: 'reset' })
  })

  it('stands while paused', async () => {
    const { clock, top, far, lost } = idle({ readMs: 1000 })
    far.start({ dataReceived() {} })
    top.pause('read')
    clock.advance(600_000)
    await settle()
    expect(lost()).toBeUndefined()
    top.resume('read')
    clock.advance(999)
    await settle()
    expect(lost()).toBeUndefined()
    clock.advance(1001)
    await top.closed
    expect(lost()).toBe('timeout ERR_IDLE_TIMEOUT')
  })

  it('ends a connection whose queue does not move for writeMs, and not one that is only quiet', async () => {
    const { clock, top, lost } = idle({ writeMs: 1000 })
    clock.advance(10_000)
    await settle()
    expect(lost()).toBeUndefined()
    top.write(new Uint8Array(200_000))
    await settle()
    clock.advance(2_100)
    await top.closed
    expect(lost()).toBe('timeout ERR_IDLE_TIMEOUT')
  })

  it('counts reading and writing together for allMs', async () => {
    const { clock, top, far, lost } = idle({ allMs: 1000 })
    far.start({ dataReceived() {} })
    for (let i = 0; i < 5; i++) {
      clock.advance(900)
      if (i % 2 === 0) top.write('x')
      else far.write('x')
      await settle()
    }
    expect(lost()).toBeUndefined()
    clock.advance(1000)
    await top.closed
    expect(lost()).toBe('timeout ERR_IDLE_TIMEOUT')
  })

  it('leaves no timer behind', async () => {
    const { clock, top, far } = idle({ allMs: 1000 })
    far.start({ dataReceived() {} })
    top.close()
    await top.closed
    expect(clock.pendingCount).toBe(0)
  })

  it.each([{}, { readMs: 0 }, { allMs: -1 }])('refuses %j', (options) => {
    expect(() => withIdleTimeout(options)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })

  it('does not end a queue that moves, however full it is kept', async () => {
    const clock = new VirtualClock()
    const { a, b } = memoryPair({ capacityBytes: 1000 })
    const top = withIdleTimeout({ writeMs: 1000, clock })(a)
    top.start({ dataReceived() {} })
    b.start({ dataReceived: () => b.pause('read') })
    top.write(new Uint8Array(50_000))
    for (let second = 0; second < 10; second++) {
      const before = top.queuedBytes
      b.resume('read')
      await settle()
      expect(top.queuedBytes).toBeLessThan(before)
      top.write(new Uint8Array(before - top.queuedBytes))
      clock.advance(900)
    }
    expect(top.queuedBytes).toBeGreaterThan(0)
    clock.advance(1000)
    expect(await top.closed).toMatchObject({ kind: 'timeout' })
  })

  it('waits for nothing more to read behind the peer’s end', async () => {
    const { clock, top, far, lost } = idle({ readMs: 1000 })
    top.start({ dataReceived() {}, eofReceived() {} })
    far.start({ dataReceived() {} })
    far.halfClose()
    await settle()
    clock.advance(10_000)
    await settle()
    expect(lost()).toBe('detached')
    top.close()
    expect(await top.closed).toMatchObject({ kind: 'closed', by: 'peer' })
  })

  it.each([
    ['in connectionMade', { dataReceived() {}, connectionMade: (transport: { close(): void }) => transport.close() }],
    ['by the end of the peer, for a protocol that hears of none', { dataReceived() {} }],
  ])('counts no more once it is closed %s', async (_, protocol) => {
    const clock = new VirtualClock()
    const { a, b } = memoryPair({ capacityBytes: 10 })
    const top = withIdleTimeout({ allMs: 1000, clock })(a)
    top.write(new Uint8Array(100))
    top.start(protocol)
    b.halfClose()
    await settle()
    expect(clock.pendingCount).toBe(0)
    top.abort()
  })
})
