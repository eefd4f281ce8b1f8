import { execFileSync } from 'node:child_process'
import { it } from 'vitest'

/** Whether a program is installed; in CI it has to be. */
export function isHere(program: string): boolean {
  if (process.env['CI'] === 'true') return true
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** `it` for a test that needs a program: where that is missing it is skipped, but not in CI, where it has to be there. */
export function needs(program: string): typeof it {
  return (isHere(program) ? it : it.skip) as typeof it
}
