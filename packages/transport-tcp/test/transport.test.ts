import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Socket } from 'node:net'
import type { StreamTransport } from '@async/core'
import { describe, expect, it, vi } from 'vitest'
import { VirtualClock } from '@async/core/testing'
import { cleanup, pair, pattern, readAll, Recorder, turns, until, withPlainPeer } from './support.ts'

const sides = ['dialled', 'accepted'] as const
const MiB = 1024 * 1024

function sha256(data: Uint8Array): string {
  return createHash('sha256').update(data).digest('hex')
}

/** Writes until the write half is known to be broken: when the peer's reset arrives is the OS's business. */
async function breakWrites(transport: StreamTransport): Promise<void> {
  let stopped = false
  transport.register({ halfRegister() {}, pause() {}, resume() {}, stop: () => void (stopped = true) })
  while (!stopped) {
    transport.write('x')
    await turns(1)
  }
  await turns(1)
}

/** Reads on and writes until the connection is known to be dead: after our end a plain reader would not hear of a reset. */
async function deadForPeer(peer: Socket): Promise<unknown> {
  const failed = once(peer, 'error')
  peer.resume()
  peer.once('end', async () => {
    while (!peer.destroyed) {
      peer.write('x')
      await turns(1)
    }
  })
  const [error] = await failed
  return (error as NodeJS.ErrnoException).code
}

describe.each(sides)('what a %s transport writes', (side) => {
  it('is UTF-8 for every string, and one unit for what is written in one turn', async () => {
    const { ours, peer } = await withPlainPeer(side)
    ours.start(new Recorder())
    const turnsOfWrites: (readonly (string | Uint8Array)[])[] = [
      ['plain'],
      ['\u00e9\u00ff'],
      ['\u20ac\ud83d\ude00'],
      ['a\ud800b'],
      ['\ud83d', '\ude00'],
      ['\u00e9', '\u20ac'],
      ['mixed \u00e9', Uint8Array.of(0, 255), '\ud800'],
      ['\u0000'],
    ]
    for (const list of turnsOfWrites) {
      for (const data of list) ours.write(data)
      await ours.drained(0)
    }
    ours.writeSequence(['\ud83d', '\ude00', '', new Uint8Array(0)])
    ours.halfClose()
    expect((await readAll(peer)).toString('hex')).toBe(
      '706c61696e' + 'c3a9c3bf' + 'e282acf09f9880' + '61efbfbd62' + 'efbfbdefbfbd' + 'c3a9e282ac' + '6d6978656420c3a900ffefbfbd' + '00' + 'efbfbdefbfbd',
    )
  })

  it('keeps its order and its bytes through every way of batching', async () => {
    const { ours, peer } = await withPlainPeer(side)
    ours.start(new Recorder())
    const expected: Buffer[] = []
    const write = (data: Buffer): void => {
      expected.push(data)
      ours.write(data)
    }
    const all = pattern(400_000)
    for (let i = 0; i < 10_000; i++) write(all.subarray(i * 10, i * 10 + 1 + (i % 10)))
    await ours.drained(0)
    for (let i = 0; i < 8; i++) write(all.subarray(100_000 + i * 20_000, 100_000 + (i + 1) * 20_000))
    await ours.drained(0)
    write(all.subarray(300_000))
    ours.halfClose()
    expect((await readAll(peer)).equals(Buffer.concat(expected))).toBe(true)
  })

  it('leaves in one write of the socket when a delivery ends, and in one behind its turn for asynchronous handlers', async () => {
    const { ours, peer } = await withPlainPeer(side)
    const protocol = new Recorder()
    const writes = vi.spyOn(Socket.prototype, 'write')
    cleanup(() => writes.mockRestore())
    const answer = async (i: number): Promise<void> => {
      for (let k = 0; k <= i % 8; k++) await undefined
      ours.write(`${i},`)
    }
    protocol.onData = () => {
      for (let i = 0; i < 64; i++) void answer(i)
      ours.writeSequence(['first,', 'second,'])
    }
    ours.start(protocol)
    peer.write('go')
    await protocol.received(2)
    await ours.drained(0)
    await turns(2)
    expect(writes.mock.contexts.filter((socket) => socket !== peer)).toHaveLength(2)
    ours.halfClose()
    expect((await readAll(peer)).toString().split(',')).toHaveLength(67)
  })

  it('is borrowed until drained(0): 16 MiB come back the same', async () => {
    const { ours, peer } = await withPlainPeer(side, { maxQueuedBytes: 32 * MiB })
    peer.pipe(peer)
    const protocol = new Recorder()
    ours.start(protocol)
    const sent = pattern(16 * MiB)
    const digest = sha256(sent)
    ours.write(sent)
    await ours.drained(0)
    expect(ours.queuedBytes).toBe(0)
    sent.fill(0)
    await protocol.received(16 * MiB)
    expect(protocol.bytes).toBe(16 * MiB)
    expect(sha256(protocol.data)).toBe(digest)
  })
})

describe.each(sides)('what a %s transport reads', (side) => {
  it('is never touched again', async () => {
    const { ours, peer } = await withPlainPeer(side)
    const protocol = new Recorder()
    const digests: string[] = []
    protocol.onData = (data) => digests.push(sha256(data))
    ours.start(protocol)
    const sent = pattern(3 * MiB)
    for (let at = 0, bytes = 1; at < sent.length; at += bytes, bytes = (bytes * 7) % 90_001) peer.write(sent.subarray(at, at + bytes))
    peer.end()
    await protocol.eof
    expect(protocol.data.equals(sent)).toBe(true)
    expect(protocol.pieces.map(sha256)).toEqual(digests)
    expect(Math.max(...protocol.pieces.map((piece) => piece.length))).toBeLessThanOrEqual(65_536)
  })

  it.each([
    ['in the turn in which it was started', (ours: StreamTransport) => ours.pause('read')],
    ['in a microtask after that', (ours: StreamTransport) => queueMicrotask(() => ours.pause('read'))],
    ['after a resume', (ours: StreamTransport) => (ours.pause(), ours.resume(), queueMicrotask(() => queueMicrotask(() => ours.pause())))],
  ])('holds the peer back when paused %s', async (_, pause) => {
    const { ours, peer } = await withPlainPeer(side)
    peer.on('error', () => {})
    const protocol = new Recorder()
    ours.start(protocol)
    pause(ours)
    for (let i = 0; i < 64; i++) peer.write(Buffer.alloc(MiB))
    await turns(200)
    expect(protocol.bytes).toBe(0)
    ours.abort()
    expect((await protocol.lost).unreadBytes).toBeLessThanOrEqual(65_536)
  })

  it('comes once, and before the loss, when the peer resets while paused', async () => {
    const { ours, peer } = await withPlainPeer(side)
    const protocol = new Recorder()
    ours.start(protocol)
    peer.write('one,')
    await protocol.received(4)
    ours.pause('read')
    await new Promise((resolve) => peer.write('two,', resolve))
    await turns()
    peer.resetAndDestroy()
    await turns()
    expect(protocol.events).toEqual(['made'])
    ours.resume('read')
    const reason = await protocol.lost
    expect(protocol.data.toString()).toBe('one,two,')
    expect(reason).toMatchObject({ kind: 'reset', error: { code: 'ERR_RESET' }, unreadBytes: 0 })
    expect(protocol.events).toEqual(['made', 'lost reset'])
  })

  it.each([100, 200_000])('ends with reset, not with an end, behind %i unread bytes', async (bytes) => {
    const { ours, peer } = await withPlainPeer(side)
    const protocol = new Recorder()
    ours.start(protocol)
    ours.pause('read')
    await new Promise((resolve) => peer.write(pattern(bytes), resolve))
    peer.resetAndDestroy()
    await once(peer, 'close')
    await turns()
    ours.resume('read')
    expect(await protocol.lost).toMatchObject({ kind: 'reset', error: { code: 'ERR_RESET' } })
    expect(protocol.events).toEqual(['made', 'lost reset'])
  })

  it('is all there when the write half breaks first', async () => {
    const { ours, peer } = await withPlainPeer(side)
    peer.on('error', () => {})
    const protocol = new Recorder()
    ours.start(protocol)
    ours.pause('read')
    await new Promise((resolve) => peer.write(pattern(60_000), resolve))
    peer.resetAndDestroy()
    await breakWrites(ours)
    expect(() => ours.write('x')).toThrowError(expect.objectContaining({ code: 'ERR_WRITE_BROKEN' }))
    await expect(ours.drained(0)).rejects.toMatchObject({ code: 'ERR_RESET' })
    ours.resume('read')
    expect(await protocol.lost).toMatchObject({ kind: 'reset' })
    expect(protocol.data.equals(pattern(60_000))).toBe(true)
    expect(protocol.events.at(-1)).toBe('lost reset')
  })

  it('B2 is at most 64 KiB a delivery, also what Node had read before the write half broke', async () => {
    const { ours, peer } = await withPlainPeer(side)
    peer.on('error', () => {})
    const protocol = new Recorder()
    ours.start(protocol)
    ours.pause('read')
    // Less than Node's buffer, so that it reads once more.
    await new Promise((resolve) => peer.write(pattern(10_000), resolve))
    await turns()
    await new Promise((resolve) => peer.write(pattern(100_000), resolve))
    await turns()
    peer.resetAndDestroy()
    await breakWrites(ours)
    ours.resume('read')
    await protocol.lost
    expect(protocol.bytes).toBeGreaterThan(70_000)
    expect(Math.max(...protocol.pieces.map(({ length }) => length))).toBeLessThanOrEqual(65_536)
  })
})

describe.each(sides)('what a %s transport reads for a protocol with reuseReadBuffer', (side) => {
  it('is right during the call, through pauses, and shares memory where the transport was dialled', async () => {
    const { ours, peer } = await withPlainPeer(side)
    const protocol = Object.assign(new Recorder(), { reuseReadBuffer: true })
    const hash = createHash('sha256')
    const buffers = new Set<ArrayBufferLike>()
    let deliveries = 0
    protocol.onData = (data) => {
      hash.update(data)
      buffers.add(data.buffer)
      protocol.pieces.length = 0
      if (++deliveries % 5 !== 0) return
      ours.pause()
      setImmediate(() => ours.resume())
    }
    ours.start(protocol)
    const sent = pattern(8 * MiB)
    peer.end(sent)
    await protocol.eof
    expect(protocol.bytes).toBe(8 * MiB)
    expect(hash.digest('hex')).toBe(sha256(sent))
    // 8 MiB are at least 128 reads.
    if (side === 'dialled') expect(buffers.size).toBeLessThan(60)
    else expect(buffers.size).toBeGreaterThan(20)
  })

  it('is not given away twice when the next protocol gets it as a leftover', async () => {
    const { ours, peer } = await withPlainPeer(side)
    const second = new Recorder()
    ours.start({ reuseReadBuffer: true, dataReceived: (data) => ours.start(second, data.subarray(1)) })
    peer.write('abc')
    peer.write('def')
    peer.end()
    await second.eof
    expect(second.data.toString()).toBe('bcdef')
  })
})

describe.each(sides)('how a %s transport ends', (side) => {
  it('receives 1 MiB after halfClose, which may be called twice', async () => {
    const { ours, peer } = await withPlainPeer(side)
    const protocol = new Recorder()
    ours.start(protocol)
    ours.write('question')
    ours.halfClose()
    ours.halfClose()
    expect((await readAll(peer)).toString()).toBe('question')
    peer.end(pattern(MiB))
    expect(await protocol.lost).toMatchObject({ kind: 'closed', by: 'peer', unsentBytes: 0, unreadBytes: 0 })
    expect(protocol.data.equals(pattern(MiB))).toBe(true)
    expect(protocol.events).toEqual(['made', 'eof', 'lost closed'])
  })

  it('close() delivers 4 MiB to a slow reader that keeps writing', async () => {
    const { ours, peer } = await withPlainPeer(side)
    const protocol = new Recorder()
    ours.start(protocol)
    const pieces: Buffer[] = []
    let writing = true
    const chatter = (): void => {
      while (writing && peer.write(Buffer.alloc(16_384))) continue
    }
    peer.on('drain', chatter)
    chatter()
    await protocol.received(100_000)
    ours.write(pattern(4 * MiB))
    ours.close()
    for (let read = 0; read < 4 * MiB; ) {
      await turns(2)
      const data = peer.read() as Buffer | null
      if (data === null) continue
      pieces.push(data)
      read += data.length
    }
    const ended = once(peer, 'end')
    peer.resume()
    await ended
    writing = false
    peer.end()
    expect(Buffer.concat(pieces).equals(pattern(4 * MiB))).toBe(true)
    const reason = await protocol.lost
    expect(reason).toMatchObject({ kind: 'closed', by: 'local', unsentBytes: 0 })
    expect(reason.unreadBytes).toBeGreaterThan(0)
  })

  it('close() waits for the peer for lingerMs and no longer, and leaves no timer', async () => {
    const clock = new VirtualClock()
    const { ours, peer } = await withPlainPeer(side, { clock })
    ours.start(new Recorder())
    ours.write('bye')
    ours.close()
    expect((await readAll(peer)).toString()).toBe('bye')
    await turns()
    clock.advance(4_999)
    await turns()
    peer.on('error', () => {})
    let reason: unknown
    void ours.closed.then((why) => (reason = why))
    await turns()
    expect(reason).toBeUndefined()
    clock.advance(1)
    expect(await ours.closed).toMatchObject({ kind: 'closed', by: 'local' })
    if (side === 'dialled') expect(clock.pendingCount).toBe(0)
  })

  it('close() gives up, with a reset, what cannot be sent in time', async () => {
    const clock = new VirtualClock()
    const { ours, peer } = await withPlainPeer(side, { clock })
    ours.start(new Recorder())
    for (let i = 0; i < 12; i++) ours.write(Buffer.alloc(MiB))
    ours.close({ timeoutMs: 2_000 })
    await turns()
    clock.advance(2_000)
    const reason = await ours.closed
    expect(reason).toMatchObject({ kind: 'timeout', error: { code: 'ERR_CLOSE_TIMEOUT' } })
    expect(reason.unsentBytes).toBeGreaterThan(MiB)
    let read = 0
    peer.on('data', (data: Buffer) => (read += data.length))
    await deadForPeer(peer)
    expect(read).toBeLessThan(11 * MiB)
  })

  it.each([
    ['at once', () => {}],
    ['with a full queue', (ours: StreamTransport) => ours.write(Buffer.alloc(12 * MiB))],
    ['in the turn in which the end is announced', (ours: StreamTransport) => ours.halfClose()],
    ['while closing', (ours: StreamTransport) => (ours.write('x'), ours.close())],
  ])('abort() is a reset for the peer: %s', async (_, prepare) => {
    const { ours, peer } = await withPlainPeer(side)
    const protocol = new Recorder()
    ours.start(protocol)
    const cause = new Error('why')
    prepare(ours)
    await Promise.resolve()
    ours.abort(cause)
    expect(await deadForPeer(peer)).toMatch(/^(ECONNRESET|EPIPE)$/)
    expect(await protocol.lost).toMatchObject({ kind: 'aborted', error: { code: 'ERR_ABORTED', cause } })
  })

  it('abort() is a reset also right behind the flush that announces the end', async () => {
    const { ours, peer } = await withPlainPeer(side)
    ours.start(new Recorder())
    const end = vi.spyOn(Socket.prototype, 'end')
    cleanup(() => end.mockRestore())
    ours.write('x')
    ours.halfClose()
    while (end.mock.calls.length === 0) await new Promise<void>((resolve) => process.nextTick(resolve))
    ours.abort()
    expect(await deadForPeer(peer)).toMatch(/^(ECONNRESET|EPIPE)$/)
    expect(await ours.closed).toMatchObject({ kind: 'aborted' })
  })

  it('keeps its addresses, asked for or not', async () => {
    const { ours, peer } = await withPlainPeer(side)
    const { localPort, remotePort } = peer
    ours.start(new Recorder())
    peer.resetAndDestroy()
    await ours.closed
    await until(() => peer.destroyed)
    expect(ours.info).toMatchObject({ local: `127.0.0.1:${remotePort}`, remote: `127.0.0.1:${localPort}`, resets: true, halfCloses: true, pausable: true })
    expect(ours.info.readsAfterWriteError).toBe(side === 'dialled')
  })

  it('closes when the peer ends and the protocol has no eofReceived', async () => {
    const { ours, peer } = await withPlainPeer(side)
    ours.start({ dataReceived: (data) => ours.write(data) })
    peer.end('echo')
    expect((await readAll(peer)).toString()).toBe('echo')
    expect(await ours.closed).toMatchObject({ kind: 'closed', by: 'peer' })
  })

  it('aborts, and reports once, when a method of the protocol throws', async () => {
    const reports: unknown[] = []
    const { ours, peer } = await withPlainPeer(side, { onError: (error) => reports.push(error) })
    const failed = once(peer, 'error')
    peer.resume()
    const thrown = new Error('of the protocol')
    ours.start({
      dataReceived() {
        throw thrown
      },
    })
    peer.write('x')
    expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET' })
    expect(await ours.closed).toMatchObject({ kind: 'protocol', error: { code: 'ERR_CALLBACK_THREW', cause: thrown } })
    expect(reports).toEqual([thrown])
  })
})

describe('two transports', () => {
  it('deliver 10,000 tiny writes in order, both ways', async () => {
    const { dialled, accepted } = await pair()
    const [atDialled, atAccepted] = [new Recorder(), new Recorder()]
    dialled.start(atDialled)
    accepted.start(atAccepted)
    let expected = ''
    for (let i = 0; i < 10_000; i++) {
      expected += `${i},`
      dialled.write(`${i},`)
      accepted.write(Buffer.from(`${i},`))
      if (i % 100 === 0) await turns(1)
    }
    dialled.halfClose()
    accepted.halfClose()
    await Promise.all([atDialled.lost, atAccepted.lost])
    expect(atAccepted.data.toString()).toBe(expected)
    expect(atDialled.data.toString()).toBe(expected)
  })

  it('both close at once, and both ends are in order', async () => {
    const { dialled, accepted } = await pair()
    dialled.start(new Recorder())
    accepted.start(new Recorder())
    dialled.close()
    accepted.close()
    expect([await dialled.closed, await accepted.closed]).toMatchObject([{ kind: 'closed' }, { kind: 'closed' }])
  })
})
