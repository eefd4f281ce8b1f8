import { HttpConnection } from '../src/connection.ts'
import type { HttpEvent } from '../src/events.ts'
import type { HttpLimits } from '../src/limits.ts'

/** What a machine makes of bytes, with adjacent data joined: what must not depend on how the bytes are cut. */
export type Seen =
  | readonly ['request', string]
  | readonly ['response', string]
  | readonly ['informational', string]
  | readonly ['data', string]
  | readonly ['end', trailers?: string]
  | readonly ['switched', head: string, leftover: string]
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
        seen.push(ending(event))
        if (event.type !== 'end') continue
        machine.sendResponse({ status: isConnect(seen) ? 403 : 204 })
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
    if (method === 'upgrade') machine.sendRequest({ target: '/', headers: [['Host', 'h'], ['Connection', 'upgrade'], ['Upgrade', 'websocket']] })
    else machine.sendRequest({ method, target: method === 'CONNECT' ? 'h:1' : '/', headers: [['Host', 'h']] })
    machine.sendEnd()
  }
  ask()
  const drive = (): void => {
    for (let event = machine.nextEvent(); event !== undefined; event = machine.nextEvent()) {
      if (event.type === 'response' || event.type === 'informational') {
        const { status, reason, version, headers } = event.head
        seen.push([event.type, [`${version} ${status} ${reason}`, ...headers.map(([name, value]) => `${name}=${value}`)].join('|')])
      } else if (event.type === 'data') addData(seen, text(event.data))
      else if (event.type === 'switched') {
        const { status, reason, version, headers } = event.head
        seen.push(['switched', [`${version} ${status} ${reason}`, ...headers.map(([name, value]) => `${name}=${value}`)].join('|'), text(event.leftover)])
      } else {
        seen.push(ending(event))
        if (event.type !== 'end' || (machine.theirState as string) !== 'done') continue
        machine.startNextCycle()
        ask()
      }
    }
  }
  return guarded(seen, pieces, machine, drive, options.eof)
}

function ending(event: HttpEvent): Seen {
  if (event.type !== 'end' || event.trailers.length === 0) return [event.type] as unknown as Seen
  return ['end', event.trailers.map(([name, value]) => `${name}=${value}`).join('|')]
}

/** Whether the request that was seen last is a CONNECT, which only a switch may answer with a 2xx. */
function isConnect(seen: readonly Seen[]): boolean {
  const requests = seen.flatMap((each) => (each[0] === 'request' ? [each[1]] : []))
  return requests.at(-1)?.startsWith('CONNECT ') === true
}

function addData(seen: Seen[], data: string): void {
  const last = seen.at(-1)
  if (last?.[0] === 'data') seen[seen.length - 1] = ['data', last[1] + data]
  else seen.push(['data', data])
}

function guarded(seen: Seen[], pieces: readonly string[], machine: HttpConnection, drive: () => void, eof = false): Seen[] {
  try {
    for (const piece of pieces) {
      const last = seen.at(-1)
      if (last?.[0] === 'switched') seen[seen.length - 1] = ['switched', last[1], last[2] + piece]
      else {
        machine.receiveData(latin1(piece))
        drive()
      }
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

/** Every way to cut that is worth trying: whole, byte by byte, in two at every place, and what is short in three at every two places. */
export function* cuts(input: string, maxSplits = 400, maxForPairs = 45): Generator<string[]> {
  yield [input]
  yield [...input]
  const step = Math.max(1, Math.ceil(input.length / maxSplits))
  for (let at = 1; at < input.length; at += step) yield [input.slice(0, at), input.slice(at)]
  if (input.length > maxForPairs) return
  for (let at = 1; at < input.length; at++) {
    for (let next = at + 1; next < input.length; next++) yield [input.slice(0, at), input.slice(at, next), input.slice(next)]
  }
}
