/** Two thousand connections, ended in each way, leave no memory, descriptor or handle behind. */
import type { StreamTransport } from '@async/core'
import { type Pair, soak, type SoakSubject } from '@async/core/testing'
import { describe, it } from 'vitest'
import { counters, heapBytes } from '../../core/test/soak-on-node.ts'
import { connectTcp, listenTcp } from '../src/index.ts'

/** The peer drops the connection with data unread. */
function reset({ a, b }: Pair): void {
  b.pause('read')
  a.write('unread')
  void a.drained(0).then(() => b.abort())
}

const subject: SoakSubject = {
  heapBytes,
  counters,
  ends: { 'a reset': reset },
  makePair: async () => {
    let accept!: (transport: StreamTransport) => void
    const accepting = new Promise<StreamTransport>((resolve) => {
      accept = resolve
    })
    const listener = await listenTcp({}, accept)
    const a = await connectTcp({ port: listener.port, host: '127.0.0.1' })
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

describe('2,000 TCP connections, each with a listener of its own', () => {
  it.each(['close', 'halfClose', 'abort', 'peer aborts', 'a reset'])('ended by %s leave nothing behind', async (way) => {
    await soak(subject, way)
  })
})
