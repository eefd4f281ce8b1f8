/**
 * Makes a plan real. Every layer is a step over what is below it: for who connects, from connector to connector; for who listens, from
 * what becomes of a transport above it to what becomes of one below it.
 */
import { whole, type Connector, type Layer, type Listener, type Messages, type StreamTransport, type Transport } from '@async/core'
import type { Caller, Handler, Service } from '@async/protocol-jsonrpc'
import { usage } from './exit.ts'
import { httpExchanges, httpServes } from './http.ts'
import { tell, type Io } from './io.ts'
import { layerOptions } from './layer-options.ts'
import type { Served } from './module.ts'
import type { Params } from './params.ts'
import type { Plan, PlannedLayer } from './plan.ts'
import { loadSiblings, type Siblings } from './siblings.ts'
import { Work } from './work.ts'

const localhost = '127.0.0.1'

/** Any transport: `planStack` has checked that what is below carries what a layer takes. */
type Any = Transport<any>

const tcpOptions = { noDelay: 'boolean', keepAliveMs: 'count' } as const
const tcpConnectOptions = { ...tcpOptions, connectTimeoutMs: 'count', attemptDelayMs: 'count', localAddress: 'text' } as const
const tcpListenOptions = { ...tcpOptions, maxConnections: 'count', backlog: 'count', ipv6Only: 'boolean' } as const
const delimited = { maxChunkBytes: 'count', overlong: 'text', deliverTail: 'boolean' } as const
const jsonRpcOptions = {
  maxMessageBytes: 'count',
  maxBatchItems: 'count',
  maxConcurrentHandlers: 'count',
  maxQueuedRequests: 'count',
} as const

/** What connects the whole stack, up to what `connect` ties to standard input and output. */
export async function connector(plan: Plan, io: Io): Promise<Connector<Any>> {
  return connects(plan, await loadSiblings(plan, io))
}

/** Makes calls, over one connection or over an exchange each. */
export interface OneCall {
  call(method: string, params: Params, signal: AbortSignal): Promise<unknown>
  notify(method: string, params: Params, signal: AbortSignal): Promise<void>
  close(): Promise<void>
}

/** Connects, and makes what calls. */
export async function openCaller(plan: Plan, io: Io, signal: AbortSignal): Promise<OneCall> {
  const siblings = await loadSiblings(plan, io)
  const connect = connects(plan, siblings)
  const options = layerOptions(plan.calls as PlannedLayer, jsonRpcOptions)
  if (plan.layers.at(-1) === 'whole') return exchangeCaller(siblings.jsonrpc.jsonRpcClient(connect, options))
  const transport = await connect.connect({ signal })
  const peer = siblings.jsonrpc.jsonRpc(undefined, options)(transport)
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

function exchangeCaller(client: Caller): OneCall {
  return {
    call: (method, params, signal) => client.call(method, params, { signal }),
    notify: async (method, params) => client.notify(method, params),
    close: async () => client.close(),
  }
}

/** What listens, and where. */
export interface Listening {
  readonly listener: Listener
  readonly host: string
  readonly port: number
  /** The calls in flight. */
  readonly work: Work
}

/** Listens, and serves functions to everyone who connects. */
export async function listen(plan: Plan, functions: ReadonlyMap<string, Served>, io: Io): Promise<Listening> {
  const siblings = await loadSiblings(plan, io)
  const { jsonRpc } = siblings.jsonrpc
  const work = new Work()
  const served = new Map([...functions].map(([name, each]) => [name, (params: Params) => work.run(() => spread(each, params))] as const))
  const service = makeService(siblings, served, layerOptions(plan.calls as PlannedLayer, jsonRpcOptions), io)
  let accept: Accept = (transport) => void jsonRpc(service)(transport)
  for (const layer of [...plan.layers].reverse()) accept = accepts(layer, plan, siblings, accept)
  const { host = localhost, port = 0 } = plan.transport
  const listener = await siblings.tcp.listenTcp({ host, port, ...layerOptions(plan.transport, tcpListenOptions) }, accept)
  return { listener, host, port: listener.port, work }
}

function makeService({ jsonrpc }: Siblings, handlers: ReadonlyMap<string, Handler>, options: object, io: Io): Service {
  return jsonrpc.createService(handlers, {
    ...options,
    mapError: jsonrpc.integerCodes,
    onError: (error, { method }) => tell(io, `${method} failed: ${(error as Partial<Error> | null)?.stack ?? String(error)}`),
  })
}

/** By position: the arguments; by name: one object. */
function spread(served: Served, params: Params): unknown {
  if (params === undefined) return served()
  return Array.isArray(params) ? served(...(params as unknown[])) : served(params)
}

function connects(plan: Plan, siblings: Siblings): Connector<Any> {
  const { host = localhost, port = 0 } = plan.transport
  if (port === 0) throw usage('port 0 is for serve: a call needs the port that it got')
  const tcp = siblings.tcp.tcpConnector({ host, port, ...layerOptions(plan.transport, tcpConnectOptions) })
  let connect: Connector<Any> = tcp
  for (const layer of plan.layers) {
    if (layer !== 'whole' && layer.scheme === 'http') connect = httpExchanges(layer, plan, siblings, connect)
    else connect = overLayer(connect, layer === 'whole' ? wholeMessage(plan) : framing(layer, siblings))
  }
  return connect
}

function overLayer(below: Connector<Any>, layer: Layer<Any, Any>): Connector<Any> {
  return {
    async connect(options) {
      return layer(await below.connect(options))
    },
  }
}

type Accept = (transport: Any) => void

function accepts(layer: PlannedLayer | 'whole', plan: Plan, siblings: Siblings, above: Accept): Accept {
  if (layer !== 'whole' && layer.scheme === 'http') return httpServes(layer, siblings, above)
  const frame = layer === 'whole' ? wholeMessage(plan) : framing(layer, siblings)
  return (transport) => above(frame(transport))
}

/** A body as a message, as long as JSON-RPC takes one. */
function wholeMessage({ calls }: Plan): Layer<any, Transport<Messages>> {
  const { maxMessageBytes } = calls === undefined ? {} : (layerOptions(calls, jsonRpcOptions) as { maxMessageBytes?: number })
  return whole(maxMessageBytes === undefined ? {} : { maxBytes: maxMessageBytes }) as Layer<StreamTransport, Transport<Messages>>
}

/** The layer of a framing scheme. Messages are bytes: what they mean is for what is above. */
function framing(layer: PlannedLayer, { chunk }: Siblings): Layer<any, Transport<Messages>> {
  const mode = 'bytes'
  switch (layer.scheme) {
    case 'line':
      return chunk.line({ deliverTail: true, ...layerOptions(layer, { ending: 'text', ...delimited }), mode })
    case 'nul':
      return chunk.nul({ deliverTail: true, ...layerOptions(layer, delimited), mode })
    case 'chunk':
      return chunk.chunk({ ...delimiter(layer), mode })
    case 'exact':
      return chunk.exact({ ...chunkBytes(layer), mode })
    case 'lsp':
      return chunk.lsp({ ...layerOptions(layer, { maxChunkBytes: 'count', maxHeaderBytes: 'count' }), mode })
    default:
      return chunk.lengthPrefix({ ...lengthPrefixOptions(layer), mode })
  }
}

function delimiter(layer: PlannedLayer): { delimiter: string } {
  const options = layerOptions(layer, { delimiter: 'text', ...delimited })
  if (options['delimiter'] === undefined) throw usage('chunk needs a delimiter, as in chunk;delimiter=%0D%0A')
  // `layerOptions` gives a record of what the string said; that the delimiter is there, and text, was seen above.
  return { deliverTail: true, ...options } as unknown as { delimiter: string }
}

function chunkBytes(layer: PlannedLayer): { chunkBytes: number } {
  const options = layerOptions(layer, { chunkBytes: 'count' })
  if (options['chunkBytes'] === undefined) throw usage('exact needs a length, as in exact;chunkBytes=16')
  return options as { chunkBytes: number }
}

function lengthPrefixOptions(layer: PlannedLayer): object {
  const { widthBytes, ...others } = layerOptions(layer, { widthBytes: 'text', endian: 'text', counts: 'text', maxChunkBytes: 'count' })
  if (widthBytes === undefined) return others
  return { ...others, widthBytes: widthBytes === 'varint' ? widthBytes : Number(widthBytes) }
}
