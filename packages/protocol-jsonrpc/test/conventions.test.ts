import { createService, jsonRpc, JsonRpcError, lspConventions, mcpConventions } from '@async/protocol-jsonrpc'
import type { Context, Conventions, Diagnostic } from '@async/protocol-jsonrpc'
import { describe, expect, it } from 'vitest'
import { deferred, memoryMessagePair, rejection, turns, VirtualClock, wired } from './helpers.ts'

/** Rejects with the signal's reason, as fetch and timers do. */
function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason))
  })
}

const own: Conventions = {
  cancel: { method: 'stop', params: (id) => [id], id: (params) => (params as [number])[0], answer: { code: 499, message: 'Stopped', data: 'by you' } },
}

describe('giving a call up, on the wire', () => {
  it.each<[string, Conventions, string]>([
    ['lspConventions', lspConventions, '{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}'],
    ['mcpConventions', mcpConventions, '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1,"reason":"enough"}}'],
    ['one of your own', own, '{"jsonrpc":"2.0","method":"stop","params":[1]}'],
  ])('is told as %s have it', async (_name, conventions, text) => {
    const { peer, wire } = wired(undefined, { conventions })
    const control = new AbortController()
    const call = peer.call('slow', [], { signal: control.signal })
    await wire.answers(1)
    control.abort('enough')
    expect(await rejection(call)).toBe('enough')
    await wire.answers(2)
    expect(wire.received[1]).toBe(text)
    wire.send('{"jsonrpc":"2.0","result":"late","id":1}')
    await turns()
    expect(wire.received.length).toBe(2)
    peer.close()
  })

  it('is told for a time-out as well, with its message', async () => {
    const clock = new VirtualClock()
    const { peer, wire } = wired(undefined, { conventions: mcpConventions, clock })
    const call = peer.call('slow', [], { timeoutMs: 5 })
    clock.advance(5)
    expect(await rejection(call)).toMatchObject({ code: 'ERR_TIMEOUT' })
    expect((await wire.answers(2))[1]).toMatchObject({ params: { requestId: 1, reason: 'slow: no answer within 5 ms' } })
  })

  it('is told for each call of a batch', async () => {
    const { peer, wire } = wired(undefined, { conventions: lspConventions })
    const control = new AbortController()
    const calls = peer.batch([{ method: 'a' }, { method: 'b' }], { signal: control.signal })
    await wire.answers(1)
    control.abort('both')
    for (const call of calls) expect(await rejection(call)).toBe('both')
    expect((await wire.answers(3)).slice(1)).toMatchObject([{ params: { id: 1 } }, { params: { id: 2 } }])
  })

  it('is not told without conventions, nor when the connection is over, nor of a call that was answered', async () => {
    const { peer, wire } = wired(undefined, {})
    const control = new AbortController()
    const call = peer.call('slow', [], { signal: control.signal })
    control.abort('enough')
    await rejection(call)
    const told = wired(undefined, { conventions: lspConventions })
    const answered = told.peer.call('fast', [], { signal: control.signal }).catch((error) => error)
    expect(await answered).toBe('enough')
    const later = new AbortController()
    const fast = told.peer.call('fast', [], { signal: later.signal })
    told.wire.send('{"jsonrpc":"2.0","result":1,"id":1}')
    await fast
    const lost = told.peer.call('slow', [], { signal: later.signal })
    told.peer.close()
    await rejection(lost)
    later.abort('after')
    await turns()
    expect([wire.received.length, told.wire.received.length]).toEqual([1, 2])
  })

  it('of a call that waits for the transport takes it back: it is never sent', async () => {
    const { peer, wire } = wired(undefined, { conventions: lspConventions }, { highWaterMarkBytes: 10, lowWaterMarkBytes: 0, capacityBytes: 10 })
    wire.transport.pause('read')
    const first = peer.call('first', [])
    const control = new AbortController()
    const second = peer.call('second', [])
    const third = peer.call('third', [], { signal: control.signal })
    peer.notify('fourth')
    await turns()
    control.abort('enough')
    expect(await rejection(third)).toBe('enough')
    wire.transport.resume('read')
    await wire.answers(3)
    expect(wire.received.map((text) => JSON.parse(text).method)).toEqual(['first', 'second', 'fourth'])
    await peer.drained(0)
    peer.abort()
    await Promise.allSettled([first, second])
  })
})

describe('being asked to give up', () => {
  const seen: unknown[] = []
  const methods = {
    wait: async (_params: unknown, { signal }: Context) => aborted(signal),
    // What APIs that do not pass the reason on throw.
    old: async (_params: unknown, { signal }: Context) => aborted(signal).catch(() => Promise.reject(Object.assign(new Error('The operation was aborted'), { name: 'AbortError' }))),
    finish: async (_params: unknown, { signal }: Context) => aborted(signal).catch(() => 'in spite of it'),
    fail: async (_params: unknown, { signal }: Context) => aborted(signal).catch(() => Promise.reject(new Error('something else'))),
    late: async (_params: unknown, context: Context) => {
      await turns(3)
      seen.push(context.signal.aborted)
      context.signal.throwIfAborted()
    },
    gate: () => gate.promise,
  }
  const gate = deferred()
  const serve = (conventions: Conventions, options = {}) => {
    const errors: unknown[] = []
    const service = createService(methods, { onError: (error) => errors.push((error as Error).message), ...options })
    return { ...wired(service, { conventions }), service, errors }
  }
  const cancelled = { code: -32800, message: 'Request cancelled' }

  it('aborts the handler’s signal, and is answered −32800 as LSP has it, or with what the handler came to', async () => {
    const { wire, service, errors } = serve(lspConventions)
    for (const [id, method] of [['a', 'wait'], [2, 'old'], ['c', 'finish'], ['d', 'fail'], ['e', 'late']] as const) {
      wire.send(JSON.stringify({ jsonrpc: '2.0', method, id }))
      await turns(1)
      wire.send(JSON.stringify({ jsonrpc: '2.0', method: '$/cancelRequest', params: { id } }))
    }
    const answers = (await wire.answers(5)) as { id: unknown }[]
    expect([...answers].sort((a, b) => String(a.id).localeCompare(String(b.id)))).toEqual([
      { jsonrpc: '2.0', error: cancelled, id: 2 },
      { jsonrpc: '2.0', error: cancelled, id: 'a' },
      { jsonrpc: '2.0', result: 'in spite of it', id: 'c' },
      { jsonrpc: '2.0', error: { code: -32603, message: 'Internal error' }, id: 'd' },
      { jsonrpc: '2.0', error: cancelled, id: 'e' },
    ])
    expect(seen).toEqual([true])
    expect(errors).toEqual(['something else'])
    expect(service.counters).toMatchObject({ running: 0, queued: 0 })
  })

  it('is not answered as MCP has it, whatever the handler came to', async () => {
    const { wire, service, errors } = serve(mcpConventions)
    for (const method of ['wait', 'finish', 'fail']) {
      wire.send(JSON.stringify({ jsonrpc: '2.0', method, id: method }))
      await turns(1)
      wire.send(JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: method, reason: 'why' } }))
    }
    await turns()
    wire.send('{"jsonrpc":"2.0","method":"none","id":1}')
    await wire.answers(1)
    expect(wire.received).toEqual(['{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":1}'])
    expect(errors).toEqual(['something else'])
    expect(service.counters.running).toBe(0)
  })

  it('compares ids with their type, and takes no notice of ids that are none', async () => {
    const { wire } = serve(lspConventions)
    wire.send('{"jsonrpc":"2.0","method":"wait","id":1}')
    for (const params of ['{"id":"1"}', '{"id":2}', '{"id":null}', '{}', '[1]', '{"__proto__":{"id":1}}']) wire.send(`{"jsonrpc":"2.0","method":"$/cancelRequest","params":${params}}`)
    wire.send('{"jsonrpc":"2.0","method":"$/cancelRequest"}')
    await turns()
    expect(wire.received).toEqual([])
    wire.send('{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}', '{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}')
    expect(await wire.answers(1)).toEqual([{ jsonrpc: '2.0', error: cancelled, id: 1 }])
  })

  it('is seen at once, however many wait: what waits for a place is taken out of the queue', async () => {
    const { wire, service } = serve(lspConventions, { maxConcurrentHandlers: 1, maxQueuedRequests: 4 })
    for (let id = 0; id < 4; id++) wire.send(JSON.stringify({ jsonrpc: '2.0', method: 'gate', id }))
    await turns()
    expect(service.counters).toMatchObject({ running: 1, queued: 3 })
    for (const id of [2, 1]) wire.send(JSON.stringify({ jsonrpc: '2.0', method: '$/cancelRequest', params: { id } }))
    expect(await wire.answers(2)).toEqual([2, 1].map((id) => ({ jsonrpc: '2.0', error: cancelled, id })))
    expect(service.counters).toMatchObject({ running: 1, queued: 1, started: 1 })
    // A place in the queue is free again, and stays bounded: one who asks and cancels for ever does not fill it.
    for (let id = 10; id < 500; id++) wire.send(JSON.stringify({ jsonrpc: '2.0', method: 'gate', id }), JSON.stringify({ jsonrpc: '2.0', method: '$/cancelRequest', params: { id } }))
    await wire.answers(492)
    expect(service.counters).toMatchObject({ running: 1, queued: 1, refused: 0 })
    gate.resolve('open')
    const answers = (await wire.answers(494)) as { id: number; result: unknown }[]
    expect(answers.slice(-2).map(({ id, result }) => [id, result])).toEqual([[0, 'open'], [3, 'open']])
  })

  it('answers for it in its place within a batch, or leaves it out', async () => {
    const lsp = serve(lspConventions, { maxConcurrentHandlers: 1 })
    const batch = '[{"jsonrpc":"2.0","method":"wait","id":1},{"jsonrpc":"2.0","method":"wait","id":2},{"jsonrpc":"2.0","method":"none","id":3}]'
    const cancel = (method: string, name: string, ids: number[]) => ids.map((id) => JSON.stringify({ jsonrpc: '2.0', method, params: { [name]: id } }))
    lsp.wire.send(batch, ...cancel('$/cancelRequest', 'id', [2, 1]))
    expect(await lsp.wire.answers(1)).toEqual([[1, 2].map((id) => ({ jsonrpc: '2.0', error: cancelled, id })).concat({ jsonrpc: '2.0', error: { code: -32601, message: 'Method not found' }, id: 3 })])
    const mcp = serve(mcpConventions, { maxConcurrentHandlers: 1 })
    mcp.wire.send(batch, ...cancel('notifications/cancelled', 'requestId', [1, 2]))
    expect(await mcp.wire.answers(1)).toMatchObject([[{ id: 3 }]])
    mcp.wire.send('[{"jsonrpc":"2.0","method":"wait","id":4}]', ...cancel('notifications/cancelled', 'requestId', [4]), '{"jsonrpc":"2.0","method":"none","id":5}')
    expect((await mcp.wire.answers(2))[1]).toMatchObject({ id: 5 })
  })

  it('aborts signals when the connection is over, with why, and reports nothing of it', async () => {
    const reasons: any[] = []
    const errors: unknown[] = []
    const service = createService(
      {
        wait: async (_params, { signal }) => aborted(signal).catch((reason) => (reasons.push(reason), Promise.reject(reason))),
        later: async (_params, context) => {
          await turns(5)
          reasons.push(context.signal.reason)
        },
      },
      { onError: (error) => errors.push(error) },
    )
    const { wire, peer } = wired(service)
    wire.send('{"jsonrpc":"2.0","method":"wait","id":1}', '{"jsonrpc":"2.0","method":"wait"}', '{"jsonrpc":"2.0","method":"later","id":2}')
    await turns(2)
    wire.transport.abort()
    await peer.closed
    await turns(10)
    expect(reasons).toMatchObject(Array.from({ length: 3 }, () => ({ code: 'ERR_CONNECTION_LOST', reason: { kind: 'reset' } })))
    expect(errors).toEqual([])
    expect(service.counters.running).toBe(0)
  })
})

describe('progress', () => {
  const service = () =>
    createService({
      count: async (_params, { progress }) => {
        for (const value of [1, 2]) progress({ kind: 'report', progress: value })
        await turns(1)
        progress({ progress: 3 })
        return 'done'
      },
      leak: (_params, { progress }) => void setImmediate(() => progress({ progress: 'too late' })),
    })

  it.each([['lspConventions', lspConventions], ['mcpConventions', mcpConventions]])('comes to who asked, in order, before the result: %s', async (_name, conventions) => {
    const got: unknown[] = []
    const result = await tied(service(), conventions).call('count', { some: 'params' }, { onProgress: (value) => got.push(value) })
    got.push(result)
    expect(got).toEqual([{ kind: 'report', progress: 1 }, { kind: 'report', progress: 2 }, { progress: 3 }, 'done'])
  })

  it('is written as LSP and MCP have it', async () => {
    const lsp = wired(service(), { conventions: lspConventions })
    lsp.wire.send('{"jsonrpc":"2.0","method":"count","params":{"workDoneToken":"t"},"id":1}')
    expect((await lsp.wire.answers(4))[0]).toEqual({ jsonrpc: '2.0', method: '$/progress', params: { token: 't', value: { kind: 'report', progress: 1 } } })
    const mcp = wired(service(), { conventions: mcpConventions })
    mcp.wire.send('{"jsonrpc":"2.0","method":"count","params":{"_meta":{"progressToken":7}},"id":1}')
    expect((await mcp.wire.answers(4))[2]).toEqual({ jsonrpc: '2.0', method: 'notifications/progress', params: { progress: 3, progressToken: 7 } })
    void mcp.peer.call('x', { a: 1, _meta: { b: 2 } }, { onProgress: () => {} }).catch(() => {})
    expect((await mcp.wire.answers(5))[4]).toMatchObject({ params: { a: 1, _meta: { b: 2, progressToken: 1 } } })
    mcp.peer.close()
  })

  it('is nobody’s without a token, without conventions, and when the call is over', async () => {
    const { wire } = wired(service(), { conventions: lspConventions })
    wire.send('{"jsonrpc":"2.0","method":"count","id":1}', '{"jsonrpc":"2.0","method":"leak","params":{"workDoneToken":1},"id":2}')
    await wire.answers(2)
    await turns()
    expect(wire.received.length).toBe(2)
    const without = wired(service())
    without.wire.send('{"jsonrpc":"2.0","method":"count","params":{"workDoneToken":"t"},"id":1}')
    expect(await without.wire.answers(1)).toMatchObject([{ result: 'done' }])
    expect(await rejection(without.peer.call('x', [], { onProgress: () => {} }))).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
  })

  it('needs params by name, and makes what MCP has of any value', async () => {
    const { peer } = wired(undefined, { conventions: lspConventions })
    expect(await rejection(peer.call('x', [1], { onProgress: () => {} }))).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    expect(peer.pendingCalls).toBe(0)
    const { params } = mcpConventions.progress!
    expect([5, 'half', { progress: 1, total: 2 }].map((value) => params('t', value))).toEqual([
      { progress: 5, progressToken: 't' },
      { message: 'half', progressToken: 't' },
      { progress: 1, total: 2, progressToken: 't' },
    ])
    peer.close()
  })

  it('for no call of ours goes to the service, and what onProgress throws is reported', async () => {
    const got: unknown[] = []
    const errors: unknown[] = []
    const { wire, peer } = wired(createService({ '$/progress': (params) => void got.push(params) }, { onError: (error) => errors.push(error) }), { conventions: lspConventions })
    const call = peer.call('x', {}, { onProgress: () => { throw 'thrown' } }) // prettier-ignore
    for (const token of [1, '1', 2]) wire.send(JSON.stringify({ jsonrpc: '2.0', method: '$/progress', params: { token, value: 0 } }))
    wire.send('{"jsonrpc":"2.0","result":1,"id":1}', '{"jsonrpc":"2.0","method":"$/progress","params":{"token":1,"value":9}}')
    expect(await call).toBe(1)
    await turns()
    expect(errors).toEqual(['thrown'])
    expect(got).toEqual([{ token: '1', value: 0 }, { token: 2, value: 0 }, { token: 1, value: 9 }])
  })
})

/** A peer whose other side serves, both with the same conventions. */
function tied(service: ReturnType<typeof createService>, conventions: Conventions) {
  const { a, b } = memoryMessagePair()
  jsonRpc(service, { conventions })(b)
  return jsonRpc(undefined, { conventions })(a)
}

describe('what was cancelled, or not', () => {
  it('an error of the same code that a handler throws by itself is one like any other', async () => {
    const { wire } = wired(createService({ x: () => { throw new JsonRpcError(-32800, 'mine') } }), { conventions: lspConventions }) // prettier-ignore
    wire.send('{"jsonrpc":"2.0","method":"x","id":1}')
    expect(await wire.answers(1)).toMatchObject([{ error: { code: -32800, message: 'mine' } }])
  })

  it('a cancel that cannot be told is a diagnostic, and the call is given up all the same', async () => {
    const diagnostics: Diagnostic[] = []
    const conventions: Conventions = { cancel: { method: 'stop', params: () => [1n], id: () => undefined } }
    const { peer } = wired(undefined, { conventions, onDiagnostic: (diagnostic) => diagnostics.push(diagnostic) })
    const control = new AbortController()
    const call = peer.call('x', [], { signal: control.signal })
    control.abort('enough')
    expect(await rejection(call)).toBe('enough')
    expect(diagnostics).toMatchObject([{ kind: 'untold', error: { code: 'ERR_INVALID_ARGUMENT' } }])
    peer.close()
  })
})
