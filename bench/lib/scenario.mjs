/**
 * What a scenario is. Every peer is measured once in each round, in turn; ratios to the reference are taken within a round, for what the machine
 * does beside us changes from one round to the next.
 *
 * @typedef {object} Metric
 * @property {string} unit
 * @property {'lower' | 'higher'} better
 * @property {number} [scale] what the raw value is multiplied with to be in `unit`
 *
 * @typedef {object} Goal
 * @property {string} peer
 * @property {string} metric
 * @property {number} limit ratio to the reference: at most, or (where more is better) at least
 * @property {number} [reach] what a hand-made loop without limits and checks reaches
 * @property {string} [reference] if it is not the scenario's
 *
 * @typedef {object} Scenario
 * @property {string} id
 * @property {string} title
 * @property {Record<string, Metric>} metrics the first one is drawn
 * @property {string} reference
 * @property {Record<string, Measure>} peers
 * @property {Goal[]} goals
 * @property {boolean} [full] only with `--full`
 *
 * @typedef {(how: { seconds: number }) => Promise<Record<string, number>>} Measure
 */
import { startSide } from './side.mjs'

/** @param {string} name of a file in sides/ */
export const sideFile = (name) => new URL(`../sides/${name}.mjs`, import.meta.url)

/**
 * A server under load: its CPU per operation. `server` and `load` are `[file, function, argument]`; the load gets what the server's function
 * returned beside its own argument, and resolves with `{ operations }`.
 * @param {[string, string, object?]} server
 * @param {[string, string, object?]} load
 * @returns {Measure}
 */
export const serverCpu = (server, load) => async ({ seconds }) => {
  const serving = await startSide(sideFile(server[0]), 'server')
  const loading = await startSide(sideFile(load[0]), 'load')
  try {
    const where = await serving.call(server[1], server[2])
    // Warm: the compiler of both sides has seen the loop.
    await loading.call(load[1], { ...where, ...load[2], seconds: Math.min(1, seconds / 2) })
    const { result, cpuMicros, rssBytes } = await serving.during(() => loading.call(load[1], { ...where, ...load[2], seconds }))
    const { operations, ...others } = result
    return { cpu: cpuMicros / operations, rate: operations / seconds, rss: rssBytes, ...others }
  } finally {
    await Promise.all([serving.end(), loading.end()])
  }
}

/** As `serverCpu`, for who connects: its CPU per operation, against one and the same server. @param {[string, string, object?]} client @param {[string, string, object?]} server @returns {Measure} */
export const clientCpu = (client, server) => async ({ seconds }) => {
  const serving = await startSide(sideFile(server[0]), 'load')
  const calling = await startSide(sideFile(client[0]), 'server')
  try {
    const where = await serving.call(server[1], server[2])
    await calling.call(client[1], { ...where, ...client[2], seconds: Math.min(1, seconds / 2) })
    const { result, cpuMicros, rssBytes } = await calling.during(() => calling.call(client[1], { ...where, ...client[2], seconds }))
    const { operations, ...others } = result
    return { cpu: cpuMicros / operations, rate: operations / seconds, rss: rssBytes, ...others }
  } finally {
    await Promise.all([serving.end(), calling.end()])
  }
}

/** A loop in one process, which says itself how much it did: `{ operations }`. @param {[string, string, object?]} loop @returns {Measure} */
export const loopCpu = (loop) => async ({ seconds }) => {
  const side = await startSide(sideFile(loop[0]), 'server')
  try {
    await side.call(loop[1], { ...loop[2], seconds: Math.min(1, seconds / 2) })
    const { result, cpuMicros } = await side.during(() => side.call(loop[1], { ...loop[2], seconds }))
    return { cpu: cpuMicros / result.operations, rate: (result.operations / cpuMicros) * 1e6 }
  } finally {
    await side.end()
  }
}
