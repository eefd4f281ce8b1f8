import type { Connector, Messages, Transport } from '@async/core'
import { over, UsageError, whole } from '@async/core'
import { createService, jsonRpc, jsonRpcClient } from '@async/protocol-jsonrpc'
import type { Client, ClientOptions } from '@async/protocol-jsonrpc'
import { describe, expect, it } from 'vitest'
import { memoryMessagePair, memoryPair, rejection, turns, VirtualClock, Wire } from './helpers.ts'

/** A client whose exchanges are wires, in the order in which they were opened. */
function wired(options: ClientOptions = {}): { client: Client; wires: Wire[]; sent: () => unknown[] } {
  const wires: Wire[] = []
  const connector: Connector<Transport<Messages>> = {
    connect() {
      const { a, b } = memoryMessagePair()
      wires.push(new Wire(b))
      return Promise.resolve(a)
    },
  }
  return { client: jsonRpcClient(connector, { ...options, joinCalls: true }), wires, sent: () => wires.flatMap(({ received }) => received.map((text) => JSON.parse(text) as unknown)) }
}

const request = (method: string, id: number) => ({ jsonrpc: '2.0', method, id })
const notification = (method: string) => ({ jsonrpc: '2.0', method })
const result = (id: number, value: unknown) => `{"jsonrpc":"2.0","result":${JSON.stringify(value)},"id":${id}}`

describe('joinCalls', () => {
  it('sends what one turn calls in one batch, with what its microtasks call', async () => {
    const { client, wires, sent } = wired()
    const later = Promise.resolve().then(() => client.call('c'))
    const calls = [client.call('a'), client.call('b')]
    const note = client.notify('n')
    await turns()
    expect(sent()).toEqual([[request('a', 1), request('b', 2), notification('n'), request('c', 3)]])
    wires[0]!.send(`[${result(3, 'C')},${result(1, 'A')},${result(2, 'B')}]`)
    expect(await Promise.all([...calls, later, note])).toEqual(['A', 'B', 'C', undefined])
  })

  it('sends what one turn calls alone as it is, and the next turn anew', async () => {
    const { client, wires, sent } = wired()
    const first = client.call('a')
    await turns()
    const second = client.call('b')
    await turns()
    expect(sent()).toEqual([request('a', 1), request('b', 2)])
    wires[0]!.send(result(1, 'A'))
    wires[1]!.send(result(2, 'B'))
    expect(await Promise.all([first, second])).toEqual(['A', 'B'])
  })

  it('makes no batch longer than maxBatchItems or maxMessageBytes', async () => {
    const { client, sent } = wired({ maxBatchItems: 2 })
    for (const method of ['a', 'b', 'c']) client.call(method).catch(() => {})
    await turns()
    expect(sent()).toEqual([[request('a', 1), request('b', 2)], request('c', 3)])
    client.abort()
    // Two of these are 74 bytes, as a batch 77; a third one does not go in.
    for (const [maxMessageBytes, batches] of [[77, [2, 1]], [76, [1, 1, 1]]] as const) {
      const other = wired({ maxMessageBytes })
      for (const method of ['a', 'b', 'c']) other.client.call(method).catch(() => {})
      await turns()
      expect(other.wires.map(({ received }) => (JSON.parse(received[0]!) as { length?: number }).length ?? 1)).toEqual(batches)
      expect(Math.max(...other.wires.map(({ received }) => received[0]!.length))).toBeLessThanOrEqual(maxMessageBytes)
      other.client.abort()
    }
  })

  it('rejects a call that cannot be sent alone', async () => {
    const { client, sent } = wired({ maxMessageBytes: 100 })
    const a = client.call('a')
    const long = client.call('b', ['x'.repeat(100)])
    expect(await rejection(long)).toMatchObject({ code: 'ERR_JSONRPC_MESSAGE_TOO_LONG' })
    await turns()
    expect(sent()).toEqual([request('a', 1)])
    client.abort()
    expect(await rejection(a)).toMatchObject({ code: 'ERR_CONNECTION_LOST' })
  })

  it('does not send what is given up in the same turn', async () => {
    const { client, sent } = wired()
    const control = new AbortController()
    const gone = client.call('a', [], { signal: control.signal })
    const other = client.call('b')
    control.abort('enough')
    expect(await rejection(gone)).toBe('enough')
    const alone = new AbortController()
    await turns()
    const all = client.call('c', [], { signal: alone.signal })
    alone.abort('too')
    expect(await rejection(all)).toBe('too')
    await turns()
    expect(sent()).toEqual([request('b', 2)])
    client.abort()
    await rejection(other)
    await client.closed
  })

  it('aborts the exchange when every call in it was given up, but not while a notification is with them', async () => {
    const clock = new VirtualClock()
    const { client, wires } = wired({ clock, callTimeoutMs: 100 })
    const calls = [client.call('a'), client.call('b', [], { timeoutMs: 200 })]
    await turns()
    const mixed = client.call('c')
    const note = client.notify('n')
    await turns()
    calls.push(mixed)
    const codes = Promise.all(calls.map(async (call) => ((await rejection(call)) as { code: string }).code))
    clock.advance(100)
    await turns()
    expect(wires.map(({ lost }) => lost?.kind)).toEqual([undefined, undefined])
    clock.advance(100)
    await turns()
    expect(wires.map(({ lost }) => lost?.kind)).toEqual(['reset', undefined])
    expect(await codes).toEqual(['ERR_TIMEOUT', 'ERR_TIMEOUT', 'ERR_TIMEOUT'])
    wires[1]!.send(result(3, 'late'))
    expect(await note).toBe(undefined)
  })

  it('sends notifications that wait for the end of the turn on close(), and not on abort()', async () => {
    const { client, sent } = wired()
    const call = client.call('a')
    const note = client.notify('n')
    client.close()
    expect(await rejection(call)).toMatchObject({ code: 'ERR_CONNECTION_CLOSED' })
    await turns()
    expect(sent()).toEqual([notification('n')])
    note.catch(() => {})
    const other = wired()
    const lost = other.client.notify('n')
    other.client.abort()
    expect(await rejection(lost)).toMatchObject({ code: 'ERR_ABORTED' })
    await other.client.closed
    await turns()
    expect(other.sent()).toEqual([])
  })

  it('leaves batches as they were made', async () => {
    const { client, sent } = wired()
    client.call('a').catch(() => {})
    void client.batch([{ method: 'b' }])
    await turns()
    expect(sent()).toEqual([[request('b', 2)], request('a', 1)])
    client.abort()
  })

  it('rejects each with its own error, and all with what the server says of the whole', async () => {
    const { client, wires } = wired()
    const calls = [client.call('a'), client.call('b')]
    await turns()
    wires[0]!.send(`[{"jsonrpc":"2.0","error":{"code":1,"message":"A"},"id":1},${result(2, 'B')}]`)
    expect(await Promise.allSettled(calls)).toMatchObject([{ reason: { code: 1 } }, { value: 'B' }])
    const refused = [client.call('a'), client.call('b')]
    await turns()
    wires[1]!.send('{"jsonrpc":"2.0","error":{"code":-32600,"message":"no batches"},"id":null}')
    for (const call of refused) expect(await rejection(call)).toMatchObject({ code: -32600, message: 'no batches' })
  })

  it('is served as any batch: many callers at once, over few exchanges', async () => {
    let exchanges = 0
    const service = createService({ add: ([a, b]: [number, number]) => a + b })
    const connector = {
      connect() {
        exchanges++
        const { a, b } = memoryPair()
        jsonRpc(service)(whole()(b))
        return Promise.resolve(a)
      },
    }
    const client = jsonRpcClient(over(connector, whole()), { joinCalls: true })
    const caller = async (start: number): Promise<void> => {
      for (let a = start; a < start + 10; a++) expect(await client.call('add', [a, 1])).toBe(a + 1)
    }
    await Promise.all(Array.from({ length: 64 }, (_, at) => caller(at * 100)))
    expect(exchanges).toBe(10)
    await client[Symbol.asyncDispose]()
  })

  it('is refused in 1.0, which has no batches', () => {
    expect(() => wired({ version: '1.0' })).toThrow(UsageError)
  })
})
