import { Worker } from 'node:worker_threads'

/**
 * Kills this process when it takes longer than it may: from a thread of its own, since a mutant may loop for ever without a turn.
 * @returns {(limitMs: number) => void} a call begins a new span, and ends the one before
 */
export function watch() {
  const shared = new Int32Array(new SharedArrayBuffer(8))
  const source = `
    const { workerData: shared } = require('node:worker_threads')
    for (;;) {
      const span = Atomics.load(shared, 0)
      if (Atomics.wait(shared, 0, span, span === 0 ? Infinity : shared[1]) === 'timed-out') process.kill(process.pid, 'SIGKILL')
    }`
  new Worker(source, { eval: true, workerData: shared }).unref()
  return (limitMs) => {
    shared[1] = limitMs
    Atomics.add(shared, 0, 1)
    Atomics.notify(shared, 0)
  }
}
