/**
 * The checks see what they are there for: in a copy of the workspace, one fault after the other is planted, and taken out again.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { WorkspaceCopy } from './lib/workspace-copy.mjs'

/** @type {WorkspaceCopy} */
let copy
/** What each check says before a fault is planted. @type {Map<string, string[]>} */
const before = new Map()

beforeAll(() => {
  copy = new WorkspaceCopy()
})
afterAll(() => copy.remove())

/**
 * Complaints of a check that are there with the fault, and not without it.
 * @param {string} script @param {string} path @param {(text: string) => string} plant
 */
function newComplaints(script, path, plant) {
  const known = before.get(script) ?? copy.complaints(script)
  before.set(script, known)
  const text = copy.read(path)
  copy.write(path, plant(text))
  const after = copy.complaints(script)
  copy.write(path, text)
  return after.filter((line) => !known.includes(line) && /: /.test(line) && !line.endsWith('problem(s)'))
}

/** @param {(manifest: any) => void} change */
const manifest = (change) => (/** @type {string} */ text) => {
  const parsed = JSON.parse(text)
  change(parsed)
  return JSON.stringify(parsed)
}

const chunk = 'packages/protocol-chunk/package.json'

describe('check-packages', () => {
  it('sees a dependency that is not core', () => {
    expect(newComplaints('check-packages', chunk, manifest((it) => (it.dependencies['left-pad'] = 'catalog:')))).toEqual([
      `${chunk}: dependencies: left-pad is not allowed here`,
      `${chunk}: left-pad has no version in the catalog of pnpm-workspace.yaml`,
    ])
  })

  it('sees core by another range than workspace:^', () => {
    expect(newComplaints('check-packages', chunk, manifest((it) => (it.dependencies['@async/core'] = 'workspace:*')))).toEqual([
      `${chunk}: @async/core must be workspace:^, not workspace:*`,
    ])
  })

  it('sees exports whose types do not come first', () => {
    const swap = manifest((it) => (it.exports['.'] = { default: './bundle/index.js', types: './dist/index.d.ts' }))
    expect(newComplaints('check-packages', chunk, swap)).toEqual([`${chunk}: exports["."] must have types, then default; it has default,types`])
  })

  it('sees exports that lead to what is not bundled', () => {
    const plant = manifest((it) => (it.exports['.'].default = './dist/index.js'))
    expect(newComplaints('check-packages', chunk, plant)).toContain(`${chunk}: exports["."]: default must be a file below ./bundle, not ./dist/index.js`)
  })

  it('sees a script that runs at install time', () => {
    expect(newComplaints('check-packages', chunk, manifest((it) => (it.scripts = { postinstall: 'node x.js' })))).toEqual([`${chunk}: no postinstall script`])
  })

  it('sees a licence that differs', () => {
    expect(newComplaints('check-packages', 'packages/protocol-chunk/LICENSE', (text) => `${text}.`)).toEqual([
      'packages/protocol-chunk/LICENSE: differs from the root',
    ])
  })
})

describe('check-sources', () => {
  const index = 'packages/protocol-chunk/src/index.ts'

  it('sees an import of a sibling', () => {
    expect(newComplaints('check-sources', index, (text) => `import { x } from '@async/transport-tcp'\n${text}`)).toEqual([
      `${index}:1: imports its sibling @async/transport-tcp; siblings meet only through core's types`,
    ])
  })

  it('sees an import of a Node module, also one that spans lines', () => {
    expect(newComplaints('check-sources', index, (text) => `import {\n  x,\n} from 'node:net'\n${text}`)).toEqual([
      `${index}:3: imports node:net; core and the protocols run in every runtime`,
    ])
  })

  it('sees a line that is too long, and a file that is', () => {
    expect(newComplaints('check-sources', index, (text) => `// ${'x'.repeat(200)}\n${text}`)).toEqual([`${index}:1: 203 columns, allowed are 180`])
    expect(newComplaints('check-sources', index, () => '\n'.repeat(800))).toEqual([`${index}: 801 lines; above 400 a file should be split, above 700 it must be`])
  })
})

describe('check-docs', () => {
  const document = 'docs/ending.md'

  it('sees a link to a file, and to a heading, that does not exist', () => {
    const line = copy.read(document).split('\n').length
    expect(newComplaints('check-docs', document, (text) => `${text}[a](nowhere.md) [b](ending.md#no-such)\n`)).toEqual([
      `docs/ending.md:${line}: links to nowhere.md, which does not exist`,
      `docs/ending.md:${line}: no heading #no-such in docs/ending.md`,
    ])
  })

  it('sees a name that a file does not have', () => {
    expect(newComplaints('check-docs', document, (text) => `${text}\`packages/core/src/stack.ts:stackk\`\n`)).toEqual([
      'docs/ending.md: packages/core/src/stack.ts has no stackk',
    ])
  })

  it('sees an error code that no table has', () => {
    const plant = (/** @type {string} */ text) => `${text}export const code = 'ERR_NO_SUCH_CODE'\n`
    expect(newComplaints('check-docs', 'packages/core/src/stack.ts', plant)).toEqual([
      'packages/core/README.md: its table of errors lacks ERR_NO_SUCH_CODE, which its sources use',
    ])
  })

  it('sees a clause that the contract does not have', () => {
    const plant = (/** @type {string} */ text) => `${text}// As agreed. (Z9)\n`
    expect(newComplaints('check-docs', 'packages/core/src/stack.ts', plant)).toEqual([
      'packages/core/src/stack.ts: names the clause Z9, which docs/contract.md does not have',
    ])
  })

  it('sees a path of somebody\'s machine', () => {
    expect(newComplaints('check-docs', document, (text) => `${text}see /home${'/'}ada/async\n`)).toHaveLength(1)
  })
})

describe('check-snippets', { timeout: 60_000 }, () => {
  const document = 'docs/ending.md'
  const block = (/** @type {string} */ code) => (/** @type {string} */ text) =>
    `<!-- snippet: packages/core/src/snippet.ts#one -->\n\`\`\`ts\n${code}\n\`\`\`\n${text}`

  it('sees a code block that differs from its region, and a region that is not there', () => {
    expect(newComplaints('check-snippets', document, block('const a = 1'))).toEqual(['docs/ending.md: snippet packages/core/src/snippet.ts#one: no such file'])
    copy.write('packages/core/src/snippet.ts', 'function f() {\n  // #region one\n  const a = 1\n  // #endregion\n}\n')
    expect(newComplaints('check-snippets', document, block('const a = 1'))).toEqual([])
    expect(newComplaints('check-snippets', document, block('const a = 2'))).toEqual([
      'docs/ending.md: snippet packages/core/src/snippet.ts#one differs from the code; `node scripts/check-snippets.mjs --write` updates it',
    ])
  })

  it('sees a code block that does not compile', () => {
    const plant = (/** @type {string} */ text) => `\`\`\`ts\nimport { stack } from '@async/core'\n\nstack(1, 2)\n\`\`\`\n${text}`
    expect(newComplaints('check-snippets', document, plant)).toEqual([
      expect.stringMatching(/^docs\/ending\.md:1: the code block does not compile, in its line 3: TS2345: /),
    ])
  })
})
