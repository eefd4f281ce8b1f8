/** Compiles a file of this folder and the sources that it needs, so that it runs without a loader and coverage counts each file by itself. */
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../../../../', import.meta.url))
const { build } = await import(createRequire(createRequire(import.meta.url).resolve('vitest/package.json')).resolve('vite'))

/** @param {string} entry @param {string} folder where the scripts go @returns {Promise<string>} the path of the entry */
export async function bundle(entry, folder) {
  await build({
    configFile: false,
    logLevel: 'warn',
    resolve: { alias: [{ find: /^@async\/core$/, replacement: `${root}packages/core/src/index.ts` }] },
    build: {
      ssr: fileURLToPath(new URL(entry, import.meta.url)),
      outDir: folder,
      emptyOutDir: false,
      minify: false,
      target: 'node20',
      rollupOptions: { output: { preserveModules: true, preserveModulesRoot: root, entryFileNames: '[name].mjs' } },
    },
  })
  return `${folder}/packages/protocol-http/test/fuzz/${entry.replace(/\.ts$/, '.mjs')}`
}
