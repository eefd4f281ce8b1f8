import type * as Chunk from '@async/protocol-chunk'
import type * as Http from '@async/protocol-http'
import type * as JsonRpc from '@async/protocol-jsonrpc'
import type * as Tcp from '@async/transport-tcp'
import type { Io } from './io.ts'
import { loadPackage, searchPlaces } from './packages.ts'
import type { Plan } from './plan.ts'

/** The siblings that a stack needs, imported. Types only above: nothing is loaded before a stack asks for it. */
export interface Siblings {
  readonly tcp: typeof Tcp
  readonly chunk: typeof Chunk
  readonly http: typeof Http
  readonly jsonrpc: typeof JsonRpc
}

const keys = {
  '@async/transport-tcp': 'tcp',
  '@async/protocol-chunk': 'chunk',
  '@async/protocol-http': 'http',
  '@async/protocol-jsonrpc': 'jsonrpc',
} as const

/** Imports what `plan` needs. A member that it does not need is missing. */
export async function loadSiblings(plan: Plan, io: Io): Promise<Siblings> {
  const places = searchPlaces(io.folder)
  const loaded: { -readonly [K in keyof Siblings]?: Siblings[K] } = {}
  for (const part of [plan.transport, ...plan.layers, plan.calls]) {
    if (part === undefined || part === 'whole') continue
    Object.assign(loaded, { [keys[part.package]]: await loadPackage(part.package, part.scheme, places) })
  }
  return loaded as Siblings
}
