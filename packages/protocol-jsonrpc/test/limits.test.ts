import { UsageError } from '@async/core'
import type { Messages, Side } from '@async/core'
import { WrappedTransport } from '@async/core/base'
import { createService, jsonRpc, JsonRpcError } from '@async/protocol-jsonrpc'
import type { Diagnostic } from '@async/protocol-jsonrpc'
import { describe, expect, it } from 'vitest'
import { deferred, memoryMessagePair, peers, rejection, turns, Wire, wired } from './helpers.ts'

const request = (method: string, id: number, params: unknown = []) => JSON.stringify({ jsonrpc: '2.0', method, params, id })

describe('maxMessageBytes', () => {
  it('refuses a longer request with −32600, and says by how much', async () => {
    const { wire } = wired(createService({ one: () => 1 }), { maxMessageBytes: 60 })
    wire.send(request('one', 1, ['x'.repeat(100)]), new Uint8Array(61), request('one', 2))
    expect(await wire.answers(3)).toEqual([
      { jsonrpc: '2.0', error: { code: -32600, message: 'Invalid Request', data: { limit: 'maxMessageBytes', allowed: 60, actual: 153 } }, id: null },
      { jsonrpc: '2.0', error: { code: -32600, message: 'Invalid Request', data: { limit: 'maxMessageBytes', allowed: 60, actual: 61 } }, id: null },
      { jsonrpc: '2.0', result: 1, id: 2 },
    ])
  })

  it('counts bytes, not characters', async () => {
    const { wire } = wired(createService({ one: () => 1 }), { maxMessageBytes: 60 })
    wire.send(request('one', 1, ['€€€€']))
    expect(await wire.answers(1)).toMatchObject([{ error: { data: { allowed: 60, actual: 65 } } }])
  })

  it('ends the connection while a call waits, for it may have been the answer', async () => {
    const { wire, peer } = wired(undefined, { maxMessageBytes: 60 })
    const call = peer.call('one')
    wire.send(JSON.stringify({ jsonrpc: '2.0', result: 'x'.repeat(100), id: 1 }))
    const limit = { name: 'LimitError', code: 'ERR_JSONRPC_MESSAGE_TOO_LONG', limit: 'maxMessageBytes', allowed: 60, actual: 136, unit: 'bytes' }
    expect(await rejection(call)).toMatchObject({ code: 'ERR_CONNECTION_LOST', reason: { kind: 'aborted', error: { cause: limit } } })
    await wire.until(() => wire.lost !== undefined)
    expect(wire.lost?.kind).toBe('reset')
  })

  it('rejects a longer call, and throws for a longer notification', async () => {
    const { wire, peer } = wired(undefined, { maxMessageBytes: 60 })
    const limit = { code: 'ERR_JSONRPC_MESSAGE_TOO_LONG', allowed: 60 }
    expect(await rejection(peer.call('one', ['x'.repeat(60)]))).toMatchObject(limit)
    expect(() => peer.notify('one', ['x'.repeat(60)])).toThrow(expect.objectContaining(limit))
    for (const each of peer.batch([{ method: 'one', params: ['x'.repeat(60)] }])) expect(await rejection(each)).toMatchObject(limit)
    await turns()
    expect(wire.received).toEqual([])
  })

  it('makes −32603 of a longer answer, result or error, and reports it', async () => {
    const errors: any[] = []
    const service = createService(
      {
        long: () => 'x'.repeat(100),
        fail: () => {
          throw Object.assign(new Error('x'.repeat(100)), { code: 1 })
        },
      },
      { maxMessageBytes: 120, mapError: (error) => error as { code: number; message: string }, onError: (error) => errors.push(error) },
    )
    const { wire } = wired(service)
    wire.send(request('long', 1), request('fail', 2))
    await wire.answers(2)
    expect(wire.received).toEqual([
      '{"jsonrpc":"2.0","error":{"code":-32603,"message":"Internal error"},"id":1}',
      '{"jsonrpc":"2.0","error":{"code":-32603,"message":"Internal error"},"id":2}',
    ])
    expect(errors.map((error) => [error.code, error.actual])).toEqual([
      ['ERR_JSONRPC_MESSAGE_TOO_LONG', 136],
      ['ERR_JSONRPC_MESSAGE_TOO_LONG', 156],
    ])
  })

  it('holds for the answer to a batch: as many as fit, an error for each of the others', async () => {
    const { wire } = wired(createService({ long: () => 'x'.repeat(400) }, { maxMessageBytes: 1500 }))
    wire.send(`[${[1, 2, 3, 4, 5].map((id) => request('long', id)).join(',')}]`)
    const [answers] = (await wire.answers(1)) as [{ id: number; result?: string; error?: unknown }[]]
    expect(wire.received[0]!.length).toBeLessThanOrEqual(1500)
    expect(answers.map(({ id, result, error }) => [id, result?.length ?? error])).toEqual([
      [1, 400],
      [2, 400],
      [3, { code: -32603, message: 'Internal error', data: { limit: 'maxResponseBytes', allowed: 1500 } }],
      [4, { code: -32603, message: 'Internal error', data: { limit: 'maxResponseBytes', allowed: 1500 } }],
      [5, { code: -32603, message: 'Internal error', data: { limit: 'maxResponseBytes', allowed: 1500 } }],
    ])
  })

  it('does not make short answers longer by replacing them', async () => {
    const { wire } = wired(createService({ one: () => 1 }, { maxMessageBytes: 600 }))
    wire.send(`[${Array.from({ length: 10 }, (_, id) => request('one', id)).join(',')}]`)
    expect(((await wire.answers(1)) as [{ result: number }[]])[0].map(({ result }) => result)).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1])
  })

  it('makes one error of an answer to a batch that cannot fit at all', async () => {
    const { wire } = wired(createService({ one: () => 1 }), { maxMessageBytes: 150 })
    wire.send('[1,2,3]')
    expect(await wire.answers(1)).toEqual([
      { jsonrpc: '2.0', error: { code: -32603, message: 'Internal error', data: { limit: 'maxResponseBytes', allowed: 150 } }, id: null },
    ])
  })
})

describe('maxBatchItems', () => {
  it('refuses a longer batch with one −32600, and runs none of it', async () => {
    const service = createService({ one: () => 1 }, { maxBatchItems: 2 })
    const { wire } = wired(service)
    wire.send(`[${request('one', 1)},${request('one', 2)},{"jsonrpc":"2.0","method":"one"}]`, `[${request('one', 3)},${request('one', 4)}]`)
    expect(await wire.answers(2)).toEqual([
      { jsonrpc: '2.0', error: { code: -32600, message: 'Invalid Request', data: { limit: 'maxBatchItems', allowed: 2, actual: 3 } }, id: null },
      [
        { jsonrpc: '2.0', result: 1, id: 3 },
        { jsonrpc: '2.0', result: 1, id: 4 },
      ],
    ])
    expect(service.counters.started).toBe(2)
  })

  it('refuses a huge one without looking at each entry', async () => {
    const diagnostics: Diagnostic[] = []
    const { wire } = wired(createService({ one: () => 1 }), { onDiagnostic: (diagnostic) => diagnostics.push(diagnostic) })
    wire.send(`[${'1,'.repeat(100_000)}1]`)
    expect(await wire.answers(1)).toMatchObject([{ error: { code: -32600, data: { allowed: 100, actual: 100_001 } } }])
    expect(diagnostics).toEqual([{ kind: 'invalid' }])
  })

  it('does not count answers: they were asked for', async () => {
    const { wire, peer } = wired(undefined, { maxBatchItems: 1 })
    const calls = [peer.call('a'), peer.call('b'), peer.call('c')]
    wire.send(`[${[1, 2, 3].map((id) => JSON.stringify({ jsonrpc: '2.0', result: id, id })).join(',')}]`)
    expect(await Promise.all(calls)).toEqual([1, 2, 3])
  })

  it('is 100 unless said otherwise', async () => {
    const { wire } = wired(createService({ one: () => 1 }))
    const batch = (count: number) => `[${Array.from({ length: count }, (_, id) => request('one', id)).join(',')}]`
    wire.send(batch(100), batch(101))
    const [fits, tooMany] = (await wire.answers(2)) as [unknown[], unknown]
    expect(fits.length).toBe(100)
    expect(tooMany).toMatchObject({ error: { code: -32600, data: { allowed: 100, actual: 101 } }, id: null })
  })
})

describe('maxPendingCalls', () => {
  it('rejects one more, alone or in a batch', async () => {
    const { wire, peer } = wired(undefined, { maxPendingCalls: 2 })
    const first = peer.call('a')
    const second = peer.call('b')
    const limit = { code: 'ERR_JSONRPC_TOO_MANY_CALLS', limit: 'maxPendingCalls', allowed: 2, actual: 3, unit: 'calls' }
    expect(await rejection(peer.call('c'))).toMatchObject(limit)
    wire.send('{"jsonrpc":"2.0","result":1,"id":1}')
    await first
    for (const each of peer.batch([{ method: 'd' }, { method: 'e' }])) expect(await rejection(each)).toMatchObject(limit)
    const [third] = peer.batch([{ method: 'f' }, { method: 'g', notification: true }])
    wire.send('{"jsonrpc":"2.0","result":2,"id":2}', '{"jsonrpc":"2.0","result":3,"id":3}')
    expect([await second, await third]).toEqual([2, 3])
  })
})

describe('maxConcurrentHandlers', () => {
  it('lets so many run, in order; the others wait', async () => {
    const started: number[] = []
    const gates = Array.from({ length: 5 }, () => deferred())
    const service = createService({ gate: ([at]) => (started.push(at), gates[at]!.promise) }, { maxConcurrentHandlers: 2 })
    const { wire } = wired(service)
    for (let at = 0; at < 5; at++) wire.send(at === 3 ? '{"jsonrpc":"2.0","method":"gate","params":[3]}' : request('gate', at, [at]))
    await turns()
    expect(started).toEqual([0, 1])
    gates[1]!.resolve('b')
    await turns()
    expect(started).toEqual([0, 1, 2])
    gates[2]!.reject(new JsonRpcError(1, 'no'))
    await turns()
    expect(started).toEqual([0, 1, 2, 3])
    gates[0]!.resolve('a')
    gates[3]!.resolve('d')
    gates[4]!.resolve('e')
    await wire.answers(4)
    expect((await wire.answers(4)).map((answer: any) => answer.id)).toEqual([1, 2, 0, 4])
    expect(service.counters).toMatchObject({ running: 0, queued: 0, started: 5 })
  })

  it('holds within a batch, too', async () => {
    let running = 0
    let most = 0
    const service = createService(
      {
        work: async () => {
          most = Math.max(most, ++running)
          await turns(1)
          running--
        },
      },
      { maxConcurrentHandlers: 3 },
    )
    const { a } = peers(service)
    await Promise.all(a.batch(Array.from({ length: 20 }, () => ({ method: 'work' }))))
    expect(most).toBe(3)
  })
})

describe('the queue of requests', () => {
  const gated = (options: object) => {
    const gate = deferred()
    return { gate, service: createService({ gate: () => gate.promise, call: (_params, { peer }) => peer.call('back') }, { maxConcurrentHandlers: 1, ...options }) }
  }

  it('stops reading when it is full, and reads on when half of it is done: nothing is refused', async () => {
    const { gate, service } = gated({ maxQueuedRequests: 4 })
    const { wire } = wired(service, {}, { capacityBytes: 200, highWaterMarkBytes: 400, lowWaterMarkBytes: 100 })
    for (let id = 0; id < 50; id++) wire.send(request('gate', id))
    await turns(50)
    expect(service.counters).toMatchObject({ running: 1, queued: 4, refused: 0 })
    // The other side feels it: what it wrote is still its own.
    expect(wire.transport.queuedBytes).toBeGreaterThan(1500)
    gate.resolve(1)
    const answers = (await wire.answers(50)) as { id: number }[]
    expect(answers.map(({ id }) => id)).toEqual(Array.from({ length: 50 }, (_, id) => id))
    expect(service.counters).toMatchObject({ running: 0, queued: 0, refused: 0, started: 50 })
  })

  it('is limited in bytes, too', async () => {
    const { gate, service } = gated({ maxQueuedRequestBytes: 1000 })
    const { wire } = wired(service, {}, { capacityBytes: 200 })
    for (let id = 0; id < 20; id++) wire.send(request('gate', id, ['x'.repeat(400)]))
    await turns(50)
    expect(service.counters).toMatchObject({ running: 1, queued: 3, refused: 0 })
    gate.resolve(1)
    expect((await wire.answers(20)).length).toBe(20)
  })

  it('reads on when half of it is done, not for every one', async () => {
    const gates = Array.from({ length: 9 }, () => deferred())
    const service = createService({ gate: ([at]) => gates[at]!.promise }, { maxConcurrentHandlers: 1, maxQueuedRequests: 4 })
    const { a, b } = memoryMessagePair()
    const said: string[] = []
    class Listening extends WrappedTransport<Messages> {
      override pause(side?: Side): void {
        said.push('pause')
        super.pause(side)
      }
      override resume(side?: Side): void {
        said.push('resume')
        super.resume(side)
      }
    }
    jsonRpc(service)(new Listening(a))
    const wire = new Wire(b)
    for (let at = 0; at < 9; at++) wire.send(request('gate', at, [at]))
    await turns()
    for (const gate of gates) {
      gate.resolve(1)
      await turns()
    }
    await wire.answers(9)
    // Five wait or run, two more come, two more: not a pause for each of the four.
    expect(said).toEqual(['pause', 'resume', 'pause', 'resume', 'pause', 'resume'])
  })

  it('counts the entries of a batch with their share of its bytes', async () => {
    const { gate, service } = gated({ maxQueuedRequestBytes: 1000 })
    const { wire } = wired(service)
    wire.send(`[${Array.from({ length: 11 }, (_, id) => request('gate', id)).join(',')}]`, request('gate', 11))
    await turns()
    expect(service.counters).toMatchObject({ running: 1, queued: 11 })
    gate.resolve(1)
    expect((await wire.answers(2)).length).toBe(2)
  })

  it('refuses with −32000 while an answer is owed to us, and goes on reading', async () => {
    const diagnostics: Diagnostic[] = []
    const { gate, service } = gated({ maxQueuedRequests: 2 })
    const { wire, peer } = wired(service, { onDiagnostic: (diagnostic) => diagnostics.push(diagnostic) })
    const call = peer.call('x')
    // The call of ours gives a place back: two run, two wait.
    for (let id = 0; id < 6; id++) wire.send(request('gate', id))
    wire.send('{"jsonrpc":"2.0","method":"gate"}')
    const answers = await wire.answers(3)
    expect(answers.slice(1)).toEqual(
      [4, 5].map((id) => ({ jsonrpc: '2.0', error: { code: -32000, message: 'Server busy', data: { limit: 'maxQueuedRequests', allowed: 2, actual: 3 } }, id })),
    )
    await turns()
    expect(diagnostics).toEqual([{ kind: 'dropped', method: 'gate' }])
    expect(service.counters).toMatchObject({ running: 2, queued: 2, refused: 3, errors: 2 })
    wire.send('{"jsonrpc":"2.0","result":"read","id":1}')
    expect(await call).toBe('read')
    gate.resolve(1)
    expect((await wire.answers(7)).length).toBe(7)
  })

  it('says which limit it was', async () => {
    const { service } = gated({ maxQueuedRequestBytes: 50 })
    const { wire, peer } = wired(service)
    peer.call('x').catch(() => {})
    for (let id = 0; id < 4; id++) wire.send(request('gate', id, ['x'.repeat(48)]))
    expect((await wire.answers(2))[1]).toMatchObject({ error: { code: -32000, data: { limit: 'maxQueuedRequestBytes', allowed: 50, actual: 204 } } })
    peer.abort()
  })

  it('reads again as soon as a call of ours needs its answer', async () => {
    const { gate, service } = gated({ maxQueuedRequests: 1 })
    const { wire, peer } = wired(service, {}, { capacityBytes: 100 })
    for (let id = 0; id < 4; id++) wire.send(request('gate', id))
    await turns()
    expect(service.counters).toMatchObject({ running: 1, queued: 1 })
    const call = peer.call('x')
    await wire.answers(1)
    wire.send('{"jsonrpc":"2.0","result":"came","id":1}')
    expect(await call).toBe('came')
    const [batched] = peer.batch([{ method: 'x' }])
    await wire.until(() => wire.received.some((text) => text.startsWith('[')))
    wire.send('{"jsonrpc":"2.0","result":"too","id":2}')
    expect(await batched).toBe('too')
    gate.resolve(1)
    await turns()
    expect(service.counters).toMatchObject({ running: 0, queued: 0 })
  })

  it('is not fooled by answers that come twice', async () => {
    const { gate, service } = gated({ maxQueuedRequests: 1 })
    const { wire, peer } = wired(service, {}, { capacityBytes: 100 })
    const calls = [peer.call('x'), peer.call('x'), peer.call('x')]
    await wire.answers(3)
    for (let i = 0; i < 3; i++) wire.send('{"jsonrpc":"2.0","result":1,"id":1}')
    for (let id = 0; id < 9; id++) wire.send(request('gate', id))
    wire.send('{"jsonrpc":"2.0","result":2,"id":2}', '{"jsonrpc":"2.0","result":3,"id":3}')
    expect(await Promise.all(calls)).toEqual([1, 2, 3])
    gate.resolve(1)
  })

  it('is forgotten when the connection is lost', async () => {
    const { gate, service } = gated({})
    const { wire, peer } = wired(service)
    for (let id = 0; id < 4; id++) wire.send(request('gate', id))
    await turns()
    wire.transport.abort()
    await peer.closed
    gate.resolve(1n)
    await turns()
    // Nor is anybody told of a result that nobody could have got.
    expect(service.counters).toMatchObject({ running: 0, queued: 0, started: 1, peers: 0, errors: 0 })
  })
})

describe('a peer that does not read its answers', () => {
  const small = { capacityBytes: 1000, highWaterMarkBytes: 2000, lowWaterMarkBytes: 500, maxQueuedBytes: 8000 }

  it('has its requests wait, not the memory grow', async () => {
    const service = createService({ echo: ([text]) => text }, { maxQueuedRequests: 10 })
    const { wire } = wired(service, {}, small)
    wire.transport.pause('read')
    for (let id = 0; id < 30; id++) wire.send(request('echo', id, ['x'.repeat(200)]))
    await turns(200)
    expect(service.counters.queued).toBe(10)
    expect(service.counters.started).toBeLessThan(20)
    expect(service.counters.running).toBe(0)
    wire.transport.resume('read')
    expect(((await wire.answers(30)) as { id: number }[]).map(({ id }) => id)).toEqual(Array.from({ length: 30 }, (_, id) => id))
  })

  it('still has its notifications run', async () => {
    let notified = 0
    const service = createService({ echo: ([text]) => text, note: () => void notified++ })
    const { wire } = wired(service, {}, small)
    wire.transport.pause('read')
    for (const id of [1, 2]) wire.send(request('echo', id, ['x'.repeat(2500)]))
    await turns()
    for (let id = 0; id < 15; id++) wire.send('{"jsonrpc":"2.0","method":"note"}')
    wire.send(request('echo', 3, ['x']))
    await turns()
    expect(notified).toBe(15)
    expect(service.counters).toMatchObject({ started: 17, queued: 1 })
    // In order: what comes behind a request that waits, waits.
    wire.send('{"jsonrpc":"2.0","method":"note"}')
    await turns()
    expect(notified).toBe(15)
    expect(service.counters).toMatchObject({ started: 17, queued: 2 })
  })

  it('gets answers in the order in which they were made, also those that were held', async () => {
    const gate = deferred()
    const { wire } = wired(createService({ big: () => gate.promise }), {}, small)
    for (let id = 0; id < 5; id++) wire.send(request('big', id))
    await turns()
    wire.transport.pause('read')
    gate.resolve('x'.repeat(2500))
    await turns()
    wire.send('nonsense')
    await turns()
    wire.transport.resume('read')
    expect(((await wire.answers(6)) as { id: unknown }[]).map(({ id }) => id)).toEqual([0, 1, 2, 3, 4, null])
  })

  it('does not keep us open when our own side was ended under the peer', async () => {
    const errors: unknown[] = []
    const { a, b } = memoryMessagePair(small)
    const service = createService({ echo: ([text]) => text }, { onError: (error) => errors.push(error) })
    const peer = jsonRpc(service)(a)
    const wire = new Wire(b)
    wire.transport.pause('read')
    for (let id = 0; id < 3; id++) wire.send(request('echo', id, ['x'.repeat(2500)]))
    await turns()
    expect(service.counters.queued).toBe(1)
    a.halfClose()
    wire.transport.halfClose()
    wire.transport.resume('read')
    // The answers have no way out any more, which is nobody's error.
    expect(await peer.closed).toMatchObject({ kind: 'closed' })
    expect(errors).toEqual([])
    expect(service.counters).toMatchObject({ queued: 0, started: 3 })
  })

  it('gets, late, the answers that the transport had no room for', async () => {
    const gate = deferred()
    const { wire } = wired(createService({ big: () => gate.promise }), {}, small)
    for (let id = 0; id < 20; id++) wire.send(request('big', id))
    await turns()
    wire.transport.pause('read')
    gate.resolve('x'.repeat(2000))
    await turns(20)
    wire.transport.resume('read')
    expect(((await wire.answers(20)) as { id: number; result: string }[]).map(({ id, result }) => [id, result.length])).toEqual(
      Array.from({ length: 20 }, (_, id) => [id, 2000]),
    )
  })

  it('gets them also after it has ended its side', async () => {
    const gate = deferred()
    const { wire, peer } = wired(createService({ big: () => gate.promise }), {}, small)
    for (let id = 0; id < 20; id++) wire.send(request('big', id))
    wire.transport.halfClose()
    await turns()
    wire.transport.pause('read')
    gate.resolve('x'.repeat(2000))
    await turns(20)
    wire.transport.resume('read')
    expect((await wire.answers(20)).length).toBe(20)
    expect(await peer.closed).toMatchObject({ kind: 'closed', by: 'peer' })
  })

  it('is told −32603 when the transport could never take the answer', async () => {
    const errors: unknown[] = []
    const service = createService({ huge: () => 'x'.repeat(9000) }, { onError: (error) => errors.push(error) })
    const { wire } = wired(service, {}, small)
    wire.send(request('huge', 1))
    await wire.answers(1)
    expect(wire.received).toEqual(['{"jsonrpc":"2.0","error":{"code":-32603,"message":"Internal error"},"id":1}'])
    expect(errors).toMatchObject([{ code: 'ERR_WRITE_QUEUE_FULL' }])
  })

  it('is aborted when its transport takes neither the answer nor an error', async () => {
    const errors: unknown[] = []
    const broken = new UsageError('ERR_BROKEN', 'takes nothing')
    const { a, b } = memoryMessagePair()
    class Broken extends WrappedTransport<Messages> {
      override write(): void {
        throw broken
      }
    }
    const peer = jsonRpc(createService({ one: () => 1 }, { onError: (error) => errors.push(error) }))(new Broken(a))
    new Wire(b).send(request('one', 1))
    expect(await peer.closed).toMatchObject({ kind: 'aborted', error: { cause: broken } })
    expect(errors).toEqual([broken])
  })

  it('is aborted when it sends nonsense for ever', async () => {
    const { wire, peer } = wired(createService({}, { maxUnsentBytes: 1000 }), {}, { ...small, maxQueuedBytes: 3000 })
    wire.transport.pause('read')
    for (let at = 0; at < 100; at++) wire.send('nonsense')
    const reason = await peer.closed
    expect(reason).toMatchObject({ kind: 'aborted', error: { cause: { code: 'ERR_JSONRPC_ANSWERS_UNREAD', limit: 'maxUnsentBytes', allowed: 1000, actual: 1050, unit: 'bytes' } } })
  })
})
