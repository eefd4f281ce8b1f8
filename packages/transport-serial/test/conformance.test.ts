import type { TransportOptions } from '@async/core/base'
import { type Pair, type Subject, transportSuite } from '@async/core/testing'
import { describe, it } from 'vitest'
import { connectSerial } from '../src/index.ts'
import { SimulatedSerial } from '../src/testing/index.ts'

/** Two transports over a null-modem cable. Bytes take no time: the kit's clock stands still. */
const cable: Subject = {
  name: 'serial ports, over a simulated null-modem cable',
  carries: 'stream',
  makePair: async (options?: TransportOptions): Promise<Pair> => {
    const binding = new SimulatedSerial({ ...options, pacing: false, bufferBytes: 65_536 })
    binding.plugCable({ path: 'one' }, { path: 'other' })
    const common = { ...options, binding, baudRate: 115_200, rtscts: true, hangUpOn: 'dsr' } as const
    return { a: await connectSerial({ ...common, path: 'one' }), b: await connectSerial({ ...common, path: 'other' }) }
  },
  connectToNobody: () => connectSerial({ binding: new SimulatedSerial(), path: 'none' }),
}

transportSuite({ describe, it }, cable, { counts: { pass: 128, notApplicable: 76, skipped: 0, fail: 0 } })
