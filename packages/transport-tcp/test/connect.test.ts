import { getEventListeners, once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { ConnectionError, StreamTransport } from '@async/core'
import { describe, expect, it } from 'vitest'
import { VirtualClock } from '@async/core/testing'
import { connectTcp, tcpConnector, type TcpConnectOptions } from '../src/index.ts'
import { cleanup, deferred, itNeeds, listen, Recorder, run, turns } from './support.ts'

/** A plain server on 127.0.0.1, or on `host`, and its peers. */
async function server(host = '127.0.0.1', port = 0): Promise<{ readonly port: number; readonly peer: Promise<Socket> }> {
  const server = createServer({ allowHalfOpen: true })
  server.listen(port, host)
  await once(server, 'listening')
  const peer = deferred<Socket>()
  const peers: Socket[] = []
  server.on('connection', (socket) => {
    socket.on('error', () => {})
    peers.push(socket)
    peer.resolve(socket)
  })
  cleanup(async () => {
    const closed = new Promise((resolve) => server.close(resolve))
    for (const socket of peers) socket.destroy()
    await closed
    await turns(2)
  })
  return { port: (server.address() as { port: number }).port, peer: peer.promise }
}

/** A port on which nobody listens, on any address: one that was just given back. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** An address and port where connecting hangs, until `release`. */
async function blackhole(port: number, host = '127.0.0.2'): Promise<{ readonly release: () => Promise<string> }> {
  const { child, line } = run('python3', [fileURLToPath(new URL('blackhole.py', import.meta.url)), host, String(port)])
  expect(await line()).toBe('ready')
  return {
    release: () => {
      child.stdin.write('\n')
      return line()
    },
  }
}

function sockets(): number {
  return process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap' || name === 'TCPConnectWrap').length
}

function connect(options: TcpConnectOptions & { readonly signal?: AbortSignal }): Promise<StreamTransport> {
  return connectTcp(options).then((transport) => {
    cleanup(() => transport.abort())
    return transport
  })
}

const addresses = (...list: string[]) => async () => list.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))

describe('connectTcp', () => {
  it('connects to an address, and to a name that is looked up', async () => {
    const listening = await server()
    const byAddress = await connect({ host: '127.0.0.1', port: listening.port })
    expect(byAddress.info.remote).toBe(`127.0.0.1:${listening.port}`)
    const asked: string[] = []
    const byName = await connect({
      host: 'name.test',
      port: listening.port,
      lookup: async (host) => (asked.push(host), [{ address: '127.0.0.1', family: 4 }]),
    })
    expect(asked).toEqual(['name.test'])
    expect(byName.info.remote).toBe(`127.0.0.1:${listening.port}`)
    expect((await connect({ port: listening.port })).info.remote).toMatch(/^(127\.0\.0\.1|\[::1\]):\d+$/)
  })

  it('reads nothing before the transport is started', async () => {
    const listening = await server()
    const transport = await connect({ host: '127.0.0.1', port: listening.port })
    const peer = await listening.peer
    peer.end('early')
    await once(peer, 'finish')
    await turns()
    const protocol = new Recorder()
    transport.start(protocol)
    await protocol.eof
    expect(protocol.data.toString()).toBe('early')
  })

  it('takes our own address and port', async () => {
    const listening = await server()
    const localPort = await freePort()
    const transport = await connect({ host: '127.0.0.1', port: listening.port, localAddress: '127.0.0.5', localPort })
    const peer = await listening.peer
    expect([peer.remoteAddress, peer.remotePort]).toEqual(['127.0.0.5', localPort])
    expect(transport.info.local).toBe(`127.0.0.5:${localPort}`)
  })

  it('tries only addresses of the family of localAddress', async () => {
    const listening = await server()
    const lookup = addresses('::1', '127.0.0.1')
    const transport = await connect({ host: 'name.test', port: listening.port, localAddress: '127.0.0.1', lookup })
    expect(transport.info.remote).toBe(`127.0.0.1:${listening.port}`)
    await expect(connect({ host: 'name.test', port: listening.port, localAddress: '127.0.0.1', lookup: addresses('::1') })).rejects.toMatchObject({
      code: 'ERR_ADDRESS_NOT_AVAILABLE',
      phase: 'connect',
    })
  })

  it('says which address is not ours', async () => {
    await expect(connect({ host: '127.0.0.1', port: 9, localAddress: '192.0.2.1' })).rejects.toMatchObject({ code: 'ERR_ADDRESS_NOT_AVAILABLE', phase: 'connect' })
  })

  it('rejects with ERR_REFUSED where nobody listens', async () => {
    const port = await freePort()
    await expect(connect({ host: '127.0.0.1', port })).rejects.toMatchObject({
      name: 'ConnectionError',
      code: 'ERR_REFUSED',
      phase: 'connect',
      message: `127.0.0.1:${port}: nobody listens there`,
      cause: { code: 'ECONNREFUSED' },
    })
  })

  it('tries every address at once when the one before fails, and tells what each failed with', async () => {
    const clock = new VirtualClock()
    const port = await freePort()
    const failure = connect({ host: 'name.test', port, lookup: addresses('127.0.0.1', '127.0.0.2', '::1'), clock })
    const error = (await failure.catch((error: unknown) => error)) as ConnectionError
    expect(error).toMatchObject({ code: 'ERR_REFUSED', phase: 'connect' })
    expect((error.cause as AggregateError).errors.map(({ message }: Error) => message)).toEqual([
      `127.0.0.1:${port}: nobody listens there`,
      `[::1]:${port}: nobody listens there`,
      `127.0.0.2:${port}: nobody listens there`,
    ])
    expect(clock.pendingCount).toBe(0)
  })

  it.skipIf(process.platform !== 'linux')('turns keep-alive on, for less than a second too, and leaves it off by default', async () => {
    const listening = await server()
    const keepAliveTimer = async (options: { keepAliveMs?: number }): Promise<boolean> => {
      const transport = await connect({ host: '127.0.0.1', port: listening.port, ...options })
      // As the table has it: 0100007F:1F90.
      const [ours, theirs] = [transport.info.local, transport.info.remote].map((address) => `0100007F:${Number(address!.split(':')[1]).toString(16).toUpperCase().padStart(4, '0')}`)
      // Rows move while the file is read, and one can be missed: read again.
      for (;;) {
        const rows = readFileSync('/proc/net/tcp', 'utf8').split('\n').map((line) => line.trim().split(/\s+/))
        const row = rows.find(([, local, remote]) => local === ours && remote === theirs)
        if (row !== undefined) return row[5]!.startsWith('02:')
        await turns(1)
      }
    }
    expect(await keepAliveTimer({})).toBe(false)
    expect(await keepAliveTimer({ keepAliveMs: 500 })).toBe(true)
    expect(await keepAliveTimer({ keepAliveMs: 60_000 })).toBe(true)
  })

  it.each([
    { port: 0 },
    { port: 65_536 },
    { port: 1.5 },
    { port: '80' as never },
    { port: 80, localPort: -1 },
    { port: 80, localAddress: 'localhost' },
    { port: 80, connectTimeoutMs: Number.NaN },
    { port: 80, attemptDelayMs: -1 },
    { port: 80, keepAliveMs: '1' as never },
    { port: 80, highWaterMarkBytes: -1 },
  ])('refuses %o', async (options: TcpConnectOptions) => {
    expect(() => tcpConnector(options)).toThrowError(expect.objectContaining({ name: 'UsageError', code: 'ERR_INVALID_ARGUMENT' }))
    await expect(connectTcp(options)).rejects.toMatchObject({ name: 'UsageError', code: 'ERR_INVALID_ARGUMENT' })
  })
})

describe('a look-up', () => {
  it.each([
    ['throws', () => { throw new Error('broken') }, 'ERR_HOST_NOT_FOUND'],
    ['rejects', () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' })), 'ERR_HOST_NOT_FOUND'],
    ['is refused by the name service', () => Promise.reject(Object.assign(new Error('no'), { code: 'ECONNREFUSED' })), 'ERR_HOST_NOT_FOUND'],
    ['rejects with nothing', () => Promise.reject(undefined), 'ERR_HOST_NOT_FOUND'],
    ['finds nothing', async () => [], 'ERR_HOST_NOT_FOUND'],
    ['gives nothing', async () => undefined, 'ERR_INVALID_ARGUMENT'],
    ['gives a string', async () => '127.0.0.1', 'ERR_INVALID_ARGUMENT'],
    ['gives strings', async () => ['127.0.0.1'], 'ERR_INVALID_ARGUMENT'],
    ['gives another name', async () => [{ address: 'other.test', family: 4 }], 'ERR_INVALID_ARGUMENT'],
    ['gives null', async () => [null], 'ERR_INVALID_ARGUMENT'],
  ])('that %s rejects the connect', async (_, lookup, code) => {
    const clock = new VirtualClock()
    await expect(connect({ host: 'name.test', port: 80, lookup: lookup as never, clock })).rejects.toMatchObject({ code })
    expect(clock.pendingCount).toBe(0)
  })

  it('that names the wrong family is not believed', async () => {
    const listening = await server()
    const transport = await connect({ host: 'name.test', port: listening.port, lookup: async () => [{ address: '127.0.0.1', family: 6 }] })
    expect(transport.info.remote).toBe(`127.0.0.1:${listening.port}`)
  })

  it('that hangs ends with the time-out', async () => {
    const clock = new VirtualClock()
    const failure = connect({ host: 'name.test', port: 80, lookup: () => new Promise(() => {}), clock, connectTimeoutMs: 5_000 })
    clock.advance(4_999)
    clock.advance(1)
    await expect(failure).rejects.toMatchObject({ code: 'ERR_CONNECT_TIMEOUT', phase: 'connect' })
    expect(clock.pendingCount).toBe(0)
  })

  it('that answers after the abort is ignored', async () => {
    const found = deferred<readonly { address: string; family: number }[]>()
    const before = sockets()
    const controller = new AbortController()
    const failure = connect({ host: 'name.test', port: 80, lookup: () => found.promise, signal: controller.signal })
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(1)
    controller.abort('why')
    await expect(failure).rejects.toBe('why')
    found.resolve([{ address: '127.0.0.1', family: 4 }])
    await turns()
    expect(sockets()).toBe(before)
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
  })
})

describe('an AbortSignal', () => {
  it('that is aborted already rejects at once, and nothing is looked up', async () => {
    let asked = 0
    const lookup = async () => (asked++, [])
    await expect(connect({ host: 'name.test', port: 80, lookup, signal: AbortSignal.abort('why') })).rejects.toBe('why')
    expect(asked).toBe(0)
  })

  it('ends the attempt, and leaves neither socket nor timer nor listener', async () => {
    const listening = await server()
    const clock = new VirtualClock()
    const controller = new AbortController()
    const before = sockets()
    const failure = connect({ host: '127.0.0.1', port: listening.port, signal: controller.signal, clock })
    controller.abort(new Error('why'))
    await expect(failure).rejects.toThrow('why')
    expect(clock.pendingCount).toBe(0)
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
    await turns()
    expect(sockets()).toBe(before)
  })

  it('loses its listener on success, and has no effect afterwards', async () => {
    const listening = await server()
    const clock = new VirtualClock()
    const controller = new AbortController()
    const transport = await connect({ host: '127.0.0.1', port: listening.port, signal: controller.signal, clock })
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
    expect(clock.pendingCount).toBe(0)
    controller.abort()
    const protocol = new Recorder()
    transport.start(protocol)
    ;(await listening.peer).write('alive')
    await protocol.received(5)
    expect(protocol.data.toString()).toBe('alive')
  })

  it('loses its listener on failure', async () => {
    const controller = new AbortController()
    await expect(connect({ host: '127.0.0.1', port: await freePort(), signal: controller.signal })).rejects.toMatchObject({ code: 'ERR_REFUSED' })
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0)
  })
})

describe('overlapping attempts', () => {
  itNeeds('python3', 'begin with the next address while the first is pending, and let the pending one go once another won', async () => {
    const good = await server('127.0.0.1')
    await blackhole(good.port)
    const clock = new VirtualClock()
    const before = sockets()
    let connected: StreamTransport | undefined
    const connecting = connect({ host: 'name.test', port: good.port, lookup: addresses('127.0.0.2', '127.0.0.1'), clock }).then((transport) => (connected = transport))
    await turns()
    clock.advance(249)
    await turns()
    expect(connected).toBeUndefined()
    clock.advance(1)
    expect((await connecting).info.remote).toBe(`127.0.0.1:${good.port}`)
    expect(clock.pendingCount).toBe(0)
    await good.peer
    await turns()
    // Ours and the server's: the pending one is gone.
    expect(sockets()).toBe(before + 2)
  })

  itNeeds('python3', 'are not given up when the others fail: slow is not dead', async () => {
    const port = await freePort()
    const slow = await blackhole(port)
    const clock = new VirtualClock()
    const connecting = connect({ host: 'name.test', port, lookup: addresses('127.0.0.2', '127.0.0.1', '127.0.0.3'), clock })
    await turns()
    clock.advance(250)
    await turns()
    clock.advance(250)
    await turns()
    const released = slow.release()
    const transport = await connecting
    expect(transport.info.remote).toBe(`127.0.0.2:${port}`)
    const protocol = new Recorder()
    transport.start(protocol)
    transport.write('ping')
    expect(await released).toBe('ping')
    await protocol.received(4)
    expect(protocol.data.toString()).toBe('pong')
  })

  itNeeds('python3', 'end together with the time-out, whose cause is what the others failed with', async () => {
    const port = await freePort()
    await blackhole(port)
    const clock = new VirtualClock()
    const before = sockets()
    const failure = connect({ host: 'name.test', port, lookup: addresses('127.0.0.2', '127.0.0.1'), clock, connectTimeoutMs: 30_000 })
    const settled = failure.catch((error: unknown) => error)
    await turns()
    clock.advance(250)
    await turns()
    clock.advance(29_750)
    expect(await settled).toMatchObject({ code: 'ERR_CONNECT_TIMEOUT', message: `name.test:${port}: not connected after 30000 ms`, cause: { code: 'ERR_REFUSED' } })
    expect(clock.pendingCount).toBe(0)
    await turns()
    expect(sockets()).toBe(before)
  })

  itNeeds('python3', 'end together with the abort', async () => {
    const port = await freePort()
    await blackhole(port)
    const clock = new VirtualClock()
    const before = sockets()
    const controller = new AbortController()
    const failure = connect({ host: '127.0.0.2', port, clock, signal: controller.signal })
    await turns()
    controller.abort('why')
    await expect(failure).rejects.toBe('why')
    expect(clock.pendingCount).toBe(0)
    await turns()
    expect(sockets()).toBe(before)
  })
})

describe('tcpConnector', () => {
  it('makes one transport at each call', async () => {
    const accepted: StreamTransport[] = []
    const listener = await listen({}, (transport) => accepted.push(transport))
    const connector = tcpConnector({ host: '127.0.0.1', port: listener.port })
    const [one, two] = await Promise.all([connector.connect(), connector.connect({})])
    cleanup(() => (one.abort(), two.abort()))
    expect(one).not.toBe(two)
    while (accepted.length < 2) await turns(1)
    expect(new Set(accepted.map(({ info }) => info.remote))).toEqual(new Set([one.info.local, two.info.local]))
  })
})
