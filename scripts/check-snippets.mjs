/**
 * Keeps examples in the documentation true. In a Markdown file,
 *
 *     <!-- snippet: examples/01-echo/main.ts#echo -->
 *
 * says that the code block that follows it is the text between `// #region echo` and `// #endregion` of that file (without `#echo`: the
 * whole file), less its indentation. `--write` puts the code into the documents instead of comparing. A `ts` block without such a line is
 * compiled by itself, so it has to import what it uses; outside the READMEs, one that imports nothing is only an illustration, and left
 * alone. Exits 1 on a difference or an error.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { root } from './lib/run.mjs'
import { exists, filesIn, read, Report } from './lib/workspace.mjs'

const write = process.argv.includes('--write')
const fenced = /(?:^<!-- snippet: ([^\s#]+)(?:#(\S+))? -->\n+)?^```(\w*)\n([\s\S]*?)^```$/gm
const report = new Report()
/** Blocks to compile, by the name of the file that they become. @type {Map<string, { where: string, code: string }>} */
const loose = new Map()
let count = 0

/** @param {string} file @param {string | undefined} region @returns {string | undefined} */
function codeOf(file, region) {
  const lines = read(file).split('\n')
  if (region === undefined) return lines.join('\n')
  const from = lines.findIndex((line) => line.trim() === `// #region ${region}` || line.trim() === `# #region ${region}`)
  const to = lines.findIndex((line, index) => index > from && /^(\/\/|#) #endregion/.test(line.trim()))
  if (from < 0 || to < 0) return undefined
  const body = lines.slice(from + 1, to)
  const indent = Math.min(...body.filter((line) => line.trim() !== '').map((line) => line.length - line.trimStart().length))
  return `${body.map((line) => line.slice(indent)).join('\n')}\n`
}

/** What should stand in a marked block, if that can be told. @param {string} document @param {string} file @param {string | undefined} region */
function wantedCode(document, file, region) {
  const name = region === undefined ? file : `${file}#${region}`
  if (!exists(file)) return void report.add(document, `snippet ${name}: no such file`)
  const code = codeOf(file, region)
  if (code === undefined) report.add(document, `snippet ${name}: no such region`)
  return code
}

for (const document of filesIn('').filter((file) => file.endsWith('.md') && !file.endsWith('CHANGELOG.md'))) {
  const text = read(document)
  let marked = 0
  let next = ''
  let at = 0
  for (const match of text.matchAll(fenced)) {
    const [whole, file, region, language = '', block = ''] = match
    const where = `${document}:${text.slice(0, match.index).split('\n').length}`
    if (file === undefined) {
      if (language !== 'ts') continue
      const complete = /^import /m.test(block)
      if (!complete && document.endsWith('README.md')) report.add(where, 'a ts block that imports nothing: name a snippet, or import what it uses')
      if (complete) loose.set(`block${loose.size}.ts`, { where, code: block })
      continue
    }
    marked++
    const wanted = wantedCode(document, file, region)
    if (wanted === undefined || wanted === block) continue
    if (!write) report.add(document, `snippet ${file}${region === undefined ? '' : `#${region}`} differs from the code; \`node scripts/check-snippets.mjs --write\` updates it`)
    next += text.slice(at, match.index) + whole.replace(`\`\`\`${language}\n${block}`, () => `\`\`\`${language}\n${wanted}`)
    at = match.index + whole.length
  }
  report.expect([...text.matchAll(/^<!-- snippet: /gm)].length === marked, document, 'a snippet marker without a code block right after it')
  if (write && at > 0) writeFileSync(`${root}/${document}`, next + text.slice(at))
  count += marked
}

if (loose.size > 0) {
  const folder = `${root}/.snippets`
  try {
    mkdirSync(folder, { recursive: true })
    for (const [name, { code }] of loose) writeFileSync(`${folder}/${name}`, `${code}\nexport {}\n`)
    const compilerOptions = { noUnusedLocals: false, noUnusedParameters: false }
    writeFileSync(`${folder}/tsconfig.json`, JSON.stringify({ extends: '../tsconfig.check.json', compilerOptions, include: ['*.ts'] }))
    const { status, stdout } = spawnSync(process.execPath, [`${root}/node_modules/typescript/bin/tsc`, '-p', folder], { cwd: root, encoding: 'utf8' })
    const errors = [...stdout.matchAll(/(block\d+\.ts)\((\d+),\d+\): error (.*)/g)]
    for (const [, name = '', line = '', what = ''] of errors) {
      report.add(loose.get(name)?.where ?? name, `the code block does not compile, in its line ${line}: ${what}`)
    }
    report.expect(status === 0 || errors.length > 0, 'code blocks', `do not compile: ${stdout}`)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

report.end(`${count} snippets, ${loose.size} code blocks`)
