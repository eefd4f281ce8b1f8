/**
 * A process that says how many bytes an operation allocates. The young generation is so large that nothing is collected meanwhile, and what the heap
 * grows by is then the same to the byte, whatever the machine is.
 */
import { operations } from './operations.mjs'

const name = process.argv[2] ?? ''
const run = /** @type {{ make: () => import('./operations.mjs').Run }} */ (operations[name]).make()
const count = 6_400

// @ts-ignore -- Node has it with --expose-gc
const collect = /** @type {() => void} */ (globalThis.gc)

// The compilers have to be done with it: what is optimised allocates less.
for (let i = 0; i < 40; i++) await run(count)
let least = Infinity
for (let i = 0; i < 5; i++) {
  collect()
  const before = process.memoryUsage()
  await run(count)
  const after = process.memoryUsage()
  least = Math.min(least, (after.heapUsed - before.heapUsed) / count)
}
process.stdout.write(`${Math.round(least)}\n`)
