/**
 * Runs vitest over some projects and gives what it counted.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, run } from './run.mjs'

/**
 * @param {string[]} args more arguments for `vitest run`
 * @param {Record<string, string>} [env] more of the environment
 * @returns {Promise<{ code: number, passed: number, failed: number, skipped: { name: string, reason: string }[], kit: import('./compliance.mjs').Outcome[] }>}
 */
export async function runVitest(args, env) {
  const folder = mkdtempSync(join(tmpdir(), 'async-tally-'))
  const file = join(folder, 'tally.json')
  try {
    const code = await run('vitest', ['run', '--reporter=default', `--reporter=${root}/scripts/lib/tally.mjs`, ...args], {
      env: { ...process.env, ...(process.stdout.isTTY ? {} : { NO_COLOR: '1', FORCE_COLOR: undefined }), ...env, TALLY_FILE: file },
    })
    return { code, ...JSON.parse(readFileSync(file, 'utf8')) }
  } catch {
    return { code: 1, passed: 0, failed: 1, skipped: [], kit: [] }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
