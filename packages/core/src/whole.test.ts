import { describe, expect, it } from 'vitest'
import { settle } from '../test/settle.ts'
import type { CloseReason } from './reason.ts'
import { memoryPair } from './testing/memory-pair.ts'
import { whole } from './whole.ts'

const text = (data: Uint8Array): string => new TextDecoder().decode(data)

function ends(options?: { maxBytes?: number }) {
  const { a, b } = memoryPair()
  const events: string[] = []
  const top = whole(options)(b)
  const protocol = {
    dataReceived: (data: Uint8Array) => void events.push(text(data)),
    eofReceived: () => void events.push('eof'),
    connectionLost: (reason: CloseReason) => void events.push(reason.kind),
  }
  return { raw: a, top, events, protocol }
}

describe('whole', () => {
  it('delivers what came until the end as one message, then the end', async () => {
    const { raw, top, events, protocol } = ends()
    top.start(protocol)
    raw.start({ dataReceived() {}, eofReceived() {} })
    raw.write('one ')
    await raw.drained(0)
    raw.write('message')
    raw.halfClose()
    await settle()
    expect(events).toEqual(['one message', 'eof'])
    top.write('answer')
    await top.closed
    expect(events).toEqual(['one message', 'eof', 'closed'])
  })

  it('delivers no message when nothing came', async () => {
    const { raw, top, events, protocol } = ends()
    top.start(protocol)
    raw.start({ dataReceived() {} })
    raw.halfClose()
    top.halfClose()
    await top.closed
    expect(events).toEqual(['eof', 'closed'])
  })

  it('takes one message, and throws at the second', async () => {
    const { raw, top, protocol } = ends()
    const got: string[] = []
    raw.start({ dataReceived: (data) => void got.push(text(data)), eofReceived: () => void got.push('eof') })
    top.start(protocol)
    expect(() => top.writeSequence(['a', 'b'])).toThrow(expect.objectContaining({ code: 'ERR_HALF_CLOSED' }))
    top.write('a')
    expect(() => top.write('b')).toThrow(expect.objectContaining({ code: 'ERR_HALF_CLOSED' }))
    raw.halfClose()
    await raw.closed
    expect(got).toEqual(['a', 'eof'])
  })

  it('holds the message and the end while paused', async () => {
    const { raw, top, events, protocol } = ends()
    top.start(protocol)
    top.pause('read')
    raw.start({ dataReceived() {}, eofReceived() {} })
    raw.write('x')
    raw.halfClose()
    await settle()
    expect(events).toEqual([])
    top.resume('read')
    expect(events).toEqual([])
    await settle()
    expect(events).toEqual(['x', 'eof'])
    top.close()
  })

  it('holds the end back when paused by the message', async () => {
    const { raw, top, events } = ends()
    top.start({
      dataReceived() {
        events.push('message')
        top.pause('read')
      },
      eofReceived: () => void events.push('eof'),
    })
    raw.start({ dataReceived() {}, eofReceived() {} })
    raw.write('x')
    raw.halfClose()
    await settle()
    expect(events).toEqual(['message'])
    top.resume('read')
    await settle()
    expect(events).toEqual(['message', 'eof'])
    top.close()
  })

  it('ends with kind limit when the message is too long', async () => {
    const { raw, top, events, protocol } = ends({ maxBytes: 10 })
    top.start(protocol)
    raw.start({ dataReceived() {} })
    raw.write('0123456789')
    raw.write('x')
    expect(await top.closed).toMatchObject({
      kind: 'limit',
      error: { code: 'ERR_MESSAGE_TOO_LONG', allowed: 10, actual: 11, unit: 'bytes' },
      unreadBytes: 11,
    })
    expect(events).toEqual(['limit'])
  })

  it('gives the reason of what is below', async () => {
    const { raw, top, events, protocol } = ends()
    top.start(protocol)
    raw.start({ dataReceived() {} })
    raw.write('half of it')
    await raw.drained(0)
    raw.abort()
    expect(await top.closed).toMatchObject({ kind: 'reset', unreadBytes: 10, below: { kind: 'reset' } })
    expect(events).toEqual(['reset'])
  })

  it('closes without having been started', async () => {
    const { raw, top } = ends()
    raw.start({ dataReceived() {} })
    top.close()
    expect(await top.closed).toMatchObject({ kind: 'closed', by: 'local' })
  })

  it('T6 refuses to start on what is over below, and tells of that end all the same', async () => {
    const { raw, top, events, protocol } = ends()
    raw.start({ dataReceived() {} })
    raw.abort()
    await settle()
    expect(() => top.start(protocol)).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
    expect(await top.closed).toMatchObject({ kind: 'reset', below: { kind: 'reset' } })
    expect(events).toEqual([])
  })
})
