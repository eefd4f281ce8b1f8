import { execFile, execFileSync } from 'node:child_process'
import type { Server as HttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { over, whole } from '@async/core'
import { httpConnector, httpServer } from '@async/protocol-http'
import { createService, httpService, integerCodes, jsonRpcClient } from '@async/protocol-jsonrpc'
import type { Client, Service } from '@async/protocol-jsonrpc'
import { listenTcp, tcpConnector } from '@async/transport-tcp'
import jayson from 'jayson'
import { afterEach, describe, expect, it } from 'vitest'
import { deferred, rejection } from './helpers.ts'

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const each of cleanup.splice(0).reverse()) await each()
})

const methods = (notified: unknown[]) =>
  createService(
    {
      add: ([a, b]: [number, number]) => a + b,
      named: async (params) => params,
      fail: () => {
        throw Object.assign(new Error('no'), { code: 42, data: { why: 'so' } })
      },
      note: (params) => void notified.push(params),
    },
    { mapError: integerCodes },
  )

/** Our service behind our HTTP. */
async function serve(service: Service): Promise<number> {
  const http = httpServer({ onExchange: httpService(service) })
  const listener = await listenTcp({}, http)
  cleanup.push(() => listener.closeConnections({ graceMs: 0 }))
  return listener.port
}

function clientOf(port: number): Client {
  const exchanges = httpConnector(tcpConnector({ port, host: '127.0.0.1' }), {
    target: '/rpc',
    headers: [['Content-Type', 'application/json']],
    mediaType: 'application/json',
  })
  const client = jsonRpcClient(over(exchanges, whole()))
  cleanup.push(async () => {
    await client[Symbol.asyncDispose]()
    exchanges.closeIdle()
  })
  return client
}

describe('our client on our service, five layers', () => {
  it('calls, notifies, and sends batches', async () => {
    const notified: unknown[] = []
    const client = clientOf(await serve(methods(notified)))
    expect(await client.call('add', [2, 3])).toBe(5)
    expect(await client.call('named', { text: 'é€😀\n' })).toEqual({ text: 'é€😀\n' })
    expect(await rejection(client.call('fail'))).toMatchObject({ name: 'JsonRpcError', code: 42, message: 'no', data: { why: 'so' } })
    await client.notify('note', ['hello'])
    const batch = client.batch([{ method: 'add', params: [1, 2] }, { method: 'note', params: ['two'], notification: true }, { method: 'none' }])
    expect(await Promise.allSettled(batch)).toMatchObject([{ value: 3 }, { value: undefined }, { reason: { code: -32601 } }])
    expect(await Promise.all(client.batch([{ method: 'note', params: ['three'], notification: true }]))).toEqual([undefined])
    expect(notified).toEqual([['hello'], ['two'], ['three']])
    expect(await Promise.all(Array.from({ length: 50 }, (_, at) => client.call('add', [at, at])))).toEqual(Array.from({ length: 50 }, (_, at) => 2 * at))
  })

  it('gives a call up, and goes on with the next', async () => {
    const started = deferred()
    const service = createService({ hang: () => (started.resolve(0), new Promise(() => {})), fine: () => 1 })
    const client = clientOf(await serve(service))
    const control = new AbortController()
    const call = client.call('hang', [], { signal: control.signal })
    await started.promise
    control.abort('enough')
    expect(await rejection(call)).toBe('enough')
    expect(await client.call('fine')).toBe(1)
  })
})

describe('our client on jayson’s HTTP server', () => {
  it('calls, gets errors, notifies, and sends batches', async () => {
    const notified: unknown[] = []
    type Callback = (error: unknown, result?: unknown) => void
    const server = new jayson.Server({
      add: ([a, b]: [number, number], callback: Callback) => callback(null, a + b),
      named: (params: unknown, callback: Callback) => callback(null, params),
      fail: (_params: unknown, callback: Callback) => callback({ code: 42, message: 'no', data: { why: 'so' } }),
      note: (params: unknown, callback: Callback) => (notified.push(params), callback(null)),
    }).http() as unknown as HttpServer
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    cleanup.push(() => (server.closeAllConnections(), new Promise((resolve) => server.close(resolve))))
    const client = clientOf((server.address() as AddressInfo).port)
    expect(await client.call('add', [2, 3])).toBe(5)
    expect(await client.call('named', { text: 'é€😀\n' })).toEqual({ text: 'é€😀\n' })
    expect(await rejection(client.call('fail', []))).toMatchObject({ code: 42, message: 'no', data: { why: 'so' } })
    expect(await rejection(client.call('none', []))).toMatchObject({ code: -32601 })
    await client.notify('note', ['hello'])
    const batch = client.batch([{ method: 'add', params: [1, 2] }, { method: 'note', params: ['two'], notification: true }, { method: 'none', params: [] }])
    expect(await Promise.allSettled(batch)).toMatchObject([{ value: 3 }, { value: undefined }, { reason: { code: -32601 } }])
    expect(notified).toEqual([['hello'], ['two']])
  })

  it('rejects with the reason when the server does not answer JSON-RPC', async () => {
    const server = new jayson.Server({}).http() as unknown as HttpServer
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    cleanup.push(() => (server.closeAllConnections(), new Promise((resolve) => server.close(resolve))))
    const { port } = server.address() as AddressInfo
    // Without the media type it answers 415.
    const exchanges = httpConnector(tcpConnector({ port, host: '127.0.0.1' }))
    const client = jsonRpcClient(over(exchanges, whole()))
    cleanup.push(() => exchanges.closeIdle())
    expect(await rejection(client.call('add', []))).toMatchObject({ code: 'ERR_CONNECTION_LOST', reason: { kind: 'protocol', error: { status: 415 } } })
    expect(client.pendingCalls).toBe(0)
  })
})

describe('jayson’s HTTP client on our service', () => {
  const request = (client: jayson.Client, method: string, params: jayson.RequestParamsLike): Promise<any> =>
    new Promise((resolve, reject) => client.request(method, params, (error: unknown, response: unknown) => (error ? reject(error) : resolve(response))))

  it('calls, gets errors, notifies, and sends batches', async () => {
    const notified: unknown[] = []
    const client = jayson.Client.http({ port: await serve(methods(notified)), host: '127.0.0.1' })
    expect(await request(client, 'add', [2, 3])).toMatchObject({ jsonrpc: '2.0', result: 5 })
    expect(await request(client, 'named', { text: 'é€😀\n' })).toMatchObject({ result: { text: 'é€😀\n' } })
    expect(await request(client, 'fail', [])).toMatchObject({ error: { code: 42, message: 'no', data: { why: 'so' } } })
    expect(await request(client, 'none', [])).toMatchObject({ error: { code: -32601, message: 'Method not found' } })
    await new Promise<void>((resolve, reject) => client.request('note', ['hello'], null, (error: unknown) => (error ? reject(error) : resolve())))
    const batch = [
      { jsonrpc: '2.0', method: 'add', params: [1, 2], id: 1 },
      { jsonrpc: '2.0', method: 'note', params: ['two'] },
    ]
    expect(await new Promise((resolve, reject) => client.request(batch as never, (error: unknown, all: any) => (error ? reject(error) : resolve(all))))).toMatchObject([{ result: 3, id: 1 }])
    expect(notified).toEqual([['hello'], ['two']])
  })
})

const curlIsHere = (() => {
  try {
    execFileSync('curl', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

describe('curl on our service', () => {
  const curl = async (port: number, body: string): Promise<[status: string, body: string]> => {
    const args = ['-sS', '-m', '10', '-w', '\n%{http_code}', '-H', 'Content-Type: application/json', '--data-binary', body, `http://127.0.0.1:${port}/`]
    const { stdout } = await promisify(execFile)('curl', args)
    const end = stdout.lastIndexOf('\n')
    return [stdout.slice(end + 1), stdout.slice(0, end)]
  }

  // Missing on a user's machine it is skipped; in CI it has to be there.
  it.skipIf(!curlIsHere && process.env['CI'] !== 'true')('gets what the specification says (needs curl)', async () => {
    const notified: unknown[] = []
    const port = await serve(methods(notified))
    expect(await curl(port, '{"jsonrpc":"2.0","method":"add","params":[2,3],"id":"x"}')).toEqual(['200', '{"jsonrpc":"2.0","result":5,"id":"x"}'])
    expect(
      await curl(port, '[{"jsonrpc":"2.0","method":"add","params":[1,2],"id":1},{"jsonrpc":"2.0","method":"note"},{"foo":"boo"},{"jsonrpc":"2.0","method":"none","id":"2"}]'),
    ).toEqual([
      '200',
      '[{"jsonrpc":"2.0","result":3,"id":1},{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null},{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":"2"}]',
    ])
    expect(await curl(port, '{"jsonrpc":"2.0","method":"note","params":["hello"]}')).toEqual(['204', ''])
    expect(await curl(port, '[{"jsonrpc":"2.0","method":"note","params":["in a batch"]}]')).toEqual(['204', ''])
    expect(await curl(port, '{"jsonrpc":"2.0","method"')).toEqual(['200', '{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}'])
    expect(await curl(port, '[]')).toEqual(['200', '{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}'])
    expect(notified).toEqual([undefined, ['hello'], ['in a batch']])
  })
})
