import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/** Makes pairs of ttys that are tied together. See relay.py. */
export interface Relay {
  /** Makes a pair and opens its ends with `open`. `pull` hangs both up, as if they were pulled out. */
  pair<T>(open: (path: string) => Promise<T>): Promise<{ readonly a: T; readonly b: T; readonly paths: readonly [string, string]; pull(): void }>
  /** Ends the relay, and hangs up what it made. */
  end(): void
}

export function startRelay(): Relay {
  const python = spawn('python3', [fileURLToPath(new URL('relay.py', import.meta.url))], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface({ input: python.stdout })[Symbol.asyncIterator]()
  // One question at a time: who asks waits for the answer to the one before.
  let last: Promise<unknown> = Promise.resolve()
  const ask = (question: string): Promise<string> => {
    const answer = last.then(async () => {
      python.stdin.write(`${question}\n`)
      return (await lines.next()).value as string
    })
    last = answer
    return answer
  }
  return {
    pair: async (open) => {
      const paths = (await ask('pair')).split(' ') as [string, string]
      const [a, b] = [await open(paths[0]), await open(paths[1])]
      await ask(paths.join(' '))
      return { a, b, paths, pull: () => python.stdin.write(`pull ${paths[0]}\n`) }
    },
    end: () => python.stdin.end(),
  }
}
