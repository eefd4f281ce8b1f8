/**
 * Makes what the packages' `exports` lead to: the sources of each package in a few files below `bundle`, for a process reads a file faster
 * than it finds the next one. An entry is a file, and what entries have in common is in files of its own: no module is there twice. Other
 * packages, core too, stay imports. Names and lines stay, comments go, and source maps lead to `src`. The types are in `dist`, by `tsc -b`.
 * Writes only what has changed, so that it disturbs no process that is loading. See docs/decisions/0071-few-files-are-loaded.md.
 */
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { root } from './lib/run.mjs'
import { packagesIn } from './lib/workspace.mjs'

/** The entry that most other packages load: what it has in common with others is a file without anything that it does not need. @type {Record<string, string>} */
const doors = { 'packages/core': 'node/index' }

/** Files of the bundle that `exports` lead to, without ending: `index`, `web/index`. @param {unknown} target @returns {string[]} */
function entriesOf(target) {
  if (typeof target === 'string') return /^\.\/bundle\/(.*)\.js$/.exec(target)?.slice(1) ?? []
  return Object.values(/** @type {object} */ (target)).flatMap(entriesOf)
}

/**
 * A module and all that it imports, of the same package.
 * @param {string} id @param {import('rolldown').ChunkingContext} context @param {Set<string>} found
 */
function reachable(id, context, found = new Set()) {
  if (found.has(id)) return found
  found.add(id)
  for (const imported of context.getModuleInfo(id)?.importedIds ?? []) reachable(imported, context, found)
  return found
}

/** The files of a package's bundle, by their paths below it. @param {string} folder @param {string[]} entries */
async function bundled(folder, entries) {
  const door = join(root, folder, `src/${doors[folder] ?? entries[0]}.ts`)
  /** @type {Set<string> | undefined} */
  let behind
  const bundle = await rolldown({
    cwd: join(root, folder),
    input: Object.fromEntries(entries.map((entry) => [entry, `./src/${entry}.ts`])),
    external: (id) => !id.startsWith('.') && !isAbsolute(id),
    platform: 'neutral',
    tsconfig: false,
    // As tsconfig.base.json has it.
    transform: { target: 'es2022' },
    preserveEntrySignatures: 'strict',
  })
  const { output } = await bundle.generate({
    dir: join(root, folder, 'bundle'),
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    codeSplitting: {
      groups: [{ debugName: 'shared', minShareCount: 2, name: (id, context) => ((behind ??= reachable(door, context)).has(id) ? 'shared' : 'shared-by-others') }],
    },
    comments: { legal: false, annotation: true, jsdoc: false },
    minify: false,
    sourcemap: true,
    // The sources are in the package.
    sourcemapExcludeSources: true,
  })
  await bundle.close()
  return new Map(output.map((file) => [file.fileName, file.type === 'chunk' ? inAscii(file.code) : file.source]))
}

/**
 * Without comments, what is not ASCII stands in literals, and can be escaped there. A single such character would make V8 keep the whole file in two bytes a
 * character, and read it more slowly. (A column behind one is off in the source map.)
 * @param {string} code
 */
const inAscii = (code) => code.replace(/[^\0-\x7f]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** @param {string} path */
function readIfThere(path) {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

/** Makes `folder` hold these files, and no others. @param {string} folder @param {Map<string, string | Uint8Array>} files */
function sync(folder, files) {
  for (const [name, content] of files) {
    const path = join(folder, name)
    if (readIfThere(path) === content) continue
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, content)
  }
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile() && !files.has(path.slice(folder.length + 1).replaceAll('\\', '/'))) rmSync(path)
  }
}

/** Brings the bundles of all packages up to date with their sources. */
export async function bundle() {
  await Promise.all(packagesIn('packages').map(async ({ folder, manifest }) => {
    const entries = [...new Set(entriesOf(manifest['exports']))]
    if (entries.length > 0) sync(join(root, folder, 'bundle'), await bundled(folder, entries))
  }))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundle()
