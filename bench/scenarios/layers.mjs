import { loopCpu } from '../lib/scenario.mjs'

/** What each of eight more layers costs. @param {'ours' | 'bare'} kind @returns {import('../lib/scenario.mjs').Measure} */
const perLayer = (kind) => async (how) => {
  const [none, eight] = [await loopCpu(['layers', kind, { layers: 0 }])(how), await loopCpu(['layers', kind, { layers: 8 }])(how)]
  return { cpu: ((eight['cpu'] ?? NaN) - (none['cpu'] ?? NaN)) / 8 }
}

/** @type {import('../lib/scenario.mjs').Scenario[]} */
export const scenarios = [
  {
    id: 'layers',
    title: 'One more pass-through layer, with its flow control: CPU per delivery',
    metrics: { cpu: { unit: 'ns', better: 'lower', scale: 1000 } },
    reference: 'a class that calls the next',
    peers: { 'a class that calls the next': perLayer('bare'), '@async WrappedTransport': perLayer('ours') },
    goals: [{ peer: '@async WrappedTransport', metric: 'cpu', limit: 3, reach: 1.5 }],
  },
]
