import { both, loopCpu, prepared } from '../lib/scenario.mjs'

/** What each of eight more layers costs. @param {'ours' | 'bare'} kind @returns {import('../lib/scenario.mjs').Prepare} */
const perLayer = (kind) => async (how) => {
  const [none, eight] = await both(loopCpu(['layers', kind, { layers: 0 }])(how), loopCpu(['layers', kind, { layers: 8 }])(how))
  const measure = async (/** @type {number} */ seconds) => {
    const [less, more] = [await none.measure(seconds / 2), await eight.measure(seconds / 2)]
    return { cpu: ((more['cpu'] ?? NaN) - (less['cpu'] ?? NaN)) / 8 }
  }
  const warm = async (/** @type {number} */ seconds) => (await Promise.all([none.warm?.(seconds), eight.warm?.(seconds)])).every((isWarm) => isWarm === true)
  return prepared([none, eight], async () => ({ warm, measure }))
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
