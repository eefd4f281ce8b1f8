/**
 * Holds every package.json against the workspace's rules: same licence and engines everywhere, ESM, types first, no sibling but core at
 * run time, nothing that runs at install time, one version of each development tool. Prints what is wrong, exits 1 if anything is.
 */
import { packagesIn, exists, read, readJson, Report } from './lib/workspace.mjs'

/** Third-party packages that users install with ours: each stands only in the package that exists because of it. */
const thirdParty = /** @type {Record<string, string[]>} */ ({ 'transport-serial': ['serialport'], 'transport-websocket': ['ws'] })

/** Scripts that a package manager runs by itself, on the user's machine or while packing. */
const lifecycle = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish', 'prepublishOnly', 'prepack', 'postpack', 'dependencies']

const report = new Report()
const root = readJson('package.json')
const catalog = new Set([...read('pnpm-workspace.yaml').matchAll(/^ {2}'?([@\w./-]+)'?: [\^~\d]|^ {2}([\w.-]+): npm:/gm)].map((m) => m[1] ?? m[2]))
const packages = packagesIn('packages')

/** @param {string} where @param {Record<string, string> | undefined} dependencies */
function checkVersions(where, dependencies) {
  for (const [name, version] of Object.entries(dependencies ?? {})) {
    if (name.startsWith('@async/')) report.expect(version === 'workspace:^', where, `${name} must be workspace:^, not ${version}`)
    else if (catalog.has(name)) report.expect(version === 'catalog:', where, `${name} must be catalog:, not ${version}`)
    else report.add(where, `${name} has no version in the catalog of pnpm-workspace.yaml`)
  }
}

/** @param {import('./lib/workspace.mjs').Package} it */
function checkExports({ folder, name, manifest }) {
  const where = `${folder}/package.json`
  const list = manifest['exports'] ?? {}
  report.expect(list['./package.json'] === './package.json', where, 'exports must have "./package.json"')
  report.expect(manifest['main'] === undefined && manifest['types'] === undefined, where, 'main and types are for CommonJS: use exports')
  for (const [path, target] of Object.entries(list)) {
    if (path === './package.json') continue
    // One target, or one for each runtime, and the default last.
    const byRuntime = target.types === undefined
    report.expect(!byRuntime || Object.keys(target).at(-1) === 'default', where, `exports["${path}"]: the last condition must be default`)
    for (const one of byRuntime ? Object.values(target) : [target]) {
      const keys = Object.keys(one).join()
      report.expect(keys === 'types,default', where, `exports["${path}"] must have types, then default; it has ${keys}`)
      const entry = /^\.\/bundle\/(.+)\.js$/.exec(one.default)?.[1]
      report.expect(entry !== undefined, where, `exports["${path}"]: default must be a file below ./bundle, not ${one.default}`)
      report.expect(exists(`${folder}/src/${entry}.ts`), where, `exports["${path}"] is built from src/${entry}.ts, which does not exist`)
      report.expect(one.types === `./dist/${entry}.d.ts`, where, `exports["${path}"]: types and default differ`)
    }
  }
  if (name !== 'cli') report.expect(list['.'] !== undefined, where, 'exports must have "."')
}

/** @param {import('./lib/workspace.mjs').Package} it */
function checkDependencies({ folder, name, manifest }) {
  const where = `${folder}/package.json`
  const own = Object.keys(manifest['dependencies'] ?? {})
  const allowed = name === 'core' ? [] : ['@async/core', ...(thirdParty[name] ?? [])]
  for (const dependency of own) report.expect(allowed.includes(dependency), where, `dependencies: ${dependency} is not allowed here`)
  if (name !== 'core') report.expect(own.includes('@async/core'), where, 'dependencies must have @async/core')
  report.expect(manifest['optionalDependencies'] === undefined, where, 'no optionalDependencies')
  checkVersions(where, manifest['dependencies'])
  checkVersions(where, manifest['devDependencies'])
  // Only the command line loads siblings, from the user's folder: optional peers. A peer elsewhere makes every release a major one.
  const peers = Object.keys(manifest['peerDependencies'] ?? {})
  if (name !== 'cli') report.expect(peers.length === 0, where, 'no peerDependencies')
  for (const peer of peers) report.expect(manifest['peerDependenciesMeta']?.[peer]?.optional === true, where, `peer ${peer} must be optional`)
}

/** @param {import('./lib/workspace.mjs').Package} it */
function checkTsconfig({ folder, manifest }) {
  const where = `${folder}/tsconfig.json`
  if (!exists(where)) return
  const config = readJson(where)
  report.expect(config.extends === '../../tsconfig.base.json', where, 'must extend ../../tsconfig.base.json')
  const references = (config.references ?? []).map((/** @type {{ path: string }} */ { path }) => path.replace('../', '@async/'))
  for (const name of Object.keys(manifest['dependencies'] ?? {})) {
    if (name.startsWith('@async/')) report.expect(references.includes(name), where, `references must have ${name.replace('@async/', '../')}`)
  }
}

for (const it of packages) {
  const { folder, name, manifest } = it
  const where = `${folder}/package.json`
  report.expect(manifest['name'] === `@async/${name}`, where, `name must be @async/${name}`)
  report.expect(/^(core|cli|(transport|protocol)-[a-z0-9]+)$/.test(name), where, 'a package is core, cli, transport-x or protocol-x')
  report.expect(manifest['private'] !== true, where, 'what is in packages/ is published')
  for (const key of ['description', 'version', 'author']) report.expect(typeof manifest[key] === 'string', where, `${key} is missing`)
  report.expect(manifest['license'] === root.license, where, `license must be ${root.license}`)
  report.expect(manifest['type'] === 'module', where, 'type must be module')
  report.expect(manifest['sideEffects'] === false, where, 'sideEffects must be false')
  report.expect(manifest['engines']?.node === root.engines.node, where, `engines.node must be ${root.engines.node}`)
  report.expect(manifest['repository']?.directory === folder, where, `repository.directory must be ${folder}`)
  // Programs load the bundle, and their compiler dist. The command has no entries: it is what was compiled.
  const built = name === 'cli' ? ['dist'] : ['bundle', 'dist/**/*.d.ts', 'dist/**/*.d.ts.map']
  for (const file of [...built, 'src', '!src/**/*.test.ts']) report.expect(manifest['files']?.includes(file), where, `files must have ${file}`)
  for (const script of lifecycle) report.expect(manifest['scripts']?.[script] === undefined, where, `no ${script} script`)
  for (const file of ['README.md', 'LICENSE', 'tsconfig.json']) report.expect(exists(`${folder}/${file}`), folder, `${file} is missing`)
  if (exists(`${folder}/LICENSE`)) report.expect(read(`${folder}/LICENSE`) === read('LICENSE'), `${folder}/LICENSE`, 'differs from the root')
  checkExports(it)
  checkDependencies(it)
  checkTsconfig(it)
}

for (const { folder, manifest } of packagesIn('examples')) {
  const where = `${folder}/package.json`
  report.expect(manifest['private'] === true, where, 'must be private')
  checkVersions(where, manifest['dependencies'])
  checkVersions(where, manifest['devDependencies'])
}

checkVersions('package.json', root.devDependencies)
report.expect(root.private === true && root.dependencies === undefined, 'package.json', 'must be private, without dependencies')
const solution = readJson('tsconfig.json').references.map((/** @type {{ path: string }} */ { path }) => path)
for (const { folder } of packages) report.expect(solution.includes(folder), 'tsconfig.json', `references must have ${folder}`)
const { fixed, linked } = readJson('.changeset/config.json')
report.expect(fixed.length === 0 && linked.length === 0, '.changeset/config.json', 'versions are independent: no fixed or linked groups')

report.end(`${packages.length} packages`)
