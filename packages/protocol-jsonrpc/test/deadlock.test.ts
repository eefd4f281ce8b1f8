import { createService, isJsonRpcError } from '@async/protocol-jsonrpc'
import type { Context } from '@async/protocol-jsonrpc'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { peers, turns } from './helpers.ts'

/** Calls back `depth` times, `width` calls at each level, and counts the handlers that answered. */
async function recurse([depth, width, pad]: [number, number, string], { peer }: Context): Promise<number> {
  // A turn in between, so that handlers are in flight together.
  await turns(1)
  if (depth === 0) return 1
  const calls = Array.from({ length: width }, () => peer.call('recurse', [depth - 1, width, pad]))
  return (await Promise.all(calls) as number[]).reduce((sum, each) => sum + each, 1)
}

/** Waits until `done`, as long as anything moves at all: a hang is a failure, not a time-out. */
async function settles(all: Promise<unknown>, maxTurns = 3000): Promise<boolean> {
  let done = false
  void all.then(() => (done = true))
  for (let turn = 0; turn < maxTurns && !done; turn++) await turns(1)
  return done
}

describe('two peers that call each other back', () => {
  it('do not hang with one handler each, at any depth', async () => {
    const { a } = peers(createService({ recurse }, { maxConcurrentHandlers: 1 }))
    const calls = [1, 2, 3, 4].map(() => a.call('recurse', [6, 1, '']))
    expect(await settles(Promise.all(calls))).toBe(true)
    expect(await Promise.all(calls)).toEqual([7, 7, 7, 7])
  })

  it('never hang at the limits: every call settles, with a result or −32000', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          maxConcurrentHandlers: fc.integer({ min: 1, max: 3 }),
          maxQueuedRequests: fc.integer({ min: 1, max: 4 }),
          capacityBytes: fc.constantFrom(1, 200, 65_536),
          highWaterMarkBytes: fc.constantFrom(1, 300, 65_536),
          depth: fc.integer({ min: 0, max: 4 }),
          width: fc.integer({ min: 1, max: 2 }),
          fromA: fc.integer({ min: 0, max: 6 }),
          fromB: fc.integer({ min: 0, max: 6 }),
          pad: fc.constantFrom('', 'x'.repeat(200)),
          execution: fc.constantFrom('concurrent' as const, 'ordered' as const),
        }),
        async ({ maxConcurrentHandlers, maxQueuedRequests, capacityBytes, highWaterMarkBytes, depth, width, fromA, fromB, pad, execution }) => {
          const service = createService({ recurse }, { maxConcurrentHandlers, maxQueuedRequests, execution, onError: () => {} })
          const pair = { capacityBytes, highWaterMarkBytes, lowWaterMarkBytes: Math.floor(highWaterMarkBytes / 4) }
          const { a, b } = peers(service, {}, service, pair)
          const calls = [
            ...Array.from({ length: fromA }, () => a.call('recurse', [depth, width, pad])),
            ...Array.from({ length: fromB }, () => b.call('recurse', [depth, width, pad])),
          ]
          const outcomes = Promise.allSettled(calls)
          expect(await settles(outcomes)).toBe(true)
          for (const outcome of await outcomes) {
            // Also that of a handler whose own call was refused: what the other side said is for the caller.
            if (outcome.status === 'rejected') expect(isJsonRpcError(outcome.reason, -32000)).toBe(true)
          }
          // A handler that failed left calls behind; they settle, too.
          for (let turn = 0; turn < 3000 && a.pendingCalls + b.pendingCalls > 0; turn++) await turns(1)
          expect([a.pendingCalls, b.pendingCalls]).toEqual([0, 0])
          expect(service.counters).toMatchObject({ queued: 0 })
          a.abort()
        },
      ),
      { numRuns: process.env['TEST_LONG'] === '1' ? 3000 : 60 },
    )
  })

  it('do not hang when both send far more than they read, and neither waits', async () => {
    const echo = createService({ echo: (params) => params, slow: async (params) => (await turns(1), params) }, { maxConcurrentHandlers: 2, maxQueuedRequests: 3 })
    const { a, b } = peers(echo, {}, echo, { capacityBytes: 500, highWaterMarkBytes: 1000, lowWaterMarkBytes: 100 })
    const text = 'x'.repeat(300)
    const calls: Promise<unknown>[] = []
    for (let i = 0; i < 100; i++) {
      calls.push(a.call('echo', [text]), b.call('slow', [text]))
      a.notify('slow', [text])
      b.notify('echo', [text])
    }
    const outcomes = Promise.allSettled(calls)
    expect(await settles(outcomes)).toBe(true)
    for (const outcome of await outcomes) {
      if (outcome.status === 'rejected') expect(isJsonRpcError(outcome.reason, -32000)).toBe(true)
      else expect(outcome.value).toEqual([text])
    }
  })

  it('do not hang when calls are given up while the queues are full', async () => {
    const service = createService({ echo: (params) => params }, { maxConcurrentHandlers: 1, maxQueuedRequests: 2 })
    const { a, b } = peers(service, {}, service, { capacityBytes: 300, highWaterMarkBytes: 300, lowWaterMarkBytes: 50 })
    const text = 'x'.repeat(100)
    const control = new AbortController()
    const given = [a, b].flatMap((peer) => Array.from({ length: 50 }, () => peer.call('echo', [text], { signal: control.signal })))
    await turns(3)
    control.abort('enough')
    await Promise.allSettled(given)
    const after = Promise.all([a.drained(), b.drained()]).then(() => Promise.allSettled([a.call('echo', [1]), b.call('echo', [2])]))
    expect(await settles(after)).toBe(true)
    expect(await after).toEqual([
      { status: 'fulfilled', value: [1] },
      { status: 'fulfilled', value: [2] },
    ])
  })
})
