import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { StreamTransport } from '@async/core'
import { describe, expect, it } from 'vitest'
import { VirtualClock } from '@async/core/testing'
import { connectTcp, listenTcp, type TcpListener, type TcpListenOptions } from '../src/index.ts'
import { supportsReusePort } from '../src/listen.ts'
import { cleanup, listen, readAll, Recorder, turns, until } from './support.ts'

/** A plain socket that is connected to `listener`, and notes its first error. A reset can be there as soon as the connection is. */
async function dial(listener: TcpListener, host = '127.0.0.1'): Promise<{ readonly socket: Socket; readonly over: Promise<string> }> {
  const socket = connect({ port: listener.port, host, allowHalfOpen: true })
  const over = new Promise<string>((resolve) => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code!))
    socket.on('end', () => resolve('end'))
  })
  cleanup(() => socket.destroy())
  await once(socket, 'connect').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ECONNRESET') throw error
  })
  return { socket, over }
}

function echo(transport: StreamTransport): void {
  transport.start({ dataReceived: (data) => transport.write(data) })
}

async function answers(socket: Socket, question: string): Promise<string> {
  socket.write(question)
  const [data] = (await once(socket, 'data')) as [Buffer]
  return data.toString()
}

describe('listenTcp', () => {
  it('takes the port that the OS chooses, and says which', async () => {
    const listener = await listen({}, echo)
    expect(listener.port).toBeGreaterThan(0)
    expect(listener.address).toBe(`127.0.0.1:${listener.port}`)
    expect(await answers((await dial(listener)).socket, 'hello')).toBe('hello')
  })

  it('takes IPv6, and with :: both families', async () => {
    const loopback = await listen({ host: '::1' }, echo)
    expect(loopback.address).toBe(`[::1]:${loopback.port}`)
    expect(await answers((await dial(loopback, '::1')).socket, 'six')).toBe('six')
    const remotes: (string | undefined)[] = []
    const both = await listen({ host: '::' }, (transport) => (remotes.push(transport.info.remote), echo(transport)))
    expect(both.address).toBe(`[::]:${both.port}`)
    expect(await answers((await dial(both, '127.0.0.1')).socket, 'four')).toBe('four')
    expect(await answers((await dial(both, '::1')).socket, 'six')).toBe('six')
    expect(remotes).toEqual([expect.stringMatching(/^\[::ffff:127\.0\.0\.1\]:\d+$/), expect.stringMatching(/^\[::1\]:\d+$/)])
  })

  it('takes no IPv4 with ipv6Only', async () => {
    const listener = await listen({ host: '::', ipv6Only: true }, echo)
    expect(await answers((await dial(listener, '::1')).socket, 'six')).toBe('six')
    await expect(dial(listener, '127.0.0.1')).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('rejects with ERR_ADDRESS_IN_USE for a port that is taken, ERR_ADDRESS_NOT_AVAILABLE for an address that is not ours', async () => {
    const { port } = await listen({}, echo)
    await expect(listenTcp({ port }, echo)).rejects.toMatchObject({
      name: 'ConnectionError',
      code: 'ERR_ADDRESS_IN_USE',
      message: `127.0.0.1:${port}: the address is in use`,
      cause: { code: 'EADDRINUSE' },
    })
    await expect(listenTcp({ host: '192.0.2.1' }, echo)).rejects.toMatchObject({ code: 'ERR_ADDRESS_NOT_AVAILABLE' })
  })

  it.each<TcpListenOptions>([
    { port: -1 },
    { port: 65_536 },
    { port: '80' as never },
    { backlog: -1 },
    { maxConnections: Number.NaN },
    { maxHeldConnections: '1' as never },
    { startTimeoutMs: -1 },
    { keepAliveMs: -1 },
    { lingerMs: Number.NaN },
  ])('refuses %o', async (options) => {
    await expect(listenTcp(options, echo)).rejects.toMatchObject({ name: 'UsageError', code: 'ERR_INVALID_ARGUMENT' })
  })

  it('shares a port with reusePort where the runtime does, else refuses it with ERR_UNSUPPORTED', async () => {
    if (await supportsReusePort()) {
      const one = await listen({ reusePort: true }, echo)
      const two = await listen({ reusePort: true, port: one.port }, echo)
      expect(two.port).toBe(one.port)
    } else await expect(listenTcp({ reusePort: true }, echo)).rejects.toMatchObject({ name: 'UsageError', code: 'ERR_UNSUPPORTED' })
  })

  it.runIf(process.versions.node.startsWith('20.'))('finds that Node 20 ignores reusePort', async () => {
    expect(await supportsReusePort()).toBe(false)
  })

  it('queues as many connections as the backlog says before anything is accepted', async () => {
    const seen: StreamTransport[] = []
    const listener = await listen({ backlog: 128 }, (transport) => seen.push(transport))
    await Promise.all(Array.from({ length: 100 }, () => dial(listener)))
    await until(() => seen.length === 100)
    expect(listener.connectionCount).toBe(100)
  })
})

describe('onTransport', () => {
  it('that throws, or rejects, aborts that transport and is reported; the listener lives on', async () => {
    const reports: unknown[] = []
    let calls = 0
    const listener = await listen({ onError: (error) => reports.push(error) }, (transport) => {
      calls++
      if (calls === 1) throw new Error('first')
      if (calls === 2) return Promise.reject(new Error('second')) as never
      echo(transport)
    })
    for (const _ of [1, 2]) {
      const { socket, over } = await dial(listener)
      socket.resume()
      expect(await over).toBe('ECONNRESET')
    }
    expect(reports).toEqual([new Error('first'), new Error('second')])
    expect(await answers((await dial(listener)).socket, 'third')).toBe('third')
    expect(listener.connectionCount).toBe(1)
  })

  it('may start the transport later, and loses nothing', async () => {
    const clock = new VirtualClock()
    const accepted: StreamTransport[] = []
    const listener = await listen({ clock }, (transport) => accepted.push(transport))
    const { socket } = await dial(listener)
    socket.end('early')
    await until(() => accepted.length === 1)
    await turns()
    clock.advance(9_999)
    const protocol = new Recorder()
    accepted[0]!.start(protocol)
    clock.advance(1)
    await protocol.eof
    expect(protocol.data.toString()).toBe('early')
    expect(protocol.events).toEqual(['made', 'eof'])
    accepted[0]!.close()
    await accepted[0]!.closed
    expect(clock.pendingCount).toBe(0)
  })

  it('that never starts it has it aborted after startTimeoutMs', async () => {
    const clock = new VirtualClock()
    const accepted: StreamTransport[] = []
    const listener = await listen({ clock, startTimeoutMs: 3_000 }, (transport) => accepted.push(transport))
    const { socket, over } = await dial(listener)
    socket.resume()
    await until(() => accepted.length === 1)
    clock.advance(2_999)
    expect(listener.connectionCount).toBe(1)
    clock.advance(1)
    expect(await accepted[0]!.closed).toMatchObject({ kind: 'aborted', error: { cause: { code: 'ERR_NOT_STARTED' } } })
    expect(await over).toBe('ECONNRESET')
    expect(listener.connectionCount).toBe(0)
    expect(() => accepted[0]!.start(new Recorder())).toThrowError(expect.objectContaining({ code: 'ERR_CLOSED' }))
  })
})

describe('maxConnections', () => {
  it('holds more, unread, serves the oldest when a slot frees, and resets those beyond maxHeldConnections', async () => {
    const opened: Recorder[] = []
    const listener = await listen({ maxConnections: 2, maxHeldConnections: 2 }, (transport) => {
      const protocol = new Recorder()
      opened.push(protocol)
      protocol.onData = (data) => (transport.write(data), transport.close())
      transport.start(protocol)
    })
    const peers = []
    for (let i = 0; i < 4; i++) {
      peers.push(await dial(listener))
      await until(() => listener.connectionCount + listener.heldCount === i + 1)
    }
    expect([listener.connectionCount, listener.heldCount, listener.refusedCount]).toEqual([2, 2, 0])
    const fifth = await dial(listener)
    fifth.socket.resume()
    expect(await fifth.over).toBe('ECONNRESET')
    expect([listener.connectionCount, listener.heldCount, listener.refusedCount]).toEqual([2, 2, 1])
    // A held one has nothing read: its bytes wait, and come when it is served.
    peers[2]!.socket.write('third')
    await turns()
    expect(opened).toHaveLength(2)
    peers[0]!.socket.end('first')
    expect((await readAll(peers[0]!.socket)).toString()).toBe('first')
    peers[2]!.socket.end()
    expect((await readAll(peers[2]!.socket)).toString()).toBe('third')
    peers[1]!.socket.destroy()
    expect(await answers(peers[3]!.socket, 'fourth')).toBe('fourth')
    await until(() => listener.heldCount === 0)
    expect(opened).toHaveLength(4)
  })

  it('is never overshot while slots free and peers come', async () => {
    let most = 0
    const listener = await listen({ maxConnections: 3, maxHeldConnections: 1000 }, (transport) => {
      most = Math.max(most, listener.connectionCount)
      transport.start({ dataReceived() {}, eofReceived() {}, connectionMade: () => void turns(20).then(() => transport.close()) })
    })
    await Promise.all(
      Array.from({ length: 60 }, async () => {
        const { socket } = await dial(listener)
        socket.end()
        await readAll(socket)
      }),
    )
    expect(most).toBe(3)
    expect([listener.heldCount, listener.refusedCount]).toEqual([0, 0])
  })

  it('serves a held one whose peer has left: its bytes and its end come, or its reset', async () => {
    const protocols: Recorder[] = []
    const listener = await listen({ maxConnections: 1 }, (transport) => {
      protocols.push(new Recorder())
      transport.start(protocols.at(-1)!)
    })
    const first = await dial(listener)
    const ended = await dial(listener)
    ended.socket.end('last words')
    const reset = await dial(listener)
    await until(() => listener.heldCount === 2)
    reset.socket.resetAndDestroy()
    await turns()
    first.socket.resetAndDestroy()
    await until(() => protocols.length === 2)
    await protocols[1]!.eof
    expect(protocols[1]!.data.toString()).toBe('last words')
    ended.socket.resetAndDestroy()
    listener.close()
    await turns()
    expect(listener.heldCount).toBe(0)
  })

  it('resets the held ones when the listener closes', async () => {
    const listener = await listen({ maxConnections: 1 }, echo)
    const first = await dial(listener)
    await until(() => listener.connectionCount === 1)
    const held = await dial(listener)
    await until(() => listener.heldCount === 1)
    listener.close()
    held.socket.resume()
    expect(await held.over).toBe('ECONNRESET')
    expect(listener.heldCount).toBe(0)
    expect(await answers(first.socket, 'alive')).toBe('alive')
  })
})

describe('the end of a listener', () => {
  it('close() accepts no more, leaves what is open, and closed waits for it', async () => {
    const listener = await listen({}, echo)
    const { socket } = await dial(listener)
    expect(await answers(socket, 'one')).toBe('one')
    let closed = false
    void listener.closed.then(() => (closed = true))
    listener.close()
    listener.close()
    await expect(dial(listener)).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    expect(await answers(socket, 'two')).toBe('two')
    expect(closed).toBe(false)
    socket.end()
    await listener.closed
    expect(listener.connectionCount).toBe(0)
    const again = await listen({ port: listener.port }, echo)
    expect(again.port).toBe(listener.port)
  })

  it('closed resolves at once where nothing is open', async () => {
    const listener = await listen({}, echo)
    listener.close()
    await listener.closed
    await listener.closeConnections()
    listener.abortConnections()
  })

  it('closeConnections() sends what is queued, and aborts after graceMs those that are left', async () => {
    const clock = new VirtualClock()
    const accepted: StreamTransport[] = []
    const listener = await listen({ clock }, (transport) => {
      accepted.push(transport)
      transport.start(new Recorder())
    })
    const orderly = await dial(listener)
    const stuck = await dial(listener)
    await until(() => accepted.length === 2)
    accepted[0]!.write('bye')
    accepted[1]!.write(Buffer.alloc(12 * 1024 * 1024))
    const done = listener.closeConnections({ graceMs: 2_000 })
    expect((await readAll(orderly.socket)).toString()).toBe('bye')
    orderly.socket.end()
    expect(await accepted[0]!.closed).toMatchObject({ kind: 'closed', by: 'local', unsentBytes: 0 })
    await turns()
    expect(listener.connectionCount).toBe(1)
    clock.advance(2_000)
    await done
    expect(['timeout', 'aborted']).toContain((await accepted[1]!.closed).kind)
    stuck.socket.resume()
    await stuck.over
    expect(clock.pendingCount).toBe(0)
  })

  it('closeConnections() is done before graceMs when all is closed, and leaves no timer', async () => {
    const clock = new VirtualClock()
    const listener = await listen({ clock }, echo)
    const { socket } = await dial(listener)
    await until(() => listener.connectionCount === 1)
    const done = listener.closeConnections()
    socket.resume()
    await once(socket, 'end')
    socket.end()
    await done
    expect(clock.pendingCount).toBe(0)
  })

  it('abortConnections() resets all, with the cause', async () => {
    const reasons: unknown[] = []
    const listener = await listen({}, (transport) => transport.start({ dataReceived() {}, connectionLost: (reason) => reasons.push(reason) }))
    const peers = [await dial(listener), await dial(listener)]
    await until(() => listener.connectionCount === 2)
    listener.abortConnections('why')
    await listener.closed
    expect(reasons).toMatchObject([{ kind: 'aborted', error: { cause: 'why' } }, { kind: 'aborted', error: { cause: 'why' } }])
    for (const { socket, over } of peers) {
      socket.resume()
      expect(await over).toBe('ECONNRESET')
    }
  })

  it('1,000 connections one after another leave nothing behind', async () => {
    const clock = new VirtualClock()
    const listener = await listen({ clock }, echo)
    await until(() => !process.getActiveResourcesInfo().includes('TCPSocketWrap'))
    for (let i = 0; i < 1_000; i++) {
      const transport = await connectTcp({ host: '127.0.0.1', port: listener.port, clock })
      const protocol = new Recorder()
      transport.start(protocol)
      transport.write('x')
      await protocol.received(1)
      transport.close()
      expect((await protocol.lost).kind).toBe('closed')
    }
    await until(() => listener.connectionCount === 0)
    await turns(2)
    expect(clock.pendingCount).toBe(0)
    expect(process.getActiveResourcesInfo()).not.toContain('TCPSocketWrap')
  })
})
