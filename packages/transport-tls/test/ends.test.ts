import type { TransportOptions } from '@async/core/base'
import { memoryPair } from '@async/core/testing'
import { describe, expect, it } from 'vitest'
import { probeSettled } from '../src/probe.ts'
import { anyTransport, type Below, secure, tcpPair } from './subjects.ts'
import { cleanup, Recorder, turns } from './support.ts'

const roads: readonly (readonly [name: string, make: (options?: TransportOptions) => Below | Promise<Below>])[] = [
  ['memory', memoryPair],
  ['TCP as any transport', anyTransport],
  ['a socket', async (options) => (await probeSettled(), tcpPair(options))],
]
const versions = ['TLSv1.2', 'TLSv1.3'] as const
const matrix = roads.flatMap(([road, make]) => versions.flatMap((version) => [
  // As much as is on its way while nobody reads, or more where somebody does.
  ...[0, 1, 200_000].map((bytes) => ({ road, make, version, bytes, paused: false })),
  ...[0, 1, 30_000].map((bytes) => ({ road, make, version, bytes, paused: true })),
]))

async function pair(make: (typeof roads)[number][1], version: 'TLSv1.2' | 'TLSv1.3', how: { readonly allowTruncation?: boolean } = {}) {
  const below = await make()
  const { a, b } = await secure(below, { maxVersion: version, ...how })
  cleanup(() => {
    a.abort()
    b.abort()
    return below.dispose?.()
  })
  const [atA, atB] = [new Recorder(), new Recorder()]
  return { below, a, b, atA, atB }
}

describe.each(matrix)('on $road, $version, after $bytes bytes, paused: $paused', ({ make, version, bytes, paused }) => {
  it.each(['client', 'server'])('the %s tells a bare end from close_notify', async (which) => {
    for (const clean of [true, false]) {
      const { below, a, b } = await pair(make, version)
      const [reader, writer, belowWriter] = which === 'client' ? [a, b, below.b] : [b, a, below.a]
      const [atReader, atWriter] = [new Recorder(), new Recorder()]
      reader.start(atReader)
      writer.start(atWriter)
      if (paused) reader.pause('read')
      if (bytes > 0) writer.write(new Uint8Array(bytes))
      if (clean) writer.halfClose()
      else {
        await writer.drained(0)
        ;(belowWriter as unknown as { halfClose(): void }).halfClose()
      }
      if (paused) {
        await turns()
        expect(atReader.events.filter((event) => event !== 'made')).toEqual([])
        reader.resume('read')
      }
      await (clean ? atReader.eof : atReader.lost)
      expect(atReader.events).toEqual(clean ? ['made', 'eof'] : ['made', 'lost truncated'])
      expect(atReader.bytes).toBe(bytes)
      reader.abort()
      writer.abort()
      await Promise.all([reader.closed, writer.closed])
    }
  })
})

describe.each(roads.flatMap(([road, make]) => versions.map((version) => ({ road, make, version }))))('on $road, $version', ({ make, version }) => {
  it('a half-close inside dataReceived loses nothing of what has come, and the other direction goes on', async () => {
    const { a, b, atA, atB } = await pair(make, version)
    a.start(atA)
    b.start(atB)
    atB.onData = () => b.halfClose()
    a.pause()
    for (let i = 0; i < 20; i++) a.write(new Uint8Array(10_000))
    a.resume()
    await atA.eof
    a.write('more')
    a.halfClose()
    expect((await atB.lost).kind).toBe('closed')
    expect(atB.bytes).toBe(200_004)
    expect((await atA.lost).kind).toBe('closed')
  })

  it('abort() sends no close_notify, and the peer sees a reset', async () => {
    const { a, b, atA, atB } = await pair(make, version)
    a.start(atA)
    b.start(atB)
    a.abort()
    expect((await atB.lost).kind).toBe('reset')
    expect(atB.events).toEqual(['made', 'lost reset'])
  })

  it('with allowTruncation a bare end is an end', async () => {
    const { below, a, b, atA, atB } = await pair(make, version, { allowTruncation: true })
    a.start(atA)
    b.start(atB)
    a.write('all')
    await a.drained(0)
    ;(below.a as unknown as { halfClose(): void }).halfClose()
    await atB.eof
    expect(atB.text).toBe('all')
    b.close()
    expect((await b.closed).kind).toBe('closed')
  })

  it('the reason has that of what is below, and the kinds agree', async () => {
    const { a, b, atA, atB } = await pair(make, version)
    a.start(atA)
    b.start(atB)
    a.close()
    await atB.eof
    b.close()
    expect(await a.closed).toMatchObject({ kind: 'closed', by: 'local', unsentBytes: 0, unreadBytes: 0, below: { kind: 'closed' } })
    expect(await b.closed).toMatchObject({ kind: 'closed', by: 'peer', unsentBytes: 0, unreadBytes: 0, below: { kind: 'closed' } })
  })
})
