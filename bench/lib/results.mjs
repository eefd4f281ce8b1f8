import { median, spread } from './statistics.mjs'

/**
 * @typedef {{ metric: string, unit: string, median: number, spread: number, ratio: number, values: number[] }} Figure
 * @typedef {import('./scenario.mjs').Goal & { ratio: number, ratios: number[], better: 'lower' | 'higher', met: boolean }} Outcome
 * @typedef {{ id: string, title: string, reference: string, peers: { peer: string, figures: Figure[] }[], goals: Outcome[], failures: string[], skipped: string[], limits: Record<string, string[]> }} Summary
 */

/** What was measured, by scenario, peer, round and slice. */
export class Results {
  constructor() {
    /** @type {Map<string, Map<number, Record<string, number>[]>>} */
    this.values = new Map()
    /** @type {Map<string, Set<string>>} */
    this.failures = new Map()
    /** @type {Map<string, Map<string, string>>} */
    this.skipped = new Map()
    /** @type {Map<string, Record<string, string[]>>} */
    this.limits = new Map()
  }

  /** @param {string} id @param {number} round @param {string} peer @param {Record<string, number>[]} values of each slice */
  add(id, round, peer, values) {
    const key = `${id}\n${peer}`
    const rounds = this.values.get(key) ?? new Map()
    rounds.set(round, values)
    this.values.set(key, rounds)
  }

  /** @param {string} id @param {string} peer @param {unknown} error */
  fail(id, peer, error) {
    const failures = this.failures.get(id) ?? new Set()
    failures.add(`${id}: ${peer} failed: ${String(/** @type {Error} */ (error)?.message ?? error).split('\n')[0]}`)
    this.failures.set(id, failures)
  }

  /** A peer that was not measured. Without a reason nobody is told. @param {string} id @param {string} peer @param {string} reason */
  skip(id, peer, reason) {
    const skipped = this.skipped.get(id) ?? new Map()
    skipped.set(peer, reason)
    this.skipped.set(id, skipped)
  }

  /** Limits that held in a peer's process. @param {string} id @param {string} peer @param {string[]} limits */
  held(id, peer, limits) {
    this.limits.set(id, { ...this.limits.get(id), [peer]: limits })
  }

  /** @param {import('./scenario.mjs').Scenario} scenario @returns {Summary} */
  summary({ id, title, reference, metrics, peers, goals }) {
    const skipped = this.skipped.get(id)
    const figures = Object.keys(peers).filter((peer) => !skipped?.has(peer)).map((peer) => ({
      peer,
      figures: Object.entries(metrics).flatMap(([metric, { unit, scale = 1 }]) => {
        const values = this.column(id, peer, metric).map((value) => value * scale)
        if (values.length === 0) return []
        return [{ metric, unit, median: median(values), spread: spread(values), ratio: median(this.ratios(id, peer, reference, metric)), values }]
      }),
    }))
    const outcomes = goals.map((goal) => {
      const ratios = this.ratios(id, goal.peer, goal.reference ?? reference, goal.metric)
      const ratio = median(ratios)
      const { better } = /** @type {import('./scenario.mjs').Metric} */ (metrics[goal.metric])
      return { ...goal, ratio, ratios, better, met: better === 'higher' ? ratio >= goal.limit : ratio <= goal.limit }
    })
    const reasons = [...(skipped ?? [])].flatMap(([peer, reason]) => (reason === '' ? [] : [`${peer}: ${reason}`]))
    return { id, title, reference, peers: figures, goals: outcomes, failures: [...(this.failures.get(id) ?? [])], skipped: reasons, limits: this.limits.get(id) ?? {} }
  }

  /** The median of each round's slices. @param {string} id @param {string} peer @param {string} metric */
  column(id, peer, metric) {
    return [...(this.values.get(`${id}\n${peer}`)?.values() ?? [])].flatMap((slices) => {
      const values = slices.flatMap((each) => each[metric] ?? [])
      return values.length === 0 ? [] : [median(values)]
    })
  }

  /** Of each round, the median of the ratios within a slice. @param {string} id @param {string} peer @param {string} reference @param {string} metric */
  ratios(id, peer, reference, metric) {
    const to = this.values.get(`${id}\n${reference}`)
    return [...(this.values.get(`${id}\n${peer}`) ?? [])].flatMap(([round, slices]) => {
      const ratios = slices.flatMap((each, slice) => {
        const base = to?.get(round)?.[slice]?.[metric]
        const value = each[metric]
        return base === undefined || value === undefined ? [] : [value / base]
      })
      return ratios.length === 0 ? [] : [median(ratios)]
    })
  }
}
