import { describe, expect, it } from 'vitest'
import { defaultLimits, exceeds, resolveLimits } from './limits.ts'

describe('resolveLimits', () => {
  it('takes the last that says something, then the default', () => {
    expect(resolveLimits({ maxBatchItems: 7, maxPendingCalls: 8 }, { maxBatchItems: 9 })).toEqual({
      maxMessageBytes: 1_048_576,
      maxResponseBytes: 1_048_576,
      maxNestingDepth: 1000,
      maxBatchItems: 9,
      maxPendingCalls: 8,
      maxConcurrentHandlers: 64,
      maxQueuedRequests: 1024,
      maxQueuedRequestBytes: 1_048_576,
      maxUnsentBytes: 16_777_216,
    })
    expect(defaultLimits.maxBatchItems).toBe(100)
  })

  it('allows Infinity, and nothing else that is not a positive integer', () => {
    expect(resolveLimits(undefined, { maxQueuedRequests: Infinity }).maxQueuedRequests).toBe(Infinity)
    for (const limit of [0, -1, 1.5, Number.NaN, '7' as unknown as number]) {
      expect(() => resolveLimits({ maxPendingCalls: limit }, undefined)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    }
  })
})

describe('exceeds', () => {
  it.each<[string | Uint8Array, number, boolean]>([
    ['abc', 3, false],
    ['abcd', 3, true],
    ['é', 2, false],
    ['é', 1, true],
    ['€€', 6, false],
    ['€€', 5, true],
    ['😀', 4, false],
    ['😀', 3, true],
    [new Uint8Array(3), 3, false],
    [new Uint8Array(4), 3, true],
  ])('%j against %i bytes: %s', (data, maxBytes, result) => {
    expect(exceeds(data, maxBytes)).toBe(result)
  })
})
