/**
 * Runs in a sandbox of mutate.mjs, beside the changed packages: the compliance kit alone, until its first failure. Exits 0 if all of it holds.
 * `judge.mjs memory | base | chunk | tcp`. What a mutant leaves open is the sandbox's to end.
 */
import {
  layerSubject, memoryMessagePair, memoryPair, runProtocolKit, runTransportKit, withFaults,
} from '@async/core/testing'
import { stack, tap } from '@async/core'

/** A line of text has no line feed in it. */
const printable = Array.from({ length: 95 }, (_, index) => 32 + index)
const options = { bail: true, watchdogMs: 5000 }
/** In memory what is ready is ready in so many turns of the event loop, however slow the machine: a mutant that hangs is found soon. */
const inMemory = { ...options, maxTurns: 20_000 }

/** @type {Record<string, () => AsyncGenerator<{ counts: { fail: number }, toString(): string }>>} */
const targets = {
  async *memory() {
    yield runTransportKit({ name: 'memory', carries: 'stream', makePair: async (how) => memoryPair(how) }, inMemory)
    yield runTransportKit({ name: 'memory, messages', carries: 'message', makePair: async (how) => memoryMessagePair(how) }, inMemory)
    yield runTransportKit({ name: 'memory, no half-close', carries: 'stream', makePair: async (how) => memoryPair({ ...how, halfCloses: false }) }, inMemory)
  },

  async *base() {
    yield* targets['memory']()
    yield runTransportKit({ name: 'tap', carries: 'stream', makePair: async (how) => both(memoryPair(how), (below) => tap({})(below)) }, inMemory)
    yield runTransportKit({ name: 'faults', carries: 'stream', makePair: async (how) => both(memoryPair(how), withFaults({ randomFragmentBytes: 5000 })) }, inMemory)
  },

  async *chunk() {
    const { chunk, exact, lengthPrefix, line, lsp, nul } = await import('@async/protocol-chunk')
    const text = { conversations: [{ name: 'three lines', input: 'one\ntwo two\n\nä€😀\n', events: ['one', 'two two', '', 'ä€😀'], boundaries: [0, 4, 12, 13, 23] }] }
    const long = [
      { name: 'too long', input: `ok\n${'x'.repeat(101)}\n`, events: ['ok'], kind: 'limit' },
      { name: 'just fits', input: `${'x'.repeat(100)}\n${'y'.repeat(101)}`, events: ['x'.repeat(100)], kind: 'limit' },
    ]
    yield runProtocolKit(layerSubject('line', line({ maxChunkBytes: 100 }), { ...text, refused: [...long, { name: 'no UTF-8', input: Uint8Array.of(97, 10, 0xff, 10), events: ['a'], kind: 'protocol' }] }), options)
    yield runProtocolKit(layerSubject('nul', nul({ maxChunkBytes: 100 }), { conversations: [{ name: 'two', input: 'ab\0\0c\0', events: ['ab', '', 'c'], boundaries: [0, 3, 4, 6] }] }), options)
    yield runProtocolKit(layerSubject('crlf, kept', chunk({ delimiter: '\r\n', keepDelimiter: true, maxChunkBytes: 100 }), {
      conversations: [{ name: 'false starts', input: 'a\r\r\nb\n\r\n\r\n', events: ['a\r\r\n', 'b\n\r\n', '\r\n'], boundaries: [0, 4, 8, 10] }],
    }), options)
    yield runProtocolKit(layerSubject('alternatives', chunk({ delimiter: ['\n', '\r\n', 'aab'], maxChunkBytes: 100 }), {
      conversations: [{ name: 'mixed', input: 'x\r\ny\rz\naaaabq\n', events: ['x', 'y\rz', 'aa', 'q'], boundaries: [0, 3, 7, 12, 14] }],
    }), options)
    yield runProtocolKit(layerSubject('exact', exact({ chunkBytes: 3 }), { conversations: [{ name: 'two', input: 'abcdef', events: ['abc', 'def'], boundaries: [0, 3, 6] }] }), options)
    yield runProtocolKit(layerSubject('length', lengthPrefix({ widthBytes: 2, maxChunkBytes: 100 }), {
      conversations: [{ name: 'three', input: '\0\x02ab\0\0\0\x01c', events: ['ab', '', 'c'], boundaries: [0, 4, 6, 9] }],
      refused: [{ name: 'too long', input: '\0\x01c\0\x65', events: ['c'], kind: 'limit' }],
    }), options)
    yield runProtocolKit(layerSubject('length, varint', lengthPrefix({ widthBytes: 'varint', maxChunkBytes: 300 }), {
      conversations: [{ name: 'two', input: Uint8Array.of(2, 97, 98, 0x80, 1, ...Array(128).fill(99)), events: ['ab', 'c'.repeat(128)], boundaries: [0, 3, 133] }],
      refused: [
        { name: 'too long', input: Uint8Array.of(0x80, 0x80, 1), events: [], kind: 'limit' },
        { name: 'not minimal', input: Uint8Array.of(0x80, 0), events: [], kind: 'protocol' },
      ],
    }), options)
    yield runProtocolKit(layerSubject('length, little-endian frame', lengthPrefix({ widthBytes: 4, endian: 'little', counts: 'frame', maxChunkBytes: 100 }), {
      conversations: [{ name: 'two', input: '\x06\0\0\0ab\x04\0\0\0', events: ['ab', ''], boundaries: [0, 6, 10] }],
      refused: [{ name: 'shorter than its own length', input: '\x03\0\0\0', events: [], kind: 'protocol' }],
    }), options)
    yield runProtocolKit(layerSubject('lsp', lsp({ maxChunkBytes: 100 }), {
      conversations: [{ name: 'two', input: 'Content-Length: 2\r\n\r\n{}Content-Type: x\r\nContent-Length: 3\r\n\r\n[1]', events: ['{}', '[1]'], boundaries: [0, 23, 64] }],
      refused: [
        { name: 'not digits', input: 'Content-Length: 2x\r\n\r\n', events: [], kind: 'protocol' },
        { name: 'none', input: 'Content-Type: x\r\n\r\n', events: [], kind: 'protocol' },
        { name: 'two', input: 'Content-Length: 2\r\nContent-Length: 2\r\n\r\n', events: [], kind: 'protocol' },
        { name: 'too long', input: 'Content-Length: 101\r\n\r\n', events: [], kind: 'limit' },
      ],
    }), options)
    const layers = [['line', line({ mode: 'bytes', maxChunkBytes: 1 << 25 })], ['length', lengthPrefix({ widthBytes: 4, maxChunkBytes: 1 << 25 })], ['lsp', lsp({ mode: 'bytes', maxChunkBytes: 1 << 25 })]]
    for (const [name, layer] of layers) {
      const alphabet = name === 'line' ? { alphabet: printable } : {}
      yield runTransportKit({ name: `${name} over memory`, carries: 'message', ...alphabet, makePair: async (how) => both(memoryPair(how), layer) }, inMemory)
    }
  },

  async *tcp() {
    const { connectTcp, listenTcp } = await import('@async/transport-tcp')
    /** @param {import('@async/core/base').TransportOptions | undefined} how @param {boolean} dialledFirst */
    const pair = async (how, dialledFirst) => {
      let accept = (/** @type {any} */ _transport) => {}
      const accepted = new Promise((resolve) => {
        accept = resolve
      })
      const listener = await listenTcp({ ...how }, (transport) => accept(transport))
      const dialled = await connectTcp({ ...how, host: '127.0.0.1', port: listener.port })
      const other = await accepted
      return { a: dialledFirst ? dialled : other, b: dialledFirst ? other : dialled, dispose: () => listener.abortConnections() }
    }
    const makeListener = async (/** @type {any} */ accept, /** @type {any} */ how) => {
      const listener = await listenTcp({ ...how, maxHeldConnections: 0 }, accept)
      return { listener, connect: (/** @type {any} */ more) => connectTcp({ host: '127.0.0.1', port: listener.port, ...more }) }
    }
    const connectToNobody = async () => {
      const listener = await listenTcp({}, () => {})
      listener.close()
      await listener.closed
      return connectTcp({ host: '127.0.0.1', port: listener.port })
    }
    yield runTransportKit({ name: 'TCP', carries: 'stream', makePair: (how) => pair(how, true), makeListener, connectToNobody }, options)
    yield runTransportKit({ name: 'TCP, accepted first', carries: 'stream', makePair: (how) => pair(how, false) }, options)
  },
}

/** @param {{ a: any, b: any }} pair @param {(below: any) => any} layer */
function both(pair, layer) {
  return { a: stack(pair.a, layer), b: stack(pair.b, layer) }
}

process.on('uncaughtException', (error) => {
  console.log(`uncaught: ${error}`)
  process.exit(1)
})
const [target = ''] = process.argv.slice(2)
const counts = []
for await (const report of targets[target]()) {
  counts.push(report.counts)
  if (report.counts.fail === 0) continue
  console.log(report.toString())
  process.exit(1)
}
// The numbers are part of the verdict: a capability that is denied turns failures into "not applicable".
console.log(JSON.stringify(counts))
process.exit(0)
