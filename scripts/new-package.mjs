/**
 * `pnpm new-package protocol-foo` (or `transport-foo`): makes a package that passes every check of this workspace, so that the first
 * commit is about the idea and not about the frame. Writes packages/protocol-foo, a reference in tsconfig.json, and a changeset.
 * Then: `pnpm install`, and read docs/writing-a-protocol.md or docs/writing-a-transport.md.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { root } from './lib/run.mjs'
import { exists, read, readJson } from './lib/workspace.mjs'

const [folder = ''] = process.argv.slice(2)
const [, role = '', short = ''] = /^(transport|protocol)-([a-z][a-z0-9]*)$/.exec(folder) ?? []

/** @param {string} message @returns {never} */
function refuse(message) {
  console.error(message)
  process.exit(2)
}
if (short === '') refuse('usage: pnpm new-package protocol-NAME | transport-NAME   (NAME: lower case letters and digits)')
if (exists(`packages/${folder}`)) refuse(`packages/${folder} exists`)

const type = `${short.charAt(0).toUpperCase()}${short.slice(1)}`
const code = `ERR_${short.toUpperCase()}_NOT_WRITTEN`

/** @param {string} path below the root @param {string | object} content */
function put(path, content) {
  mkdirSync(`${root}/${path.slice(0, path.lastIndexOf('/'))}`, { recursive: true })
  writeFileSync(`${root}/${path}`, typeof content === 'string' ? content : `${JSON.stringify(content, null, 2)}\n`)
}

const model = readJson('packages/protocol-chunk/package.json')
put(`packages/${folder}/package.json`, {
  name: `@async/${folder}`,
  version: '0.0.0',
  description: `${type} as ${role === 'transport' ? 'an @async transport' : 'a protocol over any @async transport'}.`,
  license: model.license,
  author: model.author,
  repository: { ...model.repository, directory: `packages/${folder}` },
  type: 'module',
  engines: model.engines,
  sideEffects: false,
  exports: { '.': { types: './dist/index.d.ts', default: './bundle/index.js' }, './package.json': './package.json' },
  files: model.files,
  dependencies: { '@async/core': 'workspace:^' },
})
put(`packages/${folder}/LICENSE`, read('LICENSE'))
put(`packages/${folder}/tsconfig.json`, {
  extends: '../../tsconfig.base.json',
  compilerOptions: { rootDir: 'src', outDir: 'dist', tsBuildInfoFile: 'dist/.tsbuildinfo', ...(role === 'transport' ? { types: ['node'] } : {}) },
  include: role === 'transport' ? ['src'] : ['src', '../../types/globals.d.ts'],
  exclude: ['src/**/*.test.ts'],
  references: [{ path: '../core' }],
})

const sources = {
  protocol: {
    index: `export { ${short} } from './${short}.ts'\nexport type { ${type}Options } from './${short}.ts'\n`,
    unit: `import type { CloseReason, Protocol, Stream } from '@async/core'

/** Options of \`${short}\`. */
export interface ${type}Options {
  /** Called with bytes as they come; they are yours. */
  readonly onData: (data: Uint8Array) => void
  /** Called once, at the end. */
  readonly onEnd?: (reason: CloseReason) => void
}

/** Gives a protocol that speaks ${type}: start a transport with it. */
export function ${short}(options: ${type}Options): Protocol<Stream> {
  return {
    dataReceived: (data) => options.onData(data),
    connectionLost: (reason) => options.onEnd?.(reason),
  }
}
`,
    test: `import { describe, expect, it } from 'vitest'
import { ${short} } from './${short}.ts'

describe('${short}', () => {
  it('hands on what comes', () => {
    const came: Uint8Array[] = []
    ${short}({ onData: (data) => came.push(data) }).dataReceived(Uint8Array.of(1, 2))
    expect(came).toEqual([Uint8Array.of(1, 2)])
  })
})
`,
    exports: short,
    example: `transport.start(${short}({ onData: (data) => console.log(data.length) }))`,
    options: '| `onData` | function | required | called with bytes as they come |\n| `onEnd` | function | none | called once, at the end |',
    errors: 'This package has no errors of its own yet; those of [`@async/core`](../core/README.md) come through.',
  },
  transport: {
    index: `export { connect${type} } from './connect.ts'\nexport type { Connect${type}Options } from './connect.ts'\n`,
    unit: `import { ConnectionError } from '@async/core'
import type { Connector, StreamTransport } from '@async/core'

/** Options of \`connect${type}\`. */
export interface Connect${type}Options {
  /** What to connect to. */
  readonly path: string
}

/**
 * Connects to a ${type}.
 * @throws (rejects) ConnectionError \`${code}\`, always, until it is written.
 */
export function connect${type}(options: Connect${type}Options): Connector<StreamTransport> {
  return {
    connect() {
      return Promise.reject(new ConnectionError('${code}', \`cannot connect to \${options.path} yet\`, { phase: 'connect' }))
    },
  }
}
`,
    test: `import { describe, expect, it } from 'vitest'
import { connect${type} } from './connect.ts'

describe('connect${type}', () => {
  it('says that it is not written', async () => {
    await expect(connect${type}({ path: 'x' }).connect()).rejects.toMatchObject({ code: '${code}', phase: 'connect' })
  })
})
`,
    exports: `connect${type}`,
    example: `const transport = await connect${type}({ path: 'x' }).connect()`,
    options: '| `path` | text | required | what to connect to |',
    errors: `| code | meaning | retry? |\n|---|---|---|\n| \`${code}\` | nobody has written it | no |`,
  },
}
const source = role === 'transport' ? sources.transport : sources.protocol
const unit = role === 'transport' ? 'connect' : short

put(`packages/${folder}/src/index.ts`, source.index)
put(`packages/${folder}/src/${unit}.ts`, source.unit)
put(`packages/${folder}/src/${unit}.test.ts`, source.test)
put(`packages/${folder}/test/exports.test.ts`, `import { expect, it } from 'vitest'
import * as all from '../src/index.ts'

it('exports these names, and no more', () => {
  expect(Object.keys(all).sort()).toEqual(['${source.exports}'])
})
`)
put(`packages/${folder}/README.md`, `# @async/${folder}

${type}, ${role === 'transport' ? 'as a transport of' : 'over any transport of'} [\`@async/core\`](../core/README.md).

\`\`\`sh
npm install @async/${folder}
\`\`\`

\`\`\`ts
import { ${source.exports} } from '@async/${folder}'

${source.example}
\`\`\`

## Options

| name | unit | default | when it bites |
|---|---|---|---|
${source.options}

## Errors

${source.errors}

## Limits

None of its own yet.

## Contract

The clauses of [docs/contract.md](../../docs/contract.md) that it does not support: none known. Run the compliance kit to know.

## Related

[Writing a ${role}](../../docs/writing-a-${role}.md).

## Licence

MIT
`)
put(`.changeset/${folder}-first.md`, `---\n'@async/${folder}': minor\n---\n\nSay here what users get, in their words.\n`)

const solution = readJson('tsconfig.json')
solution.references.push({ path: `packages/${folder}` })
writeFileSync(`${root}/tsconfig.json`, `${JSON.stringify(solution, null, 2)}\n`)

console.log(`made packages/${folder} and .changeset/${folder}-first.md. Next: pnpm install, then docs/writing-a-${role}.md`)
