import type { TransportOptions } from '@async/core/base'
import { type Pair, type Subject, transportSuite } from '@async/core/testing'
import { afterAll, describe, it } from 'vitest'
import { isHere } from '../../core/test/programs.ts'
import { connectSerial } from '../src/index.ts'
import { endsInOrder } from './ends-in-order.ts'
import { type Relay, startRelay } from './relay.ts'

let relay: Relay | undefined
afterAll(() => relay?.end())

const pty: Subject = {
  name: 'serial ports, over two ttys of the kernel',
  carries: 'stream',
  makePair: async (options?: TransportOptions): Promise<Pair> =>
    (relay ??= startRelay()).pair((path) => connectSerial({ ...options, path, baudRate: 4_000_000, rtscts: true })),
  settle: () => new Promise((resolve) => setTimeout(resolve, 10)),
  skip: endsInOrder('a tty has no end in order: when one end is closed, the other is hung up, kind gone'),
}

if (isHere('python3')) transportSuite({ describe, it }, pty, { counts: { pass: 121, notApplicable: 77, skipped: 7, fail: 0 } })
else it.skip('passes the kit over ttys of the kernel (python3 is not installed)', () => {})
