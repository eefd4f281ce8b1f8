import type { Messages, Transport } from '@async/core'
import { VirtualClock } from '@async/core/testing'
import { messagePort } from '@async/core/web'
import { describe, expect, it } from 'vitest'

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

  it('ends with kind limit when more waits than may, and not before', async () => {
    const { transport, port, protocol } = made({ maxHeldBytes: 10 })
    transport.start(protocol)
    transport.pause('read')
    port.postMessage('12345')
    port.postMessage(new Uint8Array(5))
    await new Promise((resolve) => setImmediate(resolve))
    await new Promise((resolve) => setImmediate(resolve))
    expect(protocol.lost).toBe(undefined)
    port.postMessage('x')
    expect(await transport.closed).toMatchObject({
      kind: 'limit',
      unreadBytes: 10,
      error: { code: 'ERR_HELD_TOO_MUCH', limit: 'maxHeldBytes', allowed: 10, actual: 11, unit: 'bytes' },
    })
    expect(protocol.got).toEqual([])
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

  it('refuses a limit that is none', () => {
    expect(() => messagePort(new MessageChannel().port1, { maxHeldBytes: -1 })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })
})
