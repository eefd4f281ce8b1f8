import { HttpConnection } from '../src/connection.ts'
import type { HttpLimits } from '../src/limits.ts'

/** What a machine makes of bytes, with adjacent data joined: what must not depend on how the bytes are cut. */
export type Seen =
  | readonly ['request', string]
  | readonly ['response', string]
  | readonly ['informational', string]
  | readonly ['data', string]
  | readonly ['end']
  | readonly ['closed']
  | readonly ['error', code: string, status?: number]

export const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0))
const text = (bytes: Uint8Array): string => String.fromCharCode(...bytes)

/** Drives a server's machine: every request is answered with 204 as soon as it is complete. */
export function asServer(pieces: readonly string[], options: { readonly eof?: boolean; readonly limits?: Partial<HttpLimits> } = {}): Seen[] {
  const machine = new HttpConnection('server', options.limits)
  const seen: Seen[] = []
  const drive = (): void => {
    for (let event = machine.nextEvent(); event !== undefined; event = machine.nextEvent()) {
      if (event.type === 'request') {
        const { method, target, version, headers } = event.head
        seen.push(['request', [`${method} ${target} ${version}`, ...headers.map(([name, value]) => `${name}=${value}`)].join('|')])
      } else if (event.type === 'data') addData(seen, text(event.data))
      else {
        seen.push([event.type] as Seen)
        if (event.type !== 'end') continue
        machine.sendResponse({ status: 204 })
        machine.sendEnd()
        if ((machine.theirState as string) === 'done') machine.startNextCycle()
      }
    }
  }
  return guarded(seen, pieces, machine, drive, options.eof)
}

/** Drives a client's machine that has asked with `methods`, one after the other. */
export function asClient(
  pieces: readonly string[],
  options: { readonly eof?: boolean; readonly methods?: readonly string[]; readonly limits?: Partial<HttpLimits> } = {},
): Seen[] {
  const machine = new HttpConnection('client', options.limits)
  const seen: Seen[] = []
  const methods = [...(options.methods ?? ['GET'])]
  const ask = (): void => {
    const method = methods.shift()
    if (method === undefined) return
    machine.sendRequest({ method, target: '/', headers: [['Host', 'h']] })
    machine.sendEnd()
  }
  ask()
  const drive = (): void => {
    for (let event = machine.nextEvent(); event !== undefined; event = machine.nextEvent()) {
      if (event.type === 'response' || event.type === 'informational') {
        const { status, reason, version, headers } = event.head
        seen.push([event.type, [`${version} ${status} ${reason}`, ...headers.map(([name, value]) => `${name}=${value}`)].join('|')])
      } else if (event.type === 'data') addData(seen, text(event.data))
      else {
        seen.push([event.type] as Seen)
        if (event.type !== 'end' || (machine.theirState as string) !== 'done') continue
        machine.startNextCycle()
        ask()
      }
    }
  }
  return guarded(seen, pieces, machine, drive, options.eof)
}

function addData(seen: Seen[], data: string): void {
  const last = seen.at(-1)
  if (last?.[0] === 'data') seen[seen.length - 1] = ['data', last[1] + data]
  else seen.push(['data', data])
}

function guarded(seen: Seen[], pieces: readonly string[], machine: HttpConnection, drive: () => void, eof = false): Seen[] {
  try {
    for (const piece of pieces) {
      machine.receiveData(latin1(piece))
      drive()
    }
    if (eof) {
      machine.receiveEof()
      drive()
    }
  } catch (error) {
    const { code, status } = error as { code?: string; status?: number }
    if (code === undefined) throw error
    seen.push(status === undefined ? ['error', code] : ['error', code, status])
  }
  return seen
}

/** Every way to cut that is worth trying: whole, byte by byte, and in two at every place. */
export function* cuts(input: string, maxSplits = 400): Generator<string[]> {
  yield [input]
  yield [...input]
  const step = Math.max(1, Math.ceil(input.length / maxSplits))
  for (let at = 1; at < input.length; at += step) yield [input.slice(0, at), input.slice(at)]
}
