/**
 * Runs in a sandbox of mutate.mjs, beside the changed packages: `judge.mjs SUITE…`, the packages' conformance tests, until the first failure.
 * Exits 0 if all of it holds. What a mutant leaves open is the sandbox's to end.
 */
import { run } from 'vitest'

process.on('uncaughtException', (error) => {
  console.log(`uncaught: ${error}`)
  process.exit(1)
})
process.on('unhandledRejection', (error) => {
  console.log(`unhandled: ${error}`)
  process.exit(1)
})
for (const suite of process.argv.slice(2)) await import(`./packages/${suite}`)
const failed = await run()
if (failed !== undefined) console.log(failed)
process.exit(failed === undefined ? 0 : 1)
