/** Connections that become another protocol's. */
import type { StreamTransport, UpgradeRequest } from '@async/core'
import { memoryPair } from '@async/core/testing'
import { describe, expect, it } from 'vitest'
import { httpServer, type HttpServerOptions } from '../src/server.ts'
import { acceptSwitch, refuseSwitch } from '../src/server-switch.ts'
import { Recorder } from './recorder.ts'

const turns = async (count = 20): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve))
}

function connect(options: Partial<HttpServerOptions>): { client: Recorder; reports: unknown[]; below: StreamTransport; wire: () => string } {
  const reports: unknown[] = []
  const { a, b } = memoryPair()
  httpServer({ onExchange: (exchange) => exchange.close(), onError: (error) => reports.push(error), ...options })(b)
  const client = new Recorder()
  a.start(client)
  return { client, reports, below: b, wire: () => client.events.slice(1).join('|').replace(/Date: [^\r]*\r\n/g, '') }
}

const upgrade = 'GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n'
const proxied = 'CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n'

/** Says what it is sent in upper case. */
class Echo extends Recorder {
  constructor() {
    super()
    this.onData = (data) => this.transport.write(new TextDecoder().decode(data).toUpperCase())
  }
}

describe('onUpgrade', () => {
  it('gets the raw transport before anything is answered, and what came behind the request', async () => {
    let request: UpgradeRequest | undefined
    const echo = new Echo()
    const { client, below, wire } = connect({
      onUpgrade(given) {
        request = given
        given.transport.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
        given.transport.start(echo, given.leftover)
      },
    })
    client.transport.write(`${upgrade}first `)
    await turns()
    client.transport.write('second')
    await turns()
    expect(request).toMatchObject({ method: 'GET', target: '/chat', headers: [['host', 'h'], ['connection', 'Upgrade'], ['upgrade', 'WebSocket']] })
    expect(request!.transport).toBe(below)
    expect(new TextDecoder().decode(request!.leftover)).toBe('first ')
    expect(wire()).toBe('data HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nFIRST SECOND')
    client.transport.abort()
    expect((await echo.lost).kind).toBe('reset')
  })

  it('may start it later: what comes meanwhile waits, and a protocol that pauses stays paused', async () => {
    let request: UpgradeRequest | undefined
    const { client } = connect({ onUpgrade: async (given) => { request = given } })
    client.transport.write(upgrade)
    await turns()
    client.transport.write('later')
    await turns()
    const recorder = new Recorder()
    recorder.onMade = (transport) => transport.pause('read')
    request!.transport.start(recorder, request!.leftover)
    await turns()
    expect(recorder.events).toEqual(['made'])
    request!.transport.resume('read')
    await turns()
    expect(recorder.events).toEqual(['made', 'data later'])
  })

  it('may pause and resume it before the start: nothing is lost, and what is paused stays paused', async () => {
    let request: UpgradeRequest | undefined
    const { client } = connect({ onUpgrade: (given) => void (request = given) })
    client.transport.write(upgrade)
    await turns()
    const { transport, leftover } = request!
    transport.pause()
    transport.resume()
    client.transport.write('one ')
    await turns()
    transport.pause('read')
    const recorder = new Recorder()
    transport.start(recorder, leftover)
    await turns()
    client.transport.write('two')
    await turns()
    expect(recorder.events).toEqual(['made'])
    transport.resume('read')
    await turns()
    expect(recorder.events).toEqual(['made', 'data one two'])
  })

  it('that is rejected aborts also where onError throws', async () => {
    let reject: ((error: unknown) => void) | undefined
    const pending = { then: (_resolved: unknown, rejected: (error: unknown) => void) => void (reject = rejected) }
    const { client } = connect({
      onUpgrade: () => pending as unknown as Promise<void>,
      onError: () => {
        throw new Error('told')
      },
    })
    client.transport.write(upgrade)
    await turns()
    expect(() => reject!(new Error('no'))).toThrow('told')
    expect((await client.lost).kind).toBe('reset')
  })

  it('is for the protocols that were named; others are answered in HTTP', async () => {
    let count = 0
    const { client, wire } = connect({ onUpgrade: () => void count++ })
    client.transport.write(upgrade.replace('WebSocket', 'h2c'))
    client.transport.write(upgrade.replace('\r\n\r\n', '\r\nContent-Length: 1\r\n\r\n.'))
    await turns()
    expect([count, wire()]).toEqual([0, 'data HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n'])
    const chosen = connect({ onUpgrade: (request) => void acceptSwitch(request), upgradeProtocols: ['h2c'] })
    chosen.client.transport.write(upgrade.replace('WebSocket', 'h2c, websocket'))
    await turns()
    expect(chosen.wire()).toBe('data HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n')
  })

  it('that throws, or is rejected, is reported once and aborts', async () => {
    for (const onUpgrade of [() => { throw new Error('no') }, () => Promise.reject(new Error('no'))]) {
      const { client, reports } = connect({ onUpgrade })
      client.transport.write(upgrade)
      expect((await client.lost).kind).toBe('reset')
      expect(reports.map((error) => (error as Error).message)).toEqual(['no'])
    }
  })

  it('comes behind the answers to requests before it', async () => {
    const { client, wire } = connect({ onUpgrade: (request) => void acceptSwitch(request).write('raw') })
    client.transport.write(`GET / HTTP/1.1\r\nHost: h\r\n\r\n${upgrade}`)
    await turns()
    expect(wire()).toBe('data HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\nraw')
  })
})

describe('CONNECT', () => {
  it('gets the raw transport', async () => {
    const echo = new Echo()
    const { client, wire } = connect({ onConnect: (request) => acceptSwitch(request).start(echo, request.leftover) })
    client.transport.write(`${proxied}hello`)
    await turns()
    expect(wire()).toBe('data HTTP/1.1 200 OK\r\n\r\nHELLO')
  })

  it('is 501 without onConnect, and the connection closes', async () => {
    const { client, wire } = connect({})
    client.transport.write(`${proxied}GET / HTTP/1.1\r\nHost: h\r\n\r\n`)
    await turns()
    expect(wire()).toBe('data HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\nConnection: close\r\n\r\n|eof')
  })
})

describe('acceptSwitch and refuseSwitch', () => {
  const given = async (input: string, take: (request: UpgradeRequest) => void): Promise<string> => {
    const { client, wire } = connect({ onUpgrade: take, onConnect: take })
    client.transport.write(input)
    await turns()
    return wire()
  }

  it('say what they are told, and no more than is right', async () => {
    expect(await given(proxied, (request) => void acceptSwitch(request, { status: 299, headers: [['Via', '1.1 x']] }))).toBe('data HTTP/1.1 299 \r\nVia: 1.1 x\r\n\r\n')
    expect(await given(proxied, (request) => refuseSwitch(request, { status: 407, headers: [['Proxy-Authenticate', 'Basic']] }))).toBe(
      'data HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\nConnection: close\r\n\r\n|eof',
    )
    const codes: unknown[] = []
    const code = (action: () => unknown): void => {
      try {
        action()
      } catch (error) {
        codes.push((error as { code: unknown }).code)
      }
    }
    await given(upgrade, (request) => {
      code(() => acceptSwitch(request, { status: 200 }))
      code(() => acceptSwitch(request, { headers: [['Upgrade', 'h2c'], ['Connection', 'Upgrade']] }))
      code(() => acceptSwitch(request, { headers: [['X', 'a\r\nb']] }))
      code(() => refuseSwitch(request, { status: 200 }))
      code(() => refuseSwitch(request, { headers: [['Content-Length', '1']] }))
      refuseSwitch(request)
    })
    expect(codes).toEqual(['ERR_HTTP_BAD_HEADER', 'ERR_HTTP_BAD_HEADER', 'ERR_HTTP_BAD_HEADER', 'ERR_INVALID_ARGUMENT', 'ERR_HTTP_BAD_HEADER'])
  })
})

describe('exchange.takeOver', () => {
  it('ends the exchange as detached, and may send the 101', async () => {
    const over = new Recorder()
    const { client, wire } = connect({
      onExchange(exchange) {
        exchange.start(over)
        const { transport, leftover } = exchange.takeOver({ status: 101, headers: [['Connection', 'Upgrade'], ['Upgrade', 'websocket']] })
        transport.start(new Echo(), leftover)
      },
    })
    client.transport.write(`${upgrade}x`)
    await turns()
    expect(wire()).toBe('data HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nX')
    expect((await over.lost).kind).toBe('detached')
  })

  it('is refused when nothing was offered, or an answer was begun', async () => {
    const codes: unknown[] = []
    const { client } = connect({
      onExchange(exchange) {
        try {
          exchange.takeOver()
        } catch (error) {
          codes.push((error as { code: unknown }).code)
        }
        exchange.respond()
        try {
          exchange.takeOver()
        } catch (error) {
          codes.push((error as { code: unknown }).code)
        }
        exchange.close()
      },
    })
    client.transport.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    await turns()
    expect(codes).toEqual(['ERR_HTTP_STATE', 'ERR_HTTP_STATE'])
  })
})
