import { formatStack, parseStack } from '@async/core'
import type { StackDescription, StackLayer, StackTransport } from '@async/core'
import { usage } from './exit.ts'
import { layerSchemes, transportSchemes } from './schemes/index.ts'
import type { Carried } from './schemes/scheme.ts'

/** A stack that fits together. */
export interface Plan {
  /** The layers between the transport and what uses the stack, lowest first; `whole` stands where an HTTP body is one message. */
  readonly layers: readonly (StackLayer | 'whole')[]
  readonly transport: StackTransport
  /** What the top carries: `calls` for JSON-RPC, which is then not among the layers. */
  readonly gives: Carried
  /** The layer that gives the calls. */
  readonly calls?: StackLayer
  /** The `http` at the top of what is served, where requests go to a module's `fetch`; it is not among the layers then. */
  readonly requests?: StackLayer
  /** As written. */
  readonly description: StackDescription
}

/** JSON-RPC is the top in any case: it takes messages and gives calls. */
const jsonRpc = { needs: 'message', gives: 'calls' } as const

/**
 * Reads a stack string, and checks that every scheme is known and fits on what is below it. Nothing is imported.
 * @param top what the command needs at the top: calls to make, calls or requests to serve, or data to pass on
 * @throws StackSyntaxError; CommandError with `usage`
 */
export function planStack(text: string, top: 'calls' | 'served' | 'data'): Plan {
  const description = parseStack(text, { allowExec: true })
  const { transport } = description
  const layers: (StackLayer | 'whole')[] = []
  let gives: Carried = carriedBy(description)
  let below = transport.scheme
  let calls: StackLayer | undefined
  for (const layer of [...description.layers].reverse()) {
    const scheme = layer.scheme === 'jsonrpc' ? jsonRpc : (layerSchemes.get(layer.scheme) ?? unknown(layer.scheme, description))
    if (gives === 'calls') throw usage(`${layer.scheme} can't stand on ${below}, which carries calls: ${below} goes to the top`)
    if (scheme.needs === 'stream' && gives === 'message') {
      throw usage(`${layer.scheme} can't stand on ${below}, which carries messages: one of the two is enough`)
    }
    if (scheme.needs === 'message' && gives === 'stream') {
      if (below !== 'http') {
        throw usage(`${layer.scheme} needs messages, and ${below} carries a stream: frame it, as in ${framed(description, layer)}`)
      }
      layers.push('whole')
    }
    if (scheme.gives === 'calls') calls = layer
    else layers.push(layer)
    gives = scheme.gives
    below = layer.scheme
  }
  const requests = top === 'served' && description.layers[0]?.scheme === 'http' ? layers.pop() as StackLayer : undefined
  if (top !== 'data' && calls === undefined && requests === undefined) {
    throw usage(`nothing here makes calls of bytes: put jsonrpc on top, as in ${withJsonRpc(description)}`)
  }
  if (top === 'data' && calls !== undefined) {
    throw usage('jsonrpc carries calls, not data: async call makes one, and without jsonrpc this stack can be connected')
  }
  return { layers, transport, gives, description, ...(calls === undefined ? {} : { calls }), ...(requests === undefined ? {} : { requests }) }
}

function carriedBy(stack: StackDescription): Carried {
  const { scheme } = stack.transport
  const known = transportSchemes.get(scheme)
  if (known !== undefined) return known.gives
  if (layerSchemes.has(scheme) || scheme === 'jsonrpc') {
    throw usage(`${scheme} needs a transport below it, as in ${scheme}+tcp://127.0.0.1:4000`)
  }
  return unknown(scheme, stack)
}

function unknown(scheme: string, stack: StackDescription): never {
  if (transportSchemes.has(scheme)) throw usage(`${scheme} is a transport, and goes to the bottom of ${formatStack(stack)}`)
  throw usage(`${scheme} is no scheme that is known here: ${[...layerSchemes.keys(), 'jsonrpc', ...transportSchemes.keys()].join(', ')} are`)
}

/** The same stack with a framing under `layer`. */
function framed(stack: StackDescription, layer: StackLayer): string {
  const layers = stack.layers.flatMap((each) => (each === layer ? [each, { scheme: 'line', params: {} }] : [each]))
  return formatStack({ ...stack, layers })
}

/** The same stack with JSON-RPC on top, and a framing where it needs one. */
function withJsonRpc(stack: StackDescription): string {
  const [top] = stack.layers
  const needsFraming = top === undefined || (top.scheme !== 'http' && layerSchemes.get(top.scheme)?.gives !== 'message')
  const added = needsFraming ? ['jsonrpc', 'line'] : ['jsonrpc']
  return formatStack({ ...stack, layers: [...added.map((scheme) => ({ scheme, params: {} })), ...stack.layers] })
}
