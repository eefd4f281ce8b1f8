import { soak, type SoakSubject } from '@async/core/testing'
import { afterAll, describe, it } from 'vitest'
import { describeWith } from '../../core/test/programs.ts'
import { counters, heapBytes } from '../../core/test/soak-on-node.ts'
import { connectSerial } from '../src/index.ts'
import { SimulatedSerial } from '../src/testing/index.ts'
import { startRelay } from './relay.ts'

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

describeWith('python3')('2,000 connections over ttys of the kernel', () => {
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
