import type { TransportOptions } from '@async/core/base'
import { type Pair, type Subject, transportSuite } from '@async/core/testing'
import { afterAll, describe, it } from 'vitest'
import { connectSerial } from '../src/index.ts'
import { has } from './pty.ts'
import { type Relay, startRelay } from './relay.ts'

/** Cases in which the other end is told that it was closed in order. */
const endsInOrder = [
  'P5 the end waits behind what is held, and comes after it',
  'C2 close() sends what is queued, then the end',
  'C2 close() flushes 15 MiB to a slow reader',
  'C7 who closed first is in the reason: local here, peer there',
  'C7 close() before start() ends the connection, and calls nobody',
  'C10 close() after abort(), and abort() after the end, change nothing',
  'H5 where there is no half-close the peer’s end is the end of the connection, whatever the protocol makes of it',
]

let relay: Relay | undefined
afterAll(() => relay?.end())

const pty: Subject = {
  name: 'serial ports, over two ttys of the kernel',
  carries: 'stream',
  makePair: async (options?: TransportOptions): Promise<Pair> =>
    (relay ??= startRelay()).pair((path) => connectSerial({ ...options, path, baudRate: 4_000_000, rtscts: true })),
  settle: () => new Promise((resolve) => setTimeout(resolve, 10)),
  skip: {
    ...Object.fromEntries(endsInOrder.map((name) => [name, 'a tty has no end in order: when one end is closed, the other is hung up, kind gone'])),
  },
}

if (has('python3')) transportSuite({ describe, it }, pty, { counts: { pass: 120, notApplicable: 77, skipped: 7, fail: 0 } })
else describe.skip('serial ports over ttys (python3 is not installed)', () => it('passes the kit', () => {}))
