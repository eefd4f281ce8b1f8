import { serverCpu } from '../lib/scenario.mjs'

/** Handshakes are few in a second, and V8 compiles what was called thousands of times: with less, the colder of both is measured. */
const warmHandshakes = 4000

const works = /** @type {const} */ ({
  handshake: ['handshakes', 'handshake', warmHandshakes],
  departure: ['departures', 'handshake that the client leaves', warmHandshakes],
  send: ['download', 'MiB sent', 0],
  receive: ['upload', 'MiB received', 0],
})

/**
 * @param {string} id @param {string} title @param {[name: string, server: [string, string, object?]]} reference @param {[name: string, server: [string, string, object?]]} ours
 * @param {Partial<Record<keyof typeof works, [limit: number, reach: number]>>} goals
 * @returns {import('../lib/scenario.mjs').Scenario[]}
 */
const three = (id, title, reference, ours, goals) =>
  /** @type {(keyof typeof works)[]} */ (Object.keys(goals)).map((work) => {
    const [load, unit, warm] = works[work]
    const [limit, reach] = /** @type {[number, number]} */ (goals[work])
    return {
      id: `${id}-${work}`,
      title: `${title}: CPU of the server per ${unit}`,
      metrics: { cpu: { unit: 'µs', better: 'lower' } },
      reference: reference[0],
      peers: Object.fromEntries([reference, ours].map(([name, server]) => [name, serverCpu(server, ['tls', load], { warmOperations: warm, loadCore: 'load' })])),
      goals: [{ peer: ours[0], metric: 'cpu', limit, reach }],
    }
  })

export const scenarios = [
  ...three('tls-tcp', 'TLS over TCP, truncation told apart', ['node:tls', ['tls', 'nodeTcp']], ['@async/transport-tls', ['tls', 'asyncTcp']],
    { handshake: [1.3, 1], departure: [1.3, 1], send: [1.5, 1], receive: [1.1, 0.95] }),
  ...three('tls-unix', 'TLS over a Unix socket', ['node:tls over a Duplex', ['tls', 'nodeDuplex']], ['@async/transport-tls', ['tls', 'asyncUnix']],
    { handshake: [1.1, 1], departure: [1.1, 1], send: [1.1, 1], receive: [1.1, 1] }),
  ...three('tls-native', 'TLS over TCP with allowTruncation', ['node:tls', ['tls', 'nodeTcp']], ['@async/transport-tls', ['tls', 'asyncTcp', { allowTruncation: true }]],
    { handshake: [1.05, 0.95], departure: [1.05, 0.95], send: [1.05, 0.95], receive: [1.05, 0.95] }),
]
