/** JSON-RPC at the top of a stack: what calls, and what serves. */
import { whole, type Connector, type Messages, type StackLayer, type StreamTransport, type Transport } from '@async/core'
import type * as JsonRpc from '@async/protocol-jsonrpc'
import { tell, type Io } from './io.ts'
import { layerOptions } from './layer-options.ts'
import type { Served } from './module.ts'
import type { Params } from './params.ts'
import type { Accept, Any } from './schemes/scheme.ts'
import type { Work } from './work.ts'

const known = { maxMessageBytes: 'count', maxBatchItems: 'count', maxConcurrentHandlers: 'count', maxQueuedRequests: 'count' } as const

/** Makes calls, over one connection or over an exchange each. */
export interface OneCall {
  call(method: string, params: Params, signal: AbortSignal): Promise<unknown>
  notify(method: string, params: Params, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** Calls over one connection. */
export async function peerCaller(jsonrpc: typeof JsonRpc, layer: StackLayer, connect: Connector<Any>, signal: AbortSignal): Promise<OneCall> {
  const options = layerOptions(layer, known)
  const peer = jsonrpc.jsonRpc(undefined, options)(await connect.connect({ signal }))
  return {
    call: (method, params, stop) => peer.call(method, params, { signal: stop }),
    async notify(method, params, stop) {
      peer.notify(method, params)
      await peer.drained(0, stop)
    },
    async close() {
      peer.close()
      // A peer that keeps its side open must not keep us: what we sent is out.
    },
  }
}

/** Calls over an exchange each. */
export function exchangeCaller(jsonrpc: typeof JsonRpc, layer: StackLayer, connect: Connector<Any>): OneCall {
  const client = jsonrpc.jsonRpcClient(connect, layerOptions(layer, known))
  return {
    call: (method, params, signal) => client.call(method, params, { signal }),
    notify: async (method, params) => client.notify(method, params),
    close: async () => client.close(),
  }
}

/** Serves functions on every transport that it is given; `work` counts the calls. */
export function serves(jsonrpc: typeof JsonRpc, layer: StackLayer, functions: ReadonlyMap<string, Served>, work: Work, io: Io): Accept {
  const handlers = new Map([...functions].map(([name, each]) => [name, (params: Params) => work.run(() => spread(each, params))] as const))
  const service = jsonrpc.createService(handlers, {
    ...layerOptions(layer, known),
    mapError: jsonrpc.integerCodes,
    onError: (error, { method }) => tell(io, `${method} failed: ${(error as Partial<Error> | null)?.stack ?? String(error)}`),
  })
  return (transport) => void jsonrpc.jsonRpc(service)(transport)
}

/** A body as a message, as long as JSON-RPC takes one. */
export function wholeMessage(calls: StackLayer | undefined): (below: Any) => Transport<Messages> {
  const { maxMessageBytes } = calls === undefined ? {} : (layerOptions(calls, known) as { maxMessageBytes?: number })
  const layer = whole(maxMessageBytes === undefined ? {} : { maxBytes: maxMessageBytes })
  return (below) => layer(below as StreamTransport)
}

/** By position: the arguments; by name: one object. */
function spread(served: Served, params: Params): unknown {
  if (params === undefined) return served()
  return Array.isArray(params) ? served(...(params as unknown[])) : served(params)
}
