/** What a runtime's WebSocket does to the transport over it, event by event. */
import { describe, expect, it } from 'vitest'
import { type BuiltInWebSocket, connectWebSocket, type WebSocketConnectOptions, type WebSocketTransport } from '../src/web/index.ts'

/** A WebSocket that is open at once, sends nowhere, and says what a test has it say. */
class FakeWebSocket implements BuiltInWebSocket {
  binaryType = ''
  readonly bufferedAmount = 0
  readonly protocol = ''
  readonly extensions = ''
  onopen: BuiltInWebSocket['onopen'] = null
  onmessage: BuiltInWebSocket['onmessage'] = null
  onclose: BuiltInWebSocket['onclose'] = null
  onerror: BuiltInWebSocket['onerror'] = null
  send(): void {}
  close(): void {}
}

async function open(options: Partial<WebSocketConnectOptions> = {}): Promise<{ readonly transport: WebSocketTransport; readonly socket: FakeWebSocket }> {
  const socket = new FakeWebSocket()
  const opening = connectWebSocket({ url: 'ws://x/', ...options, WebSocket: function () {
    return socket
  } as never })
  socket.onopen!({})
  return { transport: await opening, socket }
}

/** Turns of the event loop, until `what` holds. */
async function until(what: () => boolean): Promise<void> {
  while (!what()) await new Promise((resolve) => setImmediate(resolve))
}

describe('a built-in WebSocket', () => {
  it('delivers what was held in order, one by one to who pauses each time, and what comes meanwhile behind it', async () => {
    const { transport, socket } = await open()
    for (const data of ['1', '2', '3', '4', '5']) socket.onmessage!({ data })
    const got: unknown[] = []
    transport.start({
      dataReceived(data) {
        got.push(data)
        transport.pause('read')
      },
    })
    for (let count = 1; count <= 9; count++) {
      await until(() => got.length === count)
      if (count < 5) socket.onmessage!({ data: String(count + 5) })
      transport.resume('read')
    }
    expect(got).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9'])
    transport.abort()
    expect(await transport.closed).toMatchObject({ kind: 'aborted', unreadBytes: 0 })
  })

  it('survives a runtime that throws where others drop what is sent too late', async () => {
    const { transport, socket } = await open()
    const writeRefused = new Error('readyState not OPEN')
    socket.send = () => {
      throw writeRefused
    }
    transport.start({ dataReceived() {} })
    transport.write('late')
    await expect(transport.drained(0)).rejects.toMatchObject({ code: 'ERR_RESET', cause: writeRefused })
    socket.onclose!({ code: 1001, reason: '' })
    expect(await transport.closed).toMatchObject({ kind: 'gone', unsentBytes: 4 })
  })

  it('counts what was held as unread when it is aborted', async () => {
    const { transport, socket } = await open()
    socket.onmessage!({ data: 'abc' })
    socket.onmessage!({ data: new ArrayBuffer(4) })
    transport.abort()
    expect(await transport.closed).toMatchObject({ kind: 'aborted', unreadBytes: 7 })
  })

  it('ends with kind limit when more is held than may be', async () => {
    const { transport, socket } = await open({ maxHeldBytes: 1000 })
    socket.onmessage!({ data: 'x'.repeat(1000) })
    socket.onmessage!({ data: 'y' })
    expect(await transport.closed).toMatchObject({
      kind: 'limit', unreadBytes: 1001, error: { code: 'ERR_HELD_TOO_MUCH', limit: 'maxHeldBytes', allowed: 1000, actual: 1064, unit: 'bytes' },
    })
  })

  it('holds no more empty messages than fit: each takes memory', async () => {
    const { transport, socket } = await open({ maxHeldBytes: 640 })
    for (let i = 0; i < 11; i++) socket.onmessage?.({ data: '' })
    expect(await transport.closed).toMatchObject({ kind: 'limit', error: { code: 'ERR_HELD_TOO_MUCH', allowed: 640, actual: 704 } })
  })
})
