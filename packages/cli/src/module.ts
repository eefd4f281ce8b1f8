import { existsSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { CommandError, exitCodes } from './exit.ts'

/** A function that `serve` serves. */
export type Served = (...args: unknown[]) => unknown

/**
 * Loads a module and gives the functions that it exports, by name. `specifier` is a file, from `folder` on, or a package that is
 * installed there.
 */
export async function loadModule(specifier: string, folder: string): Promise<Map<string, Served>> {
  const functions = servedFunctions((await load(specifier, folder)).it)
  if (functions.size === 0) throw new CommandError(exitCodes.module, `${specifier} exports no function to serve`)
  return functions
}

/** Loads a module and gives the `fetch` of its default export, as modules for workers have it, and apps of Hono. */
export async function loadFetch(specifier: string, folder: string): Promise<Served> {
  const { default: main } = (await load(specifier, folder)).it as { readonly default?: { readonly fetch?: unknown } | null }
  if (typeof main?.fetch !== 'function') {
    throw new CommandError(exitCodes.module, `${specifier} has no default export with a function fetch(request); to serve functions, put jsonrpc on top of the stack`)
  }
  return main.fetch.bind(main) as Served
}

/** As a property of something, for whoever awaits a module calls a `then` that it exports. */
async function load(specifier: string, folder: string): Promise<{ readonly it: object }> {
  const url = locate(specifier, folder)
  try {
    return await importWrapped(url)
  } catch (cause) {
    throw new CommandError(exitCodes.module, `${specifier} can't be loaded: ${String(cause)}`, { cause })
  }
}

/**
 * The functions of a module: its named exports, and the own properties of a default export that is an object. Nothing inherited, no
 * getter is run, no class (it can't be called), not `then` (whoever awaits the module or a proxy of it would call it), and no name that
 * JSON-RPC reserves (`rpc.…`). Those of a default export keep it as their `this`.
 */
export function servedFunctions(exported: object): Map<string, Served> {
  const found = new Map<string, Served>()
  const collect = (from: object, self?: object): void => {
    for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(from))) {
      const value: unknown = property.value
      if (typeof value !== 'function' || name === 'then' || name.startsWith('rpc.') || found.has(name) || isClass(value)) continue
      found.set(name, self === undefined ? (value as Served) : (value as Served).bind(self))
    }
  }
  const { default: main, 'module.exports': _, ...named } = Object.getOwnPropertyDescriptors(exported)
  collect(Object.create(null, named) as object)
  const value: unknown = main?.value
  if (typeof value === 'object' && value !== null) collect(value, value)
  return found
}

function isClass(value: object): boolean {
  return /^class\b/.test(Function.prototype.toString.call(value))
}

function locate(specifier: string, folder: string): string {
  if (specifier.startsWith('file:')) return specifier
  const file = resolve(folder, specifier)
  if (existsSync(file) && statSync(file).isFile()) return pathToFileURL(file).href
  if (!/^(?:\.{0,2}[/\\]|[A-Za-z]:)/.test(specifier)) {
    try {
      return pathToFileURL(createRequire(join(folder, 'package.json')).resolve(specifier)).href
    } catch {
      // told below, as a file: that is what people mean most often
    }
  }
  throw new CommandError(exitCodes.module, `there is no file ${file}${/^[\w@]/.test(specifier) ? `, and no package ${specifier}` : ''}`)
}

/** Imports a module as a property of something: a promise for the module itself would call an exported `then`. */
async function importWrapped(url: string): Promise<{ readonly it: object }> {
  const source = `import * as it from ${JSON.stringify(url)}; export const whole = { it }`
  const { whole } = (await import(`data:text/javascript,${encodeURIComponent(source)}`)) as { whole: { it: object } }
  return whole
}
