import { fileLimit } from '../lib/programs.mjs'
import { endAll, takeTurns } from '../lib/round.mjs'
import { both, loopCpu, serverCpu, sideFile } from '../lib/scenario.mjs'
import { startSide } from '../lib/side.mjs'
import { median } from '../lib/statistics.mjs'

const powers = (/** @type {number} */ from, /** @type {number} */ to, /** @type {number} */ factor) => {
  const sizes = []
  for (let size = from; size <= to; size *= factor) sizes.push(size)
  return sizes
}

/** A process for each size. @param {number[]} sizes @param {(size: number) => import('../lib/scenario.mjs').Prepare} at @param {(cpuMicros: number, size: number) => number} ofOne @returns {import('../lib/curve.mjs').Curve['measure']} */
const each = (sizes, at, ofOne) =>
  async function* measure(how) {
    /** @type {Map<number, import('../lib/scenario.mjs').Prepared>} */
    const sides = new Map()
    try {
      for (const size of sizes) sides.set(size, await at(size)(how))
      const failed = (/** @type {number} */ _, /** @type {unknown} */ error) => {
        throw error
      }
      for (const [size, slices] of await takeTurns(sides, { seconds: how.seconds, failed })) yield [size, ofOne(median(slices.map((slice) => slice['cpu'] ?? NaN)), size)]
    } finally {
      await endAll(sides)
    }
  }

/** What an idle connection weighs, as they become more. @param {number[]} counts @returns {import('../lib/curve.mjs').Curve['measure']} */
const idle = (counts) =>
  async function* measure() {
    const [serving, loading] = await both(startSide(sideFile('idle'), 'server', ['--expose-gc']), startSide(sideFile('idle'), 'load'))
    try {
      const { port } = await serving.call('tcp')
      const visit = (/** @type {number} */ count) => loading.call('visit', { port, count, text: 'x' })
      // Code and pools first: what grows with them alone is not a connection's.
      await visit(1000)
      const before = await serving.call('weigh')
      let there = 0
      for (const count of counts) {
        await visit(count - there)
        there = count
        yield [count, ((await serving.call('weigh')) - before) / count / 1024]
      }
    } finally {
      await Promise.all([serving.end(), loading.end()])
    }
  }

/** Ping-pong on so many connections. @param {number[]} counts @returns {import('../lib/curve.mjs').Curve['measure']} */
const busy = (counts) => each(counts, (connections) => serverCpu(['tcp', 'echoAsync'], ['tcp', 'pingPong', { connections, bytes: 64 }]), (cost) => cost)

const files = fileLimit()
const connections = [1, 10, 100, 1000, 2500, 5000, 10_000]
/** Fewer weigh less than what a process's memory grows and shrinks by. */
const idleConnections = [100, 1000, 2500, 5000, 7500, 10_000]
const allowed = connections.filter((count) => count + 200 <= files)
const allowedNote = allowed.length < connections.length ? { note: `No more than ${allowed.at(-1)?.toLocaleString('en')}: a process here may have ${files.toLocaleString('en')} files open.` } : {}
const layers = [0, 1, 2, 3, 4, 5, 6, 7, 8]
// Those above a read of 64 KiB have to be put together: they are the upper half.
const bytes = [16, 128, 1024, 8192, 65_536, 131_072, 262_144, 524_288, 1_048_576]
const inFlight = powers(1, 256, 2)
const fields = [1, 3, 6, 12, 24, 48, 96]

/** @type {import('../lib/curve.mjs').Curve[]} */
export const curves = [
  {
    id: 'curve-layers', title: 'A delivery through stacked layers', axis: 'layers', unit: 'ns for each transport in the stack', sizes: layers,
    measure: each(layers, (count) => loopCpu(['layers', 'ours', { layers: count }]), (cost, count) => (cost * 1000) / (count + 1)),
  },
  {
    id: 'curve-frames', title: 'A message behind its length, in reads of 64 KiB', axis: 'bytes', unit: 'ns a byte', sizes: bytes,
    measure: each(bytes, (size) => loopCpu(['curves', 'frames', { bytes: size }]), (cost, size) => (cost * 1000) / size),
    note: 'Up to a read, a message is a view of it. A larger one is put together, at the price of a copy: a step, behind which it is flat again. (Memory of more than 128 KiB is new each time, and what the first touch of a page takes divided by 4,096 is there in each byte.)',
  },
  {
    id: 'curve-echo', title: 'A JSON-RPC call over TCP that echoes a text', axis: 'bytes', unit: 'ns of the server for each byte', sizes: bytes,
    measure: each(bytes, (size) => serverCpu(['curves', 'serveEcho'], ['curves', 'echo', { bytes: size }]), (cost, size) => (cost * 1000) / size),
  },
  { id: 'curve-idle', title: 'Idle TCP connections', axis: 'connections', unit: 'KiB each', sizes: idleConnections, measure: idle(idleConnections.filter((count) => count + 1200 <= files)), ...allowedNote },
  { id: 'curve-busy', title: 'TCP echo of 64 bytes on all connections at once', axis: 'connections', unit: 'µs of the server for each round trip', sizes: connections, measure: busy(allowed), ...allowedNote },
  {
    id: 'curve-in-flight', title: 'JSON-RPC over TCP, calls in flight', axis: 'calls', unit: 'µs of the server for each call', sizes: inFlight,
    measure: each(inFlight, (count) => serverCpu(['json-rpc', 'serveLines'], ['json-rpc', 'callLines', { inFlight: count }]), (cost) => cost),
  },
  {
    id: 'curve-headers', title: 'An HTTP request with many fields', axis: 'fields', unit: 'ns a field', sizes: fields,
    measure: each(fields, (count) => loopCpu(['curves', 'headers', { fields: count }]), (cost, count) => (cost * 1000) / count),
  },
]
