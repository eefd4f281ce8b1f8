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
 * @typedef {object} How
 * @property {number} seconds of each measurement
 * @property {boolean} full
 * @property {(limits: Promise<string[]>) => Promise<void>} held is told which limits held in the process that was measured, or what did not: what was measured stays
 *
 * @typedef {(how: How) => Promise<Record<string, number>>} Measure
 * @typedef {[file: string, name: string, argument?: object]} Call of a function in sides/
 */
import { Skipped, wrk } from './external.mjs'
import { startSide } from './side.mjs'

/** @param {string} name of a file in sides/ */
export const sideFile = (name) => new URL(`../sides/${name}.mjs`, import.meta.url)

/**
 * Warm: the compiler has seen the loop, for a second of the process's own time, which on a machine with other work may take several; and `operations` of
 * them, where each is long: it counts calls. (Behind half a second what has more layers is still up to a tenth slower than behind two.)
 * @param {(work: () => Promise<any>) => Promise<{ cpuMicros: number, result: any }>} during @param {(seconds: number) => Promise<any>} call @param {number} seconds
 * @param {number} [operations]
 */
async function warmUp(during, call, seconds, operations = 0) {
  const time = Math.min(1, seconds / 2)
  const enoughMicros = Math.min(1_000_000, seconds * 1_000_000)
  for (let pass = 0, spentMicros = 0, done = 0; pass < 4 || done < operations; pass++) {
    const { cpuMicros, result } = await during(() => call(time))
    spentMicros += cpuMicros
    done += result.operations
    if (spentMicros >= enoughMicros && done >= operations) return
  }
}

/** @param {{ result: any, cpuMicros: number, rssBytes: number }} measured @param {number} seconds */
function figures({ result: { operations, ...others }, cpuMicros, rssBytes }, seconds) {
  return { cpu: cpuMicros / operations, rate: operations / seconds, rss: rssBytes, ...others }
}

/** A server in a side, or a program of the distribution. @param {Call | (() => Promise<import('./external.mjs').Started>)} server @param {'server' | 'load'} [core] of a side @returns {Promise<import('./external.mjs').Started>} */
async function startServer(server, core = 'server') {
  if (typeof server === 'function') return server()
  const side = await startSide(sideFile(server[0]), core)
  try {
    const where = await side.call(server[1], server[2])
    return { where, during: (work) => side.during(work), end: () => side.end() }
  } catch (error) {
    await side.end()
    throw error
  }
}

/** Starts both; if one does not start, neither is left. @template {{ end(): Promise<void> }} A @template {{ end(): Promise<void> }} B @param {Promise<A>} a @param {Promise<B>} b @returns {Promise<[A, B]>} */
export async function both(a, b) {
  const started = await Promise.allSettled([a, b])
  const failed = started.find((each) => each.status === 'rejected')
  if (failed === undefined) return [await a, await b]
  for (const each of started) if (each.status === 'fulfilled') await each.value.end()
  throw failed.reason
}

/**
 * A server under load: its CPU per operation. The load gets what the server's function returned beside its own argument, and resolves with
 * `{ operations }`. `limits` sends that server what exceeds each of its limits, behind the measurement, and throws if one is none.
 * @param {Parameters<typeof startServer>[0]} server
 * @param {Call} load
 * @param {Call} [limits]
 * @param {number} [warmOperations] see `warmUp`
 * @returns {Measure}
 */
export const serverCpu = (server, load, limits, warmOperations) => async ({ seconds, held }) => {
  const [serving, loading] = await both(startServer(server), startSide(sideFile(load[0]), 'load'))
  try {
    const call = (/** @type {number} */ time) => loading.call(load[1], { ...serving.where, ...load[2], seconds: time })
    await warmUp(serving.during, call, seconds, warmOperations)
    const measured = await serving.during(() => call(seconds))
    if (limits !== undefined) {
      const attacking = await startSide(sideFile(limits[0]), 'load')
      try {
        await held(attacking.call(limits[1], { ...serving.where, ...limits[2] }))
      } finally {
        await attacking.end()
      }
    }
    return figures(measured, seconds)
  } finally {
    await Promise.all([serving.end(), loading.end()])
  }
}

/** As `serverCpu`, loaded by wrk. @param {Parameters<typeof startServer>[0]} server @returns {Measure} */
export const serverUnderWrk = (server) => async ({ seconds }) => {
  const serving = await startServer(server)
  try {
    const how = { ...serving.where, connections: 64 }
    await warmUp(serving.during, (time) => wrk({ ...how, seconds: time }), seconds)
    return figures(await serving.during(() => wrk({ ...how, seconds })), Math.max(1, Math.round(seconds)))
  } finally {
    await serving.end()
  }
}

/**
 * As `serverCpu`, for who connects: its CPU per operation, against one and the same server; or, with `--full`, a program of the distribution that keeps up
 * with every client, where it is installed.
 * @param {Call} client @param {Call} server @param {() => Promise<import('./external.mjs').Started>} [program]
 * @returns {Measure}
 */
export const clientCpu = (client, server, program) => async ({ seconds, full }) => {
  const [serving, calling] = await both(startFarEnd(server, full ? program : undefined), startSide(sideFile(client[0]), 'server'))
  try {
    const { where } = serving
    const call = (/** @type {number} */ time) => calling.call(client[1], { ...where, ...client[2], seconds: time })
    await warmUp((work) => calling.during(work), call, seconds)
    return figures(await calling.during(() => call(seconds)), seconds)
  } finally {
    await Promise.all([serving.end(), calling.end()])
  }
}

/** @param {Call} server @param {(() => Promise<import('./external.mjs').Started>) | undefined} program */
async function startFarEnd(server, program) {
  try {
    return await startServer(program ?? server, 'load')
  } catch (error) {
    if (program === undefined || !(error instanceof Skipped)) throw error
    return startServer(server, 'load')
  }
}

/** A loop in one process, which says itself how much it did: `{ operations }`. `limits` as with `serverCpu`. @param {Call} loop @param {string} [limits] @returns {Measure} */
export const loopCpu = (loop, limits) => async ({ seconds, held }) => {
  const side = await startSide(sideFile(loop[0]), 'server')
  try {
    const call = (/** @type {number} */ time) => side.call(loop[1], { ...loop[2], seconds: time })
    // Makes what is read, which may take as long as warming up does, and is none of it.
    await call(0)
    await warmUp((work) => side.during(work), call, seconds)
    const { result, cpuMicros } = await side.during(() => call(seconds))
    if (limits !== undefined) await held(side.call(limits))
    return { cpu: cpuMicros / result.operations, rate: (result.operations / cpuMicros) * 1e6 }
  } finally {
    await side.end()
  }
}

/** A peer that is measured with `--full` alone. @param {Measure} measure @returns {Measure} */
export const onlyFull = (measure) => async (how) => {
  if (!how.full) throw new Skipped('')
  return measure(how)
}
