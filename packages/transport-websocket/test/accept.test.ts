/** The server's side of the handshake, byte by byte, over memory: what is answered, and what is not. */
import { type StreamTransport, type UpgradeRequest } from '@async/core'
import { memoryPair, VirtualClock } from '@async/core/testing'
import { describe, expect, it } from 'vitest'
import { acceptWebSocket, type AcceptOptions, refusedStatus, type WebSocketTransport } from '../src/index.ts'
import { deferred, Recorder, turns, until } from './support.ts'
import { readRequest } from './upgrade.ts'

/** The example of RFC 6455 §1.3. */
const good = 'GET /chat?x=1 HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n'

interface Raw {
  /** All that the server sent. */
  readonly answer: () => string
  readonly client: StreamTransport
  readonly ended: Promise<unknown>
  readonly accepted: Promise<WebSocketTransport>
}

/** Sends `request` as it is, and has it accepted. */
function send(request: string, options: AcceptOptions = {}, more: Uint8Array = new Uint8Array(0)): Raw {
  const { a, b } = memoryPair(options)
  let answer = ''
  const ended = deferred<void>()
  a.start({ dataReceived: (data) => (answer += Buffer.from(data).toString('latin1')), eofReceived: () => (a.close(), ended.resolve()) })
  a.writeSequence([request, more])
  const accepted = readRequest(b).then((upgrade) => acceptWebSocket(upgrade, options))
  accepted.catch(() => {})
  return { answer: () => answer, client: a, ended: ended.promise, accepted }
}

describe('acceptWebSocket', () => {
  it('answers the example of the RFC', async () => {
    const { accepted, answer } = send(`${good}Origin: http://server.example.com\r\n\r\n`, { headers: { 'Set-Cookie': 'a=b' } })
    const transport = await accepted
    await turns()
    expect(answer()).toBe(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSet-Cookie: a=b\r\n\r\n',
    )
    expect(transport.info).toMatchObject({ halfCloses: false, pausable: true, resets: true, subprotocol: '', compresses: false, remote: 'memory:a' })
    transport.abort()
  })

  it('takes frames that came with the request, once it is started', async () => {
    const { accepted } = send(`${good}\r\n`, {}, Uint8Array.from([0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]))
    const transport = await accepted
    const recorder = new Recorder()
    transport.start(recorder)
    expect(recorder.messages).toEqual([])
    await recorder.received(1)
    expect(recorder.messages).toEqual(['Hello'])
    transport.abort()
  })

  const without = (name: string, value?: string): string => good.replace(new RegExp(`${name}: .*\r\n`), value === undefined ? '' : `${name}: ${value}\r\n`)
  const refusals: [what: string, request: string, options: AcceptOptions, answer: RegExp][] = [
    ['another method', good.replace('GET', 'POST'), {}, /^HTTP\/1\.1 405 Method Not Allowed\r\nAllow: GET\r\n/],
    ['no Upgrade', without('Upgrade'), {}, /^HTTP\/1\.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n/],
    ['another Upgrade', without('Upgrade', 'h2c'), {}, /^HTTP\/1\.1 426 /],
    ['a Connection without upgrade', without('Connection', 'keep-alive'), {}, /^HTTP\/1\.1 426 /],
    ['another version', without('Sec-WebSocket-Version', '8'), {}, /^HTTP\/1\.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\n/],
    ['no key', without('Sec-WebSocket-Key'), {}, /^HTTP\/1\.1 400 Bad Request\r\n/],
    ['a key that is short', without('Sec-WebSocket-Key', 'dGhlIHNhbXBsZQ=='), {}, /^HTTP\/1\.1 400 /],
    ['two keys', `${good}Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n`, {}, /^HTTP\/1\.1 400 /],
    ['another path', good, { path: '/other' }, /^HTTP\/1\.1 404 Not Found\r\n/],
    ['a path that the function does not know', good, { path: (path) => path !== '/chat' }, /^HTTP\/1\.1 404 /],
    ['a page of another host', `${good}Origin: https://evil.example\r\n`, {}, /^HTTP\/1\.1 403 Forbidden\r\n/],
    ['a page of a host that begins like ours', `${good}Origin: http://server.example.com.evil.example\r\n`, {}, /^HTTP\/1\.1 403 /],
    ['a page of no origin', `${good}Origin: null\r\n`, {}, /^HTTP\/1\.1 403 /],
    ['an origin that is not in the list', `${good}Origin: http://server.example.com\r\n`, { origins: ['https://app.example'] }, /^HTTP\/1\.1 403 /],
    ['subprotocols that are not served', `${good}Sec-WebSocket-Protocol: a, b\r\n`, { protocols: ['c'] }, /^HTTP\/1\.1 400 /],
    ['subprotocols that are none', `${good}Sec-WebSocket-Protocol: a,,b\r\n`, {}, /^HTTP\/1\.1 400 /],
    ['who is not authenticated', good, { authenticate: () => false }, /^HTTP\/1\.1 403 /],
    ['with the answer of authenticate', good, { authenticate: async () => ({ status: 401, headers: { 'WWW-Authenticate': 'Basic realm="x"' }, body: 'who are you?' }) }, /^HTTP\/1\.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm="x"\r\nConnection: close\r\nContent-Type: text\/plain; charset=utf-8\r\nContent-Length: 12\r\n\r\nwho are you\?$/],
    ['what authenticate threw at', good, { authenticate: () => Promise.reject(new Error('secret')) }, /^HTTP\/1\.1 500 Internal Server Error\r\n(?![^]*secret)/],
    ['what a function of the options threw at', good, { path: () => { throw new Error('secret') } }, /^HTTP\/1\.1 500 Internal Server Error\r\n(?![^]*secret)/],
    ['with 500 what would split the answer', good, { authenticate: () => ({ status: 401, headers: { 'X-A': 'b\r\nSet-Cookie: c=d' } }) }, /^HTTP\/1\.1 500 (?![^]*Set-Cookie)/],
  ]
  it.each(refusals)('refuses %s', async (_, request, options, expected) => {
    const { answer, ended, accepted } = send(`${request}\r\n`, options)
    const status = Number(/\d{3}/.exec(expected.source.replace('1\\.1', ''))![0])
    const error: unknown = await accepted.catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ name: 'ConnectionError', code: 'ERR_WEBSOCKET_REFUSED', phase: 'handshake' })
    expect(refusedStatus(error)).toBe(status)
    await ended
    expect(answer()).toMatch(expected)
  })

  const acceptances: [what: string, request: string, options: AcceptOptions][] = [
    ['a path', good, { path: '/chat' }],
    ['a target in absolute form', good.replace('/chat?x=1', 'http://server.example.com/chat?x=1'), { path: '/chat' }],
    ['no origin', good, { origins: ['https://app.example'] }],
    ['an origin in the list', `${good}Origin: https://App.example\r\n`, { origins: ['https://app.example'] }],
    ['any origin', `${good}Origin: null\r\n`, { origins: '*' }],
    ['an origin that the function knows', `${good}Origin: https://a.example\r\n`, { origins: (origin) => origin === 'https://a.example' }],
    ['lists in headers', good.replace('Connection: Upgrade', 'Connection: keep-alive, Upgrade').replace('Upgrade: websocket', 'Upgrade: foo, WebSocket'), {}],
    ['a verdict that is nothing', good, { authenticate: async () => {} }],
  ]
  it.each(acceptances)('accepts %s', async (_, request, options) => {
    const { accepted } = send(`${request}\r\n`, options)
    const transport = await accepted
    transport.abort()
  })

  it('agrees upon the best subprotocol of its own', async () => {
    const { accepted, answer } = send(`${good}Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Protocol: c\r\n\r\n`, { protocols: ['c', 'b'] })
    const transport = await accepted
    await turns()
    expect([transport.info.subprotocol, /Sec-WebSocket-Protocol: (.*)\r\n/.exec(answer())?.[1]]).toEqual(['c', 'c'])
    transport.abort()
  })

  it('does not wait for authenticate for ever, and tells the client', async () => {
    const clock = new VirtualClock()
    const { accepted, answer, ended } = send(`${good}\r\n`, { clock, handshakeTimeoutMs: 500, authenticate: () => new Promise(() => {}) })
    await until(() => clock.pendingCount > 0)
    clock.advance(500)
    await expect(accepted).rejects.toMatchObject({ code: 'ERR_HANDSHAKE_TIMEOUT', phase: 'handshake' })
    await ended
    expect(answer()).toMatch(/^HTTP\/1\.1 503 /)
    await turns()
    expect(clock.pendingCount).toBe(0)
  })

  it.each([[null], [''], ['no'], [0], [1], [{}], [{ status: 101 }], [{ status: 600 }]])('lets nobody in whom authenticate answers with %j, which is no verdict', async (verdict) => {
    const { accepted, answer } = send(`${good}\r\n`, { authenticate: () => verdict as never })
    await expect(accepted).rejects.toMatchObject({ code: 'ERR_WEBSOCKET_REFUSED', cause: { code: 'ERR_INVALID_ARGUMENT' } })
    expect(answer()).toMatch(/^HTTP\/1\.1 500 /)
  })

  it.each<[string, AcceptOptions, string]>([
    ['path', { path: () => undefined as never }, '404'],
    ['path', { path: (async () => false) as never }, '404'],
    ['origins', { origins: (async () => false) as never }, '403'],
  ])('takes nothing but true for a yes of %s', async (_, options, status) => {
    const { accepted, answer } = send(`${good}Origin: http://server.example.com\r\n\r\n`, options)
    await expect(accepted).rejects.toMatchObject({ code: 'ERR_WEBSOCKET_REFUSED' })
    expect(answer().slice(9, 12)).toBe(status)
  })

  it('does not wait for ever for an answer to leave', async () => {
    const clock = new VirtualClock()
    const { a, b } = memoryPair({ clock })
    a.start({ dataReceived() {}, eofReceived() {} })
    a.write(`${good}\r\n`)
    const request = await readRequest(b)
    a.pause()
    b.write(new Uint8Array(1_000_000))
    const accepting = acceptWebSocket(request, { clock })
    accepting.catch(() => {})
    await turns()
    clock.advance(10_000)
    await expect(accepting).rejects.toMatchObject({ code: 'ERR_HANDSHAKE_TIMEOUT', phase: 'handshake' })
    expect((await b.closed).kind).toBe('aborted')
    a.abort()
    await a.closed
    expect(clock.pendingCount).toBe(0)
  })

  it('tells of a client that drops the connection while the answer leaves as of one that left', async () => {
    const { a, b } = memoryPair()
    a.start({ dataReceived() {}, eofReceived() {} })
    a.write(`${good}\r\n`)
    const request = await readRequest(b)
    a.pause()
    b.write(new Uint8Array(1_000_000))
    const accepting = acceptWebSocket(request)
    a.abort()
    await expect(accepting).rejects.toMatchObject({ code: 'ERR_CONNECTION_CLOSED', phase: 'handshake', cause: { code: 'ERR_RESET' } })
  })

  it('knows that the client left meanwhile', async () => {
    const { accepted, client } = send(`${good}\r\n`, { authenticate: () => new Promise(() => {}) })
    await turns()
    client.abort()
    await expect(accepted).rejects.toMatchObject({ code: 'ERR_CONNECTION_CLOSED', phase: 'handshake' })
  })

  it('takes the first offer of compression that it can keep', async () => {
    const offers: [offer: string, answer: string | undefined][] = [
      ['permessage-deflate; client_max_window_bits', 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'],
      ['x-webkit-deflate-frame, permessage-deflate; server_max_window_bits=10', 'permessage-deflate; server_max_window_bits=10; server_no_context_takeover; client_no_context_takeover'],
      // zlib has no window of 8 bits.
      ['permessage-deflate; server_max_window_bits=8, permessage-deflate', 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'],
      ['permessage-deflate; server_max_window_bits=8', undefined],
      ['permessage-deflate; nonsense', undefined],
      ['foo; bar="', undefined],
    ]
    for (const [offer, expected] of offers) {
      const { accepted, answer } = send(`${good}Sec-WebSocket-Extensions: ${offer}\r\n\r\n`, { deflate: true })
      const transport = await accepted
      await turns()
      expect(/Sec-WebSocket-Extensions: (.*)\r\n/.exec(answer())?.[1]).toBe(expected)
      expect(transport.info.compresses).toBe(expected !== undefined)
      transport.abort()
    }
  })

  it.each<[string, AcceptOptions]>([
    ['a header', { headers: { 'X-A': 'b\r\nc: d' } }],
    ['the name of a header', { headers: { 'X A': 'b' } }],
    ['a subprotocol', { protocols: ['a b'] }],
    ['maxMessageBytes', { maxMessageBytes: Infinity }],
    ['heartbeatMs', { heartbeatMs: -1 }],
  ])('refuses options that make no sense: %s', async (_, options) => {
    const request = { method: 'GET', target: '/', headers: [], transport: memoryPair().a, leftover: new Uint8Array(0) } satisfies UpgradeRequest
    await expect(acceptWebSocket(request, options)).rejects.toMatchObject({ name: 'UsageError', code: 'ERR_INVALID_ARGUMENT' })
  })
})
