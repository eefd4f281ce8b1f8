import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createService, jsonRpc, lspConventions, mcpConventions } from '@async/protocol-jsonrpc'
import type { Conventions } from '@async/protocol-jsonrpc'
import { memoryMessagePair, turns, VirtualClock, Wire } from './helpers.ts'

/** What may happen, in any order. `call`: one more; the others concern the call at `at`, or the connection. */
type Step =
  | { readonly do: 'call'; readonly timeoutMs: number | undefined; readonly abortable: boolean; readonly batch: boolean }
  | { readonly do: 'answer' | 'fail' | 'malformed' | 'giveUp'; readonly at: number }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'end' | 'drop' | 'close' | 'abort' | 'dispose' | 'replace' }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('call' as const), timeoutMs: fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined }), abortable: fc.boolean(), batch: fc.boolean() }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom('answer' as const, 'fail' as const, 'malformed' as const, 'giveUp' as const), at: fc.nat(9) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('end' as const, 'drop' as const, 'close' as const, 'abort' as const, 'dispose' as const, 'replace' as const) }) },
)

interface Call {
  readonly id: number
  readonly control: AbortController | undefined
  readonly dueMs: number
  /** What has to become of it: decided by the first step that concerns it. */
  expected: string | undefined
  /** What became of it, each time it settled. */
  readonly outcomes: string[]
}

class Run {
  readonly clock = new VirtualClock(0)
  readonly calls: Call[] = []
  /** What calls are rejected with once the connection is over. */
  over: string | undefined
  private nextId = 1
  private readonly below
  private readonly wire: Wire
  private readonly peer

  /** `slow`: the other side takes so little at a time that calls wait for the transport. */
  constructor(conventions: Conventions | undefined, slow: boolean) {
    const { a, b } = memoryMessagePair(slow ? { capacityBytes: 60, highWaterMarkBytes: 1, lowWaterMarkBytes: 0 } : {})
    this.below = a
    const service = createService({ echo: (params) => params })
    this.peer = jsonRpc(service, { clock: this.clock, observe: () => {}, ...(conventions === undefined ? {} : { conventions }) })(a)
    this.wire = new Wire(b)
  }

  async take(step: Step): Promise<void> {
    if (step.do === 'call') this.call(step)
    else if (step.do === 'wait') this.wait(step.ms)
    else if ('at' in step) this.concern(step)
    else this.finish(step.do)
    await turns(4)
  }

  async settleAll(): Promise<void> {
    await this.take({ do: 'abort' })
    expect(this.calls.map(({ outcomes }) => outcomes)).toEqual(this.calls.map(({ expected }) => [expected]))
    expect(this.peer.pendingCalls).toBe(0)
    expect(this.clock.pendingCount).toBe(0)
    // Nothing is left in any map.
    const { calls, outbox, requests, watch } = this.peer as any
    const left = [calls?.entries.size ?? 0, calls?.signals?.groups.size ?? 0, watch.calls.size, outbox.heldCalls, outbox.held, outbox.waiters, requests.queue, requests.active, requests.watched]
    expect(left).toEqual([0, 0, 0, undefined, undefined, undefined, undefined, undefined, undefined])
  }

  private call({ timeoutMs, abortable, batch }: Step & { do: 'call' }): void {
    const control = abortable ? new AbortController() : undefined
    const options = { ...(timeoutMs === undefined ? {} : { timeoutMs }), ...(control === undefined ? {} : { signal: control.signal }) }
    const promise = batch ? this.peer.batch([{ method: 'note', notification: true }, { method: 'x' }], options)[1]! : this.peer.call('x', [], options)
    const call: Call = { id: this.over === undefined ? this.nextId++ : -1, control, dueMs: this.clock.nowMs() + (timeoutMs ?? Infinity), expected: this.over, outcomes: [] }
    this.calls.push(call)
    promise.then(
      (result) => call.outcomes.push(`result ${String(result)}`),
      (error) => call.outcomes.push(typeof error === 'string' ? error : `${error.code}${'reason' in error ? ` ${error.reason.kind}` : ''}`),
    )
  }

  private concern({ do: what, at }: { do: string; at: number }): void {
    const call = this.calls[at]
    if (call === undefined) return
    if (what === 'giveUp') {
      if (call.control === undefined) return
      call.control.abort('given up')
      call.expected ??= 'given up'
      return
    }
    if (this.over !== undefined || call.id < 0) return
    const body = what === 'answer' ? `"result":${call.id}` : what === 'fail' ? '"error":{"code":5,"message":"m"}' : '"error":{}'
    this.wire.send(`{"jsonrpc":"2.0",${body},"id":${call.id}}`)
    call.expected ??= what === 'answer' ? `result ${call.id}` : what === 'fail' ? '5' : 'ERR_JSONRPC_INVALID_RESPONSE'
  }

  private wait(ms: number): void {
    this.clock.advance(ms)
    for (const call of this.calls) if (call.dueMs <= this.clock.nowMs()) call.expected ??= 'ERR_TIMEOUT'
  }

  private finish(what: 'end' | 'drop' | 'close' | 'abort' | 'dispose' | 'replace'): void {
    const now = {
      end: 'ERR_CONNECTION_CLOSED closed',
      drop: 'ERR_CONNECTION_LOST reset',
      close: 'ERR_CONNECTION_CLOSED closed',
      abort: 'ERR_CONNECTION_LOST aborted',
      dispose: 'ERR_CONNECTION_CLOSED closed',
      replace: 'ERR_CONNECTION_CLOSED detached',
    }[what]
    if (what === 'end') this.wire.transport.halfClose()
    else if (what === 'drop') this.wire.transport.abort()
    else if (what === 'close') this.peer.close()
    else if (what === 'abort') this.peer.abort()
    else if (what === 'dispose') void this.peer[Symbol.asyncDispose]()
    else if (this.over === undefined) this.below.start({ dataReceived() {} })
    this.over ??= now
    for (const call of this.calls) call.expected ??= now
  }
}

describe('a call', () => {
  it('settles exactly once, by what came first, and leaves nothing behind: answers, time-outs, signals, loss, close, abort, disposal, replacement in any order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), fc.constantFrom(undefined, lspConventions, mcpConventions), fc.boolean(), async (steps, conventions, slow) => {
        const run = new Run(conventions, slow)
        for (const each of steps) await run.take(each)
        await run.settleAll()
      }),
      { numRuns: process.env['TEST_LONG'] === '1' ? 7500 : 150 },
    )
  })
})
