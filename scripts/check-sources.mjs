/**
 * Rules for the published sources that neither the compiler nor the linter knows: siblings meet only through core, core and the protocols
 * import no Node module, files stay small. Prints what is wrong, exits 1 if anything is.
 */
import { filesIn, packagesIn, read, Report } from './lib/workspace.mjs'

/** Aim at 140; this is where reading stops. */
const maxColumns = 180
const maxLines = 700

/** Parts of core that exist for one runtime. */
const forNode = /^packages\/core\/src\/node\//

const report = new Report()
let count = 0

for (const { folder, name } of packagesIn('packages')) {
  const portable = name === 'core' || name.startsWith('protocol-')
  for (const file of filesIn(`${folder}/src`)) {
    if (!file.endsWith('.ts') || file.endsWith('.test.ts') || file.endsWith('.long.ts')) continue
    count++
    const text = read(file)
    const lines = text.split('\n')
    report.expect(lines.length <= maxLines, file, `${lines.length} lines; above 400 a file should be split, above ${maxLines} it must be`)
    for (const [index, line] of lines.entries()) {
      const where = `${file}:${index + 1}`
      report.expect(line.length <= maxColumns, where, `${line.length} columns, allowed are ${maxColumns}`)
      const from = /^(?:import|export|\} from).*?['"]([^'"]+)['"]\s*$/.exec(line)?.[1] ?? /\bimport\(['"]([^'"]+)['"]\)/.exec(line)?.[1]
      if (from === undefined) continue
      const sibling = /^@async\/([a-z-]+)/.exec(from)?.[1]
      if (name !== 'cli') report.expect(sibling === undefined || sibling === 'core', where, `imports its sibling ${from}; siblings meet only through core's types`)
      report.expect(name !== 'core' || sibling === undefined, where, `core imports itself by name (${from}); use a path`)
      if (portable && !forNode.test(file)) report.expect(!from.startsWith('node:'), where, `imports ${from}; core and the protocols run in every runtime`)
      report.expect(!from.startsWith('.') || from.endsWith('.ts'), where, `write ${from} with its .ts ending`)
    }
    if (file.endsWith('/src/index.ts')) report.expect(!/^export \* from/m.test(text), file, 'index.ts names what it exports')
  }
}

report.end(`${count} source files`)
