import { spawn, spawnSync, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const cli = fileURLToPath(new URL('..', import.meta.url))
const main = join(cli, 'dist/main.js')

/**
 * Builds the command and what it depends on; nothing to do takes a moment. What the compiler complains about is for `pnpm build` to tell:
 * it emits all the same, and here the behaviour counts.
 */
export function build(): void {
  const root = join(cli, '../..')
  const typescript = dirname(createRequire(join(root, 'package.json')).resolve('typescript/package.json'))
  spawnSync(process.execPath, [join(typescript, 'bin/tsc'), '-b', cli])
  spawnSync(process.execPath, [join(root, 'scripts/bundle.mjs')])
}

export interface Ended {
  readonly code: number | null
  readonly stdout: Buffer
  readonly stderr: string
}

/** The command as a real process. */
export class Command {
  readonly child: ChildProcessWithoutNullStreams
  readonly ended: Promise<Ended>
  private readonly out: Buffer[] = []
  private readonly errors: Buffer[] = []

  constructor(args: readonly string[], options: { readonly cwd?: string } = {}) {
    this.child = spawn(process.execPath, [main, ...args], { cwd: options.cwd ?? cli })
    this.child.stdout.on('data', (data: Buffer) => this.out.push(data))
    this.child.stderr.on('data', (data: Buffer) => this.errors.push(data))
    // A command that ended reads no more.
    this.child.stdin.on('error', () => {})
    this.ended = once(this.child, 'close').then(([code]) => ({ code: code as number | null, stdout: Buffer.concat(this.out), stderr: this.stderr }))
  }

  get stderr(): string {
    return Buffer.concat(this.errors).toString()
  }

  /** The first line of its output; fails if it ends before. */
  firstLine(): Promise<string> {
    return this.line(0)
  }

  /** The second line of its output. */
  nextLine(): Promise<string> {
    return this.line(1)
  }

  /** Resolves when `text` stands on standard error. */
  async errorLine(text: string): Promise<void> {
    while (!this.stderr.includes(text)) await this.more('stderr')
  }

  private async line(at: number): Promise<string> {
    for (;;) {
      const lines = Buffer.concat(this.out).toString().split('\n')
      if (lines.length > at + 1) return lines[at] as string
      await this.more('stdout')
    }
  }

  private async more(stream: 'stdout' | 'stderr'): Promise<void> {
    const ended = await Promise.race([once(this.child[stream], 'data').then(() => undefined), this.ended])
    if (ended !== undefined) throw new Error(`ended with ${ended.code}: ${ended.stderr}`)
  }
}

/** Runs the command to its end. */
export async function run(args: readonly string[], options: { readonly input?: string | Uint8Array; readonly cwd?: string } = {}): Promise<Ended> {
  const command = new Command(args, options)
  command.child.stdin.end(options.input ?? '')
  return command.ended
}

/** Runs `name` (curl, nc, socat, sh) to its end. */
export async function peer(name: string, args: readonly string[], input: string | Uint8Array = ''): Promise<Ended> {
  const child = spawn(name, args)
  const out: Buffer[] = []
  const errors: Buffer[] = []
  child.stdout.on('data', (data: Buffer) => out.push(data))
  child.stderr.on('data', (data: Buffer) => errors.push(data))
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout: Buffer.concat(out), stderr: Buffer.concat(errors).toString() }
}

/** Skips the test, with a reason that is printed, where a program is missing. Under CI that is a failure: nothing is skipped unseen. */
export function needs(name: string): (test: { skip(reason: string): void }) => void {
  return (test) => {
    if (spawnSync('sh', ['-c', `command -v ${name}`]).status === 0) return
    if (process.env['CI'] === 'true') throw new Error(`${name} is not installed, and CI must not skip its tests`)
    test.skip(`${name} is not installed`)
  }
}
