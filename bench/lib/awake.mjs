/**
 * Latency is measured with cores that do not sleep. To wake one takes a virtual machine longer than the work of both sides, it differs from hour to hour, and is
 * the same for all peers: what is left of a difference is then noise. On a machine of one's own `cpupower idle-set -D 0` does the same.
 */
import { spawn } from 'node:child_process'
import { hasProgram, pins } from './programs.mjs'

/** Spins for as long as the process lives that it is told of. What is of the idle class runs where nothing else wants to. */
const spin = 'while kill -0 "$0"; do n=0; while [ $n -lt 100000 ]; do n=$((n+1)); done; done'

/** The same, with both cores kept awake meanwhile, where that can be done. @param {import('./scenario.mjs').Prepare} prepare @returns {import('./scenario.mjs').Prepare} */
export const awake = (prepare) => async (how) => {
  const cores = pins !== undefined && hasProgram('chrt') ? Object.values(pins) : []
  const spinning = cores.map((core) => spawn('taskset', ['-c', core, 'chrt', '--idle', '0', 'sh', '-c', spin, String(process.pid)], { stdio: 'ignore' }))
  const sleep = async () => {
    for (const child of spinning) child.kill('SIGKILL')
  }
  try {
    const side = await prepare(how)
    return { ...side, end: () => side.end().finally(sleep) }
  } catch (error) {
    await sleep()
    throw error
  }
}
