import { describe, expect, it } from 'vitest'
import { ByteQueue } from './byte-queue.ts'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)

function filled(): ByteQueue {
  const queue = new ByteQueue()
  for (const piece of [bytes(1, 2), bytes(), bytes(3), bytes(4, 5, 6)]) queue.append(piece)
  return queue
}

describe('ByteQueue', () => {
  it('takes what lies in one piece as a view, and joins what does not', () => {
    const piece = bytes(1, 2, 3)
    const queue = new ByteQueue()
    queue.append(piece)
    queue.append(bytes(4))
    const view = queue.take(2)!
    expect(view).toEqual(bytes(1, 2))
    expect(view.buffer).toBe(piece.buffer)
    expect(queue.take(2)).toEqual(bytes(3, 4))
    expect(queue.length).toBe(0)
  })

  it('gives nothing when there are fewer bytes than asked for, and keeps them', () => {
    const queue = filled()
    expect(queue.take(7)).toBeUndefined()
    expect(queue.takeAll()).toEqual(bytes(1, 2, 3, 4, 5, 6))
    expect(queue.takeAll()).toEqual(bytes())
  })

  it.each([0, 1, 2, 3, 4, 5, 6])('prepends after %i bytes were taken', (count) => {
    const queue = filled()
    queue.skip(count)
    queue.prepend(bytes(9, 8))
    expect([...queue.takeAll()]).toEqual([9, 8, ...[1, 2, 3, 4, 5, 6].slice(count)])
  })

  it.each([0, 1, 2, 3])('finds bytes by index and by value after %i were skipped', (count) => {
    const queue = filled()
    expect(queue.skip(count)).toBe(count)
    expect(queue.at(0)).toBe(count + 1)
    expect(queue.at(6 - count - 1)).toBe(6)
    expect(queue.at(6 - count)).toBeUndefined()
    expect(queue.indexOf(5)).toBe(4 - count)
    expect(queue.indexOf(5, 4 - count)).toBe(4 - count)
    expect(queue.indexOf(5, 5 - count)).toBe(-1)
    expect(queue.indexOf(7)).toBe(-1)
  })

  it('skips at most what there is', () => {
    const queue = filled()
    expect(queue.skip(100)).toBe(6)
    queue.append(bytes(7))
    expect(queue.takeAll()).toEqual(bytes(7))
  })

  it('holds many small pieces', () => {
    const queue = new ByteQueue()
    for (let i = 0; i < 1000; i++) queue.append(bytes(i & 255))
    for (let i = 0; i < 500; i++) expect(queue.take(1)![0]).toBe(i & 255)
    expect(queue.length).toBe(500)
    expect(queue.takeAll()[499]).toBe(999 & 255)
  })
})
