/** The process whose system calls are counted: `node serve.mjs NAME` starts what operations.mjs calls so, and ends with its stdin. */
import { operations } from './operations.mjs'

const { serve } = /** @type {import('./operations.mjs').Operation} */ (operations[process.argv[2] ?? ''])
const { port } = await serve()
process.stdin.on('end', () => process.exit()).resume()
process.stdout.write(`${port}\n`)
