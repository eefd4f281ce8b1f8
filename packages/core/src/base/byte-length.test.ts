import { describe, expect, it, vi } from 'vitest'
import { byteLength, writeCounted } from './byte-length.ts'

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

describe('writeCounted', () => {
  it('has one text taken for as long as was said, while it is written', () => {
    const seen: number[] = []
    writeCounted({ write: (data) => void seen.push(byteLength(data), byteLength('é'), byteLength('')) }, 'counted', 1_000)
    expect([...seen, byteLength('counted')]).toEqual([1_000, 2, 0, 7])
  })

  it('forgets it when the write throws, and when another one is counted meanwhile', () => {
    const refusal = new Error('refused')
    expect(() => {
      writeCounted({
        write() {
          throw refusal
        },
      }, 'counted', 1_000)
    }).toThrow(refusal)
    expect(byteLength('counted')).toBe(7)
    let bytes = 0
    writeCounted({ write: (outer) => writeCounted({ write: () => void (bytes = byteLength(outer)) }, 'inner', 2_000) }, 'outer', 1_000)
    expect(bytes).toBe(5)
  })
})
