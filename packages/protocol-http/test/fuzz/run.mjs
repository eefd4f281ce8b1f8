/** `node test/fuzz/run.mjs [main | coverage | document]`: bundles that file and runs it; its settings are in its header. */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { bundle } from './build.mjs'

const folder = mkdtempSync(`${tmpdir()}/async-fuzz-`)
try {
  const script = await bundle(`${process.argv[2] ?? 'main'}.ts`, folder)
  const { status } = spawnSync(process.execPath, [script], { stdio: 'inherit', env: { ...process.env, FUZZ_FOLDER: import.meta.url } })
  process.exitCode = status ?? 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}
