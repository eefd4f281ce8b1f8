/**
 * What a scenario is. In each round all its peers are started and warmed up, and then measured in short slices, taking turns: a machine that is shared changes its
 * speed by a third, for seconds at a time, and what lies within a second of each other has mostly met the same one. Ratios to the reference are taken within a slice.
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
 * @property {Record<string, Prepare>} peers
 * @property {Goal[]} goals
 * @property {boolean} [full] only with `--full`
 * @property {boolean} [once] what is measured is there once: a single slice, of one side after the other
 *
 * @typedef {object} How
 * @property {number} seconds of each measurement
 * @property {boolean} full
 *
 * @typedef {object} Prepared what is there
 * @property {(seconds: number) => Promise<Record<string, number>>} measure
 * @property {(seconds: number) => Promise<boolean>} [warm] works for so long, and says whether it is warm; without it that is what one measurement does
 * @property {() => Promise<string[]>} [limits] sends the process that was measured what exceeds each of its limits, gives their names, and throws if one is none
 * @property {() => Promise<void>} end
 *
 * @typedef {(how: How) => Promise<Prepared>} Prepare
 * @typedef {[file: string, name: string, argument?: object]} Call of a function in sides/
 */
import { Skipped, wrk } from './external.mjs'
import { startSide } from './side.mjs'

/** @param {string} name of a file in sides/ */
export const sideFile = (name) => new URL(`../sides/${name}.mjs`, import.meta.url)

/** Turns in which every side gets warm, or something is wrong with it. */
const maxPasses = 200

/**
 * Warm: the compiler has seen the loop, for a second of the process's own time, or eight turns on a machine with other work; and `operations` of
 * them, where each is long: it counts calls. (Behind half a second what has more layers is still up to a tenth slower than behind two.)
 * @param {(work: () => Promise<any>) => Promise<{ cpuMicros: number, result: any }>} during @param {(seconds: number) => Promise<any>} call @param {number} seconds
 * @param {number} [operations]
 * @returns {NonNullable<Prepared['warm']>}
 */
function warming(during, call, seconds, operations = 0) {
  const enoughMicros = Math.min(1_000_000, seconds * 1_000_000)
  let spentMicros = 0
  let done = 0
  let passes = 0
  return async (time) => {
    const { cpuMicros, result } = await during(() => call(time))
    spentMicros += cpuMicros
    done += result.operations
    if (++passes > maxPasses || Number.isNaN(done)) throw new Error(`does not get warm: ${done} operations in ${passes} turns`)
    return (passes >= 8 || spentMicros >= enoughMicros) && done >= operations
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
 * Ends what is there if it does not get ready. @param {{ end(): Promise<any> }[]} there @param {() => Promise<Omit<Prepared, 'end'>>} ready
 * @returns {Promise<Prepared>}
 */
export async function prepared(there, ready) {
  const end = async () => void (await Promise.all(there.map((each) => each.end())))
  try {
    return { ...(await ready()), end }
  } catch (error) {
    await end()
    throw error
  }
}

/**
 * A server under load: its CPU per operation. The load gets what the server's function returned beside its own argument, and resolves with
 * `{ operations }`.
 * @param {Parameters<typeof startServer>[0]} server
 * @param {Call} load
 * @param {{ limits?: Call | undefined, warmOperations?: number, loadCore?: 'server' | 'load' }} [how] see `Prepared` and `warming`. Who only answers shares its core with the load: on one of
 *   its own it would sleep, and be woken for each request, wherever it is faster than the load, and that would be measured
 * @returns {Prepare}
 */
export const serverCpu = (server, load, { limits, warmOperations = 0, loadCore = 'server' } = {}) => async ({ seconds }) => {
  const [serving, loading] = await both(startServer(server), startSide(sideFile(load[0]), loadCore))
  return prepared([serving, loading], async () => {
    const call = (/** @type {number} */ time) => loading.call(load[1], { ...serving.where, ...load[2], seconds: time })
    const warm = warming(serving.during, call, seconds, warmOperations)
    const measure = async (/** @type {number} */ time) => figures(await serving.during(() => call(time)), time)
    return limits === undefined ? { warm, measure } : { warm, measure, limits: () => attack(limits, serving.where) }
  })
}

/** @param {Call} limits @param {{ port: number }} where */
async function attack(limits, where) {
  const attacking = await startSide(sideFile(limits[0]), 'load')
  try {
    return await attacking.call(limits[1], { ...where, ...limits[2] })
  } finally {
    await attacking.end()
  }
}

/** As `serverCpu`, loaded by wrk. @param {Parameters<typeof startServer>[0]} server @returns {Prepare} */
export const serverUnderWrk = (server) => async ({ seconds }) => {
  const serving = await startServer(server)
  return prepared([serving], async () => {
    const how = { ...serving.where, connections: 64 }
    const call = (/** @type {number} */ time) => wrk({ ...how, seconds: time })
    const measure = async (/** @type {number} */ time) => figures(await serving.during(() => call(time)), Math.max(1, Math.round(time)))
    return { warm: warming(serving.during, call, seconds), measure }
  })
}

/**
 * As `serverCpu`, for who connects: its CPU per operation, against one and the same server; or, with `--full`, a program of the distribution that keeps up
 * with every client, where it is installed.
 * @param {Call} client @param {Call} server
 * @param {{ program?: () => Promise<import('./external.mjs').Started>, farCore?: 'server' | 'load' }} [how] and whether the other end has a core of its own, as in `serverCpu`
 * @returns {Prepare}
 */
export const clientCpu = (client, server, { program, farCore = 'server' } = {}) => async ({ seconds, full }) => {
  const [serving, calling] = await both(startFarEnd(server, farCore, full ? program : undefined), startSide(sideFile(client[0]), 'server'))
  return prepared([serving, calling], async () => {
    const { where } = serving
    const call = (/** @type {number} */ time) => calling.call(client[1], { ...where, ...client[2], seconds: time })
    const during = (/** @type {() => Promise<any>} */ work) => calling.during(work)
    return { warm: warming(during, call, seconds), measure: async (time) => figures(await during(() => call(time)), time) }
  })
}

/** @param {Call} server @param {'server' | 'load'} core @param {(() => Promise<import('./external.mjs').Started>) | undefined} program */
async function startFarEnd(server, core, program) {
  try {
    return await startServer(program ?? server, core)
  } catch (error) {
    if (program === undefined || !(error instanceof Skipped)) throw error
    return startServer(server, core)
  }
}

/** A loop in one process, which says itself how much it did: `{ operations }`. @param {Call} loop @param {string} [limits] see `Prepared` @returns {Prepare} */
export const loopCpu = (loop, limits) => async ({ seconds }) => {
  const side = await startSide(sideFile(loop[0]), 'server')
  return prepared([side], async () => {
    const call = (/** @type {number} */ time) => side.call(loop[1], { ...loop[2], seconds: time })
    // Makes what is read, which may take as long as warming up does, and is none of it.
    await call(0)
    const during = (/** @type {() => Promise<any>} */ work) => side.during(work)
    const warm = warming(during, call, seconds)
    const measure = async (/** @type {number} */ time) => {
      const { result, cpuMicros } = await during(() => call(time))
      return { cpu: cpuMicros / result.operations, rate: (result.operations / cpuMicros) * 1e6 }
    }
    return limits === undefined ? { warm, measure } : { warm, measure, limits: () => side.call(limits) }
  })
}

/** A peer that is measured with `--full` alone. @param {Prepare} prepare @returns {Prepare} */
export const onlyFull = (prepare) => async (how) => {
  if (!how.full) throw new Skipped('')
  return prepare(how)
}
