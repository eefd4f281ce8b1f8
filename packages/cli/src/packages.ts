import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { CommandError, exitCodes, messageOf } from './exit.ts'

/** The packages that this version can use. A name from outside is looked up among schemes, and imported by the name that stands here. */
export type PackageName =
  | '@async/transport-tcp'
  | '@async/transport-tls'
  | '@async/transport-pipe'
  | '@async/transport-serial'
  | '@async/transport-websocket'
  | '@async/protocol-chunk'
  | '@async/protocol-http'
  | '@async/protocol-jsonrpc'

/** Where packages are looked for, in order: the user's folder, then our own. */
export function searchPlaces(folder: string): readonly string[] {
  return [join(folder, 'package.json'), fileURLToPath(import.meta.url)]
}

/**
 * Imports a sibling.
 * @param scheme what asked for it; stands in the error
 * @param places files from whose point of view the package is looked for
 */
export async function loadPackage<T>(name: PackageName, scheme: string, places: readonly string[]): Promise<T> {
  for (const place of places) {
    if (!isInstalled(name, place)) continue
    try {
      const file = createRequire(place).resolve(name)
      return (await import(pathToFileURL(file).href)) as T
    } catch (cause) {
      throw new CommandError(exitCodes.missingPackage, `${name} can't be loaded: ${messageOf(cause)}`, { cause })
    }
  }
  throw new CommandError(exitCodes.missingPackage, `${scheme} needs the package ${name}, which is not installed here: npm install ${name}`)
}

/** Whether a folder of `place`, or one above it, has the package. `require.resolve` alone would look into NODE_PATH too. */
function isInstalled(name: PackageName, place: string): boolean {
  let folder = dirname(place)
  for (;;) {
    if (existsSync(join(folder, 'node_modules', name, 'package.json'))) return true
    const above = dirname(folder)
    if (above === folder) return false
    folder = above
  }
}
