/** Calls that come before the handshake is over, on every road. */
import { memoryPair, VirtualClock } from '@async/core/testing'
import { describe, expect, it } from 'vitest'
import { tls, type TlsCommonOptions, tlsServer, type TlsTransport } from '../src/index.ts'
import { probeSettled } from '../src/probe.ts'
import { authority, server } from './certificates.ts'
import { anyTransport, type Below, tcpPair } from './subjects.ts'
import { cleanup, codeOf, Recorder, turns } from './support.ts'

const roads: readonly (readonly [name: string, make: () => Below | Promise<Below>])[] = [
  ['memory', memoryPair],
  ['TCP as any transport', anyTransport],
  ['a socket', async () => (await probeSettled(), tcpPair())],
]

describe.each(roads)('before the handshake is over, on %s,', (_, make) => {
  async function ends(how: TlsCommonOptions = {}): Promise<{ below: Below; a: TlsTransport; b: TlsTransport }> {
    const below = await make()
    const a = tls({ ...how, serverName: 'localhost', ca: authority.cert })(below.a)
    const b = tlsServer({ cert: server.cert, key: server.key })(below.b)
    cleanup(() => {
      a.abort()
      b.abort()
      return below.dispose?.()
    })
    return { below, a, b }
  }

  it.each(['paused and resumed', 'started again'])('a transport that is %s reads all the same', async (what) => {
    const { a, b } = await ends()
    const [first, atA] = [new Recorder(), new Recorder()]
    a.start(what === 'started again' ? first : atA)
    if (what === 'started again') a.start(atA)
    else {
      a.pause('read')
      a.resume('read')
    }
    await turns(1)
    b.start(new Recorder())
    b.write('data')
    b.halfClose()
    await atA.eof
    expect(atA.text).toBe('data')
  })

  it('close() of what was written long before, and never started, sends it, and hears the end', async () => {
    const clock = new VirtualClock()
    const { a, b } = await ends({ clock })
    const atB = new Recorder()
    b.start(atB)
    a.write('data')
    await turns()
    a.close()
    await atB.eof
    b.close()
    expect(atB.text).toBe('data')
    expect(await a.closed).toMatchObject({ kind: 'closed', by: 'local', unsentBytes: 0 })
    expect(clock.pendingCount).toBe(0)
  })

  it.each(['at once', 'later'])('close() %s gives the handshake as long as the call says', async (when) => {
    const clock = new VirtualClock()
    const { below, a } = await ends({ clock })
    // A peer that takes everything and says nothing.
    below.b.start({ dataReceived() {} })
    a.start(new Recorder())
    a.write('data')
    if (when === 'later') await turns()
    a.close({ timeoutMs: 100 })
    await turns()
    clock.advance(100)
    const reason = await a.closed
    expect(codeOf(reason)).toBe('ERR_CLOSE_TIMEOUT')
    expect(reason).toMatchObject({ kind: 'timeout', unsentBytes: 4 })
    expect(clock.pendingCount).toBe(0)
  })

  it('start() on what is over below tells of that end', async () => {
    const { below, a } = await ends()
    const atA = new Recorder()
    below.a.abort()
    a.start(atA)
    expect(await atA.lost).toMatchObject({ kind: 'aborted', below: { kind: 'aborted' } })
    expect(await a.closed).toMatchObject({ kind: 'aborted' })
    expect(atA.events).toEqual(['lost aborted'])
  })

  it.each(['client', 'server'] as const)('an end, or a reset, of what is below is told as that, at the %s', async (which) => {
    for (const kind of ['truncated', 'reset']) {
      const { below, a, b } = await ends()
      const [layer, far] = which === 'client' ? [a, below.b] : [b, below.a]
      const recorder = new Recorder()
      layer.start(recorder)
      far.start({ dataReceived() {} })
      await turns(5)
      if (kind === 'reset') far.abort()
      else far.close({ lingerMs: 0 })
      const reason = await recorder.lost
      expect([reason.kind, codeOf(reason)]).toEqual([kind, kind === 'reset' ? 'ERR_RESET' : 'ERR_TRUNCATED'])
      expect(recorder.events).toEqual([`lost ${kind}`])
    }
  })
})
