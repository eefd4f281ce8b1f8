import { once } from 'node:events'
import { PassThrough, Readable } from 'node:stream'
import { buffer, text } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { memoryPair } from '../testing/memory-pair.ts'
import type { CloseReason } from '../reason.ts'
import { fromDuplex } from './duplex-transport.ts'
import { toDuplex } from './transport-duplex.ts'

describe('toDuplex', () => {
  it('works with pipeline, compression and async iteration', async () => {
    const { a, b } = memoryPair()
    const [left, right] = [toDuplex(a), toDuplex(b)]
    const sent = pipeline(Readable.from([Buffer.alloc(1_000_000, 'x'), Buffer.from('end')]), createGzip(), left)
    const received = buffer(right.pipe(createGunzip()))
    right.end('answer')
    expect((await received).subarray(-4).toString()).toBe('xend')
    expect((await received).length).toBe(1_000_003)
    expect(await text(left)).toBe('answer')
    await sent
    expect([(await a.closed).kind, (await b.closed).kind]).toEqual(['closed', 'closed'])
  })

  it('takes text in any encoding', async () => {
    const { a, b } = memoryPair()
    const [left, right] = [toDuplex(a), toDuplex(b)]
    left.write('é', 'latin1')
    left.end('616263', 'hex')
    const pieces: Buffer[] = []
    right.on('data', (data: Buffer) => pieces.push(data))
    await once(right, 'end')
    expect(Buffer.concat(pieces)).toEqual(Buffer.from([0xe9, 97, 98, 99]))
    right.end()
  })

  it('passes on more at once than the transport queues, a little at a time', async () => {
    const { a, b } = memoryPair({ maxQueuedBytes: 100_000 })
    const [left, right] = [toDuplex(a), toDuplex(b)]
    left.write(Buffer.alloc(10, 'a'))
    // Behind the first write Node gathers these, and gives them all at once.
    left.write(Buffer.alloc(90_000, 'b'))
    left.end(Buffer.alloc(250_000, 'c'))
    // (An iteration would destroy the stream behind the end, with our own side still open.)
    let received = ''
    right.on('data', (data) => (received += String(data)))
    await once(right, 'end')
    expect([received.length, received.lastIndexOf('a'), received.lastIndexOf('b'), received.lastIndexOf('c')]).toEqual([340_010, 9, 90_009, 340_009])
    // Both directions end in order.
    left.resume()
    right.end()
    await once(left, 'close')
  })

  it('is destroyed by a write of which the transport takes not even a little', async () => {
    const { a } = memoryPair({ maxQueuedBytes: 10, highWaterMarkBytes: 10 })
    const left = toDuplex(a)
    left.write(Buffer.alloc(11))
    expect(await once(left, 'error')).toMatchObject([{ code: 'ERR_WRITE_QUEUE_FULL' }])
    expect((await a.closed).kind).toBe('aborted')
  })

  it('is destroyed with the error of a loss, after what came before it was read', async () => {
    const { a, b } = memoryPair()
    const right = toDuplex(b)
    a.start({ dataReceived() {} })
    a.write('before')
    await once(right, 'readable')
    a.abort()
    await b.closed
    expect(right.destroyed).toBe(false)
    const failed = once(right, 'error')
    expect(String(right.read())).toBe('before')
    expect(await failed).toMatchObject([{ code: 'ERR_RESET' }])
  })

  it('aborts the transport when destroyed, with the error as the cause', async () => {
    const { a, b } = memoryPair()
    const mine = new Error('mine')
    const left = toDuplex(a)
    left.on('error', () => {})
    b.start({ dataReceived() {} })
    left.destroy(mine)
    const reason = await a.closed
    expect(reason).toMatchObject({ kind: 'aborted', error: { cause: mine } })
    expect((await b.closed).kind).toBe('reset')
  })

  it('holds the peer back while nobody reads', async () => {
    const { a, b } = memoryPair()
    const right = toDuplex(b)
    a.start({ dataReceived() {} })
    for (let i = 0; i < 100; i++) a.write(Buffer.alloc(10_000))
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
    expect(right.readableLength).toBeLessThan(200_000)
    expect(a.queuedBytes).toBeGreaterThan(600_000)
    right.destroy()
  })
})

describe('fromDuplex', () => {
  it.each([
    ['a stream of objects', new PassThrough({ objectMode: true })],
    ['a stream of text', new PassThrough({ encoding: 'utf8' })],
    ['a stream that has ended', new PassThrough().end()],
    ['a stream that is destroyed', new PassThrough().destroy()],
  ])('refuses %s', (_, duplex) => {
    expect(() => fromDuplex(duplex)).toThrowError(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })

  it('tells a stream that fails, with its error as the cause, after what it had delivered', async () => {
    const stream = new PassThrough()
    const transport = fromDuplex(stream)
    const got: string[] = []
    const lost = new Promise<CloseReason>((resolve) => transport.start({ dataReceived: (data) => got.push(String(data)), connectionLost: resolve }))
    stream.write('before')
    const broken = new Error('broken')
    setImmediate(() => stream.destroy(broken))
    expect(await lost).toMatchObject({ kind: 'reset', error: { code: 'ERR_CONNECTION', cause: broken } })
    expect(got).toEqual(['before'])
    expect(stream.destroyed).toBe(true)
  })

  it('delivers at most 64 KiB at a time', async () => {
    const stream = new PassThrough({ highWaterMark: 1_000_000 })
    const transport = fromDuplex(stream)
    const lengths: number[] = []
    const ended = new Promise<void>((resolve) => transport.start({ dataReceived: (data) => lengths.push(data.length), eofReceived: resolve }))
    transport.write(new Uint8Array(10))
    stream.push(new Uint8Array(150_000))
    transport.halfClose()
    await ended
    expect(lengths).toEqual([65_536, 65_536, 18_928, 10])
  })
})
