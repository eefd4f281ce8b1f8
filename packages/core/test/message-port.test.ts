import type { Messages, Transport } from '@async/core'
import { type Subject, transportSuite, VirtualClock } from '@async/core/testing'
import { messagePort } from '@async/core/web'
import { describe, expect, it } from 'vitest'

/** Cases that fill a transport by not reading at its other end. */
const full = [
  'W4 writeSequence is accepted as a whole or not at all',
  'W5 a write above the hard cap throws ERR_WRITE_QUEUE_FULL, accepts nothing, and harms nothing',
  'W5 the hard cap is 16 MiB unless told otherwise',
  'C5 a close that cannot send in time becomes an abort of kind timeout',
  'C5 the deadline holds after halfClose() as well',
  'C5 a close may take 30 s unless told otherwise',
  'C5 the deadline does not wait while paused',
  'C6 close() again has no effect, but the shorter deadline wins',
  'C6 close() again with a longer deadline, or none, changes nothing',
  'C8 abort() sends nothing of what is queued, and says how much that was, and why',
  'C8 abort() stops a producer, and rejects those who wait for drained()',
  'C10 abort() while closing ends at once, with kind aborted',
  'F3 on a full consumer pause() follows halfRegister, inside register()',
  'F8 drained() resolves at the low-water mark, drained(0) when all is handed over; any number may wait',
  'F8 drained() rejects with signal.reason when aborted, and nobody else is concerned',
  'F8 drained() leaves no listener on its signal',
  'F8 drained() rejects with the reason’s error when the connection is lost, and afterwards',
  'F9 a shared memory budget: over it the largest queue is aborted with kind limit, and its memory is given back',
] as const

const subject: Subject = {
  name: 'a MessagePort',
  carries: 'message',
  makePair: async (options) => {
    const { port1, port2 } = new MessageChannel()
    // The cases send more to a paused end than may wait by default.
    const held = { ...options, maxHeldBytes: 256 * 1024 * 1024 }
    return { a: messagePort(port1, held), b: messagePort(port2, held) }
  },
  skip: Object.fromEntries(full.map((name) => [name, 'a port takes everything at once, so nothing is ever queued'])),
}

transportSuite({ describe, it }, subject, { counts: { pass: 133, notApplicable: 54, skipped: 18, fail: 0 } })

class Collector {
  readonly got: unknown[] = []
  lost: unknown
  dataReceived(data: unknown): void {
    this.got.push(data)
  }
  eofReceived(): void {
    this.got.push('end')
  }
  connectionLost(reason: unknown): void {
    this.lost = reason
  }
}

describe('messagePort', () => {
  const made = (options?: Parameters<typeof messagePort>[1]) => {
    const { port1, port2 } = new MessageChannel()
    const transport: Transport<Messages> = messagePort(port1, options)
    return { transport, port: port2, protocol: new Collector() }
  }

  it('is lost when the other end was closed before the start', async () => {
    const { transport, port, protocol } = made()
    port.close()
    expect(await transport.closed).toMatchObject({ kind: 'reset' })
    expect(() => transport.start(protocol)).toThrow(expect.objectContaining({ code: 'ERR_CLOSED' }))
  })

  it('ends with kind limit when more waits than may, and not before', async () => {
    const { transport, port, protocol } = made({ maxHeldBytes: 1000 })
    transport.start(protocol)
    transport.pause('read')
    port.postMessage('x'.repeat(500))
    port.postMessage(new Uint8Array(500))
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    expect(protocol.lost).toBe(undefined)
    port.postMessage('x')
    expect(await transport.closed).toMatchObject({
      kind: 'limit',
      unreadBytes: 1000,
      error: { code: 'ERR_HELD_TOO_MUCH', limit: 'maxHeldBytes', allowed: 1000, actual: 1064, unit: 'bytes' },
    })
    expect(protocol.got).toEqual([])
  })

  it('holds no more empty messages than fit: each takes memory', async () => {
    const { transport, port, protocol } = made({ maxHeldBytes: 640 })
    transport.start(protocol)
    transport.pause('read')
    for (let i = 0; i < 11; i++) port.postMessage('')
    expect(await transport.closed).toMatchObject({ kind: 'limit', error: { code: 'ERR_HELD_TOO_MUCH', allowed: 640, actual: 704 } })
  })

  it.each([['a number', 1], ['an object', {}]])('ends with kind protocol at %s', async (_name, message) => {
    const { transport, port, protocol } = made()
    transport.start(protocol)
    port.postMessage(message)
    expect(await transport.closed).toMatchObject({ kind: 'protocol', error: { code: 'ERR_PORT_BAD_MESSAGE' } })
  })

  it('takes null for the end, and sends it for its own', async () => {
    const { transport, port, protocol } = made({ clock: new VirtualClock() })
    transport.start(protocol)
    const got: unknown[] = []
    port.on('message', (data) => got.push(data))
    port.postMessage('last')
    port.postMessage(null)
    while (protocol.got.length < 2) await new Promise((resolve) => setImmediate(resolve))
    expect(protocol.got).toEqual(['last', 'end'])
    transport.write('mine')
    transport.close()
    expect(await transport.closed).toMatchObject({ kind: 'closed', by: 'peer' })
    while (got.length < 2) await new Promise((resolve) => setImmediate(resolve))
    expect(got).toEqual(['mine', null])
  })

  it('sends bytes, and nothing else of the memory that they are a view of', async () => {
    const { transport, port, protocol } = made()
    transport.start(protocol)
    const memory = Buffer.from('a secret, abc, another')
    const got = new Promise<Uint8Array>((resolve) => port.once('message', resolve))
    transport.write(memory.subarray(10, 13))
    const data = await got
    expect([[...data], data.buffer.byteLength, memory.toString()]).toEqual([[97, 98, 99], 3, 'a secret, abc, another'])
    transport.abort()
  })

  it('ends with kind protocol when what was written can no longer be sent: its memory went to somebody else', async () => {
    const { transport, protocol } = made()
    transport.start(protocol)
    const data = new Uint8Array(8)
    transport.write('before')
    transport.write(data)
    structuredClone(data, { transfer: [data.buffer] })
    expect(await transport.closed).toMatchObject({ kind: 'protocol', error: { code: 'ERR_PORT_BAD_MESSAGE', side: 'local', cause: { name: 'TypeError' } } })
  })

  it('refuses a limit that is none', () => {
    expect(() => messagePort(new MessageChannel().port1, { maxHeldBytes: -1 })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })
})
