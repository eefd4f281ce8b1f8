import { serverCpu } from '../lib/scenario.mjs'

const cpu = /** @type {const} */ ({ unit: 'µs', better: 'lower' })
const load = (/** @type {number} */ pipelined) => /** @type {[string, string, object]} */ (['http-load', 'hello', { connections: 64, pipelined }])

/** @type {import('../lib/scenario.mjs').Scenario[]} */
export const scenarios = [
  {
    id: 'http-hello',
    title: 'HTTP server, hello world, 64 keep-alive connections: CPU per request',
    metrics: { cpu },
    reference: 'node:http',
    peers: {
      'node:http': serverCpu(['http-server', 'node'], load(1)),
      '@async/protocol-http, at once': serverCpu(['http-server', 'sync'], load(1)),
      '@async/protocol-http, after an await': serverCpu(['http-server', 'async'], load(1)),
    },
    goals: [
      { peer: '@async/protocol-http, at once', metric: 'cpu', limit: 0.75, reach: 0.6 },
      { peer: '@async/protocol-http, after an await', metric: 'cpu', limit: 0.88, reach: 0.7 },
    ],
  },
  {
    id: 'http-pipelined',
    title: 'HTTP server, hello world, 64 connections with 16 requests pipelined: CPU per request',
    metrics: { cpu },
    reference: 'node:http',
    peers: {
      'node:http': serverCpu(['http-server', 'node'], load(16)),
      '@async/protocol-http': serverCpu(['http-server', 'sync'], load(16)),
    },
    goals: [{ peer: '@async/protocol-http', metric: 'cpu', limit: 0.12, reach: 0.06 }],
  },
]
