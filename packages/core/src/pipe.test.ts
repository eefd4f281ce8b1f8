import { describe, expect, it } from 'vitest'
import { settle } from '../test/settle.ts'
import { pipe, readSide } from './pipe.ts'
import { memoryPair } from './testing/memory-pair.ts'

/** A pair whose far end collects. */
function collector(options?: Parameters<typeof memoryPair>[0]) {
  const { a, b } = memoryPair(options)
  const got = { bytes: 0, eof: false }
  b.start({
    dataReceived: (data) => void (got.bytes += data.length),
    eofReceived: () => void (got.eof = true),
  })
  return { to: a, far: b, got }
}

describe('pipe', () => {
  it('rejects when its target is lost while an iterable has nothing', async () => {
    const { to, far } = collector()
    let next = (): void => {}
    let returned = false
    const source = async function* () {
      try {
        yield 'a'
        await new Promise<void>((resolve) => (next = resolve))
        yield 'b'
      } finally {
        returned = true
      }
    }
    const piped = pipe(source(), to)
    await settle()
    far.abort()
    await expect(piped).rejects.toMatchObject({ code: 'ERR_RESET' })
    next()
    await settle()
    expect(returned).toBe(true)
  })

  it('aborts its target when the source was over before', async () => {
    const { a } = memoryPair()
    a.abort()
    const { to } = collector()
    await expect(pipe(a, to)).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    expect(await to.closed).toMatchObject({ kind: 'aborted' })
  })

  it('relays both ways at once, at the pace of a slow reader, and ends each side when the other ends', async () => {
    const left = memoryPair()
    const right = memoryPair()
    const relayed = Promise.all([pipe(left.b, right.a), pipe(right.a, left.b)])
    let echoed = 0
    right.b.start({ dataReceived: (data) => right.b.write(data), eofReceived: () => right.b.halfClose() })
    left.a.start({
      dataReceived(data) {
        echoed += data.length
        left.a.pause('read')
        queueMicrotask(() => left.a.resume('read'))
      },
      eofReceived() {},
    })
    await pipe(
      (function* () {
        for (let i = 0; i < 100; i++) yield new Uint8Array(50_000)
      })(),
      left.a,
      { end: 'halfClose' },
    )
    await relayed
    expect(await left.a.closed).toMatchObject({ kind: 'closed' })
    expect(await right.b.closed).toMatchObject({ kind: 'closed' })
    expect(echoed).toBe(5_000_000)
  })

  it('never has more queued than the high mark and one piece, however much there is', async () => {
    const { to, far, got } = collector({ highWaterMarkBytes: 100_000 })
    let most = 0
    await pipe(
      (async function* () {
        for (let i = 0; i < 200; i++) {
          most = Math.max(most, to.queuedBytes)
          yield new Uint8Array(40_000)
        }
      })(),
      to,
    )
    await to.drained(0)
    await settle()
    far.halfClose()
    expect(await to.closed).toMatchObject({ kind: 'closed' })
    expect(got).toEqual({ bytes: 8_000_000, eof: true })
    expect(most).toBeLessThanOrEqual(140_000)
  })

  it.each([
    ['halfClose', true],
    ['close', true],
    ['none', false],
  ] as const)('ends the target as %s says', async (end, eof) => {
    const { to, got, far } = collector()
    const from = memoryPair()
    from.a.start({ dataReceived() {}, eofReceived() {} })
    from.a.write('x')
    from.a.halfClose()
    await pipe(from.b, to, { end })
    await to.drained(0)
    await settle()
    expect(got).toEqual({ bytes: 1, eof })
    const write = (): void => to.write('more')
    if (end === 'none') expect(write).not.toThrow()
    else expect(write).toThrow(expect.objectContaining({ code: end === 'close' ? 'ERR_CLOSED' : 'ERR_HALF_CLOSED' }))
    far.abort()
    from.b.abort()
  })

  it('aborts the target when the source fails, for what came is not the whole', async () => {
    const { to, far } = collector()
    const from = memoryPair()
    from.a.start({ dataReceived() {} })
    const piped = pipe(from.b, to)
    from.a.abort()
    await expect(piped).rejects.toMatchObject({ code: 'ERR_RESET' })
    expect(await to.closed).toMatchObject({ kind: 'aborted' })
    expect(await far.closed).toMatchObject({ kind: 'reset' })
  })

  it('aborts the target when an iterable throws', async () => {
    const { to } = collector()
    const failure = new Error('source')
    const source = (function* (): Generator<string> {
      yield 'x'
      throw failure
    })()
    await expect(pipe(source, to)).rejects.toBe(failure)
    expect(await to.closed).toMatchObject({ kind: 'aborted' })
  })

  it('reads on and drops when the target takes no more', async () => {
    const { to, far } = collector()
    const from = memoryPair()
    from.a.start({ dataReceived() {}, eofReceived() {} })
    const piped = pipe(from.b, to)
    far.abort()
    await to.closed
    for (let i = 0; i < 40; i++) from.a.write(new Uint8Array(100_000))
    await from.a.drained(0)
    from.a.halfClose()
    await piped
  })
})

describe('readSide', () => {
  it('pauses reading alone, so that a relay of two transports does not stand still', async () => {
    const { a, b } = memoryPair()
    const got: number[] = []
    b.start({ dataReceived: (data) => void got.push(data.length) })
    a.start({ dataReceived() {} })
    const side = readSide(a)
    side.pause()
    a.write('still written')
    await a.drained(0)
    await settle()
    expect(got).toEqual([13])
    side.stop()
    expect(await a.closed).toMatchObject({ kind: 'closed', by: 'local' })
  })
})
