import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const folder = fileURLToPath(new URL('..', import.meta.url))

/** The fastest of some runs of a process that imports something and ends: what is slower was disturbed. @param {string} name @returns {import('../lib/scenario.mjs').Prepare} */
const importing = (name) => async () => ({
  async measure() {
    let wall = Infinity
    for (let i = 0; i < 4; i++) {
      const start = performance.now()
      const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', `import ${JSON.stringify(name)}`], { cwd: folder })
      if (status !== 0) throw new Error(String(stderr))
      wall = Math.min(wall, performance.now() - start)
    }
    return { wall }
  },
  async end() {},
})

/** @type {import('../lib/scenario.mjs').Scenario[]} */
export const scenarios = [
  {
    id: 'start-up',
    title: 'A process that imports one transport, and ends: wall time',
    metrics: { wall: { unit: 'ms', better: 'lower' } },
    reference: 'node:net',
    peers: { 'node:net': importing('node:net'), '@async/transport-tcp': importing('@async/transport-tcp') },
    goals: [{ peer: '@async/transport-tcp', metric: 'wall', limit: 1.15, reach: 1.05 }],
  },
]
