import { once } from 'node:events'
import { createServer } from 'node:net'
import type { StreamTransport } from '@async/core'
import { type TransportOptions, WrappedTransport } from '@async/core/base'
import { type Case, type ListenerUnderTest, type Pair, runCase, type Subject, transportSuite } from '@async/core/testing'
import { describe, it } from 'vitest'
import { connectTcp, listenTcp } from '../src/index.ts'
import { makeName } from './places.ts'
import { acceptedCases, dialledCases } from './system-cases.ts'

async function makeEnds(options?: TransportOptions): Promise<{ readonly dialled: StreamTransport; readonly accepted: StreamTransport; dispose(): void }> {
  let accept!: (transport: StreamTransport) => void
  const accepting = new Promise<StreamTransport>((resolve) => {
    accept = resolve
  })
  // The cases pass hours of virtual time with transports that are not started.
  const listener = await listenTcp({ ...options, startTimeoutMs: Infinity }, accept)
  const dialled = await connectTcp({ ...options, host: '127.0.0.1', port: listener.port })
  return { dialled, accepted: await accepting, dispose: () => listener.close() }
}

async function connectToNobody(): Promise<StreamTransport> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return connectTcp({ host: '127.0.0.1', port })
}

const dialled: Subject = {
  name: 'TCP, dialled to accepted',
  carries: 'stream',
  makePair: async (options): Promise<Pair> => {
    const { dialled, accepted, dispose } = await makeEnds(options)
    return { a: dialled, b: accepted, dispose }
  },
  makeListener: async (accept, options): Promise<ListenerUnderTest> => {
    const listener = await listenTcp({ ...options }, accept)
    const counts = () => ({ open: listener.connectionCount, held: listener.heldCount, refused: listener.refusedCount })
    return { listener, counts, connect: (how) => connectTcp({ ...options, ...how, host: '127.0.0.1', port: listener.port }) }
  },
  connectToNobody,
  holdsConnections: true,
  makeName,
}

const accepted: Subject = {
  name: 'TCP, accepted to dialled',
  carries: 'stream',
  makePair: async (options): Promise<Pair> => {
    const { dialled, accepted, dispose } = await makeEnds(options)
    return { a: accepted, b: dialled, dispose }
  },
}

const wrapped: Subject = {
  name: 'a layer that passes everything through, over TCP',
  carries: 'stream',
  makePair: async (options): Promise<Pair> => {
    const { dialled, accepted, dispose } = await makeEnds(options)
    return { a: new WrappedTransport(dialled), b: new WrappedTransport(accepted), dispose }
  },
}

transportSuite({ describe, it }, dialled, { counts: { pass: 198, notApplicable: 7, skipped: 0, fail: 0 } })
transportSuite({ describe, it }, accepted, { counts: { pass: 153, notApplicable: 52, skipped: 0, fail: 0 } })
transportSuite({ describe, it }, wrapped, { counts: { pass: 159, notApplicable: 46, skipped: 0, fail: 0 } })

/** Cases that only Node's sockets can be asked. */
function cases(subject: Subject, list: readonly Case[]): void {
  describe(`${subject.name}: the system`, () => {
    for (const tested of list) {
      it(tested.name, async () => {
        const { result, error } = await runCase(tested, subject)
        if (result !== 'pass') throw error
      })
    }
  })
}

cases(dialled, dialledCases)
cases(accepted, acceptedCases)
