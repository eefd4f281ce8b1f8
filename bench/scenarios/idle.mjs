import { setTimeout } from 'node:timers/promises'
import { both, prepared, sideFile } from '../lib/scenario.mjs'
import { fileLimit } from '../lib/programs.mjs'
import { startSide } from '../lib/side.mjs'

/** As the measurements that the goals come from: the first bring in code and pools, and nothing is collected that the program itself does not collect. */
const first = 100
const count = Math.min(5000, fileLimit() - first - 200)
const hello = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'
const call = '{"jsonrpc":"2.0","id":1,"method":"add","params":[1,2]}\n'

/** @param {import('../lib/side.mjs').Side} side */
async function settled(side) {
  await setTimeout(1000)
  return (await side.usage()).rssBytes
}

/** @param {string} server @param {string} text @returns {import('../lib/scenario.mjs').Prepare} */
const weight = (server, text) => async () => {
  const [serving, loading] = await both(startSide(sideFile('idle'), 'server'), startSide(sideFile('idle'), 'load'))
  return prepared([serving, loading], async () => {
    const { port } = await serving.call(server)
    await loading.call('visit', { port, count: first, text })
    return {
      async measure() {
        const before = await settled(serving)
        await loading.call('visit', { port, count, text })
        return { memory: ((await settled(serving)) - before) / count }
      },
    }
  })
}

/** @param {string} id @param {string} title @param {[string, import('../lib/scenario.mjs').Prepare]} reference @param {[string, import('../lib/scenario.mjs').Prepare]} ours @param {number} limit @param {number} reach @returns {import('../lib/scenario.mjs').Scenario} */
const idle = (id, title, reference, ours, limit, reach) => ({
  id: `idle-${id}`,
  title: `Memory of an idle connection, ${title}; all default time-outs armed`,
  metrics: { memory: { unit: 'KiB', better: 'lower', scale: 1 / 1024 } },
  once: true,
  reference: reference[0],
  peers: Object.fromEntries([reference, ours]),
  goals: [{ peer: ours[0], metric: 'memory', limit, reach }],
})

export const scenarios = [
  idle('tcp', 'TCP', ['node:net', weight('net', 'x')], ['@async/transport-tcp', weight('tcp', 'x')], 1.3, 1),
  idle('http', 'HTTP', ['node:http', weight('nodeHttp', hello)], ['@async/protocol-http', weight('http', hello)], 0.7, 0.58),
  idle('jsonrpc', 'JSON-RPC on TCP', ['node:net', weight('net', 'x')], ['@async/protocol-jsonrpc', weight('rpc', call)], 1.6, 1.2),
]
