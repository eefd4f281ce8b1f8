import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { describe, it } from 'vitest'
import type { TransportOptions } from '../src/base/index.ts'
import { fromDuplex } from '../src/node/duplex-transport.ts'
import { toDuplex } from '../src/node/transport-duplex.ts'
import { memoryPair, type Subject, transportSuite } from '../src/testing/index.ts'
import type { StreamTransport } from '../src/transport.ts'

function around(transport: StreamTransport, options: TransportOptions | undefined): StreamTransport {
  return fromDuplex(toDuplex(transport), { ...options, resets: true, halfCloses: transport.info.halfCloses, local: transport.info.local!, remote: transport.info.remote! })
}

const there: Subject = {
  name: 'a transport over a Duplex over a transport, memory below',
  carries: 'stream',
  async makePair(options) {
    const { a, b } = memoryPair(options)
    return { a: around(a, options), b: around(b, options) }
  },
}

const noHalfClose: Subject = {
  name: 'a transport over a Duplex over a transport without half-close',
  carries: 'stream',
  async makePair(options) {
    const { a, b } = memoryPair({ ...options, halfCloses: false })
    return { a: around(a, options), b: around(b, options) }
  },
  skip: { C1: 'what the transport below the stream discards is counted there' },
}

/** A stream that we did not write. */
const sockets: Subject = {
  name: 'a transport over net.Socket, taken for a Duplex',
  carries: 'stream',
  async makePair(options) {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const accepted = once(server, 'connection')
    const dialled = connect({ port: (server.address() as { port: number }).port, host: '127.0.0.1', allowHalfOpen: true })
    const [[peer]] = (await Promise.all([accepted, once(dialled, 'connect')])) as [[Socket], unknown]
    server.close()
    return { a: fromDuplex(dialled, options), b: fromDuplex(peer, options) }
  },
  skip: { 'C8 abort() sends nothing of what is queued, and says how much that was, and why': 'a stream does not say that it has sent a part of what it was given' },
}

transportSuite({ describe, it }, there, { counts: { pass: 153, notApplicable: 52, skipped: 0, fail: 0 } })
transportSuite({ describe, it }, noHalfClose, { counts: { pass: 128, notApplicable: 73, skipped: 4, fail: 0 } })
transportSuite({ describe, it }, sockets, { counts: { pass: 147, notApplicable: 57, skipped: 1, fail: 0 } })
