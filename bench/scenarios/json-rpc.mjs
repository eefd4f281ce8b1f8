import { serverCpu } from '../lib/scenario.mjs'

const cpu = /** @type {const} */ ({ unit: 'µs of the server', better: 'lower' })
const client = /** @type {const} */ ({ unit: 'µs', better: 'lower' })
const p50 = /** @type {const} */ ({ unit: 'µs', better: 'lower' })

/**
 * @param {string} kind @param {number} inFlight
 * @param {{ framing?: string, client?: object, loadCore?: 'server' | 'load', warmOperations?: number }} [how] the framing of ours, whose limits are tried, and options of the client
 */
const side = (kind, inFlight, { framing, client: options, ...how } = {}) => {
  /** @type {import('../lib/scenario.mjs').Call | undefined} */
  const limits = framing === undefined ? undefined : ['json-rpc-limits', 'serverLimits', { framing }]
  return serverCpu(['json-rpc', `serve${kind}`], ['json-rpc', `call${kind}`, { inFlight, ...options }], { limits, ...how })
}

/** Over HTTP the client does more than the server, and is the one that has to be warm. @param {string} kind @param {object} [options] of the client */
const overHttp = (kind, options = {}) => side(kind, 64, { client: options, warmOperations: 30_000 })

/** One call at a time. @param {string} id @param {string} where @param {'server' | 'load'} loadCore @returns {import('../lib/scenario.mjs').Scenario} */
const oneAtATime = (id, where, loadCore) => ({
  id,
  title: `JSON-RPC over TCP, one call at a time, ${where}: latency`,
  metrics: { p50 },
  reference: 'vscode-jsonrpc',
  peers: {
    'vscode-jsonrpc': side('Vscode', 1, { loadCore }),
    'lsp()': side('Lsp', 1, { framing: 'lsp', loadCore }),
    'line()': side('Lines', 1, { framing: 'line', loadCore }),
    'net.Socket, nothing checked: the floor': side('Floor', 1, { loadCore }),
  },
  goals: [{ peer: 'line()', metric: 'p50', limit: 0.7, reach: 0.62 }],
})

/** @type {import('../lib/scenario.mjs').Scenario[]} */
export const scenarios = [
  {
    id: 'jsonrpc-64',
    title: 'JSON-RPC over TCP, 64 calls in flight: CPU per call',
    metrics: { cpu, client },
    reference: 'vscode-jsonrpc',
    peers: { 'vscode-jsonrpc': side('Vscode', 64), 'lsp()': side('Lsp', 64, { framing: 'lsp' }), 'line()': side('Lines', 64, { framing: 'line' }) },
    goals: ['lsp()', 'line()'].flatMap((peer) => ['cpu', 'client'].map((metric) => ({ peer, metric, limit: 0.14, reach: 0.09 }))),
  },
  oneAtATime('jsonrpc-1', 'both sides on one core', 'server'),
  // To wake a core takes some virtual machines longer than the work of both sides, is the same for all peers, and differs from hour to hour.
  { ...oneAtATime('jsonrpc-1-two-cores', 'a core each', 'load'), goals: [] },
  {
    id: 'jsonrpc-http',
    title: 'JSON-RPC over HTTP over TCP, 64 calls in flight: CPU per call',
    metrics: { cpu, client },
    reference: 'jayson',
    peers: {
      jayson: overHttp('Jayson'),
      '@async, five layers, pipelined': overHttp('Http', { pipelined: true }),
      '@async, joinCalls': overHttp('Http', { joinCalls: true }),
      // As jayson does it. The floor of http-hello, which parses nothing, is more than a third of jayson: nothing that is not shared gets to the goal.
      '@async, a connection for each call in flight': overHttp('Http'),
    },
    goals: ['@async, five layers, pipelined', '@async, joinCalls'].flatMap((peer) => ['cpu', 'client'].map((metric) => ({ peer, metric, limit: 0.3, reach: 0.18 }))),
  },
]
