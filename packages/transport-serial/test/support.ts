import type { CloseReason, Protocol, Stream } from '@async/core'
import type { SerialTransport } from '../src/index.ts'

/** Notes what happens. */
export class Recorder implements Protocol<Stream, SerialTransport> {
  readonly pieces: Uint8Array[] = []
  bytes = 0
  reason: CloseReason | undefined
  losses = 0
  onData: ((data: Uint8Array) => void) | undefined

  readonly dataReceived = (data: Uint8Array): void => {
    this.pieces.push(data)
    this.bytes += data.length
    this.onData?.(data)
  }

  connectionLost(reason: CloseReason): void {
    this.reason = reason
    this.losses++
  }

  get data(): Buffer {
    return Buffer.concat(this.pieces)
  }

  get text(): string {
    return this.data.toString('latin1')
  }
}

/** Turns of the event loop: in memory all that can happen without time has happened then. */
export async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** Real milliseconds, until `holds`; the test's own time-out ends a wait in vain. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2))
}

/** Bytes that repeat late, so that a piece in the wrong place shows. */
export function pattern(bytes: number, seed = 1): Buffer {
  const data = Buffer.allocUnsafe(bytes)
  let state = seed
  for (let i = 0; i < bytes; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    data[i] = state >>> 24
  }
  return data
}
