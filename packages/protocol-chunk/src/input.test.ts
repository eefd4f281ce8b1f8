import { describe, expect, it } from 'vitest'
import { bytes, show } from '../test/feeding.ts'
import { Input } from './input.ts'

/** The buffers that an input keeps alive. */
function retainedBytes(input: Input): number {
  const inner = input as unknown as { carried: { pieces: { bytes: Uint8Array }[] }; current: Uint8Array; waiting: Uint8Array[] }
  const held = [...inner.carried.pieces.map(({ bytes }) => bytes), ...inner.waiting, inner.current]
  const buffers = new Set(held.map((piece) => piece.buffer))
  return [...buffers].reduce((sum, buffer) => sum + buffer.byteLength, 0)
}

describe('Input', () => {
  it('joins what was carried once, however small the reads are', () => {
    const input = new Input(false)
    const expected: number[] = []
    for (let i = 0; i < 10_000; i++) {
      input.push(Uint8Array.of(i & 255))
      expected.push(i & 255)
      expect(input.advance()).toBe(false)
    }
    expect(input.length).toBe(10_000)
    expect((input as unknown as { carried: { pieces: unknown[] } }).carried.pieces.length).toBeLessThan(12)
    expect([...input.take(9_999)]).toEqual(expected.slice(0, 9_999))
    expect([...input.takeAll()]).toEqual(expected.slice(9_999))
  })

  it('weighs little more than what it holds: small pieces, large ones, and both by turns', () => {
    for (const sizes of [[1], [100], [1000], [1024], [5000], [1024, 1], [1, 2000, 1, 1], [1023, 1024]]) {
      const input = new Input(false)
      for (let i = 0; input.length < 20_000; i++) {
        const size = sizes[i % sizes.length]!
        // A piece of a long read, as sockets deliver them.
        input.push(new Uint8Array(new ArrayBuffer(16_384), 100, size))
        input.advance()
      }
      expect(retainedBytes(input), sizes.join()).toBeLessThan(3 * input.length + 20_000)
    }
  })

  it('does not keep a long read for the few bytes at its end', () => {
    const input = new Input(false)
    input.push(new Uint8Array(65_536))
    input.drop(65_530)
    input.advance()
    expect(input.length).toBe(6)
    expect(retainedBytes(input)).toBeLessThan(100)
  })

  it('takes and drops parts of what was carried', () => {
    const input = new Input(false)
    for (const read of ['ab', 'c'.repeat(1500), 'd', 'e'.repeat(1500), 'fg']) {
      input.push(bytes(read))
      input.advance()
    }
    input.push(bytes('hi'))
    expect(input.atHand).toBe(3007)
    expect(show(input.take(1))).toBe('a')
    input.drop(1)
    expect(show(input.take(1501))).toBe(`${'c'.repeat(1500)}d`)
    input.drop(1499)
    expect(show(input.take(2))).toBe('ef')
    expect([input.carriedBytes, input.position, input.atHand]).toEqual([1, 0, 3])
    input.drop(2)
    expect([input.carriedBytes, input.position, input.atHand]).toEqual([0, 1, 1])
    expect(show(input.take(1))).toBe('i')
    expect(input.length).toBe(0)
  })

  it('reads a byte at a time', () => {
    const input = new Input(false)
    input.push(bytes('ab'))
    input.push(bytes('c'))
    expect([input.takeByte(), input.takeByte(), input.advance(), input.takeByte(), input.length]).toEqual([0x61, 0x62, true, 0x63, 0])
  })

  it('makes what was carried the read at hand again, in order', () => {
    const input = new Input(false)
    input.push(bytes('ab'))
    input.advance()
    input.push(bytes('cd'))
    input.push(bytes('ef'))
    input.rewind()
    expect([input.carriedBytes, show(input.current), input.length]).toEqual([0, 'abcdef', 6])
    expect(show(input.takeAll())).toBe('abcdef')
  })

  it('ignores empty reads', () => {
    const input = new Input(false)
    input.push(new Uint8Array(0))
    input.push(bytes('a'))
    input.push(new Uint8Array(0))
    expect([input.length, show(input.take(1)), input.advance()]).toEqual([1, 'a', false])
  })
})
