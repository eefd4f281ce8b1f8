import { readdirSync } from 'node:fs'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { soak, type SoakSubject } from '@async/core/testing'
import { afterAll, describe, it } from 'vitest'
import { connectSerial } from '../src/index.ts'
import { SimulatedSerial } from '../src/testing/index.ts'
import { has } from './pty.ts'
import { startRelay } from './relay.ts'

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

const counters = {
  'open descriptors': () => readdirSync('/proc/self/fd').length,
  'active resources': () => process.getActiveResourcesInfo().filter((name) => name !== 'Timeout' && name !== 'Immediate').length,
}

const simulation: SoakSubject = {
  makePair: async () => {
    const binding = new SimulatedSerial({ pacing: false })
    binding.plugCable({ path: 'one' }, { path: 'other' })
    const common = { binding, rtscts: true, hangUpOn: 'dsr' } as const
    return { a: await connectSerial({ ...common, path: 'one' }), b: await connectSerial({ ...common, path: 'other' }) }
  },
  heapBytes,
}

describe('2,000 simulated connections', () => {
  it.each(['close', 'abort', 'peer aborts'])('ended by %s leave nothing behind', async (way) => {
    await soak(simulation, way)
  })
})

const forTtys = has('python3') ? describe : describe.skip
forTtys('2,000 connections over ttys of the kernel', () => {
  const relay = startRelay()
  afterAll(() => relay.end())
  const pulls = new WeakMap<object, () => void>()
  const ttys: SoakSubject = {
    makePair: async () => {
      const made = await relay.pair((path) => connectSerial({ path, baudRate: 4_000_000 }))
      const pair = { a: made.a, b: made.b }
      pulls.set(pair, made.pull)
      return pair
    },
    heapBytes,
    counters,
    ends: { 'being pulled out': (pair) => pulls.get(pair)?.() },
  }

  it.each(['close', 'abort', 'peer aborts', 'being pulled out'])('ended by %s leave nothing behind', async (way) => {
    await soak(ttys, way)
  })
})
