/**
 * What the scripts that run other programs share: find a tool of the workspace, run it with its output visible, and time it.
 */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The workspace's root, without a slash at the end. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '')

const windows = process.platform === 'win32'

/** Programs that are found in the PATH; others are tools of the workspace. */
const system = new Set(['pnpm', 'bash'])

/**
 * Runs a program and waits for its end; what it prints goes where our own output goes.
 * @param {string} program `node`, `pnpm`, `bash`, a path, or the name of a tool that the workspace's root depends on
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions} [options]
 * @returns {Promise<number>} its exit code; 1 when a signal ended it, 127 when it could not be started
 */
export function run(program, args, options) {
  const tool = program === 'node' ? process.execPath : system.has(program) || isAbsolute(program) ? program : `${root}/node_modules/.bin/${program}`
  return new Promise((resolve) => {
    const child = spawn(tool, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], shell: windows, ...options })
    child.once('error', (error) => {
      console.error(`${program}: ${error.message}`)
      resolve(127)
    })
    child.once('close', (code) => resolve(code ?? 1))
  })
}

/** Seconds since `startMs`, for a person. @param {number} startMs a time that `performance.now()` gave */
export const since = (startMs) => `${((performance.now() - startMs) / 1000).toFixed(1)} s`

/**
 * Runs steps one after the other, says what each is and what it took, and stops at the first that fails.
 * @param {readonly (readonly [name: string, work: () => Promise<number>])[]} steps each gives an exit code
 * @returns {Promise<string | undefined>} the name of the step that failed
 */
export async function runSteps(steps) {
  for (const [name, work] of steps) {
    console.log(`\n▸ ${name}`)
    const start = performance.now()
    const code = await work()
    console.log(code === 0 ? `✓ ${name}: ${since(start)}` : `✗ ${name}: exit ${code} after ${since(start)}`)
    if (code !== 0) return name
  }
  return undefined
}

/** Ends the process with one clear line if this Node is older than the workspace's `engines` ask for. */
export function requireNode() {
  const wanted = /** @type {string} */ (JSON.parse(readFileSync(`${root}/package.json`, 'utf8')).engines.node).replace('>=', '')
  const [major = 0, minor = 0] = wanted.split('.').map(Number)
  const [isMajor = 0, isMinor = 0] = process.versions.node.split('.').map(Number)
  if (isMajor > major || (isMajor === major && isMinor >= minor)) return
  console.error(`Node ${process.versions.node} is too old: this workspace needs ${wanted} or later.`)
  process.exit(1)
}
