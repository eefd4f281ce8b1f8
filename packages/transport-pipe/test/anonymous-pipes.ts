import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { constants, openSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

/** Makes two pipes for each line that says so, and says their descriptors; for any other it closes its own copies. */
const maker = `
import os, sys
old = ()
for line in sys.stdin:
    for fd in old: os.close(fd)
    old = os.pipe() + os.pipe() if line.strip() == 'make' else ()
    print(*old, flush=True)
`

/** What `openFd` takes. */
export interface PipeEnds {
  readonly fd: number
  readonly writeFd: number
}

/** Node can't make a pipe without a process at its end; Python can, and Linux lets us open it by name. */
export class AnonymousPipes {
  private child: ChildProcessByStdio<Writable, Readable, null> | undefined
  private waiting: ((line: string) => void)[] = []

  /** The descriptors of the two ends of a connection: two pipes, each with one end here and one there. */
  async pair(): Promise<readonly [PipeEnds, PipeEnds]> {
    this.child ??= this.start()
    const line = new Promise<string>((resolve) => this.waiting.push(resolve))
    this.child.stdin.write('make\n')
    const [read, write, otherRead, otherWrite] = (await line).trim().split(' ').map((fd) => `/proc/${this.child!.pid}/fd/${fd}`)
    return [
      { fd: openSync(otherRead!, constants.O_RDONLY), writeFd: openSync(write!, constants.O_WRONLY) },
      { fd: openSync(read!, constants.O_RDONLY), writeFd: openSync(otherWrite!, constants.O_WRONLY) },
    ]
  }

  /** Before anything is read from a pair: its maker lets go of the copies that it has, so that an end is one. */
  async release(): Promise<void> {
    const line = new Promise<string>((resolve) => this.waiting.push(resolve))
    this.child!.stdin.write('release\n')
    await line
  }

  end(): void {
    this.child?.stdin.end()
  }

  private start(): ChildProcessByStdio<Writable, Readable, null> {
    const child = spawn('python3', ['-c', maker], { stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface({ input: child.stdout }).on('line', (line) => this.waiting.shift()?.(line))
    return child
  }
}
