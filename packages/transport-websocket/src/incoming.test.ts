import { deflateRawSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { Deflate } from './deflate.ts'
import { Incoming } from './incoming.ts'

const limits = { maxMessageBytes: 1000, maxFragments: 3 }

/** What a client's decoder makes of pieces, each a Uint8Array that is no Buffer. */
function decode(...pieces: readonly number[][]): unknown[] {
  const incoming = new Incoming(false, limits, undefined)
  const items: unknown[] = []
  for (const piece of pieces) {
    incoming.receive(Uint8Array.from(piece))
    for (let item = incoming.next(); item !== undefined; item = incoming.next()) items.push(item)
  }
  return items
}

const hello = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]

describe('Incoming', () => {
  it('makes a string of text, however it is cut', () => {
    expect(decode(hello)).toEqual(['Hello'])
    for (let cut = 1; cut < hello.length; cut++) expect(decode(hello.slice(0, cut), hello.slice(cut))).toEqual(['Hello'])
    expect(decode(...hello.map((byte) => [byte]))).toEqual(['Hello'])
    expect(decode([0x81, 0x05], [0x48, 0x65, 0x6c, 0x6c, 0x6f])).toEqual(['Hello'])
  })

  it.each([1, 7, 1023, 1024, 5000])('takes a long message in pieces of %i bytes as it takes it whole: what it may cost is the bytes, not the cuts', (pieceBytes) => {
    const maxMessageBytes = 100_000
    const incoming = new Incoming(false, { maxMessageBytes, maxFragments: 1 }, undefined)
    const payload = Buffer.from(Array.from({ length: maxMessageBytes }, (_, i) => i % 251))
    const frames = Buffer.concat([Buffer.from([0x82, 0x7f, 0, 0, 0, 0, 0, 0x01, 0x86, 0xa0]), payload, Buffer.from(hello)])
    const items: unknown[] = []
    for (let at = 0; at < frames.length; at += pieceBytes) {
      incoming.receive(Uint8Array.from(frames.subarray(at, at + pieceBytes)))
      for (let item = incoming.next(); item !== undefined; item = incoming.next()) items.push(item)
    }
    expect(items.length).toBe(2)
    expect(payload.equals(items[0] as Uint8Array)).toBe(true)
    expect(items[1]).toBe('Hello')
  })

  it('makes one message of fragments, with a ping between them', () => {
    expect(decode([0x01, 0x03, 0x48, 0x65, 0x6c, 0x89, 0x01, 0x2a, 0x80, 0x02, 0x6c, 0x6f])).toEqual([{ type: 'ping', payload: Buffer.from([0x2a]) }, 'Hello'])
  })

  it('knows bytes, nothing, and a close', () => {
    expect(decode([0x82, 0x02, 0x00, 0xff])).toEqual([Buffer.from([0x00, 0xff])])
    expect(decode([0x82, 0x00, 0x81, 0x00])).toEqual([Buffer.alloc(0), ''])
    expect(decode([0x88, 0x04, 0x03, 0xe9, 0x6f, 0x6b])).toEqual([{ type: 'close', code: 1001, text: 'ok' }])
    expect(decode([0x88, 0x04], [0x03, 0xe9, 0x6f, 0x6b])).toEqual([{ type: 'close', code: 1001, text: 'ok' }])
    expect(decode([0x88, 0x00])).toEqual([{ type: 'close', code: 1005, text: '' }])
  })

  it('gives nothing behind a close', () => {
    expect(decode([0x88, 0x00, ...hello], hello)).toEqual([{ type: 'close', code: 1005, text: '' }])
  })

  const wrong: [what: string, bytes: number[], code: string][] = [
    ['a mask of a server', [0x81, 0x81, 0, 0, 0, 0, 0x61], 'WS_ERR_UNEXPECTED_MASK'],
    ['a reserved bit', [0xc1, 0x00], 'WS_ERR_UNEXPECTED_RSV_1'],
    ['an opcode that is none', [0x83, 0x00], 'WS_ERR_INVALID_OPCODE'],
    ['a continuation of nothing', [0x80, 0x00], 'WS_ERR_INVALID_OPCODE'],
    ['a ping in pieces', [0x09, 0x00], 'WS_ERR_EXPECTED_FIN'],
    ['a ping of 126 bytes', [0x89, 0x7e, 0x00, 0x7e], 'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH'],
    ['a close of one byte', [0x88, 0x01, 0x03], 'WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH'],
    ['a close with 1005', [0x88, 0x02, 0x03, 0xed], 'WS_ERR_INVALID_CLOSE_CODE'],
    ['text that is no UTF-8', [0x81, 0x01, 0xff], 'WS_ERR_INVALID_UTF8'],
    ['1,001 bytes', [0x82, 0x7e, 0x03, 0xe9], 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH'],
    ['2 ** 63 bytes', [0x82, 0x7f, 0x80, 0, 0, 0, 0, 0, 0, 0], 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH'],
    ['four fragments', [0x02, 0x01, 0, 0x00, 0x01, 0, 0x00, 0x01, 0, 0x00, 0x01, 0], 'WS_ERR_TOO_MANY_BUFFERED_PARTS'],
  ]
  it.each(wrong)('refuses %s, once, behind what was right', (_, bytes, code) => {
    const items = decode([...hello, ...bytes, ...hello], hello)
    expect(items).toEqual(['Hello', { type: 'error', error: expect.objectContaining({ code }) }])
  })

  it('counts what is dropped: messages, and bytes that nobody looked at', () => {
    const incoming = new Incoming(false, limits, undefined)
    incoming.receive(Uint8Array.from([...hello, ...hello]))
    expect(incoming.next()).toBe('Hello')
    incoming.receive(Uint8Array.from(hello))
    expect(incoming.hasItems).toBe(true)
    expect(incoming.drop()).toBe(12)
    expect(incoming.hasItems).toBe(false)
  })

  it('inflates no more than 1 KiB of input that nobody has asked for', () => {
    const maxMessageBytes = 1_000_000
    const incoming = new Incoming(false, { maxMessageBytes, maxFragments: 1 }, new Deflate(15, maxMessageBytes, 0))
    const payload = deflateRawSync(new Uint8Array(100_000), { finishFlush: 2 }).subarray(0, -4)
    const frame = Buffer.concat([Buffer.from([0xc2, payload.length]), payload])
    expect(frame.length).toBeLessThan(127)
    const frames = Buffer.concat(Array.from({ length: 100 }, () => frame))
    incoming.receive(frames)
    expect(incoming.next()).toEqual(Buffer.alloc(100_000))
    const decoded = Math.floor(1024 / frame.length)
    expect(decoded).toBeLessThan(20)
    expect(incoming.drop()).toBe((decoded - 1) * 100_000 + frames.length - 1024)
  })
})
