/** The client's side of the handshake, byte by byte, over memory. */
import type { StreamTransport } from '@async/core'
import { memoryPair, VirtualClock } from '@async/core/testing'
import { describe, expect, it } from 'vitest'
import { connectWebSocket, openWebSocket, type OpenOptions, refusedStatus, webSocketConnector, type WebSocketTransport } from '../src/index.ts'
import { acceptOf } from '../src/http-head.ts'
import { Recorder, turns, until } from './support.ts'

interface Raw {
  readonly request: () => string
  readonly server: StreamTransport
  readonly opened: Promise<WebSocketTransport>
  readonly accept: () => string
}

/** Opens a WebSocket to a server that answers nothing by itself. */
function open(options: OpenOptions = {}): Raw {
  const { a, b } = memoryPair(options)
  let request = ''
  b.start({ dataReceived: (data) => (request += Buffer.from(data).toString('latin1')), eofReceived() {} })
  const opened = openWebSocket(a, options)
  opened.catch(() => {})
  return { request: () => request, server: b, opened, accept: () => acceptOf(/Sec-WebSocket-Key: (.*)\r\n/.exec(request)![1]!) }
}

const head = (accept: string, more = ''): string => `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${more}\r\n`

describe('openWebSocket', () => {
  it('asks as RFC 6455 §4.1 says, and takes the frames that come with the answer', async () => {
    const { request, server, opened, accept } = open({ host: 'example.test:81', target: '/a?b', protocols: ['x', 'y'], origin: 'https://example.test', deflate: true })
    await until(() => request().endsWith('\r\n\r\n'))
    expect(request()).toMatch(
      /^GET \/a\?b HTTP\/1\.1\r\nHost: example\.test:81\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: x, y\r\nSec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover\r\nOrigin: https:\/\/example\.test\r\nSec-WebSocket-Key: [+/0-9A-Za-z]{22}==\r\n\r\n$/,
    )
    const answer = Buffer.concat([Buffer.from(head(accept(), 'Sec-WebSocket-Protocol: y\r\n')), Buffer.from([0x81, 0x02, 0x68, 0x69])])
    for (const byte of answer) {
      server.write(Uint8Array.of(byte))
      await turns(1)
    }
    const transport = await opened
    expect(transport.info.subprotocol).toBe('y')
    const recorder = new Recorder()
    transport.start(recorder)
    await recorder.received(1)
    expect(recorder.messages).toEqual(['hi'])
    transport.abort()
  })

  const answers: [what: string, answer: (accept: string) => string, options: OpenOptions, message: RegExp][] = [
    ['no HTTP', () => 'SSH-2.0-OpenSSH\r\n\r\n', {}, /no answer of HTTP/],
    ['HTTP/1.0', (accept) => head(accept).replace('1.1', '1.0'), {}, /no answer of HTTP/],
    ['a header that is none', (accept) => head(accept, 'nonsense\r\n'), {}, /is no header/],
    ['another key', () => head('s3pPLMBiTxaQ9kYGzzhZRbK+xOo='), {}, /does not answer our key/],
    ['no upgrade', (accept) => head(accept).replace('Upgrade: websocket\r\n', ''), {}, /does not upgrade/],
    ['a subprotocol that was not offered', (accept) => head(accept, 'Sec-WebSocket-Protocol: z\r\n'), { protocols: ['x'] }, /subprotocol was not offered/],
    ['an extension that was not offered', (accept) => head(accept, 'Sec-WebSocket-Extensions: permessage-deflate\r\n'), {}, /extension that was not offered/],
    ['compression with a context', (accept) => head(accept, 'Sec-WebSocket-Extensions: permessage-deflate\r\n'), { deflate: true }, /extension that was not offered/],
    ['two extensions', (accept) => head(accept, 'Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover, foo\r\n'), { deflate: true }, /extension that was not offered/],
    ['a head without an end', () => `HTTP/1.1 101 x\r\nA: ${'b'.repeat(1000)}`, { maxHandshakeBytes: 1000 }, /maxHandshakeBytes/],
  ]
  it.each(answers)('refuses %s', async (_, answer, options, message) => {
    const { request, server, opened, accept } = open(options)
    await until(() => request().endsWith('\r\n\r\n'))
    server.write(answer(accept()))
    await expect(opened).rejects.toMatchObject({ name: 'ConnectionError', code: 'ERR_WEBSOCKET_HANDSHAKE', phase: 'handshake', message: expect.stringMatching(message) })
    expect((await server.closed).kind).toBe('reset')
  })

  it('tells the status of a refusal', async () => {
    const { request, server, opened } = open()
    await until(() => request().endsWith('\r\n\r\n'))
    server.write('HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n')
    const error: unknown = await opened.catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'ERR_WEBSOCKET_REFUSED', message: 'the server refused with 503 Service Unavailable' })
    expect(refusedStatus(error)).toBe(503)
  })

  it('fails when the server ends, drops the connection, or says nothing; a signal gives it up', async () => {
    const ended = open()
    await turns()
    ended.server.close()
    await expect(ended.opened).rejects.toMatchObject({ code: 'ERR_WEBSOCKET_HANDSHAKE', cause: { code: 'ERR_TRUNCATED' } })
    const dropped = open()
    await turns()
    dropped.server.abort()
    await expect(dropped.opened).rejects.toMatchObject({ code: 'ERR_WEBSOCKET_HANDSHAKE', cause: { code: 'ERR_RESET' } })
    const clock = new VirtualClock()
    const silent = open({ clock })
    await turns()
    clock.advance(10_000)
    await expect(silent.opened).rejects.toMatchObject({ code: 'ERR_HANDSHAKE_TIMEOUT', phase: 'handshake' })
    expect(clock.pendingCount).toBe(0)
    const controller = new AbortController()
    const given = open({ signal: controller.signal })
    await turns()
    controller.abort(new Error('enough'))
    await expect(given.opened).rejects.toThrow('enough')
    expect((await given.server.closed).kind).toBe('reset')
  })

  it('of a transport that is over fails, and leaves nothing behind', async () => {
    const clock = new VirtualClock()
    const { a } = memoryPair({ clock })
    a.abort()
    await a.closed
    const { signal } = new AbortController()
    const listeners: string[] = []
    signal.addEventListener = () => void listeners.push('added')
    signal.removeEventListener = () => void listeners.push('removed')
    await expect(openWebSocket(a, { clock, signal })).rejects.toMatchObject({ name: 'UsageError', code: 'ERR_CLOSED' })
    expect([clock.pendingCount, listeners]).toEqual([0, ['added', 'removed']])
  })

  it.each<[string, OpenOptions]>([
    ['a target with a blank', { target: '/a b' }],
    ['a target that is none', { target: 'a' }],
    ['a host that is a header', { host: 'a\r\nb: c' }],
    ['a header of the handshake', { headers: { 'sec-WebSocket-Key': 'x' } }],
    ['a subprotocol that is none', { protocols: [''] }],
  ])('refuses options that make no sense: %s', async (_, options) => {
    await expect(openWebSocket(memoryPair().a, options)).rejects.toMatchObject({ name: 'UsageError', code: 'ERR_INVALID_ARGUMENT' })
  })
})

describe('webSocketConnector', () => {
  it.each([['http-less'], ['ftp://a/'], ['ws://a/#b'], ['ws://'], ['ws://a%:b@h/']])('refuses the URL %s', (url) => {
    expect(() => webSocketConnector({ url })).toThrowError(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })

  it('needs something to connect to', () => {
    expect(() => webSocketConnector({})).toThrowError(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })

  it('says where nobody is', async () => {
    await expect(connectWebSocket({ url: 'ws://name.invalid/' })).rejects.toMatchObject({ code: 'ERR_HOST_NOT_FOUND', phase: 'connect' })
  })
})
