import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StreamTransport } from '@async/core'
import type { TransportOptions } from '@async/core/base'
import { type ListenerUnderTest, type Pair, type Subject, transportSuite } from '@async/core/testing'
import { afterAll, describe, it } from 'vitest'
import { connectUnix, listenUnix } from '../src/index.ts'

const folder = mkdtempSync(join(tmpdir(), 'async-unix-'))
afterAll(() => rmSync(folder, { recursive: true }))
let made = 0
const freshPath = (): string => join(folder, `${made++}.sock`)

const partial = { 'C8 abort() sends no more to a peer that reads': 'Node does not tell how much of a write in progress the OS has: such bytes count as unsent' }

async function makeEnds(options?: TransportOptions): Promise<{ readonly dialled: StreamTransport; readonly accepted: StreamTransport; dispose(): void }> {
  const path = freshPath()
  let accept!: (transport: StreamTransport) => void
  const accepting = new Promise<StreamTransport>((resolve) => {
    accept = resolve
  })
  // The cases pass hours of virtual time with transports that are not started.
  const listener = await listenUnix({ ...options, path, startTimeoutMs: Infinity }, accept)
  const dialled = await connectUnix({ ...options, path })
  return { dialled, accepted: await accepting, dispose: () => listener.close() }
}

const dialled: Subject = {
  name: 'Unix sockets, dialled to accepted',
  carries: 'stream',
  makePair: async (options): Promise<Pair> => {
    const { dialled, accepted, dispose } = await makeEnds(options)
    return { a: dialled, b: accepted, dispose }
  },
  makeListener: async (accept, options): Promise<ListenerUnderTest> => {
    const path = freshPath()
    const listener = await listenUnix({ ...options, path }, accept)
    const counts = () => ({ open: listener.connectionCount, held: listener.heldCount, refused: listener.refusedCount })
    return { listener, counts, connect: (how) => connectUnix({ ...options, ...how, path }) }
  },
  connectToNobody: () => connectUnix({ path: freshPath() }),
  holdsConnections: true,
  skip: {
    L17: 'the end that connects has no name: there is nothing to tell',
    ...partial,
  },
}

const accepted: Subject = {
  name: 'Unix sockets, accepted to dialled',
  carries: 'stream',
  makePair: async (options): Promise<Pair> => {
    const { dialled, accepted, dispose } = await makeEnds(options)
    return { a: accepted, b: dialled, dispose }
  },
  skip: partial,
}

transportSuite({ describe, it }, dialled, { counts: { pass: 166, notApplicable: 37, skipped: 2, fail: 0 } })
transportSuite({ describe, it }, accepted, { counts: { pass: 147, notApplicable: 57, skipped: 1, fail: 0 } })
