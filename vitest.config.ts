import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const packages = fileURLToPath(new URL('./packages/', import.meta.url))

/** Tests run from the sources: `@async/x` and `@async/x/sub` are the files that the build would compile. */
const alias = [
  { find: /^@async\/([a-z-]+)$/, replacement: `${packages}$1/src/index.ts` },
  { find: /^@async\/([a-z-]+)\/([a-z]+)$/, replacement: `${packages}$1/src/$2/index.ts` },
]

const names = ['core', 'transport-tcp', 'protocol-chunk', 'protocol-http', 'protocol-jsonrpc', 'cli']

export default defineConfig({
  test: {
    projects: names.map((name) => ({
      resolve: { alias },
      test: {
        name,
        root: `${packages}${name}`,
        include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
        testTimeout: 20_000,
      },
    })),
  },
})
