/**
 * What only a transport over Node's sockets can be asked: in how many calls a turn's writes reach the socket, what keeps the process alive, what
 * is done with what Node has read ahead. Cases in the form of the kit.
 */
import type { Socket } from 'node:net'
import type { StreamTransport, Transport } from '@async/core'
import { type Case, type CaseContext, check, equal, rejection, testCase } from '@async/core/testing'
import { nodeSocket, type NodeSocket } from '@async/core/node'
import { connectTcp, listenTcp, type TcpListener, type TcpListenOptions } from '../src/index.ts'

function socketOf(transport: Transport): Socket {
  return (transport as unknown as { readonly socket: Socket }).socket
}

/** What `transport` hands to Node from now on, call by call. */
function watched(transport: Transport): string[] {
  const socket = socketOf(transport)
  const calls: string[] = []
  const { write, cork, uncork } = socket
  socket.write = ((data: Uint8Array | string, ...rest: [string]) => {
    calls.push(typeof data === 'string' ? `${rest[0]} ${data.length}` : `bytes ${data.length}`)
    return (write as (...args: unknown[]) => boolean).call(socket, data, ...rest)
  }) as never
  socket.cork = () => {
    calls.push('cork')
    cork.call(socket)
  }
  socket.uncork = () => {
    calls.push('uncork')
    uncork.call(socket)
  }
  return calls
}

/** Sockets, servers and timers that keep the process alive. */
function keptAlive(): number {
  return process.getActiveResourcesInfo().filter((name) => /^(TCP|Timeout)/.test(name)).length
}

/** The same, when all that is on its way out has gone. */
async function keptAliveNow(t: CaseContext): Promise<number> {
  let count = -1
  while (count !== keptAlive()) {
    count = keptAlive()
    await t.quiet(200)
  }
  return count
}

/** Writes `list` in one turn; gives the calls, when all of it has left. */
async function callsFor(t: CaseContext, list: readonly (Uint8Array | string)[]): Promise<readonly string[]> {
  const { a, b, atB } = await t.started()
  const calls = watched(a)
  for (const data of list) a.write(data)
  await t.wait('drained(0)', a.drained(0))
  a.close()
  await t.until('the end', () => atB.events.includes('eof'))
  b.close()
  const expected = Buffer.concat(list.map((data) => Buffer.from(data as Uint8Array)))
  equal(Buffer.concat(atB.deliveries as Uint8Array[]).equals(expected), true, 'all arrives')
  return calls
}

const bytes = (length: number, times: number = 1): Uint8Array[] => Array.from({ length: times }, (_, index) => new Uint8Array(length).fill(index + 1))

const writes: readonly Case[] = [
  testCase('B6 one text leaves as it is, in the cheapest encoding', async (t) => {
    equal(await callsFor(t, ['hello']), ['latin1 5'], 'calls')
    equal(await callsFor(t, ['héllo']), ['utf8 5'], 'calls')
  }),
  testCase('B6 the texts of one turn leave as one string', async (t) => {
    equal(await callsFor(t, ['ab', 'cd']), ['latin1 4'], 'calls')
    equal(await callsFor(t, ['ab', 'é', '€']), ['utf8 4'], 'calls')
    equal(await callsFor(t, Array<string>(30).fill('x'.repeat(2000))), ['latin1 60000'], 'calls')
  }),
  testCase('B6 one piece leaves as it is, small pieces of one turn as one', async (t) => {
    equal(await callsFor(t, bytes(100_000)), ['bytes 100000'], 'calls')
    equal(await callsFor(t, bytes(100, 3)), ['bytes 300'], 'calls')
    equal(await callsFor(t, ['é', ...bytes(100, 2), 'text']), ['bytes 206'], 'calls')
    equal(await callsFor(t, bytes(8192, 2)), ['bytes 16384'], 'calls')
    equal(await callsFor(t, bytes(1000, 20)), ['bytes 20000'], 'calls')
  }),
  testCase('B6 large pieces of one turn are not copied', async (t) => {
    equal(await callsFor(t, [...bytes(8192), ...bytes(8193)]), ['cork', 'bytes 8192', 'bytes 8193', 'uncork'], 'calls')
    equal(await callsFor(t, bytes(1024, 17)), ['cork', ...Array<string>(17).fill('bytes 1024'), 'uncork'], 'calls')
  }),
  testCase('B6 what is written in a delivery leaves at its end, what its microtasks write leaves together behind them', async (t) => {
    const { a, b } = await t.pair()
    const calls = watched(a)
    const seen: string[][] = []
    a.start({
      dataReceived() {
        a.write('ab')
        a.write('c')
        void Promise.resolve().then(() => {
          seen.push([...calls])
          a.write('de')
        }).then(() => {
          a.write('fg')
          seen.push([...calls])
        })
      },
    })
    b.start({ dataReceived() {} })
    b.write('x')
    await t.until('all writes', () => calls.length === 2)
    equal(seen, [['latin1 3'], ['latin1 3']], 'what had left in the microtasks')
    equal(calls, ['latin1 3', 'latin1 4'], 'calls')
    a.abort()
    b.abort()
  }),
  testCase('W2 two halves of a character in one turn are two characters that do not exist', async (t) => {
    const { a, atB } = await t.started()
    a.write('\ud83d')
    a.write('\ude00')
    a.close()
    await t.until('the end', () => atB.events.includes('eof'))
    equal(Buffer.concat(atB.deliveries as Uint8Array[]).toString('hex'), 'efbfbdefbfbd', 'what arrives')
  }),
  testCase('F9 what the system takes later is known by itself, and counted once', async (t) => {
    const { a, b } = await t.started()
    const calls = watched(a)
    b.pause('read')
    await t.clog(a)
    b.resume('read')
    await t.wait('drained(0)', a.drained(0))
    await t.quiet()
    equal(calls.filter((call) => call === 'latin1 0'), [], 'calls that write nothing')
    // Taken at once, but large enough for Node to say 'drain' all the same.
    a.write(new Uint8Array(32 * 1024))
    await t.quiet()
    equal(a.queuedBytes, 0, 'queuedBytes')
    b.pause('read')
    const written = await t.clog(a)
    check(a.queuedBytes > 0 && a.queuedBytes <= written, `queuedBytes is ${a.queuedBytes}`)
  }),
]

const reads: readonly Case[] = [
  testCase('P5 reads are small at first, and grow to 64 KiB while they are filled', async (t) => {
    const { a, b, atA } = await t.started()
    a.pause('read')
    b.write(t.pattern.bytes(300_000))
    await t.quiet()
    a.resume('read')
    await t.until('all of it', () => t.pattern.prefix(atA.deliveries) === 300_000)
    equal((atA.deliveries as Uint8Array[]).slice(0, 5).map((read) => read.length), [2048, 8192, 32_768, 65_536, 65_536], 'bytes of the first reads')
  }),
  testCase('B5 what a protocol that lends its reads is given shares memory, and nobody else’s does', async (t) => {
    for (const reuseReadBuffer of [true, false]) {
      const { a, b } = await t.pair()
      const places: number[] = []
      a.start({ reuseReadBuffer, dataReceived: (data) => void places.push((data as Uint8Array).byteOffset) })
      b.start({ dataReceived() {} })
      for (let count = 1; count <= 3; count++) {
        b.write('0123456789')
        await t.until('a read', () => places.length === count)
      }
      equal(places, reuseReadBuffer ? [0, 0, 0] : [0, 10, 20], 'where the reads lie')
    }
  }),
  testCase('B5 what is lent while a read grows, and by a protocol that is replaced, is left alone', async (t) => {
    const { a, b } = await t.pair()
    const reads: Uint8Array[] = []
    const second = { dataReceived: (data: unknown) => void reads.push(data as Uint8Array) }
    a.start({
      reuseReadBuffer: true,
      dataReceived(data) {
        reads.push(data as Uint8Array)
        if (reads.length === 4) a.start(second)
      },
    })
    b.start({ dataReceived() {} })
    a.pause('read')
    b.write(t.pattern.bytes(2048 + 100))
    await t.quiet()
    a.resume('read')
    await t.until('two reads', () => reads.length === 2)
    for (const count of [3, 4, 5]) {
      b.write('0123456789')
      await t.until('a read', () => reads.length === count)
    }
    equal(reads.map((read) => [read.byteOffset, read.length]), [[0, 2048], [0, 100], [0, 10], [0, 10], [10, 10]], 'where the reads lie')
  }),
  testCase('Node’s socket is given by a transport that nobody uses, and that is open', async (t) => {
    const given = (transport: Transport): boolean => (transport as unknown as { [nodeSocket](): object | undefined })[nodeSocket]() !== undefined
    const idle = await t.pair()
    equal(given(idle.a), true, 'of one that is idle')
    const { socket, endIsReset } = (idle.a as unknown as { [nodeSocket](): NodeSocket })[nodeSocket]()
    equal([socket === socketOf(idle.a), endIsReset()], [true, false], 'what is given')
    idle.a.write('x')
    equal(given(idle.a), false, 'of one that has queued')
    await t.wait('drained(0)', idle.a.drained(0))
    equal(given(idle.a), true, 'of one that has sent')
    idle.a.halfClose()
    equal(given(idle.a), false, 'of one that is half closed')
    const started = await t.started()
    equal(given(started.a), false, 'of one that was started')
    const over = await t.pair()
    over.a.abort()
    equal(given(over.a), false, 'of one that is over')
  }),
  testCase('C10 an abort while our end is on its way lets the connection go', async (t) => {
    const { a, b } = await t.started()
    const [now, soon] = [t.turn(), t.turn()]
    await now
    a.halfClose()
    await soon
    a.abort()
    await t.wait('closed', b.closed)
    await t.until('nothing of it is left', () => socketOf(a).destroyed)
  }),
  testCase('R3 a network that gave up is a time-out', async (t) => {
    const { a, atA } = await t.started()
    socketOf(a).destroy(Object.assign(new Error('told by the test'), { code: 'ETIMEDOUT', syscall: 'read' }))
    const { kind } = await t.wait('closed', a.closed)
    equal(kind, 'timeout', 'reason')
    equal(atA.events, ['made', 'lost'], 'events')
  }),
]

/** Of an accepted end: Node reads ahead there. */
export const acceptedCases: readonly Case[] = [
  testCase('C11 what Node read ahead of a reset comes before it', async (t) => {
    const { a, b, atA } = await t.started()
    a.pause('read')
    b.write(t.pattern.bytes(500))
    await t.quiet()
    b.abort()
    await t.quiet()
    a.resume('read')
    await t.wait('closed', a.closed)
    t.pattern.verify(atA.deliveries, 500)
    equal(atA.reason?.kind, 'reset', 'reason')
  }),
  testCase('C12 what Node read ahead of a failed write, and what the system still has, comes before the loss', async (t) => {
    const { a, b, atA } = await t.started()
    a.pause('read')
    b.write(t.pattern.bytes(100_000))
    await t.wait('drained(0)', b.drained(0))
    await t.quiet()
    b.abort()
    await t.until('a write that is refused', () => {
      try {
        a.write('x')
        return false
      } catch {
        return true
      }
    })
    a.resume('read')
    await t.wait('closed', a.closed)
    t.pattern.verify(atA.deliveries, 100_000)
    equal(atA.reason?.kind, 'reset', 'reason')
  }),
]

/** What Node last told the system of TCP_NODELAY: nobody else can be asked. */
function hasNoDelay(transport: Transport): boolean {
  const socket = socketOf(transport)
  const name = Object.getOwnPropertySymbols(socket).find(({ description }) => description === 'kSetNoDelay')
  return name !== undefined && (socket as unknown as Record<symbol, unknown>)[name] === true
}

/** Listens and connects; gives all ends. */
async function connected(t: CaseContext, options: TcpListenOptions): Promise<{ listener: TcpListener; accepted: StreamTransport; dialled: StreamTransport }> {
  let accept!: (transport: StreamTransport) => void
  const accepting = new Promise<StreamTransport>((resolve) => {
    accept = resolve
  })
  const listener = await listenTcp(options, accept)
  t.afterwards(() => listener.abortConnections())
  const dialled = await connectTcp({ ...options, host: '127.0.0.1', port: listener.port })
  t.own(dialled)
  return { listener, dialled, accepted: await t.wait('a connection', accepting) }
}

const listeners: readonly Case[] = [
  testCase('R6 with ref: false nothing keeps the process alive: listener, ends, timers', async (t) => {
    const before = await keptAliveNow(t)
    await connected(t, { ref: false })
    await t.until('nothing more to keep the process alive', () => keptAlive() <= before)
  }),
  testCase('R6 unref() lets go of the listener alone', async (t) => {
    const { listener } = await connected(t, {})
    const all = keptAlive()
    listener.unref()
    equal(keptAlive(), all - 1, 'what keeps the process alive')
  }),
  testCase('L9 a failed accept is counted, and survived', async (t) => {
    const { listener } = await connected(t, {})
    ;(listener as unknown as { readonly server: { emit(name: string, error: Error): void } }).server.emit('error', new Error('told by the test'))
    equal(listener.acceptErrorCount, 1, 'acceptErrorCount')
    t.own(await connectTcp({ host: '127.0.0.1', port: listener.port }))
    await t.until('the next one', () => listener.connectionCount === 2)
  }),
  testCase('L9 what nobody starts is aborted after 10 s, unless told otherwise', async (t) => {
    for (const [options, ms] of [[{}, 10_000], [{ startTimeoutMs: 50 }, 50]] as const) {
      const { listener } = await connected(t, { ...options, clock: t.clock })
      t.clock.advance(ms - 1)
      await t.quiet()
      equal(listener.connectionCount, 1, 'connectionCount before its time')
      t.clock.advance(1)
      await t.until('it is gone', () => listener.connectionCount === 0)
    }
  }),
  testCase('L16 64 connections are held, unless told otherwise', async (t) => {
    const { listener } = await connected(t, { maxConnections: 1 })
    for (let i = 1; i <= 65; i++) {
      // One that is refused may hear of it before it is connected.
      await connectTcp({ host: '127.0.0.1', port: listener.port }).then((each) => t.own(each), () => {})
      await t.until('it is counted', () => listener.heldCount + listener.refusedCount === i)
    }
    equal([listener.connectionCount, listener.heldCount, listener.refusedCount], [1, 64, 1], 'counts')
  }),
  testCase('what is written leaves without delay at both ends, unless told otherwise', async (t) => {
    for (const [options, expected] of [[{}, true], [{ noDelay: false }, false]] as const) {
      const { dialled, accepted } = await connected(t, options)
      equal([hasNoDelay(dialled), hasNoDelay(accepted)], [expected, expected], 'TCP_NODELAY')
    }
  }),
  testCase('reusePort is refused where the runtime ignores it, or two listeners share a port; nothing is left of the trial', async (t) => {
    const before = await keptAliveNow(t)
    const first = await rejectionOrListener(t, 0)
    if (first instanceof Error) {
      equal((first as { readonly code?: string }).code, 'ERR_UNSUPPORTED', 'code')
      await t.until('nothing is left', () => keptAlive() <= before)
      const again = await rejection(listenTcp({ reusePort: true }, () => {}), 'the second attempt')
      equal((again as { readonly code?: string }).code, 'ERR_UNSUPPORTED', 'code')
    } else equal((await rejectionOrListener(t, first.port)) instanceof Error, false, 'refused')
  }),
]

async function rejectionOrListener(t: CaseContext, port: number): Promise<TcpListener | Error> {
  try {
    const listener = await listenTcp({ reusePort: true, port }, () => {})
    t.afterwards(() => listener.close())
    return listener
  } catch (error) {
    return error as Error
  }
}

/** Of a dialled end, and of listeners. */
export const dialledCases: readonly Case[] = [...writes, ...reads, ...listeners]
