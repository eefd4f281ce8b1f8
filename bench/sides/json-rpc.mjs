/** add(a, b): servers, and clients that keep some calls in flight. */
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { Agent } from 'node:http'
import { over, stack, whole } from '@async/core'
import { line, lsp } from '@async/protocol-chunk'
import { httpConnector, httpServer } from '@async/protocol-http'
import { createService, jsonRpc, jsonRpcClient } from '@async/protocol-jsonrpc'
import { connectTcp, listenTcp, tcpConnector } from '@async/transport-tcp'

const host = '127.0.0.1'
const target = '/rpc'
const headers = /** @type {const} */ ([['Content-Type', 'application/json']])

/** @typedef {(a: number, b: number) => Promise<number>} Add */
/** @typedef {{ port: number, seconds: number, inFlight: number }} How */

let stalled = 0
/** Only `add` is measured; the others are for the limits. */
const service = createService({
  add: (/** @type {any} */ [a, b]) => a + b,
  stall: () => (stalled++, new Promise(() => {})),
  stalled: () => stalled,
})

/** @param {import('node:net').Server} server */
async function listening(server) {
  server.listen(0, host)
  await once(server, 'listening')
  return { port: /** @type {import('node:net').AddressInfo} */ (server.address()).port }
}

// ── servers ──

export async function serveLines() {
  return { port: (await listenTcp({}, (transport) => void stack(transport, line(), jsonRpc(service)))).port }
}

export async function serveLsp() {
  return { port: (await listenTcp({}, (transport) => void stack(transport, lsp(), jsonRpc(service)))).port }
}

export async function serveHttp() {
  const onExchange = (/** @type {import('@async/protocol-http').HttpServerExchange} */ exchange) => {
    exchange.respond({ headers })
    stack(exchange, whole(), jsonRpc(service))
  }
  return { port: (await listenTcp({}, httpServer({ onExchange }))).port }
}

/** A hand-made loop, for what nothing on net.Socket gets below: a call is a line in a read of its own, and nothing is checked. */
export async function serveFloor() {
  return listening(createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {})
    socket.on('data', (data) => {
      const { id, params: [a, b] } = JSON.parse(data.toString('latin1'))
      socket.write(`{"jsonrpc":"2.0","id":${id},"result":${a + b}}\n`, 'latin1')
    })
  }))
}

export async function serveVscode() {
  const rpc = await import('vscode-jsonrpc/node')
  return listening(createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => {})
    const connection = rpc.createMessageConnection(new rpc.SocketMessageReader(socket), new rpc.SocketMessageWriter(socket))
    connection.onRequest('add', (a, b) => a + b)
    connection.listen()
  }))
}

export async function serveJayson() {
  const { default: jayson } = await import('jayson')
  const server = new jayson.Server({ add: (/** @type {number[]} */ [a = 0, b = 0], /** @type {any} */ done) => done(null, a + b) })
  return listening(server.http())
}

// ── clients ──

/** Keeps `inFlight` calls going. @param {How} how @param {Add} add */
async function calls({ seconds, inFlight }, add) {
  const end = performance.now() + seconds * 1000
  let operations = 0
  /** @type {number[]} */
  const latencies = []
  const caller = async (/** @type {number} */ start) => {
    for (let a = start; performance.now() < end; a++) {
      const began = inFlight === 1 ? performance.now() : 0
      if ((await add(a, 1)) !== a + 1) throw new Error('add(a, 1) is not a + 1')
      if (inFlight === 1) latencies.push((performance.now() - began) * 1000)
      operations++
    }
  }
  const before = process.cpuUsage()
  await Promise.all(Array.from({ length: inFlight }, (_, at) => caller(at * 1000)))
  const { user, system } = process.cpuUsage(before)
  latencies.sort((a, b) => a - b)
  const result = { operations, client: (user + system) / operations }
  return inFlight === 1 ? { ...result, p50: latencies[latencies.length >> 1] } : result
}

/** @type {Promise<Add> | undefined} */
let adding

/** The client of this process, from the first call on: its connections stay open. @param {How} how @param {() => Promise<Add>} make */
async function client(how, make) {
  return calls(how, await (adding ??= make()))
}

/** @param {How} how @param {any} framing */
const callOver = (how, framing) => client(how, async () => {
  const peer = stack(await connectTcp({ port: how.port, host }), framing, jsonRpc())
  return (a, b) => /** @type {Promise<number>} */ (peer.call('add', [a, b]))
})

/** @param {How} how */
export const callLines = (how) => callOver(how, line())
/** @param {How} how */
export const callLsp = (how) => callOver(how, lsp())

/** @param {How & { joinCalls?: boolean, pipelined?: boolean }} how */
export const callHttp = (how) => client(how, async () => {
  // Thirty-two exchanges on each of two connections, instead of one on each of 64.
  const pipelined = how.pipelined === true ? { idempotent: true, maxPipelinedCount: 32, maxConnectionCount: 2 } : {}
  const http = httpConnector(tcpConnector({ host, port: how.port }), { target, host: `${host}:${how.port}`, headers, ...pipelined })
  const rpc = jsonRpcClient(over(http, whole()), { joinCalls: how.joinCalls ?? false })
  return (a, b) => /** @type {Promise<number>} */ (rpc.call('add', [a, b]))
})

/** The other end of `serveFloor`. @param {How} how */
export const callFloor = (how) => client(how, async () => {
  const socket = connect({ port: how.port, host, noDelay: true })
  await once(socket, 'connect')
  let id = 0
  /** @type {(result: number) => void} */
  let resolve
  socket.on('data', (data) => resolve(JSON.parse(data.toString('latin1')).result))
  return (a, b) => {
    socket.write(`{"jsonrpc":"2.0","id":${id++},"method":"add","params":[${a},${b}]}\n`, 'latin1')
    return new Promise((settle) => (resolve = settle))
  }
})

/** @param {How} how */
export const callVscode = (how) => client(how, async () => {
  const rpc = await import('vscode-jsonrpc/node')
  const socket = connect({ port: how.port, host, noDelay: true })
  await once(socket, 'connect')
  const connection = rpc.createMessageConnection(new rpc.SocketMessageReader(socket), new rpc.SocketMessageWriter(socket))
  connection.listen()
  return (a, b) => connection.sendRequest('add', a, b)
})

/** @param {How} how */
export const callJayson = (how) => client(how, async () => {
  const { default: jayson } = await import('jayson')
  const jsonRpcOverHttp = jayson.Client.http({ host, port: how.port, agent: new Agent({ keepAlive: true, maxSockets: 64 }) })
  return (a, b) =>
    new Promise((resolve, reject) => jsonRpcOverHttp.request('add', [a, b], (/** @type {any} */ error, /** @type {any} */ answer) => (error ? reject(error) : resolve(answer.result))))
})
