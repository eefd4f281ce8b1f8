/** h11 in a Python process that lives as long as the run and is fed batches. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { Input } from './generate.ts'
import type { Message, Outcome, Pairs } from './outcome.ts'

type Row = readonly [Message['kind'], method: string, target: string, version: string, headers: Pairs, body: string, trailers: Pairs, keep: boolean]
type Answer = Omit<Outcome, 'messages'> & { readonly messages: readonly Row[] }

/** Where h11-peer.py is; a bundle is elsewhere. */
const folder = process.env['FUZZ_FOLDER'] ?? import.meta.url

/** The Python that has h11 (Debian: python3-h11), which need not be the first of the path. */
export function pythonWithH11(): string | undefined {
  return ['python3', '/usr/bin/python3'].find((python) => {
    try {
      execFileSync(python, ['-c', 'import h11'], { stdio: 'ignore' })
      return true
    } catch {
      return false
    }
  })
}

export class H11 {
  private readonly child: ChildProcess
  private readonly waiting: { resolve: (line: string) => void; reject: (error: Error) => void }[] = []

  constructor(python: string) {
    const script = fileURLToPath(new URL('h11-peer.py', folder))
    this.child = spawn(python, [script], { stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface({ input: this.child.stdout! }).on('line', (line) => this.waiting.shift()?.resolve(line))
    this.child.on('exit', () => {
      for (const { reject } of this.waiting.splice(0)) reject(new Error('h11 is gone'))
    })
  }

  /** What h11 makes of each input and the end behind it. Batches are answered in order; one may be sent before the last is answered. */
  async parse(inputs: readonly Input[]): Promise<Outcome[]> {
    const line = await new Promise<string>((resolve, reject) => {
      this.waiting.push({ resolve, reject })
      this.child.stdin!.write(`${JSON.stringify(inputs.map(({ text, asked }) => [text, asked ?? null]))}\n`)
    })
    return (JSON.parse(line) as Answer[]).map((answer) => ({
      ...answer,
      messages: answer.messages.map(([kind, method, target, version, headers, body, trailers, keep]) => ({ kind, method, target, version, headers, body, trailers, keep })),
    }))
  }

  async stop(): Promise<void> {
    const gone = new Promise((resolve) => this.child.once('exit', resolve))
    this.child.stdin!.end()
    await gone
  }
}
