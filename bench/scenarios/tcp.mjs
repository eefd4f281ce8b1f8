import { python } from '../lib/external.mjs'
import { clientCpu, onlyFull, serverCpu } from '../lib/scenario.mjs'

const cpu = /** @type {const} */ ({ unit: 'µs', better: 'lower' })

/** Far ends that are never what is waited for: else whoever is measured sleeps between two reads, or wakes the other for each write, and that is what is measured. */
/** @param {'source' | 'sink'} name @returns {[import('../lib/scenario.mjs').Call, { program: ReturnType<typeof python>, farCore: 'load' }]} */
const farEnd = (name) => [['tcp', name], { program: python(name, 'socket', 'load'), farCore: 'load' }]
const source = farEnd('source')
const sink = farEnd('sink')

/** @type {import('../lib/scenario.mjs').Scenario[]} */
export const scenarios = [
  {
    id: 'tcp-ping-pong',
    title: 'TCP echo, 64 connections, 64 bytes: CPU of the server per round trip',
    metrics: { cpu },
    reference: 'node:net',
    peers: {
      'node:net': serverCpu(['tcp', 'echoNode'], ['tcp', 'pingPong', { connections: 64, bytes: 64 }]),
      '@async/transport-tcp': serverCpu(['tcp', 'echoAsync'], ['tcp', 'pingPong', { connections: 64, bytes: 64 }]),
      'Python asyncio': onlyFull(serverCpu(python('echo', 'asyncio'), ['tcp', 'pingPong', { connections: 64, bytes: 64 }])),
    },
    goals: [{ peer: '@async/transport-tcp', metric: 'cpu', limit: 1.05, reach: 0.75 }],
  },
  {
    id: 'tcp-receive',
    title: 'TCP, receiving in bulk: CPU of the client per MiB',
    metrics: { cpu },
    reference: 'node:net',
    peers: {
      'node:net': clientCpu(['tcp', 'receiveNode'], ...source),
      '@async/transport-tcp': clientCpu(['tcp', 'receiveAsync'], ...source),
      'with reuseReadBuffer': clientCpu(['tcp', 'receiveAsync', { reuseReadBuffer: true }], ...source),
    },
    goals: [
      { peer: '@async/transport-tcp', metric: 'cpu', limit: 0.9, reach: 0.8 },
      { peer: 'with reuseReadBuffer', metric: 'cpu', limit: 0.65, reach: 0.55 },
    ],
  },
  {
    id: 'tcp-send',
    title: 'TCP, sending 64 KiB blocks in bulk: CPU of the client per MiB',
    metrics: { cpu },
    reference: 'node:net',
    peers: {
      'node:net': clientCpu(['tcp', 'sendNode'], ...sink),
      '@async/transport-tcp': clientCpu(['tcp', 'sendAsync'], ...sink),
    },
    goals: [{ peer: '@async/transport-tcp', metric: 'cpu', limit: 0.75, reach: 0.6 }],
  },
]
