import { loopCpu } from '../lib/scenario.mjs'

const rate = /** @type {const} */ ({ unit: 'MiB/s of CPU', better: 'higher' })

/** @param {string} id @param {string} title @param {object} how @param {number} least @param {number} reach @returns {import('../lib/scenario.mjs').Scenario} */
const asBytes = (id, title, how, least, reach) => ({
  id: `chunks-${id}`,
  title: `Chunks as bytes, ${title}`,
  metrics: { rate },
  reference: 'naive indexOf',
  peers: {
    'naive indexOf': loopCpu(['chunks', 'naive', how]),
    '@async/protocol-chunk': loopCpu(['chunks', 'bytes', how], 'limits'),
  },
  goals: [{ peer: '@async/protocol-chunk', metric: 'rate', limit: least, reach }],
})

/** @param {string} id @param {string} title @param {object} how @param {number} least @param {number} reach @returns {import('../lib/scenario.mjs').Scenario} */
const asText = (id, title, how, least, reach) => ({
  id: `text-${id}`,
  title: `Chunks as text, ${title}`,
  metrics: { rate },
  reference: 'naive indexOf',
  peers: {
    'naive indexOf': loopCpu(['chunks', 'naive', how]),
    split2: loopCpu(['chunks', 'split2', how]),
    '@async/protocol-chunk': loopCpu(['chunks', 'text', how], 'limits'),
  },
  goals: [
    { peer: '@async/protocol-chunk', metric: 'rate', limit: least, reach },
    { peer: '@async/protocol-chunk', metric: 'rate', limit: 1.6, reference: 'split2' },
  ],
})

/** @type {import('../lib/scenario.mjs').Scenario[]} */
export const scenarios = [
  asBytes('20', 'lines of 20 bytes', { mean: 20 }, 1.9, 2.2),
  asBytes('100', 'lines of 100 bytes', { mean: 100 }, 1.5, 1.8),
  asBytes('1k', 'lines of 1,000 bytes', { mean: 1000 }, 1.15, 1.6),
  asBytes('64k', 'lines of 65,536 bytes', { mean: 65536 }, 0.95, 1),
  asBytes('64k-fragments', 'lines of 65,536 bytes in reads of 1 to 3,000', { mean: 65536, fragments: true }, 3.5, 4.9),
  asText('20', 'lines of 20 bytes', { mean: 20 }, 3.4, 4.4),
  asText('100', 'lines of 100 bytes', { mean: 100 }, 3, 3.6),
  {
    id: 'frames',
    title: 'Frames that say their length, 100 bytes of JSON, parsed',
    metrics: { rate: { unit: 'frames/s of CPU', better: 'higher' } },
    reference: 'vscode-jsonrpc',
    peers: {
      'vscode-jsonrpc': loopCpu(['chunks', 'vscodeReader']),
      'lsp()': loopCpu(['chunks', 'lspFrames'], 'limits'),
      'lengthPrefix()': loopCpu(['chunks', 'lengthFrames'], 'limits'),
    },
    goals: [
      { peer: 'lsp()', metric: 'rate', limit: 5, reach: 10 },
      { peer: 'lengthPrefix()', metric: 'rate', limit: 5, reach: 10 },
    ],
  },
]
