import { limits } from '@async/core'
import { usage } from './exit.ts'

/** What a call may carry: by position, by name, or nothing. */
export type Params = readonly unknown[] | Readonly<Record<string, unknown>> | undefined

/** PARAMS as JSON: an array is by position, an object by name. `-` is `readInput`. */
export async function readParams(argument: string | undefined, readInput: () => Promise<string>): Promise<Params> {
  if (argument === undefined) return undefined
  const fromInput = argument === '-'
  return parseParams(fromInput ? await readInput() : argument, fromInput ? 'standard input' : 'PARAMS')
}

export function parseParams(text: string, name: string): Params {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw usage(`${name} is no JSON: ${shown(text)}${hint(text)}`)
  }
  if (typeof value !== 'object' || value === null) {
    throw usage(`${name} must be a JSON array (by position) or object (by name), not ${shown(text)}: write ${shown(`[${text}]`)}`)
  }
  return value as Params
}

/** Reads all of `input` as UTF-8. */
export async function readAll(input: AsyncIterable<Uint8Array>, maxBytes: number = limits.maxMessageBytes): Promise<string> {
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of input) {
    bytes += part.length
    if (bytes > maxBytes) throw usage(`standard input is longer than ${maxBytes} bytes`)
    parts.push(part)
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts))
  } catch {
    throw usage('standard input is not UTF-8')
  }
}

function shown(text: string): string {
  const short = text.trim()
  return short.length > 32 ? `${short.slice(0, 32)}…` : short === '' ? 'nothing' : short
}

/** A shell that ate the quotes is the usual cause. */
function hint(text: string): string {
  return /^\s*[[{].*[\]}]\s*$/s.test(text) && !text.includes('"') ? " (quote it for the shell: '[\"like\", \"this\"]')" : ''
}
