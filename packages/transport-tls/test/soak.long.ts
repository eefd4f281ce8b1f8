/** Two thousand connections on each road, ended in each way, leave no memory, descriptor or handle behind. */
import type { TransportOptions } from '@async/core/base'
import { memoryPair, type Pair, soak, type SoakSubject } from '@async/core/testing'
import { describe, it } from 'vitest'
import { counters, heapBytes } from '../../core/test/soak-on-node.ts'
import { tls, tlsServer } from '../src/index.ts'
import { probeSettled } from '../src/probe.ts'
import { authority, server } from './certificates.ts'
import { anyTransport, type Below, tcpPair } from './subjects.ts'

/** What is below goes away, at once and without close_notify. */
const gone = ({ a }: Pair): void => (a as unknown as { below: { abort(): void } }).below.abort()

// One of each for all connections, as a program has them.
const layers = [tls({ serverName: 'localhost', ca: authority.cert }), tlsServer({ cert: server.cert, key: server.key })] as const

const roads: readonly (readonly [name: string, make: (options?: TransportOptions) => Below | Promise<Below>])[] = [
  ['memory', memoryPair],
  ['TCP as any transport', anyTransport],
  ['a socket', async () => (await probeSettled(), tcpPair())],
]

describe.each(roads)('2,000 TLS connections over %s', (_, make) => {
  const subject: SoakSubject = {
    heapBytes,
    counters,
    ends: { 'what is below goes away': gone },
    makePair: async () => {
      const below = await make()
      const [a, b] = [layers[0](below.a), layers[1](below.b)]
      await Promise.all([a.handshake(), b.handshake()])
      return { a, b, dispose: async () => void (await below.dispose?.()) }
    },
  }

  it.each(['close', 'halfClose', 'abort', 'peer aborts', 'what is below goes away'])('ended by %s leave nothing behind', async (way) => {
    await soak(subject, way)
  })
})
