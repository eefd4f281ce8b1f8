import { createService, integerCodes, isJsonRpcError, JsonRpcError, jsonRpc } from '@async/protocol-jsonrpc'
import type { Diagnostic, Peer } from '@async/protocol-jsonrpc'
import { describe, expect, it } from 'vitest'
import { deferred, memoryMessagePair, peers, rejection, turns, VirtualClock, wired } from './helpers.ts'

describe('call', () => {
  it('sends a request and resolves with the result', async () => {
    const { peer, wire } = wired()
    const sum = peer.call('add', [1, 2])
    const none = peer.call('none')
    await wire.answers(2)
    expect(wire.received).toEqual(['{"jsonrpc":"2.0","method":"add","params":[1,2],"id":1}', '{"jsonrpc":"2.0","method":"none","id":2}'])
    wire.send('{"jsonrpc":"2.0","result":null,"id":2}', '{"jsonrpc":"2.0","result":3,"id":1}')
    expect(await sum).toBe(3)
    expect(await none).toBe(null)
    expect(peer.pendingCalls).toBe(0)
  })

  it('rejects with the error of the other side: code, message, data', async () => {
    const { peer, wire } = wired()
    const call = peer.call('add')
    wire.send('{"jsonrpc":"2.0","error":{"code":7,"message":"no","data":{"__proto__":1}},"id":1}')
    const error = await rejection(call)
    expect(isJsonRpcError(error, 7)).toBe(true)
    expect(error).toMatchObject({ name: 'JsonRpcError', message: 'no' })
    expect(Object.keys(error.data as object)).toEqual(['__proto__'])
  })

  it.each([
    ['a result and an error', '{"jsonrpc":"2.0","result":1,"error":{"code":1,"message":"m"},"id":1}', 'a response has a result or an error, not both'],
    ['no version', '{"result":1,"id":1}', 'a response needs "jsonrpc": "2.0"'],
    ['no code', '{"jsonrpc":"2.0","error":{},"id":1}', 'the error of a response needs an integer code and a message'],
  ])('rejects for an answer with %s', async (_name, answer, message) => {
    const { peer, wire } = wired()
    const call = peer.call('add')
    wire.send(answer)
    expect(await rejection(call)).toMatchObject({ name: 'ProtocolError', code: 'ERR_JSONRPC_INVALID_RESPONSE', message })
  })

  it('compares ids with their type, and takes an answer once', async () => {
    const diagnostics: Diagnostic[] = []
    const { peer, wire } = wired(undefined, { onDiagnostic: (diagnostic) => diagnostics.push(diagnostic) })
    const call = peer.call('add')
    const unknown = ['"1"', '2', '0', '-1', '1.5', 'null', '"x"']
    wire.send(...unknown.map((id) => `{"jsonrpc":"2.0","result":"wrong","id":${id}}`))
    wire.send('{"jsonrpc":"2.0","result":"right","id":1}', '{"jsonrpc":"2.0","result":"again","id":1}')
    expect(await call).toBe('right')
    await turns()
    expect(diagnostics.map((diagnostic) => [diagnostic.kind, 'response' in diagnostic ? diagnostic.response.id : ''])).toEqual(
      unknown.map((id) => ['unknownResponse', JSON.parse(id)]),
    )
    expect(wire.received.length).toBe(1)
  })

  it('rejects with signal.reason, at once and later, and ignores the late answer', async () => {
    const diagnostics: Diagnostic[] = []
    const { peer, wire } = wired(undefined, { onDiagnostic: (diagnostic) => diagnostics.push(diagnostic) })
    expect(await rejection(peer.call('add', [], { signal: AbortSignal.abort('early') }))).toBe('early')
    const control = new AbortController()
    const call = peer.call('add', [], { signal: control.signal })
    await wire.answers(1)
    control.abort('later')
    expect(await rejection(call)).toBe('later')
    expect(peer.pendingCalls).toBe(0)
    wire.send('{"jsonrpc":"2.0","result":1,"id":1}')
    await turns()
    expect(diagnostics).toEqual([])
    expect(wire.received).toEqual(['{"jsonrpc":"2.0","method":"add","params":[],"id":1}'])
  })

  it('shares one listener among the calls of a signal, and removes it with the last', async () => {
    const { peer, wire } = wired()
    const control = new AbortController()
    let listeners = 0
    const { addEventListener, removeEventListener } = control.signal
    control.signal.addEventListener = (...args: Parameters<typeof addEventListener>) => (listeners++, addEventListener.apply(control.signal, args))
    control.signal.removeEventListener = (...args: Parameters<typeof addEventListener>) => (listeners--, removeEventListener.apply(control.signal, args))
    const calls = Array.from({ length: 20 }, () => peer.call('add', [], { signal: control.signal }))
    expect(listeners).toBe(1)
    await wire.answers(20)
    for (let id = 1; id <= 20; id++) wire.send(`{"jsonrpc":"2.0","result":1,"id":${id}}`)
    await Promise.all(calls)
    expect(listeners).toBe(0)
    const [again, more] = peer.batch([{ method: 'add' }, { method: 'add' }], { signal: control.signal })
    expect(listeners).toBe(1)
    control.abort('both')
    expect([await rejection(again!), await rejection(more!)]).toEqual(['both', 'both'])
    expect(peer.pendingCalls).toBe(0)
  })

  it('rejects with ERR_TIMEOUT when its own time, or the default, has passed; timers do not stay', async () => {
    const clock = new VirtualClock()
    const { peer, wire } = wired(undefined, { clock, callTimeoutMs: 1000 })
    const short = peer.call('short', [], { timeoutMs: 10 })
    const usual = peer.call('usual')
    const answered = peer.call('answered')
    const endless = peer.call('endless', [], { timeoutMs: Infinity })
    wire.send('{"jsonrpc":"2.0","result":1,"id":3}')
    expect(await answered).toBe(1)
    expect(clock.pendingCount).toBe(2)
    clock.advance(10)
    expect(await rejection(short)).toMatchObject({ code: 'ERR_TIMEOUT', message: 'short: no answer within 10 ms' })
    clock.advance(990)
    expect(await rejection(usual)).toMatchObject({ code: 'ERR_TIMEOUT', message: 'usual: no answer within 1000 ms' })
    expect(clock.pendingCount).toBe(0)
    expect(peer.pendingCalls).toBe(1)
    peer.abort()
    await rejection(endless)
  })

  it('refuses time-outs that are none, and takes what no timer can count to for no end', async () => {
    const clock = new VirtualClock()
    const { peer, wire } = wired(undefined, { clock })
    for (const timeoutMs of [-1, Number.NaN]) {
      expect(await rejection(peer.call('x', [], { timeoutMs }))).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
      expect(() => jsonRpc(undefined, { callTimeoutMs: timeoutMs })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    }
    const call = peer.call('x', [], { timeoutMs: 2 ** 31 })
    expect(clock.pendingCount).toBe(0)
    wire.send('{"jsonrpc":"2.0","result":1,"id":1}')
    expect(await call).toBe(1)
  })

  it('rejects for params that JSON cannot carry, and sends nothing', async () => {
    const { peer, wire } = wired()
    expect(await rejection(peer.call('add', [1n]))).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    expect(() => peer.notify('add', 'text' as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    await turns()
    expect(wire.received).toEqual([])
    expect(peer.pendingCalls).toBe(0)
  })

  it('rejects alone when the transport refuses its write', async () => {
    const { peer, wire } = wired(undefined, {}, { maxQueuedBytes: 200, highWaterMarkBytes: 100 })
    const first = peer.call('first')
    expect(await rejection(peer.call('second', ['x'.repeat(300)]))).toMatchObject({ name: 'LimitError', code: 'ERR_WRITE_QUEUE_FULL' })
    wire.send('{"jsonrpc":"2.0","result":1,"id":1}')
    expect(await first).toBe(1)
  })
})

describe('notify', () => {
  it('sends a notification, and throws once the connection is over', async () => {
    const { peer, wire } = wired()
    peer.notify('log', { level: 1 })
    await wire.answers(1)
    expect(wire.received).toEqual(['{"jsonrpc":"2.0","method":"log","params":{"level":1}}'])
    peer.close()
    expect(() => peer.notify('log')).toThrow(expect.objectContaining({ code: 'ERR_CONNECTION_CLOSED' }))
    wire.transport.close()
    await peer.closed
    expect(() => peer.notify('log')).toThrow(expect.objectContaining({ code: 'ERR_CONNECTION_CLOSED' }))
  })
})

describe('batch', () => {
  it('sends one message, and each entry settles by itself', async () => {
    const { peer, wire } = wired()
    const [a, b, c, d] = peer.batch([{ method: 'a' }, { method: 'b', notification: true }, { method: 'c', params: [1] }, { method: 'd' }])
    expect(await b).toBe(undefined)
    await wire.answers(1)
    expect(wire.received).toEqual([
      '[{"jsonrpc":"2.0","method":"a","id":1},{"jsonrpc":"2.0","method":"b"},{"jsonrpc":"2.0","method":"c","params":[1],"id":2},{"jsonrpc":"2.0","method":"d","id":3}]',
    ])
    wire.send('[{"jsonrpc":"2.0","result":"C","id":2},{"jsonrpc":"2.0","error":{"code":1,"message":"m"},"id":1}]')
    expect(await c).toBe('C')
    expect(await rejection(a!)).toMatchObject({ code: 1 })
    expect(peer.pendingCalls).toBe(1)
    wire.send('{"jsonrpc":"2.0","result":"D","id":3}')
    expect(await d).toBe('D')
  })

  it('is answered by a peer in the order of its entries', async () => {
    const slow = deferred()
    const { a } = peers(createService({ slow: () => slow.promise, fast: () => 'fast' }))
    const results = a.batch([{ method: 'slow' }, { method: 'fast' }, { method: 'none' }])
    await turns()
    expect(a.pendingCalls).toBe(3)
    slow.resolve('slow')
    expect(await Promise.allSettled(results)).toMatchObject([{ value: 'slow' }, { value: 'fast' }, { reason: { code: -32601 } }])
  })

  it('sends nothing when empty, and all or nothing when it cannot be sent', async () => {
    const { peer, wire } = wired(undefined, { maxBatchItems: 2 })
    expect(peer.batch([])).toEqual([])
    const tooMany = peer.batch([{ method: 'a' }, { method: 'b' }, { method: 'c', notification: true }])
    for (const each of tooMany) {
      expect(await rejection(each)).toMatchObject({ code: 'ERR_JSONRPC_BATCH_TOO_LONG', limit: 'maxBatchItems', allowed: 2, actual: 3 })
    }
    const wrong = peer.batch([{ method: 'a' }, { method: 'b', params: [1n] }])
    for (const each of wrong) expect(await rejection(each)).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    await turns()
    expect(wire.received).toEqual([])
    expect(peer.pendingCalls).toBe(0)
  })

  it('is not run on once a handler of it has closed the peer', async () => {
    let ran = 0
    const service = createService({ bye: (_params, { peer }) => peer.close(), run: () => void ran++ })
    const { wire } = wired(service)
    wire.send('[{"jsonrpc":"2.0","method":"bye"},{"jsonrpc":"2.0","method":"run"},{"jsonrpc":"2.0","method":"run","id":1}]')
    await wire.until(() => wire.ended)
    expect(ran).toBe(0)
    expect(service.counters).toMatchObject({ started: 1, queued: 0, running: 0 })
  })

  it('has answers for its calls only, without a service', async () => {
    const { wire } = wired()
    wire.send('[7, {"jsonrpc":"2.0","method":"x","id":1}, {"foo":"boo"}]', '[7]', '{"jsonrpc":"2.0","method":"x","id":2}')
    await wire.answers(2)
    expect(wire.received).toEqual([
      '[{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":1}]',
      '{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":2}',
    ])
  })

  it('may mix requests with answers', async () => {
    const { peer, wire } = wired(createService({ echo: (params) => params }))
    const call = peer.call('x')
    await wire.answers(1)
    wire.send('[{"jsonrpc":"2.0","result":5,"id":1},{"jsonrpc":"2.0","method":"echo","params":[6],"id":"mine"}]')
    expect(await call).toBe(5)
    await wire.answers(2)
    expect(wire.received[1]).toBe('[{"jsonrpc":"2.0","result":[6],"id":"mine"}]')
  })
})

describe('a service', () => {
  it('is called by own, registered names only', async () => {
    const service = createService({ own: () => 1 })
    const { a } = peers(service)
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'rpc.discover', 'valueOf', '']) {
      expect(await rejection(a.call(name))).toMatchObject({ code: -32601, message: 'Method not found' })
    }
    const odd = createService(JSON.parse('{}') as {})
    expect(odd.methods.size).toBe(0)
    expect(await peers(createService(new Map([['__proto__', () => 'registered']]))).a.call('__proto__')).toBe('registered')
  })

  it('refuses reserved names and what is not a function', () => {
    expect(() => createService({ 'rpc.x': () => 1 })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    expect(() => createService({ x: 1 as never })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })

  it('gives handlers the params as they came, and a context', async () => {
    const seen: unknown[] = []
    const service = createService({
      look: (params, { method, notification, peer, info }) => {
        seen.push(params, method, notification, peer, info.pausable)
      },
    })
    const { a, b } = peers(service)
    await a.call('look', { by: 'name' })
    a.notify('look')
    await a.call('look', [1])
    expect(seen).toEqual([{ by: 'name' }, 'look', false, b, true, undefined, 'look', true, b, true, [1], 'look', false, b, true])
  })

  it('lets JsonRpcError through, and hides everything else', async () => {
    const errors: unknown[] = []
    const secret = Object.assign(new Error('secret'), { code: 42, data: 1 })
    const methods = {
      mine: () => {
        throw new JsonRpcError(42, 'mine', { a: 1 })
      },
      later: async () => {
        throw new JsonRpcError(43, 'later')
      },
      secret: () => {
        throw secret
      },
      nothing: () => {
        throw undefined
      },
    }
    const { a } = peers(createService(methods, { onError: (error) => errors.push(error) }))
    expect(await rejection(a.call('mine'))).toMatchObject({ code: 42, message: 'mine', data: { a: 1 } })
    expect(await rejection(a.call('later'))).toMatchObject({ code: 43, message: 'later', data: undefined })
    expect(await rejection(a.call('secret'))).toMatchObject({ code: -32603, message: 'Internal error', data: undefined })
    expect(await rejection(a.call('nothing'))).toMatchObject({ code: -32603 })
    expect(errors).toEqual([secret, undefined])

    const open = peers(createService(methods, { mapError: integerCodes, onError: (error) => errors.push(error) }))
    expect(await rejection(open.a.call('secret'))).toMatchObject({ code: 42, message: 'secret', data: 1 })
    expect(errors.length).toBe(2)
  })

  it('sends what mapError gives, also without a message, and nothing of it without an integer code', async () => {
    const map = (code: unknown) => () => ({ code, secret: 1 }) as never
    const throws = { x: () => { throw new Error('secret') } } // prettier-ignore
    const bare = wired(createService(throws, { mapError: map(5) })).wire
    bare.send('{"jsonrpc":"2.0","method":"x","id":1}')
    await bare.answers(1)
    expect(bare.received).toEqual(['{"jsonrpc":"2.0","error":{"code":5,"message":""},"id":1}'])
    const odd = wired(createService(throws, { mapError: map('5'), onError: () => {} })).wire
    odd.send('{"jsonrpc":"2.0","method":"x","id":1}')
    await odd.answers(1)
    expect(odd.received).toEqual(['{"jsonrpc":"2.0","error":{"code":-32603,"message":"Internal error"},"id":1}'])
  })

  it('survives a mapError and an onError that throw', async () => {
    const said: unknown[] = []
    const real = console.error
    console.error = (error: unknown) => said.push(error)
    try {
      const hook = () => {
        throw new Error('hook')
      }
      const { a } = peers(createService({ fail: () => Promise.reject(new Error('handler')) }, { mapError: hook, onError: hook }))
      expect(await rejection(a.call('fail'))).toMatchObject({ code: -32603 })
      expect(said.map(String)).toEqual(['Error: hook', 'Error: hook'])
    } finally {
      console.error = real
    }
  })

  const cycle: { self?: unknown } = {}
  cycle.self = cycle
  const deep = '['.repeat(200_000) + ']'.repeat(200_000)

  it.each<[string, () => unknown]>([
    ['a cycle', () => cycle],
    ['a big integer', () => 1n],
    ['a function', () => () => {}],
    ['a symbol', async () => Symbol('s')],
    ['toJSON that throws', () => ({ toJSON: () => { throw new Error('no') } })], // prettier-ignore
    ['a thenable that throws', () => ({ then: () => { throw new Error('no') } })], // prettier-ignore
    ['a then that cannot be read', () => ({ get then() { throw new Error('no') } })], // prettier-ignore
    ['nesting too deep for JSON.stringify', () => JSON.parse(deep) as unknown],
    ['error data that JSON cannot carry', () => { throw new JsonRpcError(1, 'm', 1n) }], // prettier-ignore
  ])('answers −32603 for %s, and reports it once', async (_name, handler) => {
    const errors: unknown[] = []
    const { a } = peers(createService({ odd: handler, fine: () => 1 }, { onError: (error) => errors.push(error) }))
    expect(await rejection(a.call('odd'))).toMatchObject({ code: -32603, message: 'Internal error' })
    expect(errors.length).toBe(1)
    expect(await a.call('fine')).toBe(1)
  })

  it('counts over all its peers', async () => {
    const hang = deferred()
    const service = createService({ hang: () => hang.promise, fine: () => 1 }, { maxConcurrentHandlers: 2 })
    const one = peers(service)
    const two = peers(service)
    await one.a.call('fine')
    await rejection(two.a.call('none'))
    const calls = [1, 2, 3].map(() => one.a.call('hang'))
    await turns()
    expect(service.counters).toEqual({ peers: 4, started: 4, running: 2, queued: 1, errors: 1, refused: 0 })
    hang.resolve(1)
    await Promise.all(calls)
    for (const peer of [one.a, one.b, two.a, two.b]) peer.close()
    await Promise.all([one.a.closed, one.b.closed, two.a.closed, two.b.closed])
    expect(service.counters).toEqual({ peers: 0, started: 5, running: 0, queued: 0, errors: 1, refused: 0 })
  })
})

describe('answers', () => {
  it('of synchronous handlers are written in the call that brought the request', async () => {
    const written: unknown[] = []
    let started: any
    const below = { info: {}, closed: new Promise(() => {}), register() {}, start: (protocol: unknown) => (started = protocol), write: (data: unknown) => written.push(data) }
    jsonRpc(createService({ one: () => 1 }))(below as never)
    started.connectionMade()
    started.dataReceived('{"jsonrpc":"2.0","method":"one","id":1}')
    expect(written).toEqual(['{"jsonrpc":"2.0","result":1,"id":1}'])
  })

  it('come as handlers finish: a slow one holds up nobody', async () => {
    const slow = deferred()
    const { wire } = wired(createService({ slow: () => slow.promise, fast: async () => 2 }))
    wire.send('{"jsonrpc":"2.0","method":"slow","id":1}', '{"jsonrpc":"2.0","method":"fast","id":2}')
    await wire.answers(1)
    slow.resolve(1)
    await wire.answers(2)
    expect(wire.received).toEqual(['{"jsonrpc":"2.0","result":2,"id":2}', '{"jsonrpc":"2.0","result":1,"id":1}'])
  })
})

describe('noise', () => {
  it('is answered −32700, told to onDiagnostic, and harms nothing', async () => {
    const diagnostics: Diagnostic[] = []
    const { wire } = wired(createService({ one: () => 1 }), { onDiagnostic: (diagnostic) => diagnostics.push(diagnostic) })
    wire.send('Server listening', new Uint8Array([0xff]), '', '{"jsonrpc":"2.0","method":"one","id":1}')
    expect(await wire.answers(4)).toMatchObject([{ error: { code: -32700 } }, { error: { code: -32700 } }, { error: { code: -32700 } }, { result: 1 }])
    expect(diagnostics.map((each) => 'error' in each && each.error.message)).toEqual([
      'not JSON: "Server listening"',
      'not UTF-8: 1 bytes',
      'an empty message is not JSON',
    ])
  })

  it('does not make two peers answer each other for ever', async () => {
    const diagnostics: string[] = []
    const ends = memoryMessagePair()
    const step = jsonRpc(createService({}), { onDiagnostic: (diagnostic) => diagnostics.push(diagnostic.kind) })
    step(ends.a)
    step(ends.b)
    ends.a.write('{"foo":"boo"}')
    await turns(20)
    expect(diagnostics).toEqual(['invalid', 'unknownResponse'])
  })

  it('may make onDiagnostic throw, which changes nothing', async () => {
    const real = console.error
    const said: unknown[] = []
    console.error = (error: unknown) => said.push(error)
    try {
      const { wire } = wired(createService({ one: () => 1 }), { onDiagnostic: () => { throw 'thrown' } }) // prettier-ignore
      wire.send('noise', '{"jsonrpc":"2.0","method":"one","id":1}')
      await wire.answers(2)
      expect(said).toEqual(['thrown'])
    } finally {
      console.error = real
    }
  })
})

describe('the end', () => {
  it('by the other side: what is owed is answered, then the peer closes', async () => {
    const slow = deferred()
    const { wire, peer } = wired(createService({ slow: () => slow.promise }))
    const call = peer.call('never')
    wire.send('{"jsonrpc":"2.0","method":"slow","id":1}')
    wire.transport.halfClose()
    expect(await rejection(call)).toMatchObject({ code: 'ERR_CONNECTION_CLOSED', reason: { kind: 'closed', by: 'peer' } })
    expect(await rejection(peer.call('later'))).toMatchObject({ code: 'ERR_CONNECTION_CLOSED' })
    peer.notify('still')
    slow.resolve('done')
    await wire.until(() => wire.ended)
    expect(wire.received.slice(1)).toEqual(['{"jsonrpc":"2.0","method":"still"}', '{"jsonrpc":"2.0","result":"done","id":1}'])
    expect(await peer.closed).toMatchObject({ kind: 'closed', by: 'peer' })
  })

  it('by the other side, with nothing owed: the peer closes without writing', async () => {
    const hang = deferred()
    const { wire, peer } = wired(createService({ hang: () => hang.promise }))
    wire.send('{"jsonrpc":"2.0","method":"hang"}')
    wire.transport.halfClose()
    expect(await peer.closed).toMatchObject({ kind: 'closed', by: 'peer' })
    expect(wire.received).toEqual([])
  })

  it('by the other side: requests that wait for a handler are still served', async () => {
    const gates = [deferred(), deferred(), deferred()]
    let next = 0
    const { wire, peer } = wired(createService({ gate: () => gates[next++]!.promise }, { maxConcurrentHandlers: 1 }))
    wire.send('{"jsonrpc":"2.0","method":"gate","id":1}', '{"jsonrpc":"2.0","method":"gate"}', '{"jsonrpc":"2.0","method":"gate","id":3}')
    wire.transport.halfClose()
    await turns()
    for (const gate of gates) {
      gate.resolve(0)
      await turns(1)
    }
    await wire.until(() => wire.ended)
    expect(await peer.closed).toMatchObject({ kind: 'closed', by: 'peer' })
    expect(wire.received).toEqual(['{"jsonrpc":"2.0","result":0,"id":1}', '{"jsonrpc":"2.0","result":0,"id":3}'])
  })

  it('by close(): calls are rejected at once, handlers finish unanswered', async () => {
    const slow = deferred()
    const { wire, peer } = wired(createService({ slow: () => slow.promise }))
    wire.send('{"jsonrpc":"2.0","method":"slow","id":1}')
    const call = peer.call('x')
    await wire.answers(1)
    peer.close()
    expect(await rejection(call)).toMatchObject({ name: 'ConnectionError', code: 'ERR_CONNECTION_CLOSED', reason: { kind: 'closed', by: 'local' } })
    slow.resolve(1)
    await wire.until(() => wire.ended)
    expect(wire.received.length).toBe(1)
    expect(peer.pendingCalls).toBe(0)
  })

  it('by close() of a handler in its own call', async () => {
    const { wire } = wired(createService({ bye: (_params, { peer }) => { peer.close(); return 1 } })) // prettier-ignore
    wire.send('{"jsonrpc":"2.0","method":"bye","id":1}')
    await wire.until(() => wire.ended)
    expect(wire.received).toEqual([])
  })

  it('by abort(): calls are rejected with the cause, and the other side sees a reset', async () => {
    const { a, b } = peers(createService({ hang: () => new Promise(() => {}) }))
    const mine = a.call('hang')
    const theirs = b.call('hang')
    await turns()
    a.abort('because')
    const error = await rejection(mine)
    expect(error).toMatchObject({ code: 'ERR_CONNECTION_LOST', reason: { kind: 'aborted', error: { code: 'ERR_ABORTED', cause: 'because' } } })
    expect(error.cause).toBe(error.reason)
    expect(await rejection(theirs)).toMatchObject({ code: 'ERR_CONNECTION_LOST', reason: { kind: 'reset' } })
    expect([a.pendingCalls, b.pendingCalls]).toEqual([0, 0])
  })

  it('by disposal', async () => {
    const { wire, peer } = wired()
    const call = peer.call('x')
    call.catch(() => {})
    let inside: Peer | undefined
    {
      await using mine = peer
      inside = mine
      wire.transport.halfClose()
    }
    expect(inside.pendingCalls).toBe(0)
    expect(await rejection(call)).toMatchObject({ code: 'ERR_CONNECTION_CLOSED' })
  })

  it('before the beginning: a transport that fails to open leaves the counters right', () => {
    let started: any
    const below = { info: {}, closed: new Promise(() => {}), start: (protocol: unknown) => (started = protocol) }
    const service = createService({})
    jsonRpc(service)(below as never)
    started.connectionLost({ kind: 'gone', error: new Error(), unsentBytes: 0, unreadBytes: 0 })
    expect(service.counters.peers).toBe(0)
  })

  it('by another protocol that takes the transport over', async () => {
    const { a, b } = memoryMessagePair()
    b.start({ dataReceived() {} })
    const peer = jsonRpc()(a)
    const call = peer.call('x')
    a.start({ dataReceived() {} })
    expect(await rejection(call)).toMatchObject({ code: 'ERR_CONNECTION_CLOSED', reason: { kind: 'detached' } })
    a.abort()
  })
})
