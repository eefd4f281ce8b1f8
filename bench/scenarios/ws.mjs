import { python } from '../lib/external.mjs'
import { onlyFull, serverCpu } from '../lib/scenario.mjs'

const cpu = /** @type {const} */ ({ unit: 'µs', better: 'lower' })

/** @param {string} id @param {string} title @param {object} how @param {number} limit @param {number} reach @returns {import('../lib/scenario.mjs').Scenario} */
const echo = (id, title, how, limit, reach) => ({
  id: `ws-${id}`,
  title: `WebSocket echo of 64 bytes of text, ${title}: CPU of the server per message`,
  metrics: { cpu },
  reference: 'ws',
  peers: {
    ws: serverCpu(['ws', 'echoWs'], ['ws', 'load', how]),
    '@async/transport-websocket': serverCpu(['ws', 'echoAsync'], ['ws', 'load', how], { limits: ['ws-limits', 'serverLimits'] }),
    'Python websockets': onlyFull(serverCpu(python('websocket', 'websockets'), ['ws', 'load', how])),
  },
  goals: [{ peer: '@async/transport-websocket', metric: 'cpu', limit, reach }],
})

export const scenarios = [
  echo('64', '64 connections', { connections: 64, inFlight: 1 }, 0.95, 0.83),
  echo('in-flight', '64 in flight on one connection', { connections: 1, inFlight: 64 }, 0.3, 0.09),
]
