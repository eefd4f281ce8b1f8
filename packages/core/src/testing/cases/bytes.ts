import { type Case, testCase } from '../kit/case.ts'
import { check, equal } from '../kit/check.ts'
import { bytesOf, joined, record } from '../kit/recording.ts'

/** B: bytes, their order and their boundaries. */
export const bytesCases: readonly Case[] = [
  testCase('B1 10,000 tiny writes arrive in order', async (t) => {
    const { a, atB } = await t.started()
    for (let i = 0; i < 10_000; i++) a.write(t.pattern.bytes(1 + (i % 3), Math.floor(i / 3) * 6 + [0, 1, 3][i % 3]!))
    await t.until('all of them', () => atB.bytes >= 19_999)
    t.pattern.verify(atB.deliveries, 19_999)
    if (t.subject.carries === 'message') equal(atB.deliveries.length, 10_000, 'messages')
  }),

  testCase('B1 both directions at once do not mix', async (t) => {
    const total = 1024 * 1024
    const { a, b, atA, atB } = await t.started()
    const sending = [t.send(a, total, 10_000), t.send(b, total, 7000, 1)]
    await t.until('both directions', () => atA.bytes >= total && atB.bytes >= total)
    await Promise.all(sending)
    t.pattern.verify(atB.deliveries, total)
    t.pattern.verify(atA.deliveries, total, 1)
  }),

  testCase('B1 all data come before eofReceived, however the writer ends', async (t) => {
    const { a, b, atB } = await t.started(record({ eof: () => b.close() }))
    for (let i = 0; i < 30; i++) a.write(t.pattern.bytes(9000, i * 9000))
    a.halfClose()
    await t.wait('closed', b.closed)
    equal(atB.events, ['made', 'data', 'eof', 'lost'], 'events')
    t.pattern.verify(atB.deliveries, 270_000)
  }, { needs: ['halfCloses'] }),

  testCase('B2 a delivery of a stream has at least one byte and at most 64 KiB', async (t) => {
    const { a, atB } = await t.started()
    await t.send(a, 1024 * 1024, 200_000)
    await t.until('all of it', () => atB.bytes >= 1024 * 1024)
    const lengths = atB.deliveries.map((data) => data.length)
    check(Math.min(...lengths) >= 1, 'an empty delivery')
    check(Math.max(...lengths) <= 65_536, `a delivery of ${Math.max(...lengths)} bytes`)
    check(atB.deliveries.every((data) => data instanceof Uint8Array), 'a delivery that is no Uint8Array')
  }, { carries: 'stream' }),

  testCase('B3 each write is one message, delivered whole', async (t) => {
    const { a, atB } = await t.started()
    const sizes = [1, 70_000, 2, 65_536, 100_000, 3, 300_000]
    let from = 0
    for (const size of sizes) {
      a.write(t.pattern.bytes(size, from))
      from += size
    }
    await t.until('all messages', () => atB.deliveries.length >= sizes.length)
    equal(atB.deliveries.map((data) => bytesOf(data).length), sizes, 'lengths')
    t.pattern.verify(atB.deliveries, from)
  }, { carries: 'message' }),

  testCase('B3 messages that are held are delivered one by one', async (t) => {
    const { a, b, atB } = await t.started(record({ data: () => b.pause('read') }))
    for (let i = 0; i < 5; i++) a.write(t.pattern.bytes(20, i * 20))
    for (let i = 1; i <= 5; i++) {
      await t.until('a message', () => atB.deliveries.length === i)
      await t.quiet(3)
      b.resume('read')
    }
    equal(atB.deliveries.map((data) => bytesOf(data).length), [20, 20, 20, 20, 20], 'lengths')
  }, { carries: 'message' }),

  testCase('B4 every byte value passes', async (t) => {
    const { a, atB } = await t.started()
    const all = Uint8Array.from({ length: 512 }, (_, i) => (i < 256 ? i : 511 - i))
    a.write(all)
    for (let i = 0; i < 256; i++) a.write(all.slice(i, i + 1))
    await t.until('all of it', () => atB.bytes >= 768)
    equal(Array.from(joined(atB.deliveries)), [...all, ...all.slice(0, 256)], 'bytes')
  }, { needs: ['all byte values'] }),

  testCase('B5 what was delivered does not change afterwards', async (t) => {
    const { a, atB } = await t.started()
    for (let i = 0; i < 60; i++) {
      a.write(t.pattern.bytes(5000, i * 5000))
      await t.turn()
    }
    await t.until('all of it', () => atB.bytes >= 300_000)
    t.pattern.verify(atB.deliveries, 300_000)
  }),

  testCase('B5 what was delivered belongs to the protocol: changing it changes nothing else', async (t) => {
    const seen: number[] = []
    const { a, b, atB } = await t.started(record({
      data: (data) => {
        const bytes = bytesOf(data)
        seen.push(...bytes)
        bytes.fill(0)
      },
    }))
    b.pause('read')
    const mine = t.pattern.bytes(3000)
    for (let i = 0; i < 3000; i += 100) a.write(mine.subarray(i, i + 100))
    await t.quiet()
    b.resume('read')
    await t.until('all of it', () => atB.bytes >= 3000)
    t.pattern.verify([Uint8Array.from(seen)], 3000)
    t.pattern.verify([mine], 3000)
  }),
]
