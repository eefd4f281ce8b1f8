import { isAsyncError } from '@async/core'
import type { Splitter } from '../src/splitter.ts'

/** Latin1 characters as bytes: literals in tables are bytes, not text. */
export function bytes(latin1: string): Uint8Array {
  return Uint8Array.from(latin1, (char) => char.charCodeAt(0))
}

/** Bytes as latin1 characters; text as it is, marked, so that no table takes one for the other. */
export function show(unit: Uint8Array | string): string {
  return typeof unit === 'string' ? `text:${unit}` : Array.from(unit, (byte) => String.fromCharCode(byte)).join('')
}

/** Everything that a splitter gives for these reads, and the end: units, reports, and how it ended. */
export function feed(splitter: Splitter, reads: readonly Uint8Array[]): string[] {
  const events: string[] = []
  const pull = (): void => {
    for (;;) {
      const unit = splitter.next()
      if (unit !== undefined) events.push(show(unit))
      else {
        const overlong = splitter.takeOverlong()
        if (overlong === undefined) return
        events.push(`overlong ${overlong.bytes}/${overlong.deliveredBytes}`)
      }
    }
  }
  try {
    for (const read of reads) {
      splitter.receiveData(read)
      pull()
    }
    splitter.receiveEof()
    pull()
    events.push(splitter.truncatedBytes === 0 ? 'end' : `truncated ${splitter.truncatedBytes}`)
  } catch (error) {
    if (!isAsyncError(error)) throw error
    events.push(error.code)
  }
  return events
}

/** `input` whole, byte by byte, at every split point, at every second and third byte, and as one backlog of single bytes. */
export function everyFeeding(input: Uint8Array): (readonly [name: string, reads: readonly Uint8Array[]])[] {
  const ways: [string, Uint8Array[]][] = [['whole', [input.slice()]]]
  const cut = (size: number): Uint8Array[] => {
    const reads: Uint8Array[] = []
    for (let at = 0; at < input.length; at += size) reads.push(input.slice(at, at + size))
    return reads
  }
  for (const size of [1, 2, 3]) ways.push([`by ${size}`, cut(size)])
  for (let at = 1; at < input.length; at++) ways.push([`split at ${at}`, [input.slice(0, at), input.slice(at)]])
  // A view into a larger buffer, as sockets deliver them.
  const larger = new Uint8Array(input.length + 7).fill(0x0a)
  larger.set(input, 3)
  ways.push(['as a view', [larger.subarray(3, 3 + input.length)]])
  return ways
}
