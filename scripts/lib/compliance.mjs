/**
 * The table of transports and clauses, docs/compliance.md, made of what a run of the kit noted with its tests.
 *
 * @typedef {{ package: string, subject: string, clause: string, result: 'pass' | 'not applicable' | 'skipped' | 'fail', reason: string }} Outcome
 */
import { read } from './workspace.mjs'

/** What a test of the kit is called: `transport: memory pair > C1 …`, and when it is skipped the reason behind it. */
const named = /^(transport|protocol): (.*?) > ([A-Z]\d+) (.*)$/

/** @param {import('vitest/node').TestCase} test @returns {Outcome | undefined} */
export function outcomeOf(test) {
  const found = named.exec(test.fullName)
  if (found === null || found[1] !== 'transport') return undefined
  const [, , subject = '', clause = '', rest = ''] = found
  const noted = /** @type {{ kit?: { result: Outcome['result'] } }} */ (test.meta()).kit
  const skipped = test.result().state === 'skipped'
  if (noted === undefined && !skipped) return undefined
  return { package: test.module.project.name, subject, clause, result: skipped ? 'skipped' : /** @type {any} */ (noted).result, reason: skipped ? (/\(([^()]*)\)$/.exec(rest)?.[1] ?? '') : '' }
}

/** The page. @param {readonly Outcome[]} outcomes */
export function compliancePage(outcomes) {
  const clauses = new Map([...read('docs/contract.md').matchAll(/^- \*\*([A-Z]\d+)\*\* (.*)$/gm)].map(([, id = '', text = '']) => [id, text]))
  const packages = [...new Set(outcomes.map((each) => each.package))].sort()
  const parts = packages.map((name) => section(name, outcomes.filter((each) => each.package === name), clauses))
  return `# Transports and clauses

What the compliance kit found. \`pnpm test\` makes this page from its run of the kit, and under CI it fails if the page is another. The clauses are those of the [contract](contract.md). A cell
has the number of cases that passed (✓), that are not applicable because the transport lacks the ability and says so in its \`info\` (–), and
that its subject skips for a reason given below (s). Nothing failed, or this page would not be here.

Not tested here: Windows (named pipes, and everything else on it), macOS, real UARTs (modem lines, pacing, breaks and unplugging are shown by the simulator),
browsers other than Chromium, Deno and Bun.

${parts.join('\n')}`
}

/** @param {string} name @param {readonly Outcome[]} outcomes @param {ReadonlyMap<string, string>} clauses */
function section(name, outcomes, clauses) {
  const subjects = [...new Set(outcomes.map(({ subject }) => subject))].sort()
  /** @type {string[]} */
  const reasons = []
  const rows = [...clauses.keys()].flatMap((clause) => {
    const cells = subjects.map((subject) => cell(outcomes.filter((each) => each.clause === clause && each.subject === subject), reasons))
    return cells.every((each) => each === '') ? [] : [`| ${clause} | ${cells.join(' | ')} |`]
  })
  const totals = subjects.map((subject) => {
    const own = outcomes.filter((each) => each.subject === subject)
    const count = (/** @type {Outcome['result']} */ result) => own.filter((each) => each.result === result).length
    return `${count('pass')} ✓ ${count('not applicable')} – ${count('skipped')} s`
  })
  const legend = subjects.map((subject, at) => `${at + 1}. ${subject}`).join('\n')
  const notes = reasons.map((reason, at) => `- s${at + 1}: ${reason}`).join('\n')
  return `## ${name}

${legend}

| clause | ${subjects.map((_, at) => at + 1).join(' | ')} |
|---|${subjects.map(() => '---').join('|')}|
${rows.join('\n')}
| **all** | ${totals.join(' | ')} |
${notes === '' ? '' : `\n${notes}\n`}`
}

/** @param {readonly Outcome[]} outcomes @param {string[]} reasons those that were met so far; grows */
function cell(outcomes, reasons) {
  const count = (/** @type {Outcome['result']} */ result) => outcomes.filter((each) => each.result === result).length
  const parts = []
  if (count('pass') > 0) parts.push(`✓${count('pass')}`)
  if (count('not applicable') > 0) parts.push(`–${count('not applicable')}`)
  for (const { result, reason } of outcomes) {
    if (result !== 'skipped') continue
    if (!reasons.includes(reason)) reasons.push(reason)
    const mark = `s${reasons.indexOf(reason) + 1}`
    if (!parts.includes(mark)) parts.push(mark)
  }
  return parts.join(' ')
}
