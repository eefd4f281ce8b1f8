/**
 * Keeps examples in the documentation equal to code that is compiled and run. In a Markdown file,
 *
 *     <!-- snippet: examples/01-echo/main.ts#echo -->
 *
 * says that the code block that follows it is the text between `// #region echo` and `// #endregion` of that file (without `#echo`: the
 * whole file), less its indentation. `--write` puts the code into the documents instead of comparing. Exits 1 on a difference.
 */
import { writeFileSync } from 'node:fs'
import { root } from './lib/run.mjs'
import { exists, filesIn, read, Report } from './lib/workspace.mjs'

const write = process.argv.includes('--write')
const marker = /^<!-- snippet: ([^\s#]+)(?:#(\S+))? -->\n+(```\w*)\n([\s\S]*?)^```$/gm
const report = new Report()
let count = 0

/** @param {string} file @param {string | undefined} region @returns {string | undefined} */
function code(file, region) {
  const lines = read(file).split('\n')
  if (region === undefined) return lines.join('\n')
  const from = lines.findIndex((line) => line.trim() === `// #region ${region}` || line.trim() === `# #region ${region}`)
  const to = lines.findIndex((line, index) => index > from && /^(\/\/|#) #endregion/.test(line.trim()))
  if (from < 0 || to < 0) return undefined
  const body = lines.slice(from + 1, to)
  const indent = Math.min(...body.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length))
  return `${body.map((line) => line.slice(indent)).join('\n')}\n`
}

for (const document of filesIn('').filter((file) => file.endsWith('.md'))) {
  const text = read(document)
  const next = text.replace(marker, (whole, /** @type {string} */ file, /** @type {string | undefined} */ region, /** @type {string} */ fence, /** @type {string} */ block) => {
    count++
    const name = region === undefined ? file : `${file}#${region}`
    if (!exists(file)) return report.add(document, `snippet ${name}: no such file`), whole
    const wanted = code(file, region)
    if (wanted === undefined) return report.add(document, `snippet ${name}: no such region`), whole
    if (wanted === block) return whole
    if (!write) report.add(document, `snippet ${name} differs from the code; \`node scripts/check-snippets.mjs --write\` updates it`)
    return whole.replace(`${fence}\n${block}`, () => `${fence}\n${wanted}`)
  })
  const markers = [...text.matchAll(/^<!-- snippet: /gm)].length
  report.expect(markers === [...text.matchAll(marker)].length, document, 'a snippet marker without a code block right after it')
  if (write && next !== text) writeFileSync(`${root}/${document}`, next)
}

report.end(`${count} snippets`)
