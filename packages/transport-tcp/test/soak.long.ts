/** Two thousand connections, ended in each way, leave no memory, descriptor or handle behind. */
import { readdirSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { StreamTransport } from '@async/core'
import { type Pair, soak, type SoakSubject } from '@async/core/testing'
import { describe, it } from 'vitest'
import { connectTcp, listenTcp } from '../src/index.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** The heap, once nothing that could be collected is left. */
async function heapBytes(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    await new Promise((resolve) => setTimeout(resolve, 10))
    collect()
  }
  return process.memoryUsage().heapUsed
}

/** The peer drops the connection with data unread. */
function reset({ a, b }: Pair): void {
  b.pause('read')
  a.write('unread')
  void a.drained(0).then(() => b.abort())
}

const subject: SoakSubject = {
  heapBytes,
  counters: {
    'open descriptors': () => readdirSync('/proc/self/fd').length,
    'active resources': () => process.getActiveResourcesInfo().filter((name) => name !== 'Timeout' && name !== 'Immediate').length,
  },
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
