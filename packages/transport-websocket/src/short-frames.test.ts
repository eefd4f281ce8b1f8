import { seededRandom } from '@async/core/testing'
import { describe, expect, it } from 'vitest'
import { Incoming } from './incoming.ts'
import { shortFrame, shortFrameEnd } from './short-frames.ts'
import { Receiver } from './ws.ts'

const limits = { maxMessageBytes: 300, maxFragments: 3 }

/** What `ws` alone makes of a client's bytes: what Incoming has to make of them, too. */
function byReceiver(bytes: Buffer): unknown[] {
  const items: unknown[] = []
  const receiver = new Receiver({ isServer: true, maxPayload: 300, maxFragments: 3, maxBufferedChunks: 16_384, extensions: {} })
  receiver
    .on('message', (data, isBinary) => items.push(isBinary ? Buffer.from(data) : data.toString()))
    .on('ping', (payload) => items.push({ type: 'ping', payload: Buffer.from(payload) }))
    .on('pong', () => items.push({ type: 'pong' }))
    .on('conclude', (code, text) => items.push({ type: 'close', code, text: text.toString() }))
    .on('error', () => {})
  receiver._write(bytes, 'buffer', (error) => error != null && items.push({ type: 'error', code: error.code }))
  return items
}

function byIncoming(bytes: Buffer, cuts: readonly number[]): unknown[] {
  const incoming = new Incoming(true, limits, undefined)
  const items: unknown[] = []
  let from = 0
  for (const cut of [...cuts, bytes.length]) {
    incoming.receive(Uint8Array.from(bytes.subarray(from, cut)))
    from = cut
    for (let item = incoming.next(); item !== undefined; item = incoming.next()) {
      items.push(typeof item === 'object' && 'error' in item ? { type: 'error', code: item.error.code } : item)
    }
  }
  return items
}

const { below } = seededRandom(1)

/** A frame of a client; sometimes one that is wrong. */
function frame(fragmented: boolean): { readonly bytes: Buffer; readonly fragmented: boolean } {
  const kind = below(40)
  const fin = kind < 30 || below(2) === 0
  const opcode = kind === 39 ? below(16) : kind > 36 ? 9 + below(2) : fragmented ? 0 : 1 + below(2)
  const length = below(10) === 0 ? 120 + below(200) : below(20)
  const payload = Buffer.from(Array.from({ length }, () => (below(30) === 0 ? below(256) : 32 + below(90))))
  const mask = Buffer.from(Array.from({ length: 4 }, () => (below(3) === 0 ? 0 : below(256))))
  const head = length < 126 ? [0x80 | length] : [0xfe, length >> 8, length & 255]
  const first = (fin ? 0x80 : 0) | (below(200) === 0 ? 0x40 : 0) | opcode
  const isMasked = below(200) !== 0
  if (!isMasked) head[0]! &= 0x7f
  return { bytes: Buffer.concat([Buffer.from([first, ...head]), ...(isMasked ? [mask] : []), payload.map((byte, i) => byte ^ mask[i % 4]!)]), fragmented: opcode < 3 ? !fin : fragmented }
}

describe('short frames', () => {
  it('are what ws makes of them, between frames of every other kind, wrong ones among them, however they are cut', () => {
    const seen = new Set<string>()
    for (let run = 0; run < 2000; run++) {
      const frames: Buffer[] = []
      let fragmented = false
      for (let i = 1 + below(12); i > 0; i--) {
        const made = frame(fragmented)
        frames.push(made.bytes)
        fragmented = made.fragmented
      }
      const bytes = Buffer.concat(frames)
      const cuts = Array.from({ length: below(4) }, () => below(bytes.length)).sort((a, b) => a - b)
      const expected = byReceiver(Buffer.from(bytes))
      expect(byIncoming(bytes, cuts)).toEqual(expected)
      for (const item of expected) seen.add(typeof item === 'string' ? 'text' : ((item as { code?: string; type?: string }).code ?? (item as { type?: string }).type ?? 'bytes'))
    }
    expect([...seen].filter((name) => typeof name === 'string').length).toBeGreaterThan(10)
  })

  it('are left alone with the first that is not plainly one', () => {
    const bytes = Buffer.from([0x81, 0x81, 1, 2, 3, 4, 0x60, 0x81, 0x81, 1, 2, 3, 4, 0xfe, 0x81])
    const before = Buffer.from(bytes)
    expect(shortFrame(bytes, 0, true, 1000)).toBe('a')
    expect(shortFrameEnd(bytes, 0, true)).toBe(7)
    expect(shortFrame(bytes, 7, true, 1000)).toBeUndefined()
    expect(shortFrame(bytes, 14, true, 1000)).toBeUndefined()
    // 0xfe with the mask is 0xff, which is no UTF-8: it is as it came again.
    expect(bytes.subarray(7)).toEqual(before.subarray(7))
  })
})
