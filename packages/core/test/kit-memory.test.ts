import { describe, it } from 'vitest'
import { WrappedTransport } from '../src/base/index.ts'
import { memoryMessagePair, memoryPair, type Subject, transportSuite } from '../src/testing/index.ts'
import type { Stream, Transport } from '../src/transport.ts'

const memory: Subject = { name: 'memory', carries: 'stream', makePair: async (options) => memoryPair(options) }

const messages: Subject = { name: 'memory, messages', carries: 'message', makePair: async (options) => memoryMessagePair(options) }

const needs = 'writes more bytes than can be on the way while nobody reads, and waits until they are sent'

const small: Subject = {
  name: 'memory, 1,000 bytes on the way and 300 in a read',
  carries: 'stream',
  makePair: async (options) => memoryPair({ ...options, capacityBytes: 1000, maxReadBytes: 300 }),
  skip: {
    W8: needs, C12: needs, C13: needs, C14: needs,
    'P1 paused inside dataReceived of what came before a reset, the rest waits, and the reset behind it': needs,
    'T7 what came before a reset goes to the protocol that takes over in the midst of it': needs,
  },
}

const noHalfClose: Subject = {
  name: 'memory, without half-close',
  carries: 'stream',
  makePair: async (options) => memoryPair({ ...options, halfCloses: false }),
}

const wrapped: Subject = {
  name: 'memory, with a pass-through layer at each end, twice',
  carries: 'stream',
  async makePair(options) {
    const { a, b } = memoryPair(options)
    const wrap = (below: Transport<Stream>): Transport<Stream> => new WrappedTransport<Stream>(below)
    return { a: wrap(wrap(a)), b: wrap(wrap(b)) }
  },
}

transportSuite({ describe, it }, memory, { counts: { pass: 159, notApplicable: 46, skipped: 0, fail: 0 } })
transportSuite({ describe, it }, messages, { counts: { pass: 153, notApplicable: 52, skipped: 0, fail: 0 } })
transportSuite({ describe, it }, noHalfClose, { counts: { pass: 137, notApplicable: 68, skipped: 0, fail: 0 } })
transportSuite({ describe, it }, wrapped, { counts: { pass: 159, notApplicable: 46, skipped: 0, fail: 0 } })
transportSuite({ describe, it }, small, {
  // Bulk through so small a window is the same code many more times.
  filter: ({ name }) => !/MiB/.test(name),
  counts: { pass: 149, notApplicable: 46, skipped: 6, fail: 0 },
})
