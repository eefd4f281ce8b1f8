/**
 * Makes a plan real. Every layer is a step over what is below it: for who connects, from connector to connector; for who listens, from
 * what becomes of a transport above it to what becomes of one below it.
 */
import type { Connector, StackLayer, StreamTransport } from '@async/core'
import type * as Http from '@async/protocol-http'
import type * as JsonRpc from '@async/protocol-jsonrpc'
import { tell, type Io } from './io.ts'
import { exchangeCaller, peerCaller, serves, wholeMessage, type OneCall } from './json-rpc.ts'
import { layerOptions } from './layer-options.ts'
import type { Served } from './module.ts'
import { loadPackage, searchPlaces } from './packages.ts'
import type { Plan } from './plan.ts'
import { layerSchemes, transportSchemes } from './schemes/index.ts'
import { acceptLayer, overLayer, type Accept, type Any, type LayerScheme, type Listening, type Surroundings, type TransportScheme } from './schemes/scheme.ts'
import { Work } from './work.ts'

/** What connects the whole stack, up to what `connect` ties to standard input and output. */
export async function connector(plan: Plan, io: Io): Promise<Connector<Any>> {
  const around = surroundings(plan, io)
  let connect = await transportOf(plan).connector(plan.transport, around)
  for (const layer of plan.layers) {
    const step = layer === 'whole' ? overLayer(wholeMessage(plan.calls)) : await schemeOf(layer).connects(layer, around)
    connect = step(connect)
  }
  return connect
}

/** Connects, and makes what calls. */
export async function openCaller(plan: Plan, io: Io, signal: AbortSignal): Promise<OneCall> {
  const jsonrpc = await loadJsonRpc(plan, io)
  const connect = await connector(plan, io)
  const calls = plan.calls as StackLayer
  return plan.layers.at(-1) === 'whole' ? exchangeCaller(jsonrpc, calls, connect) : peerCaller(jsonrpc, calls, connect, signal)
}

/** What listens, and how it comes to rest. */
export interface Serving extends Listening {
  /** What is served, in words. */
  readonly names: readonly string[]
  /** Resolves when nothing runs any more, or after `graceMs`. */
  rest(graceMs: number): Promise<void>
}

/** Listens, and serves the functions of a module to everybody who connects. */
export async function serveCalls(plan: Plan, functions: ReadonlyMap<string, Served>, io: Io): Promise<Serving> {
  const work = new Work()
  const accept = serves(await loadJsonRpc(plan, io), plan.calls as StackLayer, functions, work, io)
  return { ...(await listen(plan, io, accept)), names: [...functions.keys()], rest: (graceMs) => work.idle(graceMs) }
}

/** Listens, and hands requests to the `fetch` of a module. */
export async function serveRequests(plan: Plan, fetch: Served, io: Io): Promise<Serving> {
  const layer = plan.requests as StackLayer
  const http = await surroundings(plan, io).load<typeof Http>('@async/protocol-http', 'http')
  layerOptions(layer, {})
  const server = http.serveFetch(fetch as Http.FetchHandler, { onError: (error) => tell(io, (error as Partial<Error> | null)?.stack ?? String(error)) })
  return { ...(await listen(plan, io, (transport) => server(transport as StreamTransport))), names: ['fetch'], rest: (graceMs) => server.drain({ graceMs }) }
}

async function listen(plan: Plan, io: Io, top: Accept): Promise<Listening> {
  const around = surroundings(plan, io)
  let accept = top
  for (const layer of [...plan.layers].reverse()) {
    const step = layer === 'whole' ? acceptLayer(wholeMessage(plan.calls)) : await schemeOf(layer).accepts(layer, around)
    accept = step(accept)
  }
  return transportOf(plan).listen(plan.transport, around, accept)
}

function surroundings({ description, gives }: Plan, io: Io): Surroundings {
  return { description, gives, io, load: (name, scheme) => loadPackage(name, scheme, searchPlaces(io.folder)) }
}

function loadJsonRpc(plan: Plan, io: Io): Promise<typeof JsonRpc> {
  return surroundings(plan, io).load('@async/protocol-jsonrpc', 'jsonrpc')
}

/** `planStack` has looked both up already. */
function schemeOf(layer: StackLayer): LayerScheme {
  return layerSchemes.get(layer.scheme)!
}

function transportOf(plan: Plan): TransportScheme {
  return transportSchemes.get(plan.transport.scheme)!
}
