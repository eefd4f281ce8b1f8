import { execFileSync, spawnSync } from 'node:child_process'

/** Whether a program of this machine can be started. @param {string} name */
export function hasProgram(name) {
  return spawnSync('sh', ['-c', 'command -v "$1"', 'sh', name]).status === 0
}

/** Servers on one core and what loads them on the other, where that can be said: each then has a core to itself. */
export const pins = hasProgram('taskset') ? /** @type {const} */ ({ server: '0', load: '1' }) : undefined

/** A command on its core. @param {'server' | 'load'} core @param {string} command @param {string[]} args @returns {[string, string[]]} */
export function pinned(core, command, args) {
  return pins === undefined ? [command, args] : ['taskset', ['-c', pins[core], command, ...args]]
}

/** How many files a process may have open: Node raises its own limit as far as it may. */
export function fileLimit() {
  try {
    const text = execFileSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' }).trim()
    return text === 'unlimited' ? Infinity : Number(text)
  } catch {
    return Infinity
  }
}
