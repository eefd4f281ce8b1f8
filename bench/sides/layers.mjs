/** What one more layer costs: a read that goes up through `layers` of them. */
import { WrappedTransport } from '@async/core/base'
import { PushTransport } from '../lib/push-transport.mjs'

const piece = new Uint8Array(100)

/** A layer that passes everything through, with its flow control. */
class Pass extends WrappedTransport {}

/** @param {{ layers: number, seconds: number }} how */
export function ours({ layers, seconds }) {
  const lowest = new PushTransport()
  /** @type {any} */
  let top = lowest
  for (let i = 0; i < layers; i++) top = new Pass(top)
  let bytes = 0
  top.start({ dataReceived: (/** @type {Uint8Array} */ data) => void (bytes += data.length) })
  return timed(seconds, (count) => {
    for (let i = 0; i < count; i++) lowest.push(piece)
  }, () => bytes / piece.length)
}

/** A class that calls the next one, and no more. */
class Bare {
  /** @param {{ dataReceived(data: Uint8Array): void }} above */
  constructor(above) {
    this.above = above
  }
  /** @param {Uint8Array} data */
  dataReceived(data) {
    this.above.dataReceived(data)
  }
}

/** @param {{ layers: number, seconds: number }} how */
export function bare({ layers, seconds }) {
  let bytes = 0
  /** @type {{ dataReceived(data: Uint8Array): void }} */
  let lowest = { dataReceived: (data) => void (bytes += data.length) }
  for (let i = 0; i < layers; i++) lowest = new Bare(lowest)
  return timed(seconds, (count) => {
    for (let i = 0; i < count; i++) lowest.dataReceived(piece)
  }, () => bytes / piece.length)
}

/** @param {number} seconds @param {(count: number) => void} run @param {() => number} seen */
function timed(seconds, run, seen) {
  const end = performance.now() + seconds * 1000
  let operations = 0
  do {
    run(100_000)
    operations += 100_000
  } while (performance.now() < end)
  if (seen() !== operations) throw new Error(`${seen()} of ${operations} arrived`)
  return { operations }
}
