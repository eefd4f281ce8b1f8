import { ConnectionError, over, whole } from '@async/core'
import type { Connector, Messages, Transport } from '@async/core'
import { createService, jsonRpc, jsonRpcClient } from '@async/protocol-jsonrpc'
import type { Client, ClientOptions, Diagnostic, Service } from '@async/protocol-jsonrpc'
import { describe, expect, it } from 'vitest'
import { deferred, memoryMessagePair, memoryPair, rejection, turns, VirtualClock, Wire } from './helpers.ts'

/** A server of exchanges: each connection is a stream of its own that carries one message each way, as HTTP's exchanges do. */
function served(service: Service, options?: ClientOptions): { client: Client; exchanges: () => number } {
  let exchanges = 0
  const connector = {
    async connect() {
      exchanges++
      const { a, b } = memoryPair()
      jsonRpc(service)(whole()(b))
      return a
    },
  }
  return { client: jsonRpcClient(over(connector, whole()), options), exchanges: () => exchanges }
}

/** A client whose exchanges are wires, in the order in which they were opened. */
function wired(options?: ClientOptions): { client: Client; wires: Wire[]; signals: AbortSignal[]; gate: { open: Promise<unknown> } } {
  const wires: Wire[] = []
  const signals: AbortSignal[] = []
  const gate = { open: Promise.resolve() as Promise<unknown> }
  const connector: Connector<Transport<Messages>> = {
    async connect(asked) {
      if (asked?.signal !== undefined) signals.push(asked.signal)
      await gate.open
      const { a, b } = memoryMessagePair()
      wires.push(new Wire(b))
      return a
    },
  }
  return { client: jsonRpcClient(connector, options), wires, signals, gate }
}

const service = () =>
  createService({
    add: ([a, b]) => a + b,
    later: async ([result]) => {
      await turns(2)
      return result
    },
    note: () => {},
  })

describe('jsonRpcClient', () => {
  it('opens an exchange for each call, notification and batch', async () => {
    const counted = service()
    const { client, exchanges } = served(counted)
    expect(await client.call('add', [1, 2])).toBe(3)
    expect(await client.call('later', ['x'])).toBe('x')
    expect(await rejection(client.call('none'))).toMatchObject({ code: -32601 })
    expect(await client.notify('note')).toBe(undefined)
    const results = client.batch([{ method: 'add', params: [1, 1] }, { method: 'note', notification: true }, { method: 'none' }, { method: 'later', params: [4] }])
    expect(await Promise.allSettled(results)).toMatchObject([{ value: 2 }, { value: undefined }, { reason: { code: -32601 } }, { value: 4 }])
    expect(await Promise.all(client.batch([{ method: 'note', notification: true }]))).toEqual([undefined])
    expect(client.batch([])).toEqual([])
    expect(exchanges()).toBe(6)
    expect(client.pendingCalls).toBe(0)
    await client[Symbol.asyncDispose]()
    expect(counted.counters).toMatchObject({ peers: 0, started: 9, errors: 2 })
  })

  it('runs calls side by side, each with an id of its own', async () => {
    const { client, wires } = wired()
    const calls = [client.call('a'), client.call('b', { x: 1 })]
    await turns()
    expect(wires.map(({ received }) => received)).toEqual([['{"jsonrpc":"2.0","method":"a","id":1}'], ['{"jsonrpc":"2.0","method":"b","params":{"x":1},"id":2}']])
    expect(wires.map(({ ended }) => ended)).toEqual([true, true])
    wires[1]!.send('{"jsonrpc":"2.0","result":"B","id":2}')
    wires[0]!.send('{"jsonrpc":"2.0","result":"A","id":1}')
    expect(await Promise.all(calls)).toEqual(['A', 'B'])
  })

  it('does not take the answer to a call of another exchange', async () => {
    const diagnostics: Diagnostic[] = []
    const { client, wires } = wired({ onDiagnostic: (diagnostic) => diagnostics.push(diagnostic) })
    const calls = [client.call('a'), client.call('b')]
    calls[1]!.catch(() => {})
    await turns()
    wires[0]!.send('[{"jsonrpc":"2.0","result":"wrong","id":2},{"jsonrpc":"2.0","method":"call"},7,{"jsonrpc":"2.0","result":"A","id":1}]')
    expect(await calls[0]).toBe('A')
    expect(client.pendingCalls).toBe(1)
    expect(diagnostics).toMatchObject([{ kind: 'unknownResponse', response: { id: 2 } }, { kind: 'unexpected', method: 'call' }, { kind: 'invalid' }])
    client.abort()
  })

  it.each<[string, string | Uint8Array, object, string]>([
    ['what is not JSON', '<html>', { code: 'ERR_JSONRPC_PARSE', message: 'not JSON: "<html>"' }, 'closed'],
    ['an error about the whole message', '{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}', { name: 'JsonRpcError', code: -32700 }, 'closed'],
    ['a response without an id', '{"jsonrpc":"2.0","result":1}', { code: 'ERR_JSONRPC_INVALID_RESPONSE' }, 'closed'],
    ['a message that is too long', new Uint8Array(301), { code: 'ERR_JSONRPC_MESSAGE_TOO_LONG', allowed: 300, actual: 301 }, 'reset'],
  ])('rejects every call of an exchange for %s', async (_name, answer, error, end) => {
    const { client, wires } = wired({ maxMessageBytes: 300 })
    const calls = client.batch([{ method: 'a' }, { method: 'b' }])
    await turns()
    wires[0]!.send(answer)
    for (const call of calls) expect(await rejection(call)).toMatchObject(error)
    expect(client.pendingCalls).toBe(0)
    if (end === 'closed') wires[0]!.transport.close()
    await wires[0]!.until(() => wires[0]!.lost !== undefined)
    expect(wires[0]!.lost?.kind).toBe(end)
  })

  it('rejects the calls that a batch was not answered for', async () => {
    const { client, wires } = wired()
    const [a, b] = client.batch([{ method: 'a' }, { method: 'b' }])
    await turns()
    wires[0]!.send('[{"jsonrpc":"2.0","result":2,"id":2}]')
    wires[0]!.transport.halfClose()
    expect(await b).toBe(2)
    expect(await rejection(a!)).toMatchObject({ code: 'ERR_CONNECTION_CLOSED', reason: { kind: 'closed', by: 'peer' } })
    wires[0]!.transport.close()
    await wires[0]!.until(() => wires[0]!.lost !== undefined)
    expect(wires[0]!.lost?.kind).toBe('closed')
  })

  it('takes an answer for the sign that the notifications of a batch have come', async () => {
    const { client, wires } = wired()
    const [a, note, b] = client.batch([{ method: 'a' }, { method: 'note', notification: true }, { method: 'b' }])
    await turns()
    wires[0]!.send('{"jsonrpc":"2.0","result":1,"id":1}')
    expect([await a, await note]).toEqual([1, undefined])
    expect(client.pendingCalls).toBe(1)
    client.abort()
    expect(await rejection(b!)).toMatchObject({ code: 'ERR_CONNECTION_LOST' })
  })

  it('cancels the connecting of every call at its end, and of one that is given up alone', async () => {
    const { client, signals, gate } = wired()
    gate.open = new Promise(() => {})
    const control = new AbortController()
    const calls = Array.from({ length: 20 }, (_, at) => client.call('a', [at], at === 7 ? { signal: control.signal } : {}))
    const codes = Promise.all(calls.map(async (call) => ((await rejection(call)) as { code?: string }).code))
    control.abort({ code: 'mine' })
    expect(signals.map(({ aborted }) => aborted)).toEqual(calls.map((_, at) => at === 7))
    client.close()
    expect(signals.every(({ aborted }) => aborted)).toBe(true)
    expect(await codes).toEqual(calls.map((_, at) => (at === 7 ? 'mine' : 'ERR_CONNECTION_CLOSED')))
    await client.closed
  })

  it('gives a connector a signal again when the exchange that had it is over, and none that has aborted', async () => {
    const { client, wires, signals, gate } = wired()
    const answered = [client.call('a'), client.call('a')]
    await turns()
    expect(new Set(signals).size).toBe(2)
    for (const [at, wire] of wires.entries()) {
      wire.send(`{"jsonrpc":"2.0","result":0,"id":${at + 1}}`)
      wire.transport.close()
    }
    await Promise.all(answered)
    await turns()
    gate.open = new Promise(() => {})
    const control = new AbortController()
    const calls = [client.call('b', [], { signal: control.signal }), client.call('c'), client.call('d')]
    const [b, c, d] = signals.slice(2)
    expect(new Set([b, c, d]).size).toBe(3)
    expect(new Set([b, c])).toEqual(new Set(signals.slice(0, 2)))
    control.abort('enough')
    expect(await rejection(calls[0]!)).toBe('enough')
    calls.push(client.call('e'))
    expect(signals.slice(2).map(({ aborted }) => aborted)).toEqual([true, false, false, false])
    const rest = Promise.all(calls.slice(1).map(rejection))
    client.abort()
    expect(signals.slice(2).every(({ aborted }) => aborted)).toBe(true)
    await rest
    await client.closed
  })

  it('makes signals anew in the end, however many calls there are at a time: a connector may forget its listeners', async () => {
    const uses = new Map<AbortSignal, number>()
    const connector = {
      async connect({ signal }: { readonly signal?: AbortSignal } = {}) {
        uses.set(signal!, (uses.get(signal!) ?? 0) + 1)
        const { a, b } = memoryPair()
        jsonRpc(service())(whole()(b))
        return a
      },
    }
    const client = jsonRpcClient(over(connector, whole()))
    await Promise.all(Array.from({ length: 4 }, async () => {
      for (let i = 0; i < 200; i++) await client.call('add', [i, 1])
    }))
    expect(Math.max(...uses.values())).toBeGreaterThan(64)
    expect(Math.max(...uses.values())).toBeLessThanOrEqual(128)
    await client[Symbol.asyncDispose]()
  })

  it('keeps 64 signals for later, however many calls there were at a time', async () => {
    const signals = new Set<AbortSignal>()
    const ends: Promise<unknown>[] = []
    const connector = {
      async connect({ signal }: { readonly signal?: AbortSignal } = {}) {
        signals.add(signal!)
        const { a, b } = memoryPair()
        jsonRpc(service())(whole()(b))
        ends.push(a.closed)
        return a
      },
    }
    const client = jsonRpcClient(over(connector, whole()))
    for (let round = 0; round < 2; round++) {
      await Promise.all(Array.from({ length: 100 }, (_, at) => client.call('add', [at, 1])))
      await Promise.all(ends)
      await turns()
    }
    expect(signals.size).toBe(100 + 100 - 64)
    await client[Symbol.asyncDispose]()
  })

  it('rejects when what it connected to has ended before it could be started', async () => {
    const { a } = memoryMessagePair()
    a.abort()
    await a.closed
    const client = jsonRpcClient({ connect: async () => a })
    expect(await rejection(client.call('a'))).toMatchObject({ code: 'ERR_CLOSED' })
    expect(await rejection(client.notify('a'))).toMatchObject({ code: 'ERR_CLOSED' })
    expect(client.pendingCalls).toBe(0)
    await client[Symbol.asyncDispose]()
  })

  it('rejects when the exchange is lost, or cannot be opened', async () => {
    const { client, wires, gate } = wired()
    const call = client.call('a')
    const note = client.notify('b')
    await turns()
    for (const wire of wires) wire.transport.abort()
    expect(await rejection(call)).toMatchObject({ code: 'ERR_CONNECTION_LOST', reason: { kind: 'reset' } })
    expect(await rejection(note)).toMatchObject({ code: 'ERR_CONNECTION_LOST', reason: { kind: 'reset' } })
    const refused = new ConnectionError('ERR_REFUSED', 'refused', { phase: 'connect' })
    gate.open = Promise.reject(refused)
    gate.open.catch(() => {})
    expect(await rejection(client.call('a'))).toBe(refused)
    expect(await rejection(client.notify('b'))).toBe(refused)
    const throwing = jsonRpcClient({ connect: () => { throw refused } }) // prettier-ignore
    expect(await rejection(throwing.call('a'))).toBe(refused)
    await throwing[Symbol.asyncDispose]()
    await client[Symbol.asyncDispose]()
  })

  it('gives up while connecting, and while waiting: the exchange is aborted', async () => {
    const clock = new VirtualClock()
    const { client, wires, signals, gate } = wired({ clock, callTimeoutMs: 100 })
    const never = deferred()
    gate.open = never.promise
    const connecting = client.call('a')
    clock.advance(100)
    expect(await rejection(connecting)).toMatchObject({ code: 'ERR_TIMEOUT', message: 'a: no answer within 100 ms' })
    expect(signals[0]!.aborted).toBe(true)
    never.resolve(0)
    await turns()
    expect(wires[0]!.lost?.kind).toBe('reset')
    gate.open = Promise.resolve()

    const control = new AbortController()
    const [a, b] = client.batch([{ method: 'a' }, { method: 'b' }], { signal: control.signal })
    await turns()
    wires[1]!.send('{"jsonrpc":"2.0","result":1,"id":2}')
    expect(await a).toBe(1)
    control.abort('enough')
    expect(await rejection(b!)).toBe('enough')
    await turns()
    expect(wires[1]!.lost?.kind).toBe('reset')
    expect(clock.pendingCount).toBe(0)
    expect(await rejection(client.call('a', [], { signal: AbortSignal.abort('before') }))).toBe('before')
    await client[Symbol.asyncDispose]()
  })

  it('refuses before anything is sent', async () => {
    const { client, wires } = wired({ maxPendingCalls: 1, maxBatchItems: 1, maxMessageBytes: 100 })
    expect(await rejection(client.call('a', [1n]))).toMatchObject({ code: 'ERR_INVALID_ARGUMENT' })
    expect(await rejection(client.notify('a', ['x'.repeat(100)]))).toMatchObject({ code: 'ERR_JSONRPC_MESSAGE_TOO_LONG' })
    for (const each of client.batch([{ method: 'a' }, { method: 'b', notification: true }])) expect(await rejection(each)).toMatchObject({ code: 'ERR_JSONRPC_BATCH_TOO_LONG' })
    const first = client.call('a')
    expect(await rejection(client.call('b'))).toMatchObject({ code: 'ERR_JSONRPC_TOO_MANY_CALLS' })
    await turns()
    expect(wires.length).toBe(1)
    client.close()
    expect(await rejection(first)).toMatchObject({ code: 'ERR_CONNECTION_CLOSED', reason: { kind: 'closed', by: 'local' } })
    expect(await rejection(client.call('a'))).toMatchObject({ code: 'ERR_CONNECTION_CLOSED' })
    expect(await rejection(client.notify('a'))).toMatchObject({ code: 'ERR_CONNECTION_CLOSED' })
    await client.closed
  })

  it('lets notifications finish on close(), and not on abort()', async () => {
    const { client, wires } = wired()
    const note = client.notify('a')
    await turns()
    client.close()
    await turns()
    wires[0]!.transport.close()
    expect(await note).toBe(undefined)
    await client.closed

    const other = wired()
    const lost = other.client.notify('a')
    const call = other.client.call('b')
    await turns()
    other.client.abort('why')
    expect(await rejection(lost)).toMatchObject({ reason: { kind: 'aborted' } })
    expect(await rejection(call)).toMatchObject({ code: 'ERR_CONNECTION_LOST', reason: { kind: 'aborted', error: { cause: 'why' } } })
    await other.client.closed
  })

  it('works over message transports that cannot half-close: closes when it has its answers', async () => {
    const ends: Wire[] = []
    const client = jsonRpcClient({
      async connect() {
        const { a, b } = memoryMessagePair({ halfCloses: false })
        ends.push(new Wire(b))
        return a
      },
    })
    const call = client.call('a')
    await client.notify('b')
    await turns()
    ends[0]!.send('{"jsonrpc":"2.0","result":1,"id":1}')
    expect(await call).toBe(1)
    await client[Symbol.asyncDispose]()
    expect(ends.map(({ received, lost }) => [received.length, lost?.kind])).toEqual([[1, 'closed'], [1, 'closed']])
  })
})

describe('a service behind exchanges', () => {
  it('closes without writing when no answer is owed, and answers what is not JSON', async () => {
    const talk = async (text: string) => {
      const { a, b } = memoryPair()
      jsonRpc(service())(whole()(b))
      const wire = new Wire(whole()(a))
      if (text === '') wire.transport.halfClose()
      else wire.send(text)
      await wire.until(() => wire.ended)
      return wire.received
    }
    expect(await talk('{"jsonrpc":"2.0","method":"note"}')).toEqual([])
    expect(await talk('[{"jsonrpc":"2.0","method":"note"},{"jsonrpc":"2.0","method":"none"}]')).toEqual([])
    expect(await talk('')).toEqual([])
    expect(await talk('{')).toEqual(['{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}'])
    expect(await talk('{"jsonrpc":"2.0","method":"later","params":[1],"id":1}')).toEqual(['{"jsonrpc":"2.0","result":1,"id":1}'])
  })
})

it('a notification whose connecting was aborted is rejected with an error', async () => {
  const { client, gate } = wired()
  gate.open = new Promise(() => {})
  const sent = client.notify('n')
  client.abort()
  expect(await rejection(sent)).toMatchObject({ code: 'ERR_ABORTED' })
  client.close()
  await client.closed
})
