import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Two ttys of the kernel that socat ties together: what is written to one can be read from the other. */
export interface PtyPair<T> {
  readonly a: T
  readonly b: T
  readonly paths: { readonly a: string; readonly b: string }
  /** Hangs both up, as if they were pulled out. */
  pull(): void
  /** Hangs both up, and removes their names. */
  dispose(): Promise<void>
}

/** Whether `program` can be run; throws where all programs must be there. */
export function has(program: string): boolean {
  const found = spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
  if (!found && process.env['CI'] === 'true') throw new Error(`${program} is not installed`)
  return found
}

/**
 * Makes a pair, and opens its ends with `open`, in this order. socat hangs one tty up when the other was closed: so the ends are opened while it
 * waits for each, and the pair is ready when socat says that it relays.
 */
export async function ptyPair<T>(open: (path: string) => Promise<T>): Promise<PtyPair<T>> {
  const folder = mkdtempSync(join(tmpdir(), 'async-serial-'))
  const paths = ['a', 'b'].map((name) => join(folder, name))
  const addresses = paths.map((path) => `pty,raw,echo=0,wait-slave,pty-interval=0.005,link=${path}`)
  const socat = spawn('socat', ['-d', '-d', '-t0.02', ...addresses], { stdio: ['ignore', 'ignore', 'pipe'] })
  const over = once(socat, 'close')
  let said = ''
  socat.stderr.on('data', (data: Buffer) => (said += data.toString()))
  const until = async (holds: () => boolean): Promise<void> => {
    while (!holds()) {
      if (socat.exitCode !== null) throw new Error(`socat ended: ${said}`)
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
  const ends: T[] = []
  for (const path of paths) {
    await until(() => existsSync(path))
    ends.push(await open(path))
  }
  await until(() => said.includes('starting data transfer loop'))
  return {
    a: ends[0]!,
    b: ends[1]!,
    paths: { a: paths[0]!, b: paths[1]! },
    pull: () => socat.kill('SIGKILL'),
    dispose: async () => {
      if (socat.exitCode === null && socat.signalCode === null) socat.kill('SIGKILL')
      await over
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
