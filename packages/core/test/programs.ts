/** Tests that need a program which we did not write. */
import { spawnSync } from 'node:child_process'
import { describe, it } from 'vitest'

/** Whether a program is installed. In CI it has to be, and is taken to be: its tests fail there, and are not skipped. */
export function isHere(program: string): boolean {
  return process.env['CI'] === 'true' || spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status === 0
}

/** `it`, which where `program` is missing skips the test, and says why. */
export function needs(program: string): typeof it {
  if (program === '' || isHere(program)) return it
  return ((name: string, ...rest: []) => it.skip(`${name} (${program} is not installed)`, ...rest)) as typeof it
}

/** `describe`, likewise. */
export function describeWith(program: string): typeof describe {
  if (program === '' || isHere(program)) return describe
  // oxlint-disable-next-line vitest/valid-describe-callback -- the caller's is passed on
  return ((name: string, ...rest: []) => describe.skip(`${name} (${program} is not installed)`, ...rest)) as typeof describe
}
