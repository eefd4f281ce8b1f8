import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** FIFOs in a folder of their own, made by the hundred, for each `mkfifo` is a process. */
export class Fifos {
  readonly folder: string = mkdtempSync(join(tmpdir(), 'async-fifo-'))
  private readonly free: string[] = []
  private made = 0

  /** The names of two that nobody uses. */
  take(): readonly [string, string] {
    if (this.free.length < 2) {
      const names = Array.from({ length: 200 }, () => join(this.folder, String(this.made++)))
      execFileSync('mkfifo', names)
      this.free.push(...names)
    }
    return [this.free.pop()!, this.free.pop()!]
  }

  /** Once nobody has them open they are as new. */
  give(names: readonly string[]): void {
    this.free.push(...names)
  }

  remove(): void {
    rmSync(this.folder, { recursive: true })
  }
}
