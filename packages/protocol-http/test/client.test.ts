import type { StreamTransport } from '@async/core'
import { describe, expect, it } from 'vitest'
import { httpConnector } from '../src/index.ts'
import type { HttpClientExchange, HttpConnectorOptions } from '../src/index.ts'
import { memoryPair, VirtualClock } from '@async/core/testing'
import { Recorder } from './recorder.ts'

const turns = async (count = 20): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

/** A client on virtual time, and the other ends of its connections, which the test plays. */
function client(options: HttpConnectorOptions = {}): { connector: ReturnType<typeof httpConnector>; peers: Recorder[]; clock: VirtualClock; failures: Error[] } {
  const clock = new VirtualClock()
  const peers: Recorder[] = []
  const failures: Error[] = []
  const connector = httpConnector(
    {
      connect: () => {
        const failure = failures.shift()
        if (failure !== undefined) return Promise.reject(failure)
        const { a, b } = memoryPair({ clock })
        const peer = new Recorder()
        b.start(peer)
        peers.push(peer)
        return Promise.resolve(a)
      },
    },
    { clock, ...options },
  )
  return { connector, peers, clock, failures }
}

function begin(exchange: HttpClientExchange, body = ''): Recorder {
  const recorder = new Recorder()
  exchange.start(recorder)
  if (body !== '') exchange.write(body)
  exchange.halfClose()
  return recorder
}

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

describe('requests', () => {
  it('have a length when they end in the turn of their first write, else HTTP chunks', async () => {
    const { connector, peers } = client({ target: '/rpc', host: 'a.test', headers: [['Content-Type', 'application/json']] })
    begin(await connector.connect(), '{}')
    const open = await connector.connect()
    open.write('{')
    await turns()
    open.write('}')
    open.halfClose()
    await turns()
    expect(peers[0]!.events).toEqual(['made', 'data POST /rpc HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}'])
    expect(peers[1]!.events).toEqual([
      'made', 'data POST /rpc HTTP/1.1\r\nHost: a.test\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n',
    ])
  })

  it('begin on the wire although nobody started or wrote', async () => {
    const { connector, peers } = client({ method: 'GET' })
    await connector.connect()
    await turns()
    expect(peers[0]!.events).toEqual(['made', 'data GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n'])
  })

  it('that could not be sent are refused when the connector is made', () => {
    const connector = { connect: (): Promise<StreamTransport> => Promise.reject(new Error('not reached')) }
    const code = (options: HttpConnectorOptions): unknown => {
      try {
        httpConnector(connector, options)
      } catch (error) {
        return (error as { code: unknown }).code
      }
      return undefined
    }
    expect(code({ target: '/a b' })).toBe('ERR_HTTP_BAD_REQUEST_LINE')
    expect(code({ method: 'A B' })).toBe('ERR_HTTP_BAD_REQUEST_LINE')
    expect(code({ host: 'a\r\nX: y' })).toBe('ERR_HTTP_BAD_HEADER')
    expect(code({ host: 'a/b' })).toBe('ERR_HTTP_BAD_HOST')
    expect(code({ headers: [['Host', 'b']] })).toBe('ERR_HTTP_BAD_HOST')
    expect(code({ headers: [['X', 'a\nb']] })).toBe('ERR_HTTP_BAD_HEADER')
    expect(code({ headers: [['Transfer-Encoding', 'x']] })).toBe('ERR_HTTP_BAD_HEADER')
    expect(code({ maxConnectionCount: 0 })).toBe('ERR_INVALID_ARGUMENT')
    expect(code({ idleTimeoutMs: -1 })).toBe('ERR_INVALID_ARGUMENT')
  })
})

describe('reasons', () => {
  const ends = async (play: (peer: StreamTransport) => void, options: HttpConnectorOptions = {}): Promise<[Recorder, unknown]> => {
    const { connector, peers } = client(options)
    const recorder = begin(await connector.connect(), 'x')
    await turns()
    play(peers[0]!.transport)
    const reason = await recorder.lost
    return [recorder, 'error' in reason ? `${reason.kind} ${(reason.error as { code?: string }).code}` : reason.kind]
  }

  it('a connection that ends before the response is a reset', async () => {
    expect((await ends((peer) => peer.close()))[1]).toBe('reset ERR_RESET')
    expect((await ends((peer) => peer.abort()))[1]).toBe('reset ERR_RESET')
  })

  it('one that ends in the response is a truncation, after what came', async () => {
    const [recorder, reason] = await ends((peer) => {
      peer.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf')
      peer.close()
    })
    expect(reason).toBe('truncated ERR_TRUNCATED')
    expect(recorder.events).toEqual(['made', 'data half', 'lost truncated'])
  })

  it('a response that is no HTTP, or passes a limit', async () => {
    expect((await ends((peer) => peer.write('ICY 200 OK\r\n\r\n')))[1]).toBe('protocol ERR_HTTP_BAD_STATUS_LINE')
    expect((await ends((peer) => peer.write(`HTTP/1.1 200 OK\r\nX: ${'y'.repeat(20_000)}`)))[1]).toBe('limit ERR_HTTP_HEADER_TOO_LARGE')
    expect((await ends((peer) => peer.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'), { maxBodyBytes: 4 }))[1]).toBe('limit ERR_HTTP_BODY_TOO_LARGE')
  })

  it('a long refusal carries its first KiB, and not more', async () => {
    const { connector, peers } = client()
    const recorder = begin(await connector.connect(), 'x')
    await turns()
    peers[0]!.transport.write(`HTTP/1.1 503 Busy\r\nContent-Length: 1000000\r\n\r\n${'x'.repeat(5000)}`)
    const reason = await recorder.lost
    expect(reason).toMatchObject({ kind: 'protocol', error: { name: 'ProtocolError', code: 'ERR_HTTP_STATUS', status: 503, message: 'The server answered 503 Busy' } })
    expect((reason as unknown as { error: { body: Uint8Array } }).error.body.length).toBe(1024)
  })

  it('response rejects with the error of the reason', async () => {
    const { connector, peers } = client()
    const exchange = await connector.connect()
    begin(exchange)
    await turns()
    const { response } = exchange
    peers[0]!.transport.abort()
    await expect(response).rejects.toMatchObject({ code: 'ERR_RESET' })
    await expect(exchange.response).rejects.toMatchObject({ code: 'ERR_RESET' })
  })
})

describe('connections', () => {
  it('are kept for 4 s, and not beyond', async () => {
    const { connector, peers, clock } = client()
    for (const time of [3_999, 4_000]) {
      const recorder = begin(await connector.connect(), 'x')
      await turns()
      peers.at(-1)!.transport.write(ok)
      await recorder.lost
      await turns()
      clock.advance(time)
      await turns()
    }
    begin(await connector.connect())
    expect(peers.length).toBe(2)
    expect(peers[0]!.events.filter((event) => event === 'eof')).toEqual(['eof'])
  })

  it('that the server ended, or wrote into, are not used again', async () => {
    for (const spoil of [(peer: StreamTransport) => peer.halfClose(), (peer: StreamTransport) => peer.write('HTTP/1.1 408 x\r\n\r\n'), (peer: StreamTransport) => peer.abort()]) {
      const { connector, peers } = client()
      const recorder = begin(await connector.connect(), 'x')
      await turns()
      peers[0]!.transport.write(ok)
      await recorder.lost
      await turns()
      spoil(peers[0]!.transport)
      await turns()
      const second = begin(await connector.connect(), 'y')
      await turns()
      peers[1]!.transport.write(ok)
      expect((await second.lost).kind).toBe('closed')
    }
  })

  it('on which more came than the response are not used again', async () => {
    const { connector, peers } = client()
    const recorder = begin(await connector.connect(), 'x')
    await turns()
    peers[0]!.transport.write(`${ok}HTTP/1.1 200 OK\r\n\r\n`)
    expect((await recorder.lost).kind).toBe('closed')
    await turns()
    begin(await connector.connect())
    expect(peers.length).toBe(2)
  })

  it('are so many at a time; further exchanges wait, up to a limit, or until they are given up', async () => {
    const { connector, peers } = client({ maxConnectionCount: 1, maxWaitingCount: 2 })
    const first = begin(await connector.connect(), 'x')
    const control = new AbortController()
    const given = connector.connect({ signal: control.signal })
    const waits = connector.connect()
    await expect(connector.connect()).rejects.toMatchObject({ code: 'ERR_HTTP_POOL_FULL' })
    const cause = new Error('enough')
    control.abort(cause)
    await expect(given).rejects.toBe(cause)
    await expect(connector.connect({ signal: control.signal })).rejects.toBe(cause)
    await turns()
    peers[0]!.transport.write(ok)
    await first.lost
    const second = begin(await waits, 'y')
    await turns()
    peers[0]!.transport.write(ok)
    expect((await second.lost).kind).toBe('closed')
    expect(peers.length).toBe(1)
  })

  it('of which an exchange used nothing are kept', async () => {
    const { connector, peers } = client()
    const unused = await connector.connect()
    unused.abort()
    expect((await unused.closed).kind).toBe('aborted')
    await turns()
    const recorder = begin(await connector.connect(), 'x')
    await turns()
    peers[0]!.transport.write(ok)
    expect((await recorder.lost).kind).toBe('closed')
    expect(peers.length).toBe(1)
  })

  it('that cannot be made reject one exchange each, and another is tried', async () => {
    const { connector, peers, failures } = client({ maxConnectionCount: 1 })
    failures.push(new Error('refused'))
    const results = await Promise.allSettled([connector.connect(), connector.connect()])
    expect(results.map((result) => result.status)).toEqual(['rejected', 'fulfilled'])
    expect(peers.length).toBe(1)
  })
})
