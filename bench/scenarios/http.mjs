import { nginx } from '../lib/external.mjs'
import { both, clientCpu, onlyFull, prepared, serverCpu, serverUnderWrk, sideFile } from '../lib/scenario.mjs'
import { startSide } from '../lib/side.mjs'

const cpu = /** @type {const} */ ({ unit: 'µs', better: 'lower' })
const load = (/** @type {number} */ pipelined) => /** @type {[string, string, object]} */ (['http-load', 'hello', { connections: 64, pipelined }])
/** @type {[string, string]} */
const limits = ['http-limits', 'serverLimits']
/** @type {[string, string]} */
const fetchLimits = ['http-limits', 'fetchLimits']

/** A body of so many bytes is a slice, and the first one warms up: a read of 64 KiB is one call. @param {'node' | 'ours' | 'floor'} kind @returns {import('../lib/scenario.mjs').Prepare} */
const bodies = (kind) => async ({ full }) => {
  const bytes = full ? 2 ** 30 : 2 ** 28
  const [serving, loading] = await both(startSide(sideFile('http-bodies'), 'server'), startSide(sideFile('http-bodies'), 'load'))
  return prepared([serving, loading], async () => {
    const { port } = await serving.call(kind)
    const cost = async (/** @type {'down' | 'up'} */ way) => (await serving.during(() => loading.call(way, { port, bytes }))).cpuMicros / (bytes / 2 ** 30)
    return { measure: async () => ({ down: await cost('down'), up: await cost('up'), peak: (await serving.usage()).peakBytes }) }
  })
}

const perGiB = /** @type {const} */ ({ unit: 's per GiB', better: 'lower', scale: 1e-6 })

/** @param {string} name */
const client = (name) => clientCpu(['http-client', name, { connections: 64 }], ['http-client', 'answering'])

/** @type {import('../lib/scenario.mjs').Scenario[]} */
export const scenarios = [
  {
    id: 'http-hello',
    title: 'HTTP server, hello world, 64 keep-alive connections: CPU per request',
    metrics: { cpu },
    reference: 'node:http',
    peers: {
      'node:http': serverCpu(['http-server', 'node'], load(1)),
      '@async/protocol-http, at once': serverCpu(['http-server', 'sync'], load(1), { limits }),
      '@async/protocol-http, after an await': serverCpu(['http-server', 'async'], load(1), { limits }),
      'net.Socket, no parser: the floor': serverCpu(['http-server', 'floor'], load(1)),
      nginx: onlyFull(serverCpu(nginx, load(1))),
    },
    goals: [
      { peer: '@async/protocol-http, at once', metric: 'cpu', limit: 0.75, reach: 0.6 },
      { peer: '@async/protocol-http, after an await', metric: 'cpu', limit: 0.88, reach: 0.7 },
    ],
  },
  {
    id: 'http-wrk',
    title: 'The same, loaded by wrk: CPU per request',
    full: true,
    metrics: { cpu },
    reference: 'node:http',
    peers: {
      'node:http': serverUnderWrk(['http-server', 'node']),
      '@async/protocol-http, at once': serverUnderWrk(['http-server', 'sync']),
      '@async/protocol-http, after an await': serverUnderWrk(['http-server', 'async']),
      nginx: serverUnderWrk(nginx),
    },
    goals: [],
  },
  {
    id: 'http-pipelined',
    title: 'HTTP server, hello world, 64 connections with 16 requests pipelined: CPU per request',
    metrics: { cpu },
    reference: 'node:http',
    peers: {
      'node:http': serverCpu(['http-server', 'node'], load(16)),
      '@async/protocol-http': serverCpu(['http-server', 'sync'], load(16), { limits }),
      'net.Socket, no parser: the floor': serverCpu(['http-server', 'floor'], load(16)),
      nginx: onlyFull(serverCpu(nginx, load(16))),
    },
    goals: [{ peer: '@async/protocol-http', metric: 'cpu', limit: 0.12, reach: 0.06 }],
  },
  {
    id: 'http-fetch',
    title: 'HTTP server through a fetch handler, 64 keep-alive connections: CPU per request',
    metrics: { cpu },
    reference: '@hono/node-server',
    peers: {
      '@hono/node-server': serverCpu(['http-server', 'nodeFetch'], load(1)),
      'serveFetch, installLightResponse': serverCpu(['http-server', 'asyncFetch'], load(1), { limits: fetchLimits }),
      'net.Socket, no parser: the floor': serverCpu(['http-server', 'floor'], load(1)),
    },
    goals: [{ peer: 'serveFetch, installLightResponse', metric: 'cpu', limit: 0.65, reach: 0.5 }],
  },
  {
    id: 'http-hono',
    title: 'The same, serving a Hono app: CPU per request',
    metrics: { cpu },
    reference: '@hono/node-server',
    peers: {
      '@hono/node-server': serverCpu(['http-server', 'nodeHono'], load(1)),
      'serveFetch, installLightResponse': serverCpu(['http-server', 'asyncHono'], load(1), { limits: fetchLimits }),
    },
    goals: [{ peer: 'serveFetch, installLightResponse', metric: 'cpu', limit: 0.8, reach: 0.6 }],
  },
  {
    id: 'http-bodies',
    title: 'HTTP server, a body of 1 GiB (256 MiB without --full) down, and one up: CPU per GiB, and the most memory',
    metrics: { down: perGiB, up: perGiB, peak: { unit: 'MiB', better: 'lower', scale: 2 ** -20 } },
    reference: 'node:http',
    peers: { 'node:http': bodies('node'), '@async/protocol-http': bodies('ours'), 'net.Socket, no parser: the floor': bodies('floor') },
    goals: [
      { peer: '@async/protocol-http', metric: 'down', limit: 0.95, reach: 0.85 },
      { peer: '@async/protocol-http', metric: 'up', limit: 1.05, reach: 1 },
      { peer: '@async/protocol-http', metric: 'peak', limit: 1, reach: 0.8 },
    ],
  },
  {
    id: 'http-client',
    title: 'HTTP client, 64 connections: CPU of the client per request',
    metrics: { cpu },
    reference: 'undici.request',
    peers: { 'undici.request': client('undici'), httpConnector: client('ours') },
    goals: [{ peer: 'httpConnector', metric: 'cpu', limit: 0.7, reach: 0.52 }],
  },
  {
    id: 'fetch',
    title: 'fetch, 64 in flight: CPU of the client per request',
    metrics: { cpu },
    reference: 'built-in fetch',
    peers: { 'built-in fetch': client('builtInFetch'), createFetch: client('ourFetch') },
    goals: [{ peer: 'createFetch', metric: 'cpu', limit: 0.35, reach: 0.15 }],
  },
]
