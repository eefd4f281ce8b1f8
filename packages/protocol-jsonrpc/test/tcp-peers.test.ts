import type { AddressInfo, Server as NetServer } from 'node:net'
import { stack } from '@async/core'
import { line } from '@async/protocol-chunk'
import { createService, jsonRpc, JsonRpcError } from '@async/protocol-jsonrpc'
import { connectTcp, listenTcp } from '@async/transport-tcp'
import jayson from 'jayson'
import { afterEach, describe, expect, it } from 'vitest'
import { rejection, turns } from './helpers.ts'

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const each of cleanup.splice(0).reverse()) await each()
})

/** jayson's TCP server, which ends each message with a newline. */
async function jaysonServer(notified: unknown[] = []): Promise<number> {
  const server = new jayson.Server({
    add: ([a, b]: [number, number], callback: (error: unknown, result?: unknown) => void) => callback(null, a + b),
    named: (params: unknown, callback: (error: unknown, result?: unknown) => void) => callback(null, params),
    fail: (_params: unknown, callback: (error: unknown) => void) => callback({ code: 42, message: 'no', data: { why: 'so' } }),
    note: (params: unknown, callback: (error: unknown) => void) => (notified.push(params), callback(null)),
  }).tcp() as unknown as NetServer
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanup.push(() => new Promise((resolve) => server.close(resolve)))
  return (server.address() as AddressInfo).port
}

describe('our peer on jayson’s TCP server', () => {
  it('calls by position and by name, gets errors, notifies, and sends batches on one connection', async () => {
    const notified: unknown[] = []
    const port = await jaysonServer(notified)
    await using peer = stack(await connectTcp({ port, host: '127.0.0.1' }), line(), jsonRpc())
    expect(await peer.call('add', [2, 3])).toBe(5)
    expect(await peer.call('named', { text: 'é€😀\n' })).toEqual({ text: 'é€😀\n' })
    expect(await rejection(peer.call('fail', []))).toMatchObject({ name: 'JsonRpcError', code: 42, message: 'no', data: { why: 'so' } })
    expect(await rejection(peer.call('none', []))).toMatchObject({ code: -32601 })
    peer.notify('note', ['hello'])
    const batch = peer.batch([
      { method: 'add', params: [1, 2] },
      { method: 'note', params: ['in a batch'], notification: true },
      { method: 'none', params: [] },
    ])
    expect(await Promise.allSettled(batch)).toMatchObject([{ value: 3 }, { value: undefined }, { reason: { code: -32601 } }])
    expect(await Promise.all(Array.from({ length: 50 }, (_, at) => peer.call('add', [at, at])))).toEqual(Array.from({ length: 50 }, (_, at) => 2 * at))
    expect(notified).toEqual([['hello'], ['in a batch']])
  })

  it('rejects what was not answered when the server goes away', async () => {
    const server = new jayson.Server({ hang: () => {} }).tcp() as unknown as NetServer
    server.on('connection', (socket) => socket.once('data', () => socket.destroy()))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    cleanup.push(() => new Promise((resolve) => server.close(resolve)))
    const { port } = server.address() as AddressInfo
    const peer = stack(await connectTcp({ port, host: '127.0.0.1' }), line(), jsonRpc())
    expect(await rejection(peer.call('hang'))).toMatchObject({ name: 'ConnectionError' })
    expect(peer.pendingCalls).toBe(0)
    peer.abort()
  })
})

describe('jayson’s TCP client on our server', () => {
  const serve = async (notified: unknown[] = []) => {
    const service = createService({
      add: ([a, b]) => a + b,
      named: async (params) => params,
      fail: () => {
        throw new JsonRpcError(42, 'no', { why: 'so' })
      },
      note: (params) => void notified.push(params),
    })
    const listener = await listenTcp({}, (transport) => void stack(transport, line(), jsonRpc(service)))
    cleanup.push(() => listener.closeConnections({ graceMs: 0 }))
    return jayson.Client.tcp({ port: listener.port, host: '127.0.0.1' })
  }

  const request = (client: jayson.Client, method: string, params: jayson.RequestParamsLike): Promise<any> =>
    new Promise((resolve, reject) => client.request(method, params, (error: unknown, response: unknown) => (error ? reject(error) : resolve(response))))

  it('calls by position and by name, and gets errors', async () => {
    const client = await serve()
    expect(await request(client, 'add', [2, 3])).toMatchObject({ jsonrpc: '2.0', result: 5 })
    expect(await request(client, 'named', { text: 'é€😀\n' })).toMatchObject({ result: { text: 'é€😀\n' } })
    expect(await request(client, 'fail', [])).toMatchObject({ error: { code: 42, message: 'no', data: { why: 'so' } } })
    expect(await request(client, 'none', [])).toMatchObject({ error: { code: -32601, message: 'Method not found' } })
  })

  it('notifies, and sends batches', async () => {
    const notified: unknown[] = []
    const client = await serve(notified)
    await new Promise<void>((resolve) => client.request('note', ['hello'], null, () => resolve()))
    const batch = [
      { jsonrpc: '2.0', method: 'add', params: [1, 2], id: 1 },
      { jsonrpc: '2.0', method: 'note', params: ['in a batch'] },
      { jsonrpc: '2.0', method: 'none', id: 'x' },
    ] as const
    const responses = await new Promise<any[]>((resolve, reject) => client.request(batch as never, (error: unknown, all: any) => (error ? reject(error) : resolve(all))))
    expect(responses).toMatchObject([{ result: 3 }, { error: { code: -32601 } }])
    // Each came on a connection of its own.
    while (notified.length < 2) await turns(1)
    expect(notified).toContainEqual(['in a batch'])
    expect(notified).toContainEqual(['hello'])
  })
})
