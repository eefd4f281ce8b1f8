import type { Data } from '@async/core'
import { describe, expect, it } from 'vitest'
import { Outgoing } from './outgoing.ts'

/** The frame of a server's message. */
function frame(data: Data): Buffer {
  const pieces: Data[] = []
  new Outgoing(true, undefined).append(pieces, data)
  return Buffer.concat(pieces.map((piece) => Buffer.from(piece)))
}

describe('Outgoing, of a server', () => {
  // RFC 6455 §5.7.
  it('writes the examples of the RFC', () => {
    expect(frame('Hello').toString('hex')).toBe('810548656c6c6f')
    expect(frame(new Uint8Array(256)).subarray(0, 4).toString('hex')).toBe('827e0100')
    expect(frame(new Uint8Array(65_536)).subarray(0, 10).toString('hex')).toBe('827f0000000000010000')
  })

  it.each([
    [0, '8200'],
    [125, '827d'],
    [126, '827e007e'],
    [65_535, '827effff'],
  ])('has the shortest length for %i bytes', (length, head) => {
    const made = frame(new Uint8Array(length))
    expect(made.subarray(0, head.length / 2).toString('hex')).toBe(head)
    expect(made.length).toBe(head.length / 2 + length)
  })

  it('counts text in UTF-8, and makes U+FFFD of half a surrogate pair', () => {
    expect(frame('é€😀').toString('hex')).toBe('8109c3a9e282acf09f9880')
    expect(frame('\ud800').toString('hex')).toBe('8103efbfbd')
    expect(frame('').toString('hex')).toBe('8100')
  })
})

describe('Outgoing, of a client', () => {
  it('masks a copy, and leaves the bytes that were written alone', () => {
    const bytes = Uint8Array.from([1, 2, 3, 4, 5])
    const pieces: Data[] = []
    new Outgoing(false, undefined).append(pieces, bytes)
    const made = Buffer.concat(pieces.map((piece) => Buffer.from(piece)))
    expect([made[0], made[1], made.length]).toEqual([0x82, 0x85, 11])
    expect(bytes).toEqual(Uint8Array.from([1, 2, 3, 4, 5]))
    const mask = made.subarray(2, 6)
    expect([...made.subarray(6)].map((byte, i) => byte ^ mask[i % 4]!)).toEqual([1, 2, 3, 4, 5])
  })
})
