import type { TransportOptions } from '@async/core/base'
import { type Pair, type Subject, transportSuite } from '@async/core/testing'
import { describe, it } from 'vitest'
import { connectSerial } from '../src/index.ts'
import { SimulatedSerial, type SimulatedSocket } from '../src/testing/index.ts'
import { connectSerial as connectWebSerial } from '../src/web/index.ts'
import { endsInOrder } from './ends-in-order.ts'
import { FakeWebSerialPort } from './fake-web-serial.ts'

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

/** The browser's entry. Its ports tell no change of a line, so here the end of one is the other's being pulled out, once it has read what came. */
const web: Subject = {
  name: 'serial ports of Web Serial, over a simulated null-modem cable',
  carries: 'stream',
  makePair: async (options?: TransportOptions): Promise<Pair> => {
    const world = new SimulatedSerial({ ...options, pacing: false, bufferBytes: 65_536 })
    const sockets = world.plugCable({ path: 'one' }, { path: 'other' })
    const common = { ...options, baudRate: 115_200, rtscts: true } as const
    const a = await connectWebSerial({ ...common, port: new FakeWebSerialPort(world, 'one') })
    const b = await connectWebSerial({ ...common, port: new FakeWebSerialPort(world, 'other') })
    void a.closed.then(() => pullWhenRead(sockets[1]))
    void b.closed.then(() => pullWhenRead(sockets[0]))
    return { a, b }
  },
  skip: endsInOrder('the other end is pulled out, kind gone'),
}

async function pullWhenRead(socket: SimulatedSocket): Promise<void> {
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  while (socket.port !== undefined && socket.port.incomingBytes > 0) await turn()
  // Who closes at the same time shall get that done.
  for (let i = 0; i < 10; i++) await turn()
  if (socket.isPlugged) socket.unplug()
}

transportSuite({ describe, it }, cable, { counts: { pass: 129, notApplicable: 76, skipped: 0, fail: 0 } })
transportSuite({ describe, it }, web, { counts: { pass: 121, notApplicable: 77, skipped: 7, fail: 0 } })
