import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { over, stack, whole } from '@async/core'
import { line } from '@async/protocol-chunk'
import { httpConnector, httpServer } from '@async/protocol-http'
import { createService, httpService, jsonRpc, jsonRpcClient, JsonRpcError } from '@async/protocol-jsonrpc'
import type { Context } from '@async/protocol-jsonrpc'
import { connectTcp, listenTcp, tcpConnector } from '@async/transport-tcp'
import { connectWebSocket, listenWebSocket } from '@async/transport-websocket'
import jayson from 'jayson'
import { JSONRPCClient, JSONRPCErrorException, JSONRPCServer, JSONRPCServerAndClient } from 'json-rpc-2.0'
import { afterEach, describe, expect, it } from 'vitest'
import { deferred, rejection, turns } from './helpers.ts'
import { freshName } from './places.ts'
import { needs } from '../../core/test/programs.ts'
import { jsonRequests } from './stacks.ts'

const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const each of cleanup.splice(0).reverse()) await each()
})

const methods = (notified: unknown[] = []) =>
  createService({
    add: ([a, b]: [number, number]) => a + b,
    named: (params: unknown) => params,
    fail: () => {
      throw new JsonRpcError(42, 'no', { why: 'so' })
    },
    note: (params: unknown) => void notified.push(params),
    back: async (_: unknown, { peer }: Context) => peer.call('name'),
  })

/** json-rpc-2.0 leaves sending and framing to its user: here lines, by hand. */
function theirs(send: (line: string) => void, notified: unknown[]): { peer: JSONRPCServerAndClient; receive: (text: string) => void } {
  const peer = new JSONRPCServerAndClient(new JSONRPCServer({ errorListener: () => {} }), new JSONRPCClient((message) => send(JSON.stringify(message))))
  peer.addMethod('add', ([a, b]: [number, number]) => a + b)
  peer.addMethod('named', (params: unknown) => params)
  peer.addMethod('fail', () => {
    throw new JSONRPCErrorException('no', 42, { why: 'so' })
  })
  peer.addMethod('note', (params: unknown) => void notified.push(params))
  peer.addMethod('name', () => 'Ada')
  let rest = ''
  const receive = (text: string): void => {
    const lines = (rest + text).split('\n')
    rest = lines.pop()!
    for (const each of lines) void peer.receiveAndSend(JSON.parse(each))
  }
  return { peer, receive }
}

describe('json-rpc-2.0, over lines on TCP', () => {
  it('calls us, and is called back', async () => {
    const notified: unknown[] = []
    const listener = await listenTcp({}, (transport) => void stack(transport, line(), jsonRpc(methods(notified))))
    cleanup.push(() => listener.closeConnections({ graceMs: 0 }))
    const transport = await connectTcp({ port: listener.port, host: '127.0.0.1' })
    const { peer, receive } = theirs((text) => transport.write(`${text}\n`), [])
    transport.start({ dataReceived: (data) => receive(new TextDecoder().decode(data)) })
    expect(await peer.request('add', [2, 3])).toBe(5)
    expect(await peer.request('named', { text: 'é€😀\n' })).toEqual({ text: 'é€😀\n' })
    expect(await rejection(Promise.resolve(peer.request('fail', [])))).toMatchObject({ code: 42, message: 'no', data: { why: 'so' } })
    expect(await rejection(Promise.resolve(peer.request('none', [])))).toMatchObject({ code: -32601 })
    peer.notify('note', { a: 1 })
    expect(await peer.request('back', [])).toBe('Ada')
    expect(notified).toEqual([{ a: 1 }])
    transport.abort()
  })

  it('is called by us, in batches too', async () => {
    const notified: unknown[] = []
    const listener = await listenTcp({}, (transport) => {
      const { receive } = theirs((text) => transport.write(`${text}\n`), notified)
      transport.start({ dataReceived: (data) => receive(new TextDecoder().decode(data)) })
    })
    cleanup.push(() => listener.closeConnections({ graceMs: 0 }))
    const peer = stack(await connectTcp({ port: listener.port, host: '127.0.0.1' }), line(), jsonRpc())
    expect(await peer.call('add', [2, 3])).toBe(5)
    expect(await rejection(peer.call('fail'))).toMatchObject({ code: 42, message: 'no', data: { why: 'so' } })
    const batch = peer.batch([{ method: 'add', params: [1, 2] }, { method: 'note', params: ['x'], notification: true }, { method: 'none' }])
    expect(await Promise.allSettled(batch)).toMatchObject([{ value: 3 }, { value: undefined }, { reason: { code: -32601 } }])
    expect(notified).toEqual([['x']])
    peer.abort()
  })
})

describe('json-rpc-2.0, over Node’s HTTP', () => {
  it('calls our service, and serves our client', async () => {
    const listener = await listenTcp({}, httpServer({ onExchange: httpService(methods()) }))
    cleanup.push(() => listener.closeConnections({ graceMs: 0 }))
    const post = (port: number, body: string): Promise<string> =>
      new Promise((resolve, reject) => {
        const asked = request({ port, host: '127.0.0.1', method: 'POST', agent: false, headers: { 'content-type': 'application/json' } }, (response) => {
          let text = ''
          response.setEncoding('utf8').on('data', (data: string) => (text += data)).on('end', () => resolve(text))
        })
        asked.on('error', reject).end(body)
      })
    const client: JSONRPCClient = new JSONRPCClient(async (message) => {
      const text = await post(listener.port, JSON.stringify(message))
      if (text !== '') client.receive(JSON.parse(text))
    })
    expect(await client.request('add', [2, 3])).toBe(5)
    expect(await rejection(Promise.resolve(client.request('fail', [])))).toMatchObject({ code: 42, message: 'no' })
    client.notify('note', [])

    const server = new JSONRPCServer()
    server.addMethod('add', ([a, b]: [number, number]) => a + b)
    const http = createServer((asked, response) => {
      let text = ''
      asked.setEncoding('utf8').on('data', (data: string) => (text += data)).on('end', async () => {
        const answer = await server.receive(JSON.parse(text))
        if (answer === null) response.writeHead(204).end()
        else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
      })
    })
    await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
    cleanup.push(() => (http.closeAllConnections(), new Promise((resolve) => http.close(resolve))))
    const exchanges = httpConnector(tcpConnector({ port: (http.address() as AddressInfo).port, host: '127.0.0.1' }), jsonRequests)
    await using ours = jsonRpcClient(over(exchanges, whole()))
    expect(await ours.call('add', [4, 5])).toBe(9)
    expect(await rejection(ours.call('none'))).toMatchObject({ code: -32601 })
    await ours.notify('add', [1, 2])
    exchanges.closeIdle()
  })
})

describe('jayson, over WebSocket', () => {
  it('serves our peer', async () => {
    const server = new jayson.Server({
      add: ([a, b]: [number, number], callback: (error: unknown, result?: unknown) => void) => callback(null, a + b),
      fail: (_: unknown, callback: (error: unknown) => void) => callback({ code: 42, message: 'no' }),
    })
    const wss = (server as unknown as { websocket(options: object): { address(): AddressInfo; close(): void; on(event: string, then: () => void): void } }).websocket({ port: 0, host: '127.0.0.1' })
    await new Promise<void>((resolve) => wss.on('listening', resolve))
    cleanup.push(() => wss.close())
    const peer = jsonRpc()(await connectWebSocket({ url: `ws://127.0.0.1:${wss.address().port}/` }))
    expect(await peer.call('add', [2, 3])).toBe(5)
    expect(await rejection(peer.call('fail', []))).toMatchObject({ code: 42, message: 'no' })
    const batch = peer.batch([{ method: 'add', params: [1, 2] }, { method: 'none', params: [] }])
    expect(await Promise.allSettled(batch)).toMatchObject([{ value: 3 }, { reason: { code: -32601 } }])
    peer.close()
    await peer.closed
  })

  it('calls our service', async () => {
    const listener = await listenWebSocket({}, (transport) => void jsonRpc(methods())(transport))
    cleanup.push(() => listener.closeConnections({ graceMs: 0 }))
    const WebSocket = createRequire(createRequire(import.meta.url).resolve('jayson/package.json'))('isomorphic-ws') as new (url: string) => any
    const ws = new WebSocket(`ws://127.0.0.1:${listener.port}/`)
    await new Promise<void>((resolve) => ws.on('open', resolve))
    cleanup.push(() => ws.close())
    const client = (jayson.Client as any).websocket({ ws })
    const ask = (method: string, params: unknown): Promise<any> => new Promise((resolve, reject) => client.request(method, params, (error: unknown, response: unknown) => (error ? reject(error) : resolve(response))))
    expect(await ask('add', [2, 3])).toMatchObject({ result: 5 })
    expect(await ask('fail', [])).toMatchObject({ error: { code: 42, message: 'no', data: { why: 'so' } } })
  })
})

describe('aria2', () => {
  /** Starts it with a secret, and waits until its port answers. */
  async function start(): Promise<{ port: number; folder: string }> {
    const listener = await listenTcp({}, (transport) => transport.abort())
    const { port } = listener
    await listener.closeConnections({ graceMs: 0 })
    const folder = freshName()
    const args = ['--enable-rpc', `--rpc-listen-port=${port}`, '--rpc-secret=s', `--dir=${folder}`, '--no-conf', '--quiet', '--enable-dht=false', '--disable-ipv6=true']
    const aria = spawn('aria2c', args, { stdio: 'ignore' })
    const over = once(aria, 'exit')
    cleanup.push(async () => {
      aria.kill('SIGKILL')
      await over
    })
    for (;;) {
      const up = await connectTcp({ port, host: '127.0.0.1' }).then((transport) => (transport.abort(), true), () => false)
      if (up) return { port, folder }
      if (aria.exitCode !== null) throw new Error('aria2c ended at once')
      await turns(5)
    }
  }

  needs('aria2c')('answers our client over HTTP: calls, a batch, errors', async () => {
    const { port } = await start()
    const exchanges = httpConnector(tcpConnector({ port, host: '127.0.0.1' }), { ...jsonRequests, target: '/jsonrpc', mediaType: 'application/json-rpc' })
    await using client = jsonRpcClient(over(exchanges, whole()))
    expect(await client.call('aria2.getVersion', ['token:s'])).toMatchObject({ version: expect.stringMatching(/^1\./) })
    expect(await client.call('system.listMethods')).toContain('aria2.addUri')
    const [version, stat, none] = client.batch([{ method: 'aria2.getVersion', params: ['token:s'] }, { method: 'aria2.getGlobalStat', params: ['token:s'] }, { method: 'aria2.none', params: ['token:s'] }])
    expect(await version).toMatchObject({ enabledFeatures: expect.any(Array) })
    expect(await stat).toMatchObject({ numActive: '0' })
    expect(await rejection(none)).toMatchObject({ name: 'JsonRpcError' })
    // It answers what it refuses with 400, and a body that says why.
    expect(await rejection(client.call('aria2.getVersion', []))).toMatchObject({ name: 'JsonRpcError', message: 'Unauthorized' })
    exchanges.closeIdle()
  })

  needs('aria2c')('answers and notifies our peer over WebSocket', async () => {
    const { port } = await start()
    const files = await listenTcp({}, httpServer({ onExchange: (exchange) => (exchange.start({ dataReceived() {} }), exchange.write('content'), exchange.close()) }))
    cleanup.push(() => files.closeConnections({ graceMs: 0 }))
    const started = deferred<unknown>()
    const completed = deferred<unknown>()
    const service = createService({
      'aria2.onDownloadStart': (params: unknown) => started.resolve(params),
      'aria2.onDownloadComplete': (params: unknown) => completed.resolve(params),
    })
    const peer = jsonRpc(service)(await connectWebSocket({ url: `ws://127.0.0.1:${port}/jsonrpc` }))
    const gid = await peer.call('aria2.addUri', ['token:s', [`http://127.0.0.1:${files.port}/file`]])
    expect(await started.promise).toEqual([{ gid }])
    expect(await completed.promise).toEqual([{ gid }])
    expect(await peer.call('aria2.tellStatus', ['token:s', gid, ['status', 'completedLength']])).toEqual({ status: 'complete', completedLength: '7' })
    expect(await rejection(peer.call('aria2.tellStatus', ['token:s', 'none']))).toMatchObject({ name: 'JsonRpcError', code: 1 })
    peer.close()
    await peer.closed
  })
})
