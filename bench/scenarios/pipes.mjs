import { loopCpu, serverCpu } from '../lib/scenario.mjs'

const cpu = /** @type {const} */ ({ unit: 'µs', better: 'lower' })
/** @type {[string, string, object]} */
const load = ['pipes', 'load', { connections: 64 }]

/** @type {import('../lib/scenario.mjs').Scenario[]} */
export const scenarios = [
  {
    id: 'unix-ping-pong',
    title: 'Unix socket echo, 64 connections, 64 bytes: CPU of the server per round trip',
    metrics: { cpu },
    reference: 'node:net',
    peers: { 'node:net': serverCpu(['pipes', 'echoNode'], load), '@async/transport-pipe': serverCpu(['pipes', 'echoAsync'], load) },
    goals: [{ peer: '@async/transport-pipe', metric: 'cpu', limit: 1.05, reach: 0.9 }],
  },
  {
    id: 'exec-ping-pong',
    title: 'A child process (cat), 64 bytes there and back: CPU per round trip',
    metrics: { cpu },
    reference: 'node:child_process',
    peers: { 'node:child_process': loopCpu(['pipes', 'catNode']), '@async/transport-pipe': loopCpu(['pipes', 'catAsync']) },
    goals: [{ peer: '@async/transport-pipe', metric: 'cpu', limit: 1.05, reach: 0.9 }],
  },
]
