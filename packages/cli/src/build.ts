/**
 * Makes a plan real. Every layer is a step over what is below it: for who connects, from connector to connector; for who listens, from
 * what becomes of a transport above it to what becomes of one below it.
 */
import type { Connector, StackLayer } from '@async/core'
import type * as JsonRpc from '@async/protocol-jsonrpc'
import type { Io } from './io.ts'
import { exchangeCaller, peerCaller, serves, wholeMessage, type OneCall } from './json-rpc.ts'
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

/** Listens, and serves functions to everyone who connects. `work`: the calls in flight. */
export async function listen(plan: Plan, functions: ReadonlyMap<string, Served>, io: Io): Promise<Listening & { readonly work: Work }> {
  const around = surroundings(plan, io)
  const work = new Work()
  let accept: Accept = serves(await loadJsonRpc(plan, io), plan.calls as StackLayer, functions, work, io)
  for (const layer of [...plan.layers].reverse()) {
    const step = layer === 'whole' ? acceptLayer(wholeMessage(plan.calls)) : await schemeOf(layer).accepts(layer, around)
    accept = step(accept)
  }
  const { listener, where } = await transportOf(plan).listen(plan.transport, around, accept)
  return { listener, where, work }
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
