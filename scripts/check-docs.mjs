/**
 * Holds the documentation against the code: relative links and their anchors resolve, files and names written as `path:name` exist, every
 * error code that a package uses stands in a README's table and every code in a table is used, no path of somebody's machine is in it.
 * Prints what is wrong, exits 1 if anything is.
 */
import { dirname, join, normalize } from 'node:path/posix'
import { filesIn, packagesIn, exists, read, Report } from './lib/workspace.mjs'

const report = new Report()
const documents = filesIn('').filter((file) => file.endsWith('.md'))

/** Lines of a document with the insides of code blocks emptied. @param {string} text */
function prose(text) {
  let fenced = false
  return text.split('\n').map((line) => {
    if (/^\s*(```|~~~)/.test(line)) {
      fenced = !fenced
      return ''
    }
    return fenced ? '' : line
  })
}

/** The anchors that a document's headings make, as GitHub makes them. @param {string} document */
function anchors(document) {
  const seen = new Map()
  return prose(read(document)).flatMap((line) => {
    const explicit = [...line.matchAll(/<a (?:id|name)="([^"]+)"/g)].map((match) => match[1])
    const heading = /^#{1,6} +(.*)$/.exec(line)?.[1]
    if (heading === undefined) return explicit
    const slug = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase().replace(/[^\p{L}\p{N}\s_-]/gu, '').trim().replace(/\s/g, '-')
    const times = seen.get(slug) ?? 0
    seen.set(slug, times + 1)
    return [...explicit, times === 0 ? slug : `${slug}-${times}`]
  })
}

function checkLinks() {
  for (const document of documents) {
    for (const [index, line] of prose(read(document)).entries()) {
      const where = `${document}:${index + 1}`
      const text = line.replace(/`[^`]*`/g, '')
      for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)/g)) {
        if (/^[a-z][a-z0-9+.-]*:/i.test(target)) continue
        const [path = '', anchor] = target.split('#')
        const file = path === '' ? document : normalize(join(dirname(document), path))
        if (!exists(file)) report.add(where, `links to ${target}, which does not exist`)
        else if (anchor !== undefined && file.endsWith('.md') && !anchors(file).includes(anchor)) report.add(where, `no heading #${anchor} in ${file}`)
      }
    }
  }
}

/** `packages/core/src/x.ts` and `packages/core/src/x.ts:name`, in backquotes: the file exists, and the name is in it. */
function checkReferences() {
  for (const document of documents) {
    for (const [, path = '', name] of read(document).matchAll(/`((?:packages|scripts|examples|types)\/[\w./-]+\.\w+)(?::([\w.]+))?(?:\(\))?`/g)) {
      if (document.startsWith('.changeset/') || document.endsWith('CHANGELOG.md')) continue
      if (!exists(path)) report.add(document, `names ${path}, which does not exist`)
      else if (name !== undefined && !new RegExp(`\\b${name.split('.').at(-1)}\\b`).test(read(path))) report.add(document, `${path} has no ${name}`)
    }
  }
}

/** Codes of Node's that have a shape of their own. */
const nodeCodes = /^ERR_(?:SSL|OSSL|STREAM|BUFFER)_/

/** Error codes in a package's sources, as literals. A line that says `not ours` is about another code of Node's. @param {string} folder */
function usedCodes(folder) {
  const sources = filesIn(`${folder}/src`).filter((file) => file.endsWith('.ts') && !/\.(test|long)\.ts$|\/src\/testing\//.test(file))
  const codes = sources.flatMap((file) => [...read(file).matchAll(/'(ERR_[A-Z0-9_]+)'(?!.*not ours)/g)].map((match) => match[1] ?? ''))
  return new Set(codes.filter((code) => !nodeCodes.test(code)))
}

/** Error codes that head a row of a table in a package's README. @param {string} folder */
function listedCodes(folder) {
  if (!exists(`${folder}/README.md`)) return new Set()
  return new Set([...read(`${folder}/README.md`).matchAll(/^\| *`(ERR_[A-Z0-9_]+)`/gm)].map((match) => match[1] ?? ''))
}

/** Clauses are named in brackets, `(T4)`, `(C1–C7, D2)`: each of them is one of docs/contract.md. */
function checkClauses() {
  const clauses = new Set([...read('docs/contract.md').matchAll(/^- \*\*([A-Z]\d+)\*\*/gm)].map((match) => match[1] ?? ''))
  report.expect(clauses.size > 0, 'docs/contract.md', 'has no clauses')
  const sources = packagesIn('packages').flatMap(({ folder }) => filesIn(folder)).filter((file) => /\.(ts|md)$/.test(file))
  for (const file of sources) {
    for (const [, inside = ''] of read(file).matchAll(/(?<![\w])\(((?:[A-Z]\d{1,2}(?:[–-]|, )?)+)\)/g)) {
      for (const clause of inside.split(/[–-]|, /)) if (!clauses.has(clause)) report.add(file, `names the clause ${clause}, which docs/contract.md does not have`)
    }
  }
}

function checkErrorCodes() {
  const core = { used: usedCodes('packages/core'), listed: listedCodes('packages/core') }
  // The memory pair and the faults are in core/testing: what they use may be listed, while the kit's expectations need not be.
  const inTesting = new Set(filesIn('packages/core/src/testing').flatMap((file) => [...read(file).matchAll(/'(ERR_[A-Z0-9_]+)'/g)].map((match) => match[1] ?? '')))
  for (const { folder } of packagesIn('packages')) {
    const here = { used: usedCodes(folder), listed: listedCodes(folder) }
    for (const code of here.used) {
      if (!here.listed.has(code) && !core.listed.has(code)) report.add(`${folder}/README.md`, `its table of errors lacks ${code}, which its sources use`)
    }
    for (const code of here.listed) {
      if (!here.used.has(code) && !core.used.has(code) && !inTesting.has(code)) report.add(`${folder}/README.md`, `lists ${code}, which nothing uses`)
    }
  }
}

function checkMachinePaths() {
  const machine = /(?:^|[\s'"`(=])((?:\/(?:home|root|Users|work)\/|[A-Z]:\\Users\\)[\w.-]+)/
  for (const file of filesIn('').filter((path) => /\.(md|ts|mjs|json|yaml|sh)$/.test(path))) {
    for (const [index, line] of read(file).split('\n').entries()) {
      const found = machine.exec(line)?.[1]
      if (found !== undefined) report.add(`${file}:${index + 1}`, `names a path of a machine: ${found}`)
    }
  }
}

checkLinks()
checkReferences()
checkErrorCodes()
checkClauses()
checkMachinePaths()
report.end(`${documents.length} documents`)
