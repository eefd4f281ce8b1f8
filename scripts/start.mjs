/**
 * What `pnpm start` runs: builds, then holds a JSON-RPC conversation over HTTP over TCP between two processes, and shows what crossed each
 * boundary of the stack; then the same over every other stack. `--json` prints it as data, `--keep` leaves the server up.
 */
import { requireNode, run } from './lib/run.mjs'

requireNode()
// Ctrl-C reaches the children too, and their end is ours.
process.on('SIGINT', () => {})

if (process.stderr.isTTY) console.error('building')
// What the compiler has to say is no part of what `--json` prints.
const compiled = await run('tsc', ['-b'], { stdio: ['ignore', 2, 'inherit'] })
const built = compiled === 0 ? await run('node', ['scripts/bundle.mjs'], { stdio: ['ignore', 2, 'inherit'] }) : compiled
process.exitCode = built === 0 ? await run('node', ['examples/start/dist/main.js', ...process.argv.slice(2)], { stdio: 'inherit' }) : built
