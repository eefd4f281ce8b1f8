import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const packages = fileURLToPath(new URL('../../packages/', import.meta.url))

/** The packages as they are installed: copies of what is published, without the links of this workspace. */
function installed() {
  const folder = mkdtempSync(join(tmpdir(), 'async-bench-installed-'))
  for (const name of ['core', 'transport-tcp']) {
    for (const part of ['package.json', 'bundle']) cpSync(join(packages, name, part), join(folder, 'node_modules/@async', name, part), { recursive: true })
  }
  return folder
}

/** The same, but that each of the three files has nothing but its imports. */
function hollow() {
  const folder = installed()
  const file = (/** @type {string} */ name, /** @type {string} */ content) => writeFileSync(join(folder, 'node_modules/@async', name), content)
  file('transport-tcp/bundle/index.js', "import '@async/core/node'\n")
  file('core/bundle/node/index.js', "import '../shared.js'\nimport 'node:net'\nimport 'node:stream'\n")
  file('core/bundle/shared.js', 'export {}\n')
  return folder
}

/** The fastest of some runs of a process that imports something and ends: what is slower was disturbed. @param {string} name @param {() => string} install where @returns {import('../lib/scenario.mjs').Prepare} */
const importing = (name, install = installed) => async () => {
  const cwd = install()
  return {
    async measure() {
      let wall = Infinity
      for (let i = 0; i < 4; i++) {
        const start = performance.now()
        const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', `import ${JSON.stringify(name)}`], { cwd })
        if (status !== 0) throw new Error(String(stderr))
        wall = Math.min(wall, performance.now() - start)
      }
      return { wall }
    },
    end: async () => rmSync(cwd, { recursive: true }),
  }
}

/** @type {import('../lib/scenario.mjs').Scenario[]} */
export const scenarios = [
  {
    id: 'start-up',
    title: 'A process that imports one transport, and ends: wall time',
    metrics: { wall: { unit: 'ms', better: 'lower' } },
    reference: 'node:net',
    peers: { 'node:net': importing('node:net'), '@async/transport-tcp': importing('@async/transport-tcp'), 'three files with imports alone: the floor': importing('@async/transport-tcp', hollow) },
    goals: [{ peer: '@async/transport-tcp', metric: 'wall', limit: 1.15, reach: 1.05 }],
  },
]
