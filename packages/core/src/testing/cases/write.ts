import { type Case, testCase } from '../kit/case.ts'
import { check, codeOf, equal, throws } from '../kit/check.ts'
import { recordProducer } from '../kit/producer.ts'
import { unsent } from '../kit/reasons.ts'
import { bytesOf, joined, record } from '../kit/recording.ts'

const kib = 1024

/** What a write must throw after each end of our own. */
const refusals = [
  ['halfClose()', 'ERR_HALF_CLOSED'],
  ['close()', 'ERR_CLOSED'],
  ['abort()', 'ERR_CLOSED'],
] as const

/** W: writing. */
export const writeCases: readonly Case[] = [
  ...[1, 64 * kib - 1, 64 * kib, 64 * kib + 1].map((size) =>
    testCase(`W1 ${size} bytes come back from an echo unchanged`, async (t) => {
      const { a, b, atA } = await t.started(record({ data: (data) => b.write(data) }))
      a.write(t.pattern.bytes(size))
      await t.until('the echo', () => atA.bytes >= size)
      t.pattern.verify(atA.deliveries, size)
    }),
  ),

  testCase('W1 small batches to a reader that comes late arrive, and are known to be sent', async (t) => {
    const { a, b } = await t.pair()
    a.start(record())
    const written = await t.clog(a, 12 * kib)
    const sent = t.background(a.drained(0))
    const atB = record()
    b.start(atB)
    await t.until('all data', () => atB.bytes >= written)
    await t.wait('drained(0)', sent)
    equal(a.queuedBytes, 0, 'bytes queued')
    t.pattern.verify(atB.deliveries, written)
  }, { carries: 'stream' }),

  testCase('W1 16 MiB come back from an echo unchanged', async (t) => {
    const total = 16 * kib * kib
    const { a, b, atA } = await t.started(record({ data: (data) => b.write(data) }))
    await t.send(a, total)
    await t.until('the echo', () => atA.bytes >= total)
    t.pattern.verify(atA.deliveries, total)
  }),

  testCase('W2 a string is its UTF-8 bytes', async (t) => {
    const { a, atB } = await t.started()
    a.write('naïve – 世界 🌍 \ud800.')
    await t.until('the text', () => atB.bytes >= 27)
    equal(
      Array.from(joined(atB.deliveries)),
      [110, 97, 195, 175, 118, 101, 32, 226, 128, 147, 32, 228, 184, 150, 231, 149, 140, 32, 240, 159, 140, 141, 32, 239, 191, 189, 46],
      'bytes',
    )
  }, { needs: ['all byte values'] }),

  testCase('W2 strings and bytes, mixed, keep their order', async (t) => {
    const { a, atB } = await t.started()
    const bytes = t.pattern.bytes(3)
    const text = String.fromCharCode(...(t.subject.alphabet ?? [65, 66, 67, 68]).slice(0, 4).map((byte) => byte & 0x7f))
    const expected: number[] = []
    for (let i = 0; i < 20; i++) {
      a.write(text)
      a.write(bytes)
      a.writeSequence([text, bytes, text])
      expected.push(...bytesOf(text), ...bytes, ...bytesOf(text), ...bytes, ...bytesOf(text))
    }
    await t.until('all of it', () => atB.bytes >= expected.length)
    equal(Array.from(joined(atB.deliveries)), expected, 'bytes')
  }),

  testCase('W3 empty data have no effect on a stream', async (t) => {
    const { a, atB } = await t.started()
    a.write(new Uint8Array(0))
    a.write('')
    a.writeSequence([])
    a.writeSequence(['', new Uint8Array(0)])
    equal(a.queuedBytes, 0, 'queuedBytes')
    await t.quiet()
    equal(atB.events, ['made'], 'events')
    a.writeSequence(['', t.pattern.bytes(4), ''])
    await t.until('data', () => atB.bytes === 4)
    equal(atB.deliveries.filter((data) => data.length === 0).length, 0, 'empty deliveries')
  }, { carries: 'stream' }),

  testCase('W3 an empty message is a message', async (t) => {
    const { a, atB } = await t.started()
    a.write(new Uint8Array(0))
    a.write(t.pattern.bytes(4))
    a.writeSequence([new Uint8Array(0), t.pattern.bytes(2), new Uint8Array(0)])
    await t.until('five messages', () => atB.deliveries.length >= 5)
    equal(atB.deliveries.map((data) => data.length), [0, 4, 0, 2, 0], 'lengths of the messages')
  }, { carries: 'message' }),

  testCase('W4 writeSequence is what the writes in a row would be', async (t) => {
    const { a, atB } = await t.started()
    const sizes = [3, 1, 70_000, 1, 500]
    let from = 0
    const pieces = sizes.map((size) => {
      from += size
      return t.pattern.bytes(size, from - size)
    })
    a.writeSequence(pieces)
    equal(a.queuedBytes >= 70_505, true, 'queuedBytes are at least what was written')
    a.write(t.pattern.bytes(9, from))
    await t.until('all of it', () => atB.bytes >= from + 9)
    t.pattern.verify(atB.deliveries, from + 9)
    if (t.subject.carries === 'message') equal(atB.deliveries.map((data) => data.length), [...sizes, 9], 'lengths of the messages')
  }),

  testCase('W4 writeSequence is accepted as a whole or not at all', async (t) => {
    const { a, b, written } = await t.clogged(record(), { maxQueuedBytes: 200_000 })
    const queued = a.queuedBytes
    const fits = t.pattern.bytes(10_000, written)
    throws(() => a.writeSequence([fits, t.pattern.bytes(200_000, written + 10_000)]), 'ERR_WRITE_QUEUE_FULL', 'writeSequence() above the cap')
    equal(a.queuedBytes, queued, 'queuedBytes')
    a.writeSequence([fits.slice(0, 4000), fits.slice(4000)])
    const atB = record()
    b.start(atB)
    await t.until('all that was accepted', () => atB.bytes >= written + 10_000)
    await t.quiet()
    t.pattern.verify(atB.deliveries, written + 10_000)
  }),

  testCase('W5 a write above the hard cap throws ERR_WRITE_QUEUE_FULL, accepts nothing, and harms nothing', async (t) => {
    const { a, b, atA, written } = await t.clogged(record(), { maxQueuedBytes: 200_000 })
    const queued = a.queuedBytes
    throws(() => a.write(t.pattern.bytes(200_000, written)), 'ERR_WRITE_QUEUE_FULL', 'write() above the cap')
    equal(a.queuedBytes, queued, 'queuedBytes')
    const atB = record()
    b.start(atB)
    await t.wait('drained(0)', a.drained(0))
    a.write(t.pattern.bytes(5000, written))
    await t.until('all that was accepted', () => atB.bytes >= written + 5000)
    await t.quiet()
    t.pattern.verify(atB.deliveries, written + 5000)
    equal(atA.events, ['made'], 'events of the writer')
  }),

  testCase('W5 the hard cap is 16 MiB unless told otherwise', async (t) => {
    const { a, written } = await t.clogged()
    const room = 16 * kib * kib - a.queuedBytes
    const piece = t.pattern.bytes(64 * kib, written)
    for (let left = room; left >= 128 * kib; left -= 64 * kib) a.write(piece)
    check(a.queuedBytes > 16 * kib * kib - 256 * kib, `${a.queuedBytes} bytes are queued, expected are nearly 16 MiB`)
    let refusedAt = 0
    for (; refusedAt < 4 && codeOrNothing(() => a.write(piece)) === ''; refusedAt++);
    check(refusedAt < 4, 'more than 16 MiB were accepted')
  }),

  ...refusals.map(([call, code]) =>
    testCase(`W6 after ${call} every write throws ${code} at once`, async (t) => {
      const { a } = await t.started()
      if (call === 'halfClose()') a.halfClose()
      else if (call === 'close()') a.close()
      else a.abort()
      const queued = a.queuedBytes
      throws(() => a.write(t.pattern.bytes(1)), code, 'write()')
      throws(() => a.write(''), code, 'write() of nothing')
      throws(() => a.writeSequence([t.pattern.bytes(1)]), code, 'writeSequence()')
      throws(() => a.writeSequence([]), code, 'writeSequence() of nothing')
      equal(a.queuedBytes, queued, 'queuedBytes')
      await t.quiet()
      throws(() => a.write(t.pattern.bytes(1)), code, 'write() later')
    }, { needs: call === 'halfClose()' ? ['halfCloses'] : [] }),
  ),

  testCase('W6 after the connection is closed every write throws ERR_CLOSED', async (t) => {
    const { a, b } = await t.started(record({ eof: 'close' }))
    a.close()
    await t.wait('closed', a.closed)
    await t.wait('closed', b.closed)
    throws(() => a.write(t.pattern.bytes(1)), 'ERR_CLOSED', 'write() at the end that closed')
    await t.turn()
    throws(() => b.write(t.pattern.bytes(1)), 'ERR_CLOSED', 'write() at the other end')
    throws(() => b.writeSequence([]), 'ERR_CLOSED', 'writeSequence() of nothing')
  }),

  testCase('W7 in the turn of a loss from outside, data are dropped and counted, and refused from the next', async (t) => {
    const producer = recordProducer({
      stop: () => {
        b.write(t.pattern.bytes(3))
        b.writeSequence([t.pattern.bytes(2), t.pattern.bytes(2)])
      },
    })
    const { a, b, atB } = await t.started()
    b.register(producer)
    a.abort()
    await t.until('connectionLost', () => atB.reason !== undefined)
    equal(producer.calls, ['halfRegister', 'stop'], 'calls of the producer')
    equal(t.reports, [], 'what was reported')
    // A layer's total counts what it made of them.
    check(unsent(atB.reason) >= 7 && (atB.reason?.below !== undefined || unsent(atB.reason) === 7), `unsentBytes are ${unsent(atB.reason)}, expected are 7`)
    await t.turn()
    throws(() => b.write(t.pattern.bytes(1)), 'ERR_CLOSED', 'write() in a later turn')
  }, { needs: ['resets'] }),

  testCase('W8 a write half that broke while data are held throws ERR_WRITE_BROKEN, also while paused', async (t) => {
    const { a, b, atA } = await t.started()
    const producer = recordProducer()
    a.register(producer)
    a.pause('read')
    b.write(t.pattern.bytes(60_000))
    await t.wait('drained(0)', b.drained(0))
    await t.quiet()
    b.abort()
    const code = await brokenCode(t.until.bind(t), () => a.write(t.pattern.bytes(100)))
    equal(code, 'ERR_WRITE_BROKEN', 'code of the write that was refused')
    equal(atA.events, ['made'], 'events while paused')
    equal(producer.calls.at(-1), 'stop', 'last call of the producer')
    await t.turn()
    throws(() => a.writeSequence([]), 'ERR_WRITE_BROKEN', 'writeSequence() of nothing')
  }, { needs: ['resets', 'readsAfterWriteError'] }),

  testCase('W9 borrowed bytes are not touched, and are yours again when drained(0) resolves', async (t) => {
    const { a, atB } = await t.started()
    const mine = t.pattern.bytes(300_000)
    a.write(mine)
    await t.quiet(3)
    await t.wait('drained(0)', a.drained(0))
    t.pattern.verify([mine], 300_000)
    mine.fill(t.subject.alphabet?.[0] ?? 0)
    await t.until('all of it', () => atB.bytes >= 300_000)
    t.pattern.verify(atB.deliveries, 300_000)
  }),
]

function codeOrNothing(act: () => void): string {
  try {
    act()
    return ''
  } catch (error) {
    return codeOf(() => {
      throw error
    }, 'write()')
  }
}

async function brokenCode(until: (what: string, holds: () => boolean) => Promise<void>, write: () => void): Promise<string> {
  let code = ''
  await until('a write that is refused', () => {
    code = codeOrNothing(write)
    return code !== ''
  })
  return code
}
