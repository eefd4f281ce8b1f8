import type { TransportOptions } from '@async/core/base'
import { type Pair, type Subject, transportSuite } from '@async/core/testing'
import { describe, it } from 'vitest'
import { connectSerial } from '../src/index.ts'
import { has, ptyPair } from './pty.ts'

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

const pty: Subject = {
  name: 'serial ports, over two ttys of the kernel and socat',
  carries: 'stream',
  makePair: async (options?: TransportOptions): Promise<Pair> =>
    ptyPair((path) => connectSerial({ ...options, path, baudRate: 115_200, rtscts: true })),
  skip: {
    ...Object.fromEntries(endsInOrder.map((name) => [name, 'a tty has no end in order: when one end is closed, the other is hung up, kind gone'])),
    'R6 1,000 connections, one after the other, leave no handle open': 'each needs a process; the soak does it',
  },
}

if (has('socat')) transportSuite({ describe, it }, pty, {})
else describe.skip('serial ports over socat (socat is not installed)', () => it('passes the kit', () => {}))
