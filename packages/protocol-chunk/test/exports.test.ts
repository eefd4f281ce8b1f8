import { expect, it } from 'vitest'
import * as api from '../src/index.ts'
import packageJson from '../package.json' with { type: 'json' }

it('exports these values, and no others', () => {
  expect(Object.keys(api).sort()).toEqual([
    'ChunkProtocol', 'chunk', 'chunkSplitter', 'exact', 'lengthPrefix', 'lengthSplitter', 'line', 'lsp', 'lspSplitter', 'nul',
  ])
})

it('has these entries, and depends on core alone', () => {
  expect(Object.keys(packageJson.exports)).toEqual(['.', './package.json'])
  expect(Object.keys(packageJson.dependencies)).toEqual(['@async/core'])
})
