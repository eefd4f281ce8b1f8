/** Where the upgrade, and what is below, are our own packages'. */
import { type Connector, stack, type Stream, type Transport } from '@async/core'
import { memoryPair } from '@async/core/testing'
import { httpServer } from '@async/protocol-http'
import { createService, jsonRpc } from '@async/protocol-jsonrpc'
import { connectTcp, listenTcp } from '@async/transport-tcp'
import { expect, it } from 'vitest'
import { acceptWebSocket, connectWebSocket, openWebSocket, webSocketConnector, type WebSocketTransport } from '../src/index.ts'
import { cleanup, connect, deferred, Recorder, until } from './support.ts'

it('shares our HTTP server’s port, on TCP', async () => {
  const reports: unknown[] = []
  const serve = httpServer({
    onError: (error) => reports.push(error),
    onExchange(exchange) {
      exchange.respond({ status: 200 })
      exchange.start({ dataReceived() {} })
      exchange.write('plain')
      exchange.close()
    },
    async onUpgrade(request) {
      const transport = await acceptWebSocket(request, { path: '/ws' })
      transport.start({ dataReceived: (data) => transport.write(data) })
    },
  })
  const listener = await listenTcp({}, serve)
  cleanup(() => listener.abortConnections())
  expect(await (await fetch(`http://127.0.0.1:${listener.port}/`)).text()).toBe('plain')
  const { transport, recorder } = await connect({ url: `ws://127.0.0.1:${listener.port}/ws` })
  transport.write('hello')
  await recorder.received(1)
  expect(recorder.messages).toEqual(['hello'])
  transport.close()
  expect((await recorder.lost).kind).toBe('closed')
  await expect(connectWebSocket({ url: `ws://127.0.0.1:${listener.port}/other` })).rejects.toMatchObject({ code: 'ERR_WEBSOCKET_REFUSED' })
  await until(() => reports.length === 1)
  expect(reports[0]).toMatchObject({ code: 'ERR_WEBSOCKET_REFUSED' })
})

it('runs over what a connector gives, memory among it, with our HTTP server at the other end', async () => {
  const accepted = deferred<WebSocketTransport>()
  const serve = httpServer({ onExchange() {}, onUpgrade: async (request) => accepted.resolve(await acceptWebSocket(request)) })
  const connector: Connector<Transport<Stream>> = {
    async connect() {
      const { a, b } = memoryPair()
      serve(b)
      return a
    },
  }
  const client = stack(await webSocketConnector({ connector, host: 'in.memory', target: '/rpc' }).connect(), jsonRpc(createService({ name: () => 'Ada' })))
  stack(await accepted.promise, jsonRpc(createService({ greet: async (_, { peer }) => `Hello, ${await peer.call('name')}!` })))
  expect(await client.call('greet')).toBe('Hello, Ada!')
  client.close()
  expect((await client.closed).kind).toBe('closed')
})

it('runs over a transport that is there already', async () => {
  const listener = await listenTcp({}, httpServer({ onExchange() {}, onUpgrade: async (request) => (await acceptWebSocket(request)).start(new Recorder()) }))
  cleanup(() => listener.abortConnections())
  const below = await connectTcp({ port: listener.port, host: '127.0.0.1' })
  const transport = await openWebSocket(below, { host: 'x' })
  expect(transport.info).toMatchObject({ remote: `127.0.0.1:${listener.port}`, below: { halfCloses: true } })
  transport.abort()
})
