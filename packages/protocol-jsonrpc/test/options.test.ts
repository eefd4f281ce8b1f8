import { createService, JsonRpcError, jsonRpc, jsonRpcClient } from '@async/protocol-jsonrpc'
import type { Context, Observation } from '@async/protocol-jsonrpc'
import { describe, expect, it } from 'vitest'
import { deferred, memoryMessagePair, peers, rejection, turns, VirtualClock, wired } from './helpers.ts'

const request = (method: string, id: number | undefined, params: unknown = []) => JSON.stringify({ jsonrpc: '2.0', method, params, id })

describe('execution', () => {
  const recorded = (execution: 'ordered' | 'concurrent') => {
    const log: string[] = []
    const gates = [deferred(), deferred(), deferred()]
    const service = createService(
      {
        work: async ([at]: [number]) => {
          log.push(`start ${at}`)
          await gates[at]!.promise
          log.push(`end ${at}`)
          return at
        },
        back: async (_params: unknown, { peer }: Context) => {
          log.push('start back')
          await peer.call('x')
          log.push('end back')
        },
      },
      { execution },
    )
    return { log, gates, service, ...wired(service) }
  }

  it('in order is one at a time, whatever calls of the application wait', async () => {
    const { log, gates, wire, peer } = recorded('ordered')
    peer.call('mine').catch(() => {})
    for (let at = 0; at < 3; at++) wire.send(request('work', at === 1 ? undefined : at, [at]))
    await turns()
    expect(log).toEqual(['start 0'])
    gates[1]!.resolve(0)
    gates[2]!.resolve(0)
    await turns()
    expect(log).toEqual(['start 0'])
    gates[0]!.resolve(0)
    await wire.answers(3)
    expect(log).toEqual(['start 0', 'end 0', 'start 1', 'end 1', 'start 2', 'end 2'])
    expect(wire.received.slice(1)).toEqual(['{"jsonrpc":"2.0","result":0,"id":0}', '{"jsonrpc":"2.0","result":2,"id":2}'])
    peer.close()
  })

  it('in order lets the next start while a handler waits for a call of its own', async () => {
    const { log, gates, wire } = recorded('ordered')
    wire.send(request('back', 1), request('work', 2, [0]), request('work', 3, [1]))
    await turns()
    expect(log).toEqual(['start back', 'start 0'])
    wire.send('{"jsonrpc":"2.0","result":1,"id":1}')
    await turns()
    expect(log).toEqual(['start back', 'start 0', 'end back'])
    gates[0]!.resolve(0)
    gates[1]!.resolve(0)
    await wire.answers(4)
    expect(log.slice(3)).toEqual(['end 0', 'start 1', 'end 1'])
  })

  it('in order is one at a time behind a handler that did not wait for its call', async () => {
    const log: string[] = []
    const gate = deferred()
    const work = async ([at]: [number]) => {
      log.push(`start ${at}`)
      await gate.promise
    }
    const forget = (_params: unknown, { peer }: Context) => void peer.call('never').catch(() => {})
    const { wire, peer } = wired(createService({ work, forget }, { execution: 'ordered' }))
    wire.send(request('forget', 1), request('work', 2, [2]), request('work', 3, [3]))
    await turns()
    expect(log).toEqual(['start 2'])
    wire.send('{"jsonrpc":"2.0","result":1,"id":1}')
    gate.resolve(0)
    await wire.answers(4)
    expect(log).toEqual(['start 2', 'start 3'])
    peer.close()
  })

  it('in order does not hang when both sides call each other back', async () => {
    const recurse = async ([depth]: [number], { peer }: Context): Promise<number> => (depth === 0 ? 0 : ((await peer.attempt('recurse', [depth - 1])) as { result: number }).result + 1)
    const { a, b } = peers(createService({ recurse }, { execution: 'ordered' }))
    expect(await Promise.all([a.call('recurse', [7]), b.call('recurse', [6]), a.batch([{ method: 'recurse', params: [5] }])[0]])).toEqual([7, 6, 5])
  })

  it('is concurrent by default, and nothing else', async () => {
    const { log, wire } = recorded('concurrent')
    for (let at = 0; at < 3; at++) wire.send(request('work', at, [at]))
    await turns()
    expect(log).toEqual(['start 0', 'start 1', 'start 2'])
    expect(() => createService({}, { execution: 'serial' as never })).toThrow("execution is 'concurrent' or 'ordered'")
  })
})

describe('calls and notifications while the transport is full', () => {
  const full = (options = {}) => {
    const both = wired(createService({ echo: (params) => params }), options, { highWaterMarkBytes: 100, lowWaterMarkBytes: 0, capacityBytes: 100 })
    both.wire.transport.pause('read')
    return both
  }

  it('leave nothing here once they are given up, however many', async () => {
    const { peer } = full()
    for (let at = 0; at < 1000; at++) {
      const control = new AbortController()
      const call = peer.call('c', [at], { signal: control.signal })
      control.abort()
      await call.catch(() => {})
    }
    expect((peer as unknown as { outbox: { held?: unknown[] } }).outbox.held?.length ?? 0).toBeLessThan(3)
    peer.abort()
  })

  it('wait in order, and the transport holds no more than its mark and one message', async () => {
    const { wire, peer } = full()
    const calls = Array.from({ length: 50 }, (_, at) => (at % 5 === 4 ? peer.notify('n', [at]) : peer.call('c', [at])))
    await turns()
    let drained = false
    void peer.drained().then(() => (drained = true))
    await turns()
    expect(drained).toBe(false)
    wire.transport.resume('read')
    await wire.answers(50)
    expect(wire.received.map((text) => JSON.parse(text).params[0])).toEqual(Array.from({ length: 50 }, (_, at) => at))
    await peer.drained()
    expect(drained).toBe(true)
    peer.abort()
    await Promise.allSettled(calls)
  })

  it('are refused above maxUnsentBytes, and harm nothing', async () => {
    const { wire, peer } = full({ maxUnsentBytes: 200 })
    const filling = peer.call('c', ['x'.repeat(100)])
    const waiting = peer.call('c', ['y'.repeat(100)])
    const limit = { name: 'LimitError', code: 'ERR_WRITE_QUEUE_FULL', limit: 'maxUnsentBytes', allowed: 200, actual: 302, unit: 'bytes' }
    expect(await rejection(peer.call('c', ['z'.repeat(100)]))).toMatchObject(limit)
    expect(() => peer.notify('c', ['z'.repeat(107)])).toThrow(expect.objectContaining({ code: 'ERR_WRITE_QUEUE_FULL' }))
    expect(peer.pendingCalls).toBe(2)
    wire.transport.resume('read')
    await wire.answers(2)
    wire.send('{"jsonrpc":"2.0","result":1,"id":1}', '{"jsonrpc":"2.0","result":2,"id":2}')
    expect(await Promise.all([filling, waiting])).toEqual([1, 2])
  })

  it('are rejected when the transport turns out to never take them, and what is behind them goes on', async () => {
    const diagnostics: string[] = []
    const pair = { highWaterMarkBytes: 100, lowWaterMarkBytes: 0, capacityBytes: 100, maxQueuedBytes: 200 }
    const { wire, peer } = wired(undefined, { onDiagnostic: (each) => diagnostics.push(each.kind) }, pair)
    wire.transport.pause('read')
    const first = peer.call('first', ['x'.repeat(100)])
    const long = peer.call('long', ['x'.repeat(300)])
    const [batched] = peer.batch([{ method: 'long', params: ['x'.repeat(300)] }, { method: 'n', notification: true }])
    peer.notify('long', ['x'.repeat(300)])
    const last = peer.call('last')
    wire.transport.resume('read')
    for (const each of [long, batched]) expect(await rejection(each)).toMatchObject({ code: 'ERR_WRITE_QUEUE_FULL' })
    await wire.answers(2)
    wire.send('{"jsonrpc":"2.0","result":1,"id":1}', '{"jsonrpc":"2.0","result":2,"id":4}')
    expect(await Promise.all([first, last])).toEqual([1, 2])
    expect(diagnostics).toEqual(['unsent', 'unsent', 'unsent'])
    expect(peer.pendingCalls).toBe(0)
  })

  it('are followed by answers, which do not overtake them', async () => {
    const { wire, peer } = full()
    peer.notify('first', ['x'.repeat(100)])
    peer.notify('second', ['x'.repeat(100)])
    wire.send('nonsense')
    await turns()
    wire.transport.resume('read')
    await wire.answers(3)
    expect(wire.received.map((text) => JSON.parse(text).method ?? JSON.parse(text).error.code)).toEqual(['first', 'second', -32700])
    peer.close()
  })

  it('of notifications, close() sends what waits; of calls, nobody would wait for the answers', async () => {
    const { wire, peer } = full()
    peer.notify('first', ['x'.repeat(100)])
    peer.notify('second', ['x'.repeat(100)])
    const call = peer.call('third')
    peer.notify('fourth')
    await turns()
    peer.close()
    expect(await rejection(call)).toMatchObject({ code: 'ERR_CONNECTION_CLOSED' })
    wire.transport.resume('read')
    await wire.until(() => wire.ended)
    expect(wire.received.map((text) => JSON.parse(text).method)).toEqual(['first', 'second', 'fourth'])
  })

  it('drained() is rejected at the end, and when its signal aborts', async () => {
    const { peer } = full()
    peer.notify('first', ['x'.repeat(100)])
    peer.notify('second')
    const control = new AbortController()
    const given = peer.drained(0, control.signal)
    const waiting = peer.drained()
    control.abort('enough')
    expect(await rejection(given)).toBe('enough')
    expect(await rejection(peer.drained(0, control.signal))).toBe('enough')
    peer.abort()
    expect(await rejection(waiting)).toMatchObject({ code: 'ERR_CONNECTION_LOST' })
  })
})

describe('maxNestingDepth', () => {
  it.each([
    ['arrays', `{"jsonrpc":"2.0","method":"echo","params":${'['.repeat(20)}${']'.repeat(20)},"id":1}`, 21],
    ['objects', `{"jsonrpc":"2.0","method":"echo","params":${'{"a":'.repeat(20)}1${'}'.repeat(20)},"id":1}`, 21],
    ['batches', `${'['.repeat(30)}${']'.repeat(30)}`, 30],
  ])('refuses deeper ones with −32700, and says by how much: %s', async (_name, text, actual) => {
    const { wire } = wired(createService({ echo: (params) => params }), { maxNestingDepth: 10 })
    wire.send(text)
    expect(await wire.answers(1)).toEqual([{ jsonrpc: '2.0', error: { code: -32700, message: 'Parse error', data: { limit: 'maxNestingDepth', allowed: 10, actual } }, id: null }])
  })

  it('counts what is open, not what there is, and no brackets in strings', async () => {
    const { wire } = wired(createService({ echo: (params) => params }), { maxNestingDepth: 3 })
    const params = [['a[[[[{{{{', '\\"[[[[', '\\\\'], ['"]["', [1]].slice(0, 1), []]
    wire.send(request('echo', 1, params), `{"jsonrpc":"2.0","method":"echo","params":[[],[],[],[],[]],"id":2}`)
    expect(await wire.answers(2)).toMatchObject([{ result: params }, { result: [[], [], [], [], []] }])
  })

  it('is 1000 unless said otherwise', async () => {
    const { wire } = wired(createService({ size: (params) => JSON.stringify(params).length }))
    wire.send(...[999, 1000].map((depth) => `{"jsonrpc":"2.0","method":"size","params":${'['.repeat(depth)}${']'.repeat(depth)},"id":1}`))
    expect(await wire.answers(2)).toMatchObject([{ result: 1998 }, { error: { data: { limit: 'maxNestingDepth', allowed: 1000, actual: 1001 } } }])
  })
})

describe('maxResponseBytes', () => {
  it('holds for answers alone', async () => {
    const errors: any[] = []
    const service = createService({ echo: (params) => params }, { maxResponseBytes: 100, onError: (error) => errors.push(error) })
    const { wire, peer } = wired(service)
    wire.send(request('echo', 1, ['x'.repeat(100)]))
    expect(await wire.answers(1)).toMatchObject([{ error: { code: -32603 } }])
    expect(errors).toMatchObject([{ code: 'ERR_JSONRPC_MESSAGE_TOO_LONG', limit: 'maxResponseBytes', allowed: 100, actual: 138, unit: 'bytes' }])
    const call = peer.call('x', ['x'.repeat(1000)])
    wire.send(`{"jsonrpc":"2.0","result":"${'x'.repeat(1000)}","id":1}`)
    expect(await call).toHaveLength(1000)
  })
})

describe('reviver and replacer', () => {
  const bigInts = {
    reviver: (_key: string, value: unknown) => (typeof value === 'string' && /^\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value),
    replacer: (_key: string, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value),
  }

  it('carry what JSON has no numbers for, in params, results and error data', async () => {
    const { a, b } = memoryMessagePair()
    const service = createService({
      next: ([value]: [bigint]) => value + 1n,
      fail: () => {
        throw new JsonRpcError(1, 'no', { at: 2n ** 70n })
      },
    })
    jsonRpc(service, bigInts)(b)
    const peer = jsonRpc(undefined, bigInts)(a)
    expect(await peer.call('next', [2n ** 64n])).toBe(2n ** 64n + 1n)
    expect(await rejection(peer.call('fail'))).toMatchObject({ data: { at: 2n ** 70n } })
  })

  it('echo an id that the reviver made a bigint of', async () => {
    const { wire } = wired(createService({ one: () => 1 }), { reviver: (key, value) => (key === 'id' ? BigInt(9007199254740993n) : value) })
    wire.send('{"jsonrpc":"2.0","method":"one","id":9007199254740993}')
    await wire.answers(1)
    expect(wire.received).toEqual(['{"jsonrpc":"2.0","result":1,"id":9007199254740993}'])
  })
})

describe('observe', () => {
  const record = () => {
    const clock = new VirtualClock(1000)
    const seen: Observation[] = []
    return { clock, seen, options: { clock, observe: (observation: Observation) => void seen.push(observation) } }
  }

  it('is told of messages and calls, with times: who calls', async () => {
    const { clock, seen, options } = record()
    const { wire, peer } = wired(undefined, options)
    const call = peer.call('slow', [1])
    clock.advance(5)
    wire.send('{"jsonrpc":"2.0","result":1,"id":1}')
    await call
    peer.notify('note')
    const given = peer.call('given', [], { timeoutMs: 7 })
    clock.advance(7)
    const error = await rejection(given)
    peer.close()
    wire.transport.close()
    const reason = await peer.closed
    const first = { method: 'slow', id: 1 }
    const second = { method: 'given', id: 2 }
    expect(seen).toEqual([
      { kind: 'sent', data: '{"jsonrpc":"2.0","method":"slow","params":[1],"id":1}' },
      { kind: 'started', side: 'client', call: first, nowMs: 1000 },
      { kind: 'received', data: '{"jsonrpc":"2.0","result":1,"id":1}' },
      { kind: 'ended', side: 'client', call: first, nowMs: 1005, durationMs: 5, error: undefined },
      { kind: 'sent', data: '{"jsonrpc":"2.0","method":"note"}' },
      { kind: 'started', side: 'client', call: { method: 'note', id: undefined }, nowMs: 1005 },
      { kind: 'sent', data: '{"jsonrpc":"2.0","method":"given","params":[],"id":2}' },
      { kind: 'started', side: 'client', call: second, nowMs: 1005 },
      { kind: 'ended', side: 'client', call: second, nowMs: 1012, durationMs: 7, error },
      { kind: 'lost', reason },
    ])
    const [, started, , ended] = seen as { call: object }[]
    expect(ended!.call).toBe(started!.call)
  })

  it('is told of messages and calls, with times: who serves', async () => {
    const { clock, seen, options } = record()
    const gate = deferred()
    const failure = new JsonRpcError(1, 'no')
    const service = createService({ slow: () => gate.promise, fail: () => Promise.reject(failure) })
    const { wire } = wired(service, options)
    wire.send(request('slow', 1), request('fail', undefined))
    await turns()
    clock.advance(3)
    gate.resolve(0)
    await wire.answers(1)
    expect(seen.filter(({ kind }) => kind !== 'received').map((each) => ({ ...each, ...('call' in each ? { call: [each.call.method, each.call.id] } : {}) }))).toEqual([
      { kind: 'started', side: 'server', call: ['slow', 1], nowMs: 1000 },
      { kind: 'started', side: 'server', call: ['fail', undefined], nowMs: 1000 },
      { kind: 'ended', side: 'server', call: ['fail', undefined], nowMs: 1000, durationMs: 0, error: failure },
      { kind: 'ended', side: 'server', call: ['slow', 1], nowMs: 1003, durationMs: 3, error: undefined },
      { kind: 'sent', data: '{"jsonrpc":"2.0","result":0,"id":1}' },
    ])
  })

  it('is told of exchanges as well', async () => {
    const { seen, options } = record()
    const client = jsonRpcClient(
      {
        async connect() {
          const { a, b } = memoryMessagePair()
          jsonRpc(createService({ one: () => 1 }))(b)
          return a
        },
      },
      options,
    )
    await client.call('one')
    await client.notify('one')
    await client[Symbol.asyncDispose]()
    expect(seen.map((each) => ('side' in each ? `${each.kind} ${each.call.method}` : each.kind))).toEqual(['started one', 'sent', 'received', 'ended one', 'started one', 'sent'])
  })

  it('may throw, which changes nothing', async () => {
    const real = console.error
    const said: unknown[] = []
    console.error = (error: unknown) => said.push(error)
    try {
      const { a, b } = memoryMessagePair()
      jsonRpc(createService({ one: () => 1 }), { observe: () => { throw 'thrown' } })(b) // prettier-ignore
      expect(await jsonRpc()(a).call('one')).toBe(1)
      expect(new Set(said)).toEqual(new Set(['thrown']))
      a.abort()
      await turns()
    } finally {
      console.error = real
    }
  })
})

describe('attempt', () => {
  it('makes values of errors that were answered, and of no others', async () => {
    const service = createService({
      one: () => 1,
      fail: () => {
        throw new JsonRpcError(5, 'no', [1])
      },
      given: () => new JsonRpcError(6, 'returned'),
      later: async () => new JsonRpcError(7, 'returned later'),
    })
    const { a } = peers(service)
    expect(await a.attempt('one')).toEqual({ ok: true, result: 1 })
    for (const [method, code] of [['fail', 5], ['given', 6], ['later', 7], ['none', -32601]] as const) expect(await a.attempt(method)).toMatchObject({ ok: false, error: { name: 'JsonRpcError', code } })
    expect(await rejection(a.attempt('one', [], { signal: AbortSignal.abort('why') }))).toBe('why')
    a.abort()
    expect(await rejection(a.attempt('one'))).toMatchObject({ code: 'ERR_CONNECTION_LOST' })
  })
})


describe('an observer that closes the peer', () => {
  it.each(['call', 'batch'] as const)('as it sees a %s go leaves none that waits', async (how) => {
    const { peer } = wired(undefined, { observe: ({ kind }) => kind === 'sent' && peer.close() })
    const call = how === 'call' ? peer.call('m') : peer.batch([{ method: 'm' }])[0]
    call.catch(() => {})
    expect(peer.pendingCalls).toBe(0)
    await expect(call).rejects.toMatchObject({ code: 'ERR_CONNECTION_CLOSED' })
  })
})

describe('an observer that gives up what it sees go', () => {
  it('has it rejected', async () => {
    const control = new AbortController()
    const { peer } = wired(undefined, { observe: ({ kind }) => kind === 'sent' && control.abort('why') })
    await expect(peer.call('m', [], { signal: control.signal })).rejects.toBe('why')
    expect(peer.pendingCalls).toBe(0)
    peer.abort()
  })
})
