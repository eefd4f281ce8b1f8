import { spawnSync } from 'node:child_process'

/** Whether a program of this machine can be started. @param {string} name */
export function hasProgram(name) {
  return spawnSync('sh', ['-c', 'command -v "$1"', 'sh', name]).status === 0
}
