/**
 * How cost grows. A curve gives the cost *of a unit* at each size, so that what grows in proportion lies flat, and what is quadratic climbs.
 *
 * @typedef {object} Curve
 * @property {string} id
 * @property {string} title
 * @property {string} axis what the sizes count
 * @property {string} unit of the cost, of one
 * @property {number[]} sizes rising
 * @property {(how: CurveHow) => AsyncIterable<[size: number, cost: number]>} measure sizes may be left out at the top, where the machine does not allow them
 * @property {string} [note]
 *
 * @typedef {{ seconds: number, full: boolean }} CurveHow
 * @typedef {{ id: string, title: string, axis: string, unit: string, note?: string, points: { size: number, cost: number, values: number[] }[], failures: string[] }} Curved
 */
import { median } from './statistics.mjs'
import { number } from './table.mjs'

/** A unit at the largest size may cost so much more than the cheapest one in the upper half of the sizes. */
export const straight = 1.6

/** What was measured of curves, round by round. */
export class Curves {
  /** @param {readonly Curve[]} curves */
  constructor(curves) {
    this.curves = curves
    /** @type {Map<string, Map<number, number[]>>} */
    this.values = new Map(curves.map(({ id, sizes }) => [id, new Map(sizes.map((size) => [size, []]))]))
    /** @type {Map<string, Set<string>>} */
    this.failures = new Map(curves.map(({ id }) => [id, new Set()]))
  }

  /** One round of one of them. @param {Curve} curve @param {CurveHow} how @param {(text: string) => void} tell */
  async measure({ id, axis, measure }, how, tell) {
    try {
      for await (const [size, cost] of measure(how)) {
        tell(`${id}, ${size} ${axis}`)
        this.values.get(id)?.get(size)?.push(cost)
      }
    } catch (error) {
      this.failures.get(id)?.add(`${id}: ${String(/** @type {Error} */ (error)?.message ?? error).split('\n')[0]}`)
    }
  }

  /** @returns {Curved[]} */
  summary() {
    return this.curves.map(({ id, title, axis, unit, note }) => {
      const points = [...(this.values.get(id) ?? [])].flatMap(([size, costs]) => (costs.length === 0 ? [] : [{ size, cost: median(costs), values: costs }]))
      return { id, title, axis, unit, ...(note === undefined ? {} : { note }), points, failures: [...(this.failures.get(id) ?? [])] }
    })
  }
}

/** What a unit costs at the top, of the cheapest in the upper half. @param {Curved} curve */
export function climb({ points }) {
  const upper = points.slice(Math.floor(points.length / 2)).map(({ cost }) => cost)
  return (upper.at(-1) ?? NaN) / Math.min(...upper)
}

/** @param {Curved} curve */
export const bends = (curve) => !(climb(curve) <= straight)

/** @param {Curved} curve */
export function verdict(curve) {
  return `${bends(curve) ? '✗ not straight' : '✓ straight'}: at the top ${climb(curve).toFixed(2)} of the cheapest in the upper half, allowed is ${straight}`
}

/** @param {Curved} curve */
export function curveText(curve) {
  const rows = curve.points.map(({ size, cost }) => `  ${size.toLocaleString('en').padStart(10)} ${curve.axis}: ${number(cost)} ${curve.unit}`)
  const note = curve.note === undefined ? [] : [`  ${curve.note}`]
  return [curve.title, ...rows, `  ${verdict(curve)}`, ...note, ...curve.failures.map((each) => `  ✗ ${each}`)].join('\n')
}
