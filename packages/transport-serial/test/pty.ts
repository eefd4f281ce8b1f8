import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Two ttys of the kernel that socat ties together: what is written to one can be read from the other. */
export interface PtyPair {
  readonly a: string
  readonly b: string
  /** Hangs both up, as if they were pulled out. */
  pull(): void
  /** Hangs both up, and removes their names. */
  dispose(): Promise<void>
}

/** Makes a pair. */
export async function ptyPair(): Promise<PtyPair> {
  const folder = mkdtempSync(join(tmpdir(), 'async-serial-'))
  const [a, b] = [join(folder, 'a'), join(folder, 'b')]
  const socat = spawn('socat', [`pty,raw,echo=0,link=${a}`, `pty,raw,echo=0,link=${b}`], { stdio: 'ignore' })
  const over = once(socat, 'exit')
  while (!existsSync(a) || !existsSync(b)) {
    if (socat.exitCode !== null) throw new Error('socat ended at once')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  return {
    a,
    b,
    pull: () => socat.kill('SIGKILL'),
    dispose: async () => {
      if (socat.exitCode === null && socat.signalCode === null) socat.kill('SIGKILL')
      await over
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
