import { isAsyncError, type StreamTransport } from '@async/core'
import { describe, expect, it } from 'vitest'
import { chunk, exact, lengthPrefix, line, lsp, nul, type SplitTransport } from '../src/index.ts'
import { bytes } from './feeding.ts'
import { memoryPair } from '@async/core/testing'
import { Recorder, turns, Wire } from './recording.ts'

type AnyLayer = (below: StreamTransport) => SplitTransport

interface Framing {
  readonly id: string
  readonly layer: AnyLayer
  /** Three messages, as they are shown, and as they are on the wire. */
  readonly units: readonly [string, string, string]
  readonly wire: readonly [string, string, string]
}

const framings: readonly Framing[] = [
  { id: 'chunk', layer: chunk({ delimiter: '--' }), units: ['one', '', '\x00\xff'], wire: ['one--', '--', '\x00\xff--'] },
  {
    id: 'chunk, text', layer: chunk({ delimiter: ';', mode: 'text' }),
    units: ['text:é', 'text:', 'text:b'],
    wire: ['\xc3\xa9;', ';', 'b;'],
  },
  { id: 'line', layer: line(), units: ['text:one', 'text:', 'text:€'], wire: ['one\n', '\n', '\xe2\x82\xac\n'] },
  {
    id: 'line, crlf, bytes', layer: line({ ending: 'crlf', mode: 'bytes' }),
    units: ['one\n', '', 'two'],
    wire: ['one\n\r\n', '\r\n', 'two\r\n'],
  },
  { id: 'nul', layer: nul(), units: ['one\n', '', 'two'], wire: ['one\n\0', '\0', 'two\0'] },
  { id: 'exact', layer: exact({ chunkBytes: 2 }), units: ['ab', '\0\xff', '\n\n'], wire: ['ab', '\0\xff', '\n\n'] },
  { id: 'lengthPrefix', layer: lengthPrefix(), units: ['one', '', '\xff'], wire: ['\0\0\0\x03one', '\0\0\0\0', '\0\0\0\x01\xff'] },
  {
    id: 'lengthPrefix, varint, text', layer: lengthPrefix({ widthBytes: 'varint', mode: 'text' }), units: ['text:é', 'text:', 'text:b'],
    wire: ['\x02\xc3\xa9', '\x00', '\x01b'],
  },
  {
    id: 'lsp', layer: lsp(), units: ['text:{}', 'text:', 'text:"é"'],
    wire: ['Content-Length: 2\r\n\r\n{}', 'Content-Length: 0\r\n\r\n', 'Content-Length: 4\r\n\r\n"\xc3\xa9"'],
  },
]

const payload = (unit: string): Uint8Array | string => (unit.startsWith('text:') ? unit.slice(5) : bytes(unit))

describe.each(framings)('the layer $id', ({ layer, units, wire }) => {
  const all = wire.join('')

  it('writes each message as its bytes, and reads them back', async () => {
    const { a, b } = memoryPair()
    const far = new Wire()
    b.start(far)
    const top = layer(a)
    const recorder = new Recorder()
    top.start(recorder)
    for (const unit of units) top.write(payload(unit))
    await top.drained(0)
    await turns()
    expect(far.received).toBe(all)
    b.write(bytes(far.received))
    await turns()
    expect(recorder.events).toEqual(['made', ...units])
    expect(top.carries).toBe('message')
    expect(top.info.below).toBe(a.info)
    top.abort()
    await top.closed
  })

  it('writes a sequence as one message each', async () => {
    const { a, b } = memoryPair()
    const far = new Wire()
    b.start(far)
    const top = layer(a)
    top.start(new Recorder())
    top.writeSequence(units.map(payload))
    top.writeSequence([])
    await turns()
    expect(far.received).toBe(all)
    top.abort()
  })

  it('delivers the same however the wire cuts it', async () => {
    for (const maxReadBytes of [1, 2, 3, 5, 1000]) {
      const { a, b } = memoryPair({ maxReadBytes })
      b.start(new Wire())
      const recorder = new Recorder()
      layer(a).start(recorder)
      b.write(bytes(all))
      b.halfClose()
      await turns(all.length + 12)
      expect(recorder.events).toEqual(['made', ...units, 'lost closed'])
    }
  })

  it('delivers nothing after pause() between two messages of one read, and the rest after resume(), not inside it', async () => {
    const { a, b } = memoryPair()
    b.start(new Wire())
    const top = layer(a)
    const recorder = new Recorder({ onUnit: (_, transport) => transport.pause('read') })
    top.start(recorder)
    b.write(bytes(all))
    const expected: string[] = ['made']
    for (const unit of units) {
      await turns()
      expected.push(unit)
      expect(recorder.events).toEqual(expected)
      top.resume('read')
      expect(recorder.events).toEqual(expected)
    }
    top.abort()
  })

  it('keeps an end and a loss behind what is held', async () => {
    const { a, b } = memoryPair()
    b.start(new Wire())
    const top = layer(a)
    const recorder = new Recorder({ keepsOpen: true, onUnit: (_, transport) => transport.pause('read') })
    top.start(recorder)
    b.write(bytes(all))
    b.halfClose()
    await turns()
    expect(recorder.events).toEqual(['made', units[0]])
    expect(top.heldBytes).toBe(all.length - wire[0].length)
    recorder.onUnit = undefined
    top.resume('read')
    await turns()
    expect(recorder.events).toEqual(['made', ...units, 'eof'])
    expect(top.heldBytes).toBe(0)
    top.close()
    expect(await top.closed).toMatchObject({ kind: 'closed', by: 'peer', unreadBytes: 0, unsentBytes: 0 })
  })

  it('discards and counts the messages behind the one in which it was closed', async () => {
    const { a, b } = memoryPair()
    const far = new Wire()
    b.start(far)
    const top = layer(a)
    const recorder = new Recorder({ onUnit: (_, transport) => transport.close() })
    top.start(recorder)
    b.write(bytes(all))
    await turns()
    b.close()
    expect(await top.closed).toMatchObject({ kind: 'closed', by: 'local', unreadBytes: all.length - wire[0].length })
    expect(recorder.events).toEqual(['made', units[0], 'lost closed'])
    expect(far.isEnded).toBe(true)
    expect(() => top.write(payload(units[0]))).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
  })

  it('delivers nothing behind the message in which it was aborted', async () => {
    const { a, b } = memoryPair()
    const far = new Wire()
    b.start(far)
    const cause = new Error('enough')
    const top = layer(a)
    const recorder = new Recorder({ onUnit: (_, transport) => transport.abort(cause) })
    top.start(recorder)
    b.write(bytes(all))
    const reason = await top.closed
    expect(reason).toMatchObject({ kind: 'aborted', error: { code: 'ERR_ABORTED', cause }, unreadBytes: all.length - wire[0].length })
    expect(recorder.events).toEqual(['made', units[0], 'lost aborted'])
    expect((await b.closed).kind).toBe('reset')
  })

  it('is truncated by an end at every offset but those between two messages', async () => {
    const between = [0, wire[0].length, wire[0].length + wire[1].length, all.length]
    for (let cut = 0; cut <= all.length; cut++) {
      // Without half-close below, the end comes as a loss: the reasons are the same.
      for (const halfCloses of [true, false]) {
        const { a, b } = memoryPair({ halfCloses })
        b.start(new Wire())
        const top = layer(a)
        const recorder = new Recorder()
        top.start(recorder)
        b.write(bytes(all.slice(0, cut)))
        b.close()
        const reason = await top.closed
        const whole = between.filter((end) => end > 0 && end <= cut).length
        const rest = cut - between[whole]!
        expect(recorder.events.slice(0, -1), `cut at ${cut}`).toEqual(['made', ...units.slice(0, whole)])
        if (rest === 0) expect(reason, `cut at ${cut}`).toMatchObject({ kind: 'closed', by: 'peer', unreadBytes: 0 })
        else {
          expect(reason, `cut at ${cut}`).toMatchObject({ kind: 'truncated', error: { code: 'ERR_TRUNCATED' } })
          expect('error' in reason && reason.error.message).toContain(` ${rest} bytes`)
        }
      }
    }
  })

  it('is truncated behind held messages only when they were delivered', async () => {
    for (const halfCloses of [true, false]) {
      const { a, b } = memoryPair({ halfCloses })
      b.start(new Wire())
      const top = layer(a)
      const recorder = new Recorder({ onUnit: (_, transport) => transport.pause('read') })
      top.start(recorder)
      b.write(bytes(all + wire[0].slice(0, -1)))
      b.close()
      await turns()
      expect(recorder.events).toEqual(['made', units[0]])
      recorder.onUnit = undefined
      top.resume('read')
      expect(await top.closed).toMatchObject({ kind: 'truncated' })
      expect(recorder.events).toEqual(['made', ...units, 'lost truncated'])
    }
  })

  it('ends its write half alone where the transport below can, and throws where not', async () => {
    const { a, b } = memoryPair()
    const far = new Wire()
    b.start(far)
    const top = layer(a)
    const recorder = new Recorder()
    top.start(recorder)
    top.write(payload(units[0]))
    ;(top as unknown as { halfClose(): void }).halfClose()
    await turns()
    expect([far.received, far.isEnded]).toEqual([wire[0], true])
    b.write(bytes(all))
    await turns()
    expect(recorder.events).toEqual(['made', ...units])
    b.halfClose()
    expect(await top.closed).toMatchObject({ kind: 'closed', by: 'peer' })

    const half = memoryPair({ halfCloses: false })
    const other = layer(half.a)
    expect(() => (other as unknown as { halfClose(): void }).halfClose()).toThrow(expect.objectContaining({ code: 'ERR_UNSUPPORTED' }))
    other.abort()
  })

  it('hands what it did not decode to the protocol that follows below it', async () => {
    const { a, b } = memoryPair()
    b.start(new Wire())
    const top = layer(a)
    const next = new Wire()
    const recorder = new Recorder({ onUnit: () => a.start(next, top.takeLeftover()) })
    top.start(recorder)
    b.write(bytes(all))
    await turns()
    b.write(bytes('more'))
    await turns()
    expect(recorder.events).toEqual(['made', units[0], 'lost detached'])
    expect(next.received).toBe(wire[1] + wire[2] + 'more')
    a.abort()
  })
})

describe('layers that refuse what comes', () => {
  interface Bad {
    readonly id: string
    readonly layer: AnyLayer
    readonly input: string
    readonly units: readonly string[]
    readonly kind: string
    readonly code: string
  }
  const rows: readonly Bad[] = [
    {
      id: 'a chunk too long', layer: chunk({ delimiter: '\n', maxChunkBytes: 3 }),
      input: 'one\nfour\n', units: ['one'], kind: 'limit', code: 'ERR_CHUNK_TOO_LONG',
    },
    {
      id: 'a line that is not UTF-8', layer: line(),
      input: 'one\n\xff\ntwo\n', units: ['text:one'], kind: 'protocol', code: 'ERR_CHUNK_NOT_UTF8',
    },
    {
      id: 'a length too large', layer: lengthPrefix({ maxChunkBytes: 2 }),
      input: '\0\0\0\x03', units: [], kind: 'limit', code: 'ERR_CHUNK_TOO_LONG',
    },
    {
      id: 'a varint too long', layer: lengthPrefix({ widthBytes: 'varint' }), input: '\x01a\x81\x00', units: ['a'], kind: 'protocol',
      code: 'ERR_CHUNK_BAD_LENGTH',
    },
    { id: 'a stray line', layer: lsp(), input: 'listening on 80\n', units: [], kind: 'protocol', code: 'ERR_CHUNK_BAD_HEADER' },
    {
      id: 'a header too long', layer: lsp({ maxHeaderBytes: 32 }),
      input: `A: ${'b'.repeat(40)}`, units: [], kind: 'limit', code: 'ERR_HEADER_TOO_LARGE',
    },
  ]
  for (const { id, layer, input, units, kind, code } of rows) {
    it(`end once, with what came before delivered: ${id}`, async () => {
      const { a, b } = memoryPair()
      b.start(new Wire())
      const top = layer(a)
      const recorder = new Recorder()
      top.start(recorder)
      b.write(bytes(input))
      b.write(bytes('more of it'))
      const reason = await top.closed
      expect(reason).toMatchObject({ kind, error: { code } })
      expect('error' in reason && isAsyncError(reason.error, code)).toBe(true)
      expect(reason.below).toMatchObject({ kind: 'aborted' })
      expect(recorder.events).toEqual(['made', ...units, `lost ${kind}`])
      expect((await b.closed).kind).toBe('reset')
    })
  }
})

describe('layers that refuse what is written', () => {
  async function refuse(layer: AnyLayer, list: readonly (Uint8Array | string)[], code: string): Promise<void> {
    const { a, b } = memoryPair()
    const far = new Wire()
    b.start(far)
    const top = layer(a)
    top.start(new Recorder())
    for (const data of list) {
      expect(() => top.write(data)).toThrow(expect.objectContaining({ code }))
      expect(() => top.writeSequence(['ok', data])).toThrow(expect.objectContaining({ code }))
    }
    expect(top.queuedBytes).toBe(0)
    top.write('ok')
    await turns()
    expect(far.received).toBe(layer === records ? 'ok' : 'ok\n')
    top.abort()
  }
  const records: AnyLayer = exact({ chunkBytes: 2 })

  it('write nothing of a chunk that contains the delimiter, nor of its sequence', () =>
    refuse(line(), ['a\nb', '\n', bytes('a\n')], 'ERR_CHUNK_CONTAINS_DELIMITER'))
  it('write nothing of a chunk that is too long', () =>
    refuse(line({ maxChunkBytes: 4 }), ['12345', 'é€', bytes('12345')], 'ERR_CHUNK_TOO_LONG'))
  it('write nothing of a record of another length', () => refuse(records, ['a', '', 'abc', '€'], 'ERR_INVALID_ARGUMENT'))
})

describe('a layer that holds much, or little', () => {
  it('delivers all of a read at once, but what was held in turns, so that others get theirs', async () => {
    const { a, b } = memoryPair({ capacityBytes: 400_000, maxReadBytes: 400_000 })
    b.start(new Wire())
    const top = line({ mode: 'bytes' })(a)
    const recorder = new Recorder()
    top.start(recorder)
    const lines = `${'x'.repeat(999)}\n`.repeat(200)
    b.write(lines)
    await turns()
    expect(recorder.events).toHaveLength(201)
    recorder.onUnit = () => {
      recorder.onUnit = undefined
      top.pause('read')
    }
    b.write(lines)
    await turns()
    expect(recorder.events).toHaveLength(202)
    top.resume('read')
    const counts: number[] = []
    for (let i = 0; i < 6; i++) {
      await turns(1)
      counts.push(recorder.events.length - 202)
    }
    expect(counts.at(-1)).toBe(199)
    expect(counts[0]).toBeGreaterThan(0)
    expect(counts[0]).toBeLessThan(150)
    top.abort()
  })

  it('keeps a reset behind a single byte that it holds', async () => {
    const { a, b } = memoryPair()
    b.start(new Wire())
    const top = line()(a)
    const recorder = new Recorder({ onUnit: (_, transport) => transport.pause('read') })
    top.start(recorder)
    b.write('a\n\n')
    await turns()
    b.abort()
    await turns()
    expect([recorder.events, top.heldBytes]).toEqual([['made', 'text:a'], 1])
    recorder.onUnit = undefined
    top.resume('read')
    await turns()
    expect(recorder.events).toEqual(['made', 'text:a', 'text:', 'lost reset'])
  })
})

describe('overlong chunks on a layer', () => {
  it('are reported once, in order, and a pause in the report holds what follows', async () => {
    for (const overlong of ['discard', 'truncate'] as const) {
      const { a, b } = memoryPair()
      b.start(new Wire())
      const recorder = new Recorder()
      const top = chunk({
        delimiter: '\n', maxChunkBytes: 3, overlong,
        onOverlong: (report) => {
          recorder.events.push(`overlong ${report.bytes}/${report.deliveredBytes}`)
          top.pause('read')
        },
      })(a)
      top.start(recorder)
      b.write('one\n12345\nsix\n')
      await turns()
      const report = overlong === 'discard' ? 'overlong 5/0' : 'overlong 5/3'
      expect(recorder.events).toEqual(['made', 'one', report])
      top.resume('read')
      await turns()
      expect(recorder.events).toEqual(['made', 'one', report, ...(overlong === 'discard' ? [] : ['123']), 'six'])
      top.abort()
    }
  })
})

describe('a chunk layer that changes its mode', () => {
  it('reads a line, as many bytes as it says, and lines again, within one read', async () => {
    for (const maxReadBytes of [1, 4, 1000]) {
      const { a, b } = memoryPair({ maxReadBytes })
      b.start(new Wire())
      const top = line()(a)
      const recorder = new Recorder({
        onUnit: (unit) => {
          if (/^text:\d$/.test(unit)) top.setCount(Number(unit.slice(5)))
          else top.setDelimiter()
        },
      })
      top.start(recorder)
      b.write('5\na\nb\ncnext\n1\n\nlast\n')
      await turns(40)
      expect(recorder.events).toEqual(['made', 'text:5', 'text:a\nb\nc', 'text:next', 'text:1', 'text:\n', 'text:last'])
      top.abort()
    }
  })

  it('ends the connection when the count is over the limit and nobody catches it', async () => {
    const { a, b } = memoryPair()
    b.start(new Wire())
    const top = line({ maxChunkBytes: 10 })(a)
    const errors: unknown[] = []
    const recorder = new Recorder({
      onUnit: (unit) => {
        try {
          top.setCount(Number(unit.slice(5)))
        } catch (error) {
          errors.push(error)
          top.abort(error)
        }
      },
    })
    top.start(recorder)
    b.write('11\nabcdefghijk')
    expect(await top.closed).toMatchObject({ kind: 'aborted', error: { cause: { code: 'ERR_CHUNK_TOO_LONG' } } })
    expect(errors).toHaveLength(1)
  })
})

describe('a line', () => {
  it('is ended by any of both only when asked for', async () => {
    const { a, b } = memoryPair()
    const far = new Wire()
    b.start(far)
    const top = line({ ending: 'any' })(a)
    const recorder = new Recorder()
    top.start(recorder)
    b.write('a\r\nb\nc\r\r\n')
    top.write('d')
    await turns()
    expect(recorder.events).toEqual(['made', 'text:a', 'text:b', 'text:c\r'])
    expect(far.received).toBe('d\n')
    // Read by a peer that takes both, this would lose its \r.
    expect(() => top.write('d\r')).toThrow(expect.objectContaining({ code: 'ERR_CHUNK_CONTAINS_DELIMITER' }))
    top.abort()
  })

  it('refuses an ending that there is not', () => {
    for (const ending of ['cr', '', '__proto__', 'toString']) {
      expect(() => line({ ending: ending as 'lf' })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    }
  })
})
