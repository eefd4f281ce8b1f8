/** Two thousand connections of each kind, ended in each way, leave no memory, descriptor, handle, file or process behind. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { StreamTransport } from '@async/core'
import { type Pair, soak, type SoakSubject } from '@async/core/testing'
import { afterAll, describe, it } from 'vitest'
import { describeWith } from '../../core/test/programs.ts'
import { counters as ofNode, heapBytes } from '../../core/test/soak-on-node.ts'
import { connectExec, connectFifo, connectUnix, listenUnix, openFd, type ProcessConnection } from '../src/index.ts'
import { AnonymousPipes } from './anonymous-pipes.ts'
import { Fifos } from './fifos.ts'
import { folderOf } from './support.ts'

const relay = fileURLToPath(new URL('relay.pl', import.meta.url))

const { path: folder, remove } = folderOf('async-soak-')
afterAll(remove)

const counters = {
  ...ofNode,
  'files in the folder of the sockets': () => readdirSync(folder).length,
  'child processes': () => readFileSync('/proc/thread-self/children', 'utf8').split(' ').length,
  'listeners on the process': () => process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
}

/** Unread data make an abort a reset. */
function reset({ a, b }: Pair): void {
  b.pause('read')
  a.write('unread')
  void a.drained(0).then(() => b.abort())
}

const ways = ['close', 'halfClose', 'abort', 'peer aborts', 'a reset']
let made = 0

const listening: SoakSubject = {
  heapBytes,
  counters,
  ends: { 'a reset': reset },
  makePair: async () => {
    const path = join(folder, String(made++))
    let accept!: (transport: StreamTransport) => void
    const accepting = new Promise<StreamTransport>((resolve) => {
      accept = resolve
    })
    const listener = await listenUnix({ path }, accept)
    const a = await connectUnix({ path })
    return {
      a,
      b: await accepting,
      async dispose() {
        listener.close()
        await listener.closed
      },
    }
  },
}

describe('2,000 Unix sockets, each with a listener of its own', () => {
  it.each(ways)('ended by %s leave nothing behind', async (way) => {
    await soak(listening, way)
  })
})

describe('2,000 pairs of FIFOs', () => {
  const fifos = new Fifos()
  afterAll(() => fifos.remove())
  const subject: SoakSubject = {
    heapBytes,
    counters,
    makePair: async () => {
      const names = fifos.take()
      const [one, other] = names
      const [a, b] = await Promise.all([connectFifo({ path: one, writePath: other }), connectFifo({ path: other, writePath: one })])
      return { a, b, dispose: () => fifos.give(names) }
    },
  }
  it.each(ways.slice(0, 4))('ended by %s leave nothing behind', async (way) => {
    await soak(subject, way)
  })
})

describeWith('python3')('2,000 pairs of anonymous pipes', () => {
  const pipes = new AnonymousPipes()
  afterAll(() => pipes.end())
  const subject: SoakSubject = {
    heapBytes,
    counters,
    makePair: async () => {
      const [one, other] = await pipes.pair()
      await pipes.release()
      return { a: openFd(one), b: openFd(other) }
    },
  }
  it.each(ways.slice(0, 4))('ended by %s leave nothing behind', async (way) => {
    await soak(subject, way)
  })
})

// Fewer, for each takes a hundredth of a second: what a connection leaves behind shows in 200 as well.
describeWith('perl')('400 child processes', () => {
  const processes = new WeakMap<object, ProcessConnection>()
  const subject: SoakSubject = {
    heapBytes,
    counters,
    ends: { 'being killed': (pair) => void processes.get(pair)!.kill('SIGKILL') },
    makePair: async () => {
      // A child that connects its stdio to a socket of ours.
      const path = join(folder, String(made++))
      let accept!: (transport: StreamTransport) => void
      const accepting = new Promise<StreamTransport>((resolve) => {
        accept = resolve
      })
      const listener = await listenUnix({ path }, accept)
      const a = await connectExec({ command: 'perl', args: [relay, path], stderr: 'ignore' })
      const pair = { a, b: await accepting, dispose: () => listener.close() }
      processes.set(pair, a)
      return pair
    },
  }
  it.each(['close', 'halfClose', 'abort', 'peer aborts', 'being killed'])('ended by %s leave nothing behind', async (way) => {
    await soak(subject, way, { connectionCount: 200, maxGrowthBytes: 320 })
  })
})
