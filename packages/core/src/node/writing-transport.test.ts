import { Writable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { transportPolicy } from '../base/options.ts'
import type { TransportOptions } from '../base/options.ts'
import type { Info } from '../transport.ts'
import { WritingTransport } from './writing-transport.ts'

const block = new Uint8Array(64 * 1024)

/** A transport that writes to `output`, and of which nothing comes. */
class Sender extends WritingTransport {
  readonly info: Info = { pausable: true, resets: false, halfCloses: false, readsAfterWriteError: false }

  constructor(output: Writable, options: TransportOptions = {}) {
    super(transportPolicy(options), output)
  }

  protected sendEnd(): void {}
  protected startReading(): void {}
  protected stopReading(): void {}
  protected destroy(): void {
    this.output.destroy()
  }
}

/** Takes what comes at once, or (`slow`) a turn later, and notes how much came in each call. */
class Taker extends Writable {
  readonly sizes: number[] = []
  slow = false

  override _write(data: Uint8Array, _encoding: string, done: () => void): void {
    this.took(data.length, done)
  }

  override _writev(chunks: { chunk: Uint8Array }[], done: () => void): void {
    this.took(chunks.reduce((bytes, { chunk }) => bytes + chunk.length, 0), done)
  }

  private took(bytes: number, done: () => void): void {
    this.sizes.push(bytes)
    if (this.slow) setImmediate(done)
    else done()
  }
}

/** Writes blocks while it may, 512 MiB at most; when resumed, inside the call, or as the layers do whose turn it then is, `later`. */
function fillAlways(transport: Sender, later: (task: () => void) => void = (task) => task()): { stop(): void } {
  let on = true
  let left = 8192
  const fill = (): void => {
    while (on && left-- > 0) transport.write(block)
  }
  transport.start({ dataReceived() {} })
  transport.register({ halfRegister() {}, pause: () => void (on = false), resume: () => ((on = true), later(fill)), stop: () => void (on = false) })
  fill()
  return {
    stop() {
      transport.abort()
    },
  }
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('WritingTransport', () => {
  it('F6 sends more at a time to who takes it at once, and less to who does not', async () => {
    const output = new Taker()
    const filling = fillAlways(new Sender(output))
    while (output.sizes.length < 20) await turn()
    const kib = output.sizes.map((bytes) => bytes / 1024)
    expect(kib.slice(0, 5)).toEqual([128, 192, 320, 320, 320])
    expect(Math.max(...kib)).toBe(320)
    output.slow = true
    output.sizes.length = 0
    while (output.sizes.length < 10) await turn()
    expect(output.sizes.map((bytes) => bytes / 1024).slice(0, 5)).toEqual([320, 192, 128, 128, 128])
    filling.stop()
  })

  it('F6 keeps to a mark that was given', async () => {
    const output = new Taker()
    const filling = fillAlways(new Sender(output, { highWaterMarkBytes: 64 * 1024 }))
    while (output.sizes.length < 20) await turn()
    expect(new Set(output.sizes)).toEqual(new Set([128 * 1024]))
    filling.stop()
  })

  it.each([
    ['inside the call', undefined],
    ['in a microtask', queueMicrotask],
  ])('B6 lets the event loop go on, however fast the peer takes what a producer writes %s', async (_, later) => {
    const output = new Taker()
    const filling = fillAlways(new Sender(output), later)
    const sent = (): number => output.sizes.reduce((sum, bytes) => sum + bytes, 0)
    let turns = 0
    for (; sent() < 256 * 1024 * 1024; turns++) await turn()
    expect(turns).toBeGreaterThan(50)
    filling.stop()
  })
})
