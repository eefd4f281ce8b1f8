import { describe, expect, it, vi } from 'vitest'

const texts: [text: string, bytes: number][] = [
  ['', 0],
  ['abc', 3],
  ['é', 2],
  ['€', 3],
  ['😀', 4],
  ['\ud800', 3],
  ['a\udc00b', 5],
  ['\ud83dx', 4],
]

describe.each(['with Buffer', 'without Buffer'])('utf8Length %s', (how) => {
  it.each(texts)('of %j is %i', async (text, count) => {
    vi.resetModules()
    if (how === 'without Buffer') vi.stubGlobal('Buffer', undefined)
    const { byteLength } = await import('./byte-length.ts')
    vi.unstubAllGlobals()
    expect(byteLength(text)).toBe(count)
  })
})
