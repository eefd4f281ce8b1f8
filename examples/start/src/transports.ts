/** The same conversation over each of the other transports: how it is reached, and what it did there. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { over, stack, type Listener, type Messages, type Transport } from '@async/core'
import { line, lsp } from '@async/protocol-chunk'
import { jsonRpc, type Caller } from '@async/protocol-jsonrpc'
import { execConnector, listenUnix, unixConnector } from '@async/transport-pipe'
import { connectSerial } from '@async/transport-serial'
import { SimulatedSerial } from '@async/transport-serial/testing'
import { listenTcp, tcpConnector } from '@async/transport-tcp'
import { tlsConnector, tlsListener, type TlsInfo } from '@async/transport-tls'
import { connectWebSocket, listenWebSocket, webSocketClose } from '@async/transport-websocket'
import { makeService } from './service.ts'

/** A transport, with both ends. */
export interface OpenStack {
  readonly stack: string
  readonly caller: Caller
  /** Once the conversation is over: what the transport did there. Leaves nothing open. */
  end(): Promise<string>
}

const host = '127.0.0.1'
const certificate = (kind: string): Buffer => readFileSync(fileURLToPath(new URL(`../certificates/for-the-demonstration-only.${kind}`, import.meta.url)))
const serve = (transport: Transport<Messages>): void => void jsonRpc(makeService())(transport)

/** Each opens one stack. */
export const transports: readonly (() => Promise<OpenStack>)[] = [overUnix, overProcess, overTls, overWebSocket, overTlsOnUnix, overSerial]

async function overUnix(): Promise<OpenStack> {
  const folder = mkdtempSync(join(tmpdir(), 'async-start-'))
  const path = join(folder, 'rpc.sock')
  const listener = await listenUnix({ path }, (transport) => serve(line()(transport)))
  const mode = (statSync(path).mode & 0o777).toString(8)
  const caller = stack(await unixConnector({ path }).connect(), line(), jsonRpc())
  return {
    stack: `jsonrpc+line+unix:${path}`,
    caller,
    async end() {
      await ended(caller, listener)
      const isGone = statSync(path, { throwIfNoEntry: false }) === undefined
      rmSync(folder, { recursive: true })
      return `a socket of mode ${mode}, ${isGone ? 'unlinked at the end' : 'NOT unlinked'}`
    },
  }
}

async function overProcess(): Promise<OpenStack> {
  const script = fileURLToPath(new URL('./child.js', import.meta.url))
  const process_ = await execConnector({ command: process.execPath, args: [script], stderr: 'log' }).connect()
  const caller = stack(process_, lsp(), jsonRpc())
  return {
    stack: 'jsonrpc+lsp+exec:node child.js',
    caller,
    async end() {
      await caller[Symbol.asyncDispose]()
      const { exit } = await process_.closed
      return `process ${process_.pid}, which ended with its input, status ${exit?.code}`
    },
  }
}

async function overTls(): Promise<OpenStack> {
  const cert = certificate('pem')
  const listener = await listenTcp({}, tlsListener({ cert, key: certificate('key') }, (transport) => serve(line()(transport))))
  const transport = await tlsConnector(tcpConnector({ host, port: listener.port }), { serverName: 'localhost', ca: cert }).connect()
  const { protocol, cipher } = transport.info as TlsInfo
  const caller = stack(transport, line(), jsonRpc())
  return {
    stack: `jsonrpc+line+tls+tcp://${host}:${listener.port}`,
    caller,
    async end() {
      const closed = transport.closed
      await ended(caller, listener)
      return `${protocol}, ${cipher}, ${(await closed).kind} by close_notify`
    },
  }
}

async function overWebSocket(): Promise<OpenStack> {
  const listener = await listenWebSocket({ path: '/rpc' }, serve)
  const transport = await connectWebSocket({ url: `ws://${host}:${listener.port}/rpc` })
  const caller = jsonRpc()(transport)
  return {
    stack: `jsonrpc+ws+tcp://${host}:${listener.port}/rpc`,
    caller,
    async end() {
      const closed = transport.closed
      await ended(caller, listener)
      return `text messages, closed with ${webSocketClose(await closed)?.code ?? 1000}`
    },
  }
}

/** Nobody asked for it, and nothing had to be written for it. */
async function overTlsOnUnix(): Promise<OpenStack> {
  const folder = mkdtempSync(join(tmpdir(), 'async-start-'))
  const path = join(folder, 'rpc.sock')
  const cert = certificate('pem')
  const listener = await listenUnix({ path }, tlsListener({ cert, key: certificate('key') }, (transport) => serve(line()(transport))))
  const connector = tlsConnector(unixConnector({ path }), { serverName: 'localhost', ca: cert })
  const caller = await over(connector, line(), jsonRpc()).connect()
  return {
    stack: `jsonrpc+line+tls+unix:${path}`,
    caller,
    async end() {
      await ended(caller, listener)
      rmSync(folder, { recursive: true })
      return 'TLS over what is no TCP'
    },
  }
}

async function overSerial(): Promise<OpenStack> {
  const binding = new SimulatedSerial()
  binding.plugCable({ path: '/dev/ttyS0' }, { path: '/dev/ttyS1' })
  const settings = { binding, baudRate: 115_200, rtscts: true } as const
  const device = await connectSerial({ ...settings, path: '/dev/ttyS1' })
  serve(line()(device))
  const begun = performance.now()
  const caller = stack(await connectSerial({ ...settings, path: '/dev/ttyS0' }), line(), jsonRpc())
  return {
    stack: 'jsonrpc+line+serial:/dev/ttyS0?baudRate=115200',
    caller,
    async end() {
      const ms = Math.round(performance.now() - begun)
      await caller[Symbol.asyncDispose]()
      device.abort()
      return `a simulated line at 115,200 baud, which takes its time: ${ms} ms`
    },
  }
}

async function ended(caller: Caller, listener: Listener): Promise<void> {
  await caller[Symbol.asyncDispose]()
  await listener.closeConnections({ graceMs: 1000 })
}
