import { type ConnectionError, stack } from '@async/core'
import { memoryPair, VirtualClock } from '@async/core/testing'
import { describe, expect, it } from 'vitest'
import { tls, TlsCredentials, type TlsOptions, tlsServer, type TlsServerOptions, TlsSessionCache, type TlsTransport } from '../src/index.ts'
import { authority, makeAuthority, makeCertificate, server } from './certificates.ts'
import { codeOf, Recorder, turns } from './support.ts'

const trusted = { serverName: 'localhost', ca: authority.cert }
const shown = { cert: server.cert, key: server.key }
const other = makeAuthority('other')

function ends(client: Partial<TlsOptions> = {}, listening: Partial<TlsServerOptions> = {}): { a: TlsTransport; b: TlsTransport; below: ReturnType<typeof memoryPair> } {
  const below = memoryPair()
  const ours = 'cert' in listening || 'credentials' in listening || 'selectCredentials' in listening ? listening : { ...shown, ...listening }
  return { below, a: stack(below.a, tls({ ...trusted, ...client } as TlsOptions)), b: stack(below.b, tlsServer(ours)) }
}

interface Failure {
  readonly client: unknown
  readonly server: unknown
  readonly errors: readonly Error[]
}

/** The codes that both ends end with. */
async function failure(client: Partial<TlsOptions> = {}, listening: Partial<TlsServerOptions> = {}): Promise<Failure> {
  const { a, b } = ends(client, listening)
  const [atA, atB] = [new Recorder(), new Recorder()]
  a.start(atA)
  b.start(atB)
  const reasons = await Promise.all([atA.lost, atB.lost])
  expect(atA.events.filter((event) => event !== 'made')).toHaveLength(1)
  return { client: codeOf(reasons[0]), server: codeOf(reasons[1]), errors: reasons.flatMap((reason) => ('error' in reason ? [reason.error] : [])) }
}

async function opened(client: Partial<TlsOptions> = {}, listening: Partial<TlsServerOptions> = {}) {
  const { a, b } = ends(client, listening)
  await Promise.all([a.handshake(), b.handshake()])
  return { a, b }
}

describe('a handshake', () => {
  it('begins with start; connectionMade comes when it is over, with all facts, and what was written before goes out', async () => {
    const { a, b } = ends({ alpnProtocols: ['two', 'one'] }, { alpnProtocols: ['one', 'two'] })
    const [atA, atB] = [new Recorder(), new Recorder()]
    a.write('early ')
    a.start(atA)
    a.write('bird')
    expect(atA.events).toEqual([])
    expect(a.info.protocol).toBeUndefined()
    b.start(atB)
    await Promise.all([atA.made, atB.made])
    a.halfClose()
    await atB.eof
    expect(atB.text).toBe('early bird')
    expect(a.info).toMatchObject({ protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', alpnProtocol: 'one', serverName: 'localhost' })
    expect(a.info).toMatchObject({ authorized: true, resumed: false, remote: 'memory:b' })
    expect(a.info.peerCertificate?.subject).toBe('CN=server')
    expect(b.info).toMatchObject({ protocol: 'TLSv1.3', alpnProtocol: 'one', serverName: 'localhost', authorized: false, resumed: false })
    expect(b.info.peerCertificate).toBeUndefined()
    b.close()
    await Promise.all([a.closed, b.closed])
    expect(a.info.peerCertificate?.subject).toBe('CN=server')
  })

  it.each([
    ['has expired', { by: 'authority', valid: ['20200101000000Z', '20200102000000Z'] }, 'ERR_TLS_CERT_EXPIRED'],
    ['is not valid yet', { by: 'authority', valid: ['20980101000000Z', '20990102000000Z'] }, 'ERR_TLS_CERT_NOT_YET_VALID'],
    ['is signed by itself', {}, 'ERR_TLS_SELF_SIGNED'],
    ['is signed by an unknown authority', { by: 'other' }, 'ERR_TLS_UNKNOWN_AUTHORITY'],
    ['is for another name', { by: 'authority', names: 'DNS:elsewhere.test,IP:127.0.0.9' }, 'ERR_TLS_WRONG_HOST'],
  ] as const)('with a server whose certificate %s fails', async (name, wanted, code) => {
    const { cert, key } = makeCertificate(name.replaceAll(' ', '-'), wanted)
    const failed = await failure({}, { cert, key })
    expect(failed.client).toBe(code)
    expect(failed.errors[0]).toMatchObject({ name: 'ConnectionError', phase: 'handshake' })
    const anyway = await opened({ dangerouslyAcceptAnyCertificate: true }, { cert, key })
    expect(anyway.a.info.authorized).toBe(false)
    expect(anyway.a.info.authorizationError).toMatch(/^[A-Z_]+$/)
  })

  it('checks an IP address against the addresses of the certificate, and does not send it', async () => {
    const { b } = await opened({ serverName: '127.0.0.1' })
    expect(b.info.serverName).toBeUndefined()
    expect((await failure({ serverName: '127.0.0.2' })).client).toBe('ERR_TLS_WRONG_HOST')
  })

  it('fails where the peers have no version in common', async () => {
    expect(await failure({ maxVersion: 'TLSv1.2' }, { minVersion: 'TLSv1.3' })).toMatchObject({ client: 'ERR_TLS_VERSION', server: 'ERR_TLS_VERSION' })
    // The default is TLS 1.2.
    expect(await failure({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' })).toMatchObject({ client: 'ERR_TLS_VERSION', server: 'ERR_TLS_VERSION' })
  })

  it('fails where the peers have no application protocol in common', async () => {
    expect(await failure({ alpnProtocols: ['one'] }, { alpnProtocols: ['two'] })).toMatchObject({ client: 'ERR_TLS_ALPN', server: 'ERR_TLS_ALPN' })
  })

  it('with something that does not speak TLS fails', async () => {
    const { below, b } = ends()
    const atB = new Recorder()
    b.start(atB)
    below.a.start(new Recorder() as never)
    below.a.write('GET / HTTP/1.1\r\n\r\n')
    expect(codeOf(await atB.lost)).toBe('ERR_TLS_NOT_TLS')
    expect(atB.events).toEqual(['lost protocol'])
    const reversed = memoryPair()
    const client = tls(trusted)(reversed.a)
    reversed.b.start({ dataReceived: () => reversed.b.write('220 mail.test ready\r\n') })
    await expect(client.handshake()).rejects.toMatchObject({ code: 'ERR_TLS_NOT_TLS', phase: 'handshake' })
  })

  it('that is cut off is kind truncated', async () => {
    const { below, a } = ends()
    const atA = new Recorder()
    a.start(atA)
    below.b.start({ dataReceived: () => below.b.close() })
    const reason = await atA.lost
    expect([reason.kind, codeOf(reason)]).toEqual(['truncated', 'ERR_TRUNCATED'])
    expect(atA.events).toEqual(['lost truncated'])
  })

  it.each(['client', 'server'] as const)('that takes too long ends with kind timeout, at the %s', async (which) => {
    const clock = new VirtualClock()
    const below = memoryPair({ clock })
    const transport = which === 'client' ? tls({ ...trusted, clock })(below.a) : tlsServer({ ...shown, clock, handshakeTimeoutMs: 10_000 })(below.a)
    below.b.start({ dataReceived() {} })
    const recorder = new Recorder()
    transport.start(recorder)
    clock.advance(9_999)
    await turns()
    expect(recorder.events).toEqual([])
    clock.advance(1)
    expect(codeOf(await recorder.lost)).toBe('ERR_TLS_HANDSHAKE_TIMEOUT')
    expect(recorder.events).toEqual(['lost timeout'])
    expect(clock.pendingCount).toBe(0)
  })

  it('is refused when too many are in progress', async () => {
    const layer = tlsServer({ ...shown, maxHandshakes: 2 })
    const pairs = Array.from({ length: 4 }, () => memoryPair())
    const [first, second, third] = pairs.map(({ b }) => layer(b))
    void first!.handshake().catch(() => {})
    void second!.handshake().catch(() => {})
    await expect(third!.handshake()).rejects.toMatchObject({ name: 'LimitError', code: 'ERR_TLS_TOO_MANY_HANDSHAKES', allowed: 2 })
    expect((await third!.closed).kind).toBe('limit')
    first!.abort()
    await first!.closed
    const fourth = layer(pairs[3]!.b)
    await Promise.all([fourth.handshake(), tls(trusted)(pairs[3]!.a).handshake()])
    second!.abort()
  })

  it('close() before it is over ends it; with data written before it goes on, and sends them', async () => {
    const { a, b } = ends()
    a.handshake().catch(() => {})
    a.close()
    expect((await a.closed).kind).toBe('closed')
    b.abort()
    const again = ends()
    const atB = new Recorder()
    again.b.start(atB)
    again.a.write('the last word')
    again.a.close()
    await atB.eof
    expect(atB.text).toBe('the last word')
    again.b.close()
    expect((await again.a.closed).kind).toBe('closed')
  })
})

describe('client certificates', () => {
  const mine = makeCertificate('client', { by: 'authority', names: 'email:me@client.test' })
  const strangers = makeCertificate('stranger', { by: 'other' })

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('are asked for, checked, and told, %s', async (maxVersion) => {
    const server = { ca: authority.cert, clientCertificates: 'require', maxVersion } as const
    const { b } = await opened({ cert: mine.cert, key: mine.key }, server)
    expect(b.info).toMatchObject({ authorized: true, authorizationError: undefined })
    expect(b.info.peerCertificate?.subject).toBe('CN=client')
    expect((await failure({}, server)).server).toBe('ERR_TLS_CERT_REQUIRED')
    expect((await failure({ cert: strangers.cert, key: strangers.key }, server)).server).toBe('ERR_TLS_UNKNOWN_AUTHORITY')
  })

  it('that are only asked for may be missing, or signed by anybody', async () => {
    const server = { ca: authority.cert, clientCertificates: 'request' } as const
    const without = await opened({}, server)
    expect(without.b.info).toMatchObject({ authorized: false, peerCertificate: undefined })
    const stranger = await opened({ cert: strangers.cert, key: strangers.key }, server)
    expect(stranger.b.info).toMatchObject({ authorized: false, authorizationError: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' })
    expect(other.cert).toContain('CERTIFICATE')
  })

  it('and those of servers can be looked at', async () => {
    const refuse = (): never => {
      throw new Error('not this one')
    }
    const failed = await failure({ checkPeer: refuse })
    expect(failed.client).toBe('ERR_TLS_PEER_REFUSED')
    expect((failed.errors[0] as ConnectionError).cause).toMatchObject({ message: 'not this one' })
    const seen: string[] = []
    await opened({ checkPeer: ({ subject }) => seen.push(subject) })
    expect(seen).toEqual(['CN=server'])
  })
})

describe('server names', () => {
  const elsewhere = makeCertificate('elsewhere', { by: 'authority', names: 'DNS:elsewhere.test' })
  const table = new Map([['elsewhere.test', new TlsCredentials({ cert: elsewhere.cert, key: elsewhere.key })]])

  it.each([
    ['at once', (name: string) => table.get(name)],
    ['later', async (name: string) => (await turns(3), table.get(name))],
  ])('choose the certificate, %s', async (_, selectCredentials) => {
    const there = await opened({ serverName: 'elsewhere.test' }, { ...shown, selectCredentials })
    expect(there.a.info.peerCertificate?.subject).toBe('CN=elsewhere')
    expect(there.b.info.serverName).toBe('elsewhere.test')
    const here = await opened({}, { ...shown, selectCredentials })
    expect(here.a.info.peerCertificate?.subject).toBe('CN=server')
  })

  it.each([
    ['throws', () => { throw new Error('no such name') }],
    ['rejects', () => Promise.reject(new Error('no such name'))],
    ['gives what are no credentials, later', () => Promise.resolve(null as never)],
    ['gives what are none, and could pass for some', () => 5 as never],
  ])('that nobody knows end the handshake when selectCredentials %s', async (_, selectCredentials) => {
    const failed = await failure({}, { ...shown, selectCredentials })
    expect(failed.server).toBe('ERR_TLS_SERVER_NAME')
  })
})

describe('sessions', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)('are resumed, %s, and not after the credentials were replaced', async (maxVersion) => {
    const credentials = new TlsCredentials({ ...shown, maxVersion })
    const layers = [tls({ ...trusted, sessions: new TlsSessionCache() }), tlsServer({ credentials })] as const
    const talk = async (): Promise<boolean> => {
      const below = memoryPair()
      const [a, b] = [layers[0](below.a), layers[1](below.b)]
      const atA = new Recorder()
      a.start(atA)
      b.start(new Recorder())
      b.write('tickets come with data')
      b.halfClose()
      await atA.eof
      a.close()
      await b.closed
      expect([a.info.resumed, a.info.authorized]).toEqual([b.info.resumed, true])
      return a.info.resumed
    }
    expect([await talk(), await talk(), await talk()]).toEqual([false, true, true])
    credentials.replace({ ...shown, maxVersion })
    expect([await talk(), await talk()]).toEqual([false, true])
  })

  it('of servers that were not verified are not kept, and old ones are given up', async () => {
    const sessions = new TlsSessionCache({ maxEntries: 2 })
    const { a, b } = await opened({ sessions, dangerouslyAcceptAnyCertificate: true, ca: other.cert })
    a.start(new Recorder())
    b.start(new Recorder())
    b.write('.')
    await turns()
    expect(sessions.size).toBe(0)
    for (const name of ['one', 'two', 'three']) sessions.set(name, Buffer.from(name))
    expect([sessions.size, sessions.get('one'), String(sessions.get('two'))]).toEqual([2, undefined, 'two'])
    expect(() => new TlsSessionCache({ maxEntries: 0 })).toThrowError(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })
})

describe('credentials', () => {
  it('are replaced for handshakes that begin afterwards', async () => {
    const credentials = new TlsCredentials(shown)
    const layer = tlsServer({ credentials })
    const subject = async (): Promise<string | undefined> => {
      const below = memoryPair()
      const [a, b] = [tls(trusted)(below.a), layer(below.b)]
      await Promise.all([a.handshake(), b.handshake()])
      return a.info.peerCertificate?.subject
    }
    expect(await subject()).toBe('CN=server')
    const next = makeCertificate('next', { by: 'authority' })
    expect(() => credentials.replace({ cert: next.cert, key: server.key })).toThrowError(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    expect(await subject()).toBe('CN=server')
    credentials.replace({ cert: next.cert, key: Buffer.from(next.key) })
    expect(await subject()).toBe('CN=next')
  })

  it('give the key log to who asks', async () => {
    const lines: string[] = []
    await opened({ onKeyLog: (line) => lines.push(Buffer.from(line).toString().split(' ')[0]!) })
    expect(lines).toContain('CLIENT_TRAFFIC_SECRET_0')
  })
})

describe('options', () => {
  it.each([
    [{}],
    [{ serverName: '' }],
    [{ serverName: 'with space' }],
    [{ serverName: 'x', cert: 'no certificate', key: 'no key' }],
    [{ serverName: 'x', cert: server.cert }],
    [{ serverName: 'x', ca: 'nothing' , cert: server.cert, key: makeCertificate('unfit').key }],
    [{ serverName: 'x', minVersion: 'TLSv9' }],
    [{ serverName: 'x', ciphers: 'NONE-OF-THESE' }],
    [{ serverName: 'x', handshakeTimeoutMs: -1 }],
    [{ serverName: 'x', alpnProtocols: [''] }],
    [{ serverName: 'x', highWaterMarkBytes: -1 }],
    [{ serverName: 'x', credentials: new TlsCredentials({}), ca: authority.cert }],
  ])('%o are refused', (options) => {
    expect(() => tls(options as never)).toThrowError(expect.objectContaining({ name: 'UsageError', code: 'ERR_INVALID_ARGUMENT' }))
  })

  it('of a server without certificate are refused', () => {
    expect(() => tlsServer({})).toThrowError(expect.objectContaining({ name: 'UsageError', code: 'ERR_INVALID_ARGUMENT' }))
    expect(() => tlsServer({ ...shown, maxHandshakes: Number.NaN })).toThrowError(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })
})
