import { describe, expect, it } from 'vitest'
import { over, stack } from './stack.ts'

describe('stack', () => {
  it('applies the layers bottom first', () => {
    expect(stack(1, (n: number) => n + 1, (n: number) => `${n}`, (s: string) => [s, 'top'])).toEqual(['2', 'top'])
  })
})

describe('over', () => {
  it('stacks on every transport that the connector makes, and passes the signal', async () => {
    let seen: unknown
    const connector = over({ connect: async (options) => ((seen = options?.signal), 'tcp') }, (below: string) => `tls(${below})`, (below: string) => `http(${below})`)
    const { signal } = new AbortController()
    expect(await connector.connect({ signal })).toBe('http(tls(tcp))')
    expect(seen).toBe(signal)
  })

  it('aborts what is below when a layer throws', async () => {
    const failure = new Error('no')
    let cause: unknown
    const connector = over({ connect: async () => ({ abort: (why: unknown) => void (cause = why) }) }, () => {
      throw failure
    })
    await expect(connector.connect()).rejects.toBe(failure)
    expect(cause).toBe(failure)
  })
})
