/**
 * A copy of the workspace in a temporary folder, for tests that change it. It has core and one protocol: what is tried there must hold by
 * itself, whatever else is being worked on.
 */
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './run.mjs'

const copied = [
  '.changeset/config.json', '.oxlintrc.json', 'LICENSE', 'package.json', 'pnpm-workspace.yaml', 'tsconfig.base.json', 'tsconfig.check.json', 'vitest.config.ts',
  'types', 'scripts', 'docs', 'packages/core', 'packages/protocol-chunk',
]

/** See the top of the file. */
export class WorkspaceCopy {
  folder = mkdtempSync(join(tmpdir(), 'async-workspace-'))

  constructor() {
    for (const path of copied) cpSync(join(root, path), join(this.folder, path), { recursive: true, verbatimSymlinks: true })
    this.write('tsconfig.json', JSON.stringify({ files: [], references: [{ path: 'packages/core' }, { path: 'packages/protocol-chunk' }] }))
    symlinkSync(join(root, 'node_modules'), join(this.folder, 'node_modules'))
  }

  /** @param {string} path */
  read(path) {
    return readFileSync(join(this.folder, path), 'utf8')
  }

  /** @param {string} path @param {string} text */
  write(path, text) {
    writeFileSync(join(this.folder, path), text)
  }

  /** Runs a program here and gives what it printed. @param {string} program @param {string[]} args @throws Error with that, unless it exits 0 */
  execute(program, args) {
    const { status, stdout, stderr } = spawnSync(program, args, { cwd: this.folder, encoding: 'utf8', env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined }, stdio: ['ignore', 'pipe', 'pipe'] })
    if (status !== 0) throw new Error(`${stdout}${stderr}`)
    return stdout
  }

  /** The lines in which a check complains. @param {string} script its name, without folder and ending */
  complaints(script) {
    try {
      this.execute(process.execPath, [`scripts/${script}.mjs`])
      return []
    } catch (error) {
      return /** @type {Error} */ (error).message.split('\n')
    }
  }

  remove() {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
