import type { Readable } from 'node:stream'

/**
 * What becomes of what a child says on stderr.
 *
 * - `'log'`: its lines go to `log`.
 * - `'ignore'`: nobody reads it.
 * - `'merge'`: it is delivered with the output, as it comes; in which order the child wrote to the two is not known.
 * - a function: is given the bytes. While a promise that it returns is pending, no more is read.
 */
export type StderrPolicy = 'log' | 'ignore' | 'merge' | ((data: Uint8Array) => unknown)

/** Bytes of a line that is logged; what is longer is logged in pieces. */
const maxLineBytes = 8192

/** Gives what comes from `stderr` to `log`, line by line. Resolves when that is all. */
export function logLines(stderr: Readable, log: (line: string) => void, onError: (error: unknown) => void): Promise<void> {
  const decoder = new TextDecoder()
  let rest = ''
  const say = (line: string): void => {
    try {
      log(line.endsWith('\r') ? line.slice(0, -1) : line)
    } catch (error) {
      onError(error)
    }
  }
  const take = (text: string): void => {
    const lines = text.split('\n')
    rest += lines.shift() ?? ''
    for (const line of lines) {
      say(rest)
      rest = line
    }
    while (rest.length > maxLineBytes) {
      say(rest.slice(0, maxLineBytes))
      rest = rest.slice(maxLineBytes)
    }
  }
  stderr.on('data', (data: Uint8Array) => take(decoder.decode(data, { stream: true })))
  stderr.on('end', () => {
    take(decoder.decode())
    if (rest !== '') say(rest)
  })
  return new Promise((resolve) => stderr.once('close', resolve))
}

/** Gives what comes from `stderr` to `handler`, at its pace. Resolves when that is all, and the handler is done. */
export async function handBytes(stderr: Readable, handler: (data: Uint8Array) => unknown, onError: (error: unknown) => void): Promise<void> {
  let last: Promise<unknown> | undefined
  // Node resumes the streams of a child that exits.
  stderr.on('resume', () => {
    if (last !== undefined) stderr.pause()
  })
  stderr.on('data', (data: Uint8Array) => {
    try {
      const result = handler(data)
      if (!(result instanceof Promise)) return
      stderr.pause()
      last = result.catch(onError).finally(() => {
        last = undefined
        stderr.resume()
      })
    } catch (error) {
      onError(error)
    }
  })
  await new Promise((resolve) => stderr.once('close', resolve))
  await last?.catch(() => {})
}
