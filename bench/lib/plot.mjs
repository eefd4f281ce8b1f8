/** Plots as SVG, drawn by hand: readable on light and on dark, and by those who hear their titles. */

const style = `<style>
  text { font: 12px system-ui, sans-serif; fill: #1f2328 } .small { font-size: 11px; fill: #59636e } .line { stroke: #d1d9e0 } .bar { fill: #2f6feb } .missed { fill: #cf4a22 }
  .goal { stroke: #1f2328; stroke-width: 2 } .curve { stroke: #2f6feb; stroke-width: 2; fill: none } .dot { fill: #2f6feb } .allowed { stroke: #cf4a22; stroke-dasharray: 5 4 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .small { fill: #9198a1 } .line { stroke: #3d444d } .bar, .dot { fill: #6ea8fe } .missed { fill: #ff8a5c } .goal { stroke: #e6edf3 } .curve { stroke: #6ea8fe } .allowed { stroke: #ff8a5c }
  }
</style>`

const escape = (/** @type {string} */ text) => text.replace(/[&<>"]/g, (each) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[each] ?? each)
const at = (/** @type {number} */ value) => String(Math.round(value * 10) / 10)

/** @param {number} width @param {number} height @param {string} title @param {string[]} parts */
function svg(width, height, title, parts) {
  const open = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img">`
  return `${[open, `<title>${escape(title)}</title>`, style, ...parts, '</svg>'].join('\n')}\n`
}

/** @param {number} x @param {number} y @param {string} text @param {string} [more] */
const label = (x, y, text, more = '') => `<text x="${at(x)}" y="${at(y)}"${more}>${escape(text)}</text>`

/** @param {number} x1 @param {number} y1 @param {number} x2 @param {number} y2 @param {string} kind */
const line = (x1, y1, x2, y2, kind) => `<line class="${kind}" x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2)}" y2="${at(y2)}"/>`

/**
 * Bars of ratios to the reference, which is 1, each with its goal.
 * @param {string} title @param {{ name: string, ratio: number, goal: number, met: boolean, higher: boolean }[]} bars
 */
export function barPlot(title, bars) {
  const [left, right, row, top] = [390, 70, 24, 34]
  const width = 900
  const room = width - left - right
  // A bar that goes far beyond its goal ends at the margin: its figure stands beside it.
  const most = Math.max(1.2, ...bars.map(({ ratio, goal }) => Math.max(goal, Math.min(ratio || 0, goal * 2)))) * 1.02
  const height = top + bars.length * row + 26
  const x = (/** @type {number} */ value) => left + (Math.min(value, most) / most) * room
  const parts = [line(x(1), top - 4, x(1), height - 22, 'line'), label(x(1), top - 9, 'reference = 1', ' class="small" text-anchor="middle"')]
  for (const [index, { name, ratio, goal, met, higher }] of bars.entries()) {
    const y = top + index * row
    const value = Number.isFinite(ratio) ? ratio : 0
    parts.push(
      label(left - 8, y + 14, name, ' text-anchor="end"'),
      `<rect class="${met ? 'bar' : 'missed'}" x="${left}" y="${y + 4}" width="${at(x(value) - left)}" height="13"><title>${escape(`${name}: ${ratio.toFixed(2)}, goal ${higher ? 'at least' : 'at most'} ${goal}`)}</title></rect>`,
      line(x(goal), y + 1, x(goal), y + 20, 'goal'),
      label(Math.max(x(value), x(goal)) + 6, y + 15, `${ratio.toFixed(2)} ${higher ? '↑' : ''}`.trim(), ' class="small"'),
    )
  }
  parts.push(label(left, height - 6, 'ratio to the reference; | is the goal; less is better, but with ↑ more is', ' class="small"'))
  return svg(width, height, title, parts)
}

/** What one costs, over how many there are; both axes logarithmic. @param {import('./curve.mjs').Curved} curve @param {number} allowed of the cheapest in the upper half */
export function curvePlot({ title, axis, unit, points }, allowed) {
  const [width, height, left, right, top, bottom] = [640, 300, 70, 24, 40, 46]
  const isLinear = points.some(({ size }) => size === 0)
  const scale = (/** @type {number} */ size) => (isLinear ? size : Math.log(size))
  const first = scale(points[0]?.size ?? 1)
  const last = scale(points.at(-1)?.size ?? 2)
  const costs = points.map(({ cost }) => Math.max(cost, 1e-6))
  const upper = costs.slice(Math.floor(costs.length / 2))
  const bound = Math.min(...upper) * allowed
  const low = Math.log10(Math.min(...costs) / 1.4)
  const high = Math.log10(Math.max(...costs, bound) * 1.4)
  const x = (/** @type {number} */ size) => left + ((scale(size) - first) / (last - first || 1)) * (width - left - right)
  const y = (/** @type {number} */ cost) => height - bottom - ((Math.log10(Math.max(cost, 1e-6)) - low) / (high - low)) * (height - top - bottom)
  const parts = [label(left, 18, `${unit}, by ${axis}`)]
  for (let power = Math.floor(low); power <= high; power++) {
    for (const step of [1, 2, 5]) {
      const cost = step * 10 ** power
      if (Math.log10(cost) < low || Math.log10(cost) > high) continue
      parts.push(line(left, y(cost), width - right, y(cost), 'line'), label(left - 8, y(cost) + 4, short(cost), ' class="small" text-anchor="end"'))
    }
  }
  let free = 0
  for (const { size } of points) {
    if (x(size) < free) continue
    parts.push(label(x(size), height - bottom + 18, short(size), ' class="small" text-anchor="middle"'))
    free = x(size) + 44
  }
  const middle = points[Math.floor(points.length / 2)]?.size ?? 0
  parts.push(line(x(middle), y(bound), width - right, y(bound), 'allowed'), label(width - right, top - 8, `- - allowed at the top: ${allowed} × the cheapest here`, ' class="small" text-anchor="end"'))
  parts.push(`<polyline class="curve" points="${points.map(({ size }, index) => `${at(x(size))},${at(y(costs[index] ?? 0))}`).join(' ')}"/>`)
  for (const [index, { size }] of points.entries()) {
    const cost = costs[index] ?? 0
    parts.push(`<circle class="dot" cx="${at(x(size))}" cy="${at(y(cost))}" r="3.5"><title>${escape(`${size.toLocaleString('en')} ${axis}: ${cost.toPrecision(3)} ${unit}`)}</title></circle>`)
  }
  parts.push(label((left + width - right) / 2, height - 8, axis, ' class="small" text-anchor="middle"'))
  return svg(width, height, `${title}: ${unit}, by ${axis}`, parts)
}

/** @param {number} value */
function short(value) {
  if (value >= 2 ** 20 && value % 2 ** 20 === 0) return `${value / 2 ** 20} Mi`
  if (value >= 1024 && value % 1024 === 0) return `${value / 1024} Ki`
  return value >= 1000 ? value.toLocaleString('en') : String(Number(value.toPrecision(3)))
}
