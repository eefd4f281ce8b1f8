import { execFileSync } from 'node:child_process'
import { it } from 'vitest'

/** Whether a program is installed. */
function isHere(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** `it` for a test that needs a program: where that is missing it is skipped, but not in CI, where it has to be there. */
export function needs(program: string): typeof it {
  return (process.env['CI'] !== 'true' && !isHere(program) ? it.skip : it) as typeof it
}
