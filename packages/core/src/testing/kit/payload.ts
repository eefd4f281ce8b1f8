import type { Data } from '../../transport.ts'
import { check, equal } from './check.ts'
import { bytesOf } from './recording.ts'

/** Makes payloads, and knows at each offset what has to come. Byte `i` of a conversation depends on `i` alone. */
export class Pattern {
  private readonly period: Uint8Array

  /** @param alphabet the byte values that may occur */
  constructor(alphabet: readonly number[] | undefined) {
    // A prime length, so that no power of two is a multiple of the period and no lost block goes unseen.
    this.period = new Uint8Array(65_521)
    let state = 1
    for (let i = 0; i < this.period.length; i++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      const value = state >>> 16
      this.period[i] = alphabet === undefined ? value : (alphabet[value % alphabet.length] as number)
    }
  }

  /** Bytes `from` to `from + length` of the conversation, in memory of its own. */
  bytes(length: number, from = 0): Uint8Array {
    const made = new Uint8Array(length)
    let at = 0
    while (at < length) {
      const start = (from + at) % this.period.length
      const piece = this.period.subarray(start, Math.min(this.period.length, start + length - at))
      made.set(piece, at)
      at += piece.length
    }
    return made
  }

  /** Throws unless `deliveries` are the bytes from `from` on, all `length` of them. */
  verify(deliveries: readonly Data[], length: number, from = 0): void {
    equal(this.prefix(deliveries, from), length, 'bytes delivered')
  }

  /** Throws unless `deliveries` are the first bytes of the conversation, however many; gives the number. */
  prefix(deliveries: readonly Data[], from = 0): number {
    let at = from
    for (const delivery of deliveries) {
      for (const byte of bytesOf(delivery)) {
        if (byte !== this.period[at % this.period.length]) check(false, `byte ${at - from} is ${byte}, expected is ${this.period[at % this.period.length]}`)
        at++
      }
    }
    return at - from
  }
}
