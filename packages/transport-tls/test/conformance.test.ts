import type { Stream, Transport } from '@async/core'
import type { TransportOptions } from '@async/core/base'
import { memoryPair, type Pair, type Subject, transportSuite } from '@async/core/testing'
import { describe, it } from 'vitest'
import { tls, type TlsOptions, tlsServer, type TlsServerOptions } from '../src/index.ts'
import { authority, server } from './certificates.ts'

/** TLS on both ends, the handshake over. */
async function secure(client: Transport<Stream>, listening: Transport<Stream>, options: TransportOptions | undefined, how: Partial<TlsOptions> = {}) {
  const a = tls({ ...options, ...how, serverName: 'localhost', ca: authority.cert })(client)
  const b = tlsServer({ ...options, ...(how as Partial<TlsServerOptions>), cert: server.cert, key: server.key })(listening)
  await Promise.all([a.handshake(), b.handshake()])
  return { a, b }
}

const memory: Subject = {
  name: 'TLS over memory, client to server',
  carries: 'stream',
  makePair: async (options): Promise<Pair> => {
    const below = memoryPair(options)
    return secure(below.a, below.b, options)
  },
}

transportSuite({ describe, it }, memory, { counts: { pass: 158, notApplicable: 46, skipped: 0, fail: 0 } })
