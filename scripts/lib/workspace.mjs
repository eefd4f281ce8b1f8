/**
 * What the checks share: the packages of the workspace, the files under version control, and how problems are reported.
 */
import { readdirSync, readFileSync, existsSync } from 'node:fs'
import { root } from './run.mjs'

/** @typedef {{ folder: string, name: string, manifest: Record<string, any> }} Package `folder` is below the root: `packages/core` */

/**
 * The packages in a folder of the workspace, by name.
 * @param {string} parent `packages`, `examples`
 * @returns {Package[]}
 */
export function packagesIn(parent) {
  if (!existsSync(`${root}/${parent}`)) return []
  return readdirSync(`${root}/${parent}`, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && existsSync(`${root}/${parent}/${entry.name}/package.json`))
    .map((entry) => entry.name)
    .sort()
    .map((name) => ({ folder: `${parent}/${name}`, name, manifest: readJson(`${parent}/${name}/package.json`) }))
}

/** @param {string} path below the root */
export const read = (path) => readFileSync(`${root}/${path}`, 'utf8')

/** @param {string} path below the root @returns {any} */
export const readJson = (path) => JSON.parse(read(path))

/** @param {string} path below the root */
export const exists = (path) => existsSync(`${root}/${path}`)

/**
 * All files below a folder, but for what is installed or built.
 * @param {string} folder below the root; '' is the root
 * @returns {string[]} paths below the root, with slashes
 */
export function filesIn(folder) {
  if (folder !== '' && !exists(folder)) return []
  /** @type {string[]} */
  const found = []
  for (const entry of readdirSync(`${root}/${folder}`, { withFileTypes: true })) {
    if (['node_modules', 'dist', 'bundle', '.git', 'coverage', '.snippets'].includes(entry.name)) continue
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`
    if (entry.isDirectory()) found.push(...filesIn(path))
    else found.push(path)
  }
  return found.sort()
}

/** Collects problems, and prints them at the end. */
export class Report {
  /** @type {string[]} */
  problems = []

  /** @param {string} where a file, or a file and line @param {string} what */
  add(where, what) {
    this.problems.push(`${where}: ${what}`)
  }

  /** @param {boolean} good @param {string} where @param {string} what said when `good` is false */
  expect(good, where, what) {
    if (!good) this.add(where, what)
  }

  /** Prints everything and sets the exit code. @param {string} looked what was looked at, for the line that says that all is well */
  end(looked) {
    for (const problem of this.problems) console.error(problem)
    console.log(this.problems.length === 0 ? `${looked}: no problem` : `${looked}: ${this.problems.length} problem(s)`)
    process.exitCode = this.problems.length === 0 ? 0 : 1
  }
}
