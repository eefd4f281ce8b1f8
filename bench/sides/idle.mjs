/** What an idle connection weighs: servers that many clients have connected to, and said one thing. */
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer } from 'node:net'
import { stack } from '@async/core'
import { line } from '@async/protocol-chunk'
import { httpServer } from '@async/protocol-http'
import { createService, jsonRpc } from '@async/protocol-jsonrpc'
import { listenTcp } from '@async/transport-tcp'

const host = '127.0.0.1'

/** @param {import('node:net').Server} server */
async function listening(server) {
  server.listen(0, host)
  await once(server, 'listening')
  return { port: /** @type {import('node:net').AddressInfo} */ (server.address()).port }
}

export const net = () => listening(createServer((socket) => socket.on('error', () => {}).on('data', (data) => socket.write(data))))
export const nodeHttp = () =>
  listening(createHttpServer({ keepAliveTimeout: 600_000, headersTimeout: 600_000, requestTimeout: 600_000 }, (_, response) => response.end('ok')))

export async function tcp() {
  return { port: (await listenTcp({ keepAliveMs: 60_000 }, (transport) => transport.start({ dataReceived: (data) => transport.write(data) }))).port }
}

export async function http() {
  const onExchange = (/** @type {import('@async/protocol-http').HttpServerExchange} */ exchange) => {
    exchange.write('ok')
    exchange.close()
  }
  return { port: (await listenTcp({}, httpServer({ onExchange, keepAliveTimeoutMs: 600_000 }))).port }
}

export async function rpc() {
  const service = createService({ add: (/** @type {any} */ [a, b]) => a + b })
  return { port: (await listenTcp({}, (transport) => void stack(transport, line(), jsonRpc(service)))).port }
}

/** Memory in use, after collection. */
export async function weigh() {
  for (let i = 0; i < 5; i++) {
    // @ts-ignore -- Node has it with --expose-gc
    globalThis.gc()
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return process.memoryUsage.rss()
}

/** @type {import('node:net').Socket[]} */
const sockets = []

/** Connects, says `text`, and waits for an answer, on each of `count`. @param {{ port: number, count: number, text: string }} how */
export async function visit({ port, count, text }) {
  const one = async () => {
    const socket = connect({ port, host })
    await once(socket, 'connect')
    socket.write(text)
    await once(socket, 'data')
    socket.pause()
    sockets.push(socket)
  }
  // No more at a time than a backlog holds.
  for (let done = 0; done < count; done += 200) await Promise.all(Array.from({ length: Math.min(200, count - done) }, one))
}
