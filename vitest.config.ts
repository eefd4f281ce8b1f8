import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const root = fileURLToPath(new URL('.', import.meta.url))

/** Tests run from the sources: `@async/x` and `@async/x/sub` are the files that the build would compile. See docs/decisions. */
const alias = [
  { find: /^@async\/([a-z-]+)$/, replacement: `${root}packages/$1/src/index.ts` },
  { find: /^@async\/([a-z-]+)\/([a-z]+)$/, replacement: `${root}packages/$1/src/$2/index.ts` },
]

/** `pnpm test:long` sets this: then the suites that take minutes run, and only they. */
const long = process.env['TEST_LONG'] === '1'
const include = long ? ['src/**/*.long.ts', 'test/**/*.long.ts'] : ['src/**/*.test.ts', 'test/**/*.test.ts']

/** A project for each package and example, and one for the scripts. */
const folders = ['packages', 'examples']
  .filter((parent) => existsSync(`${root}${parent}`))
  .flatMap((parent) => readdirSync(`${root}${parent}`).map((name) => `${parent}/${name}`))
  .filter((folder) => existsSync(`${root}${folder}/package.json`))

export default defineConfig({
  test: {
    projects: [...folders, 'scripts'].map((folder) => ({
      resolve: { alias },
      test: {
        name: folder.split('/').at(-1) ?? folder,
        root: `${root}${folder}`,
        include: folder === 'scripts' ? [long ? '*.long.mjs' : '*.test.mjs'] : include,
        testTimeout: long ? 600_000 : 20_000,
      },
    })),
    passWithNoTests: true,
  },
})
