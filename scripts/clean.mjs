/**
 * `pnpm clean`: removes what the build made (dist and bundle folders, and packed tarballs), so that the next build starts from nothing.
 * Installed dependencies stay.
 */
import { readdirSync, rmSync } from 'node:fs'
import { root } from './lib/run.mjs'
import { packagesIn } from './lib/workspace.mjs'

for (const { folder } of [...packagesIn('packages'), ...packagesIn('examples')]) {
  for (const made of ['dist', 'bundle']) rmSync(`${root}/${folder}/${made}`, { recursive: true, force: true })
  for (const file of readdirSync(`${root}/${folder}`)) if (file.endsWith('.tgz')) rmSync(`${root}/${folder}/${file}`)
}
rmSync(`${root}/coverage`, { recursive: true, force: true })
