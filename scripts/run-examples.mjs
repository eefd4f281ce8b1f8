/**
 * Runs every numbered example as it was built. Each asserts what it shows, and must end by itself.
 */
import { spawnSync } from 'node:child_process'
import { root } from './lib/run.mjs'
import { packagesIn } from './lib/workspace.mjs'

const limitMs = 20_000
const examples = packagesIn('examples').filter(({ name }) => /^\d\d-/.test(name))
let wrong = 0

for (const { folder, name } of examples) {
  const { status, error, stdout, stderr } = spawnSync(process.execPath, [`${root}/${folder}/dist/main.js`], { encoding: 'utf8', timeout: limitMs })
  if (status === 0 && stdout.trim() !== '') continue
  wrong++
  const why = error === undefined ? `exit ${status}` : `no end after ${limitMs / 1000} s`
  console.error(`${name}: ${status === 0 ? 'printed nothing' : why}\n${stdout}${stderr}`)
}

console.log(`${examples.length} examples: ${wrong === 0 ? 'no problem' : `${wrong} failed`}`)
process.exitCode = wrong === 0 && examples.length > 0 ? 0 : 1
