/** A scenario's figures as text. @param {import('./results.mjs').Summary} summary */
export function table({ title, reference, peers, goals, failures, skipped, limits }) {
  const metrics = [...new Set(peers.flatMap(({ figures }) => figures.map(({ metric, unit }) => `${metric}, ${unit}`)))]
  const rows = peers.map(({ peer, figures }) => [peer, ...figures.map((figure) => cell(figure, peer === reference))])
  const lines = [['', ...metrics], ...rows]
  const widths = lines[0]?.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length))) ?? []
  const text = lines.map((line) => `  ${line.map((each, column) => (column === 0 ? each.padEnd(widths[column] ?? 0) : each.padStart(widths[column] ?? 0))).join('  ')}`.trimEnd())
  const aims = goals.map(({ peer, metric, limit, ratio, met }) => `  ${met ? '✓' : '✗'} ${peer}, ${metric}: ${ratio.toFixed(met || ratio.toFixed(2) !== limit.toFixed(2) ? 2 : 4)}, goal ${limit}`)
  const held = Object.entries(limits).map(([peer, names]) => `  limits that held behind the measurement, in ${peer}: ${names.join(', ')}`)
  return [title, ...text, ...aims, ...failures.map((each) => `  ✗ ${each}`), ...skipped.map((each) => `  not measured: ${each}`), ...held].join('\n')
}

/** @param {import('./results.mjs').Figure} figure @param {boolean} isReference */
export function cell({ median, spread, ratio }, isReference) {
  return `${number(median)} ±${Math.round(spread * 100)} %${isReference ? '  (1)   ' : `  (${ratio.toFixed(2)})`}`
}

/** Three digits that matter. @param {number} value */
export function number(value) {
  return value >= 1000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)
}
