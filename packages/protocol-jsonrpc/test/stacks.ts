/**
 * Every stack that JSON-RPC is tried on. A stack gives transports of messages: those of framings over what carries streams, and those
 * that carry messages themselves. One line more here, and every suite that goes over `stacks` has it.
 */
import { whole } from '@async/core'
import type { Connector, HalfClosable, Listener, Messages, Stream, StreamTransport, Transport } from '@async/core'
import { memoryMessagePair, memoryPair } from '@async/core/testing'
import { messagePort } from '@async/core/web'
import { lengthPrefix, line, lsp, nul } from '@async/protocol-chunk'
import { httpConnector, httpDuplexConnector, httpDuplexServer, httpServer } from '@async/protocol-http'
import { httpService, jsonText } from '@async/protocol-jsonrpc'
import type { HttpServiceOptions, Service } from '@async/protocol-jsonrpc'
import { connectExec, connectUnix, listenUnix, unixConnector } from '@async/transport-pipe'
import { connectSerial } from '@async/transport-serial'
import { connectTcp, listenTcp, tcpConnector } from '@async/transport-tcp'
import { listenTls, tlsConnector } from '@async/transport-tls'
import { connectWebSocket, listenWebSocket } from '@async/transport-websocket'
import { certificate, freshName, ttys } from './places.ts'

/** Where one side listens and the other connects. */
export interface Place<T> {
  connect(): Promise<T>
  close(): Promise<unknown>
}

/** What carries streams, or messages. */
export interface Carrier<T> {
  readonly name: string
  open(accept: (transport: T) => void): Promise<Place<T>>
}

export const streamCarriers: readonly Carrier<Transport<Stream>>[] = [
  {
    name: 'memory',
    open: async (accept) => ({
      connect: async () => {
        const { a, b } = memoryPair()
        accept(b)
        return a
      },
      close: async () => {},
    }),
  },
  {
    name: 'TCP',
    open: async (accept) => {
      const listener = await listenTcp({}, accept)
      return { connect: () => connectTcp({ port: listener.port, host: '127.0.0.1' }), close: () => listener.closeConnections({ graceMs: 0 }) }
    },
  },
]

/** Those that take longer to set up: each is tried with one framing. */
const unix: Carrier<Transport<Stream>> = {
  name: 'a Unix socket',
  open: async (accept) => {
    const path = freshName('.sock')
    const listener = await listenUnix({ path }, accept)
    return { connect: () => connectUnix({ path }), close: () => listener.closeConnections({ graceMs: 0 }) }
  },
}

const tlsOverTcp: Carrier<Transport<Stream>> = {
  name: 'TLS over TCP',
  open: async (accept) => {
    const { cert, key } = certificate()
    const listener = await listenTls((raw) => listenTcp({}, raw), { cert, key }, accept)
    const connector = tlsConnector(tcpConnector({ port: listener.below.port, host: '127.0.0.1' }), { ca: cert, serverName: 'localhost' })
    return { connect: () => connector.connect(), close: () => listener.closeConnections({ graceMs: 0 }) }
  },
}

/** The child process hands its standard input and output on to where we listen. */
const stdio: Carrier<Transport<Stream>> = {
  name: 'the stdio of a process',
  open: async (accept) => {
    const listener = await listenTcp({}, accept)
    const relay = `const s = require('net').connect(${listener.port}, '127.0.0.1'); process.stdin.pipe(s).pipe(process.stdout)`
    return {
      connect: () => connectExec({ command: process.execPath, args: ['-e', relay], stderr: 'ignore', termTimeoutMs: 100 }),
      close: () => listener.closeConnections({ graceMs: 0 }),
    }
  },
}

const serial: Carrier<Transport<Stream>> = {
  name: 'a serial line',
  open: async (accept) => {
    const pairs: { dispose(): Promise<void> }[] = []
    return {
      connect: async () => {
        const pair = await ttys()
        pairs.push(pair)
        accept(await connectSerial({ path: pair.b, baudRate: 115_200 }))
        return connectSerial({ path: pair.a, baudRate: 115_200 })
      },
      close: () => Promise.all(pairs.map((pair) => pair.dispose())),
    }
  },
}

type Framing = (below: Transport<Stream>) => Transport<Messages>

export const framings: readonly (readonly [name: string, frame: Framing])[] = [
  ['newline', line()],
  ['newline, as bytes', line({ mode: 'bytes' })],
  ['NUL', nul()],
  ['LSP headers', lsp()],
  ['length prefix', lengthPrefix()],
  ['bare JSON', jsonText()],
]

const messageCarriers: readonly Carrier<Transport<Messages>>[] = [
  {
    name: 'memory, messages',
    open: async (accept) => ({
      connect: async () => {
        const { a, b } = memoryMessagePair()
        accept(b)
        return a
      },
      close: async () => {},
    }),
  },
  {
    name: 'MessagePort',
    open: async (accept) => ({
      connect: async () => {
        const { port1, port2 } = new MessageChannel()
        accept(messagePort(port2))
        return messagePort(port1)
      },
      close: async () => {},
    }),
  },
]

const webSocket: Carrier<Transport<Messages>> = {
  name: 'WebSocket',
  open: async (accept) => {
    const listener = await listenWebSocket({}, accept)
    return { connect: () => connectWebSocket({ url: `ws://127.0.0.1:${listener.port}/rpc` }), close: () => listener.closeConnections({ graceMs: 0 }) }
  },
}

/** Both ways over plain requests and responses: the server calls the client, too. */
const httpDuplex: Carrier<Transport<Messages>> = {
  name: 'HTTP, duplex',
  open: async (accept) => {
    const duplex = httpDuplexServer({ onTransport: accept })
    const listener = await listenTcp({}, httpServer({ onExchange: duplex }))
    const exchanges = httpConnector(tcpConnector({ port: listener.port, host: '127.0.0.1' }))
    const connector = httpDuplexConnector(exchanges)
    const close = async (): Promise<void> => {
      exchanges.closeIdle()
      await listener.closeConnections({ graceMs: 0 })
    }
    return { connect: () => connector.connect(), close }
  },
}

/** Those that need a program, and its name. */
export const programStacks: readonly (readonly [program: string, stack: Carrier<Transport<Messages>>])[] = [
  ['openssl', framed(tlsOverTcp, 'newline', line())],
  ['socat', framed(serial, 'newline, as bytes', line({ mode: 'bytes' }))],
]

/** Every framing over every carrier of streams, and every carrier of messages. */
export const stacks: readonly Carrier<Transport<Messages>>[] = [
  ...messageCarriers,
  webSocket,
  httpDuplex,
  framed(unix, 'newline', line()),
  framed(stdio, 'LSP headers', lsp()),
  ...streamCarriers.flatMap((carrier) => framings.map(([name, frame]) => framed(carrier, name, frame))),
]

function framed(carrier: Carrier<Transport<Stream>>, name: string, frame: Framing): Carrier<Transport<Messages>> {
  return {
    name: `${name} over ${carrier.name}`,
    open: async (accept) => {
      const place = await carrier.open((below) => accept(frame(below)))
      return { connect: async () => frame(await place.connect()), close: () => place.close() }
    },
  }
}

/** HTTP over what carries it: exchanges, a message each way. */
export interface HttpStack {
  readonly name: string
  open(service: Service, options?: HttpServiceOptions): Promise<Place<Transport<Messages> & HalfClosable>>
}

export const httpStacks: readonly HttpStack[] = [
  {
    name: 'HTTP over TCP',
    async open(service, options) {
      const listener = await listenTcp({}, httpServer({ onExchange: httpService(service, options) }))
      return exchangesOver(tcpConnector({ port: listener.port, host: '127.0.0.1' }), listener)
    },
  },
  {
    name: 'HTTP over a Unix socket',
    async open(service, options) {
      const path = freshName('.sock')
      const listener = await listenUnix({ path }, httpServer({ onExchange: httpService(service, options) }))
      return exchangesOver(unixConnector({ path }), listener)
    },
  },
]

/** HTTPS, which needs openssl. */
export const httpsStack: HttpStack = {
  name: 'HTTPS',
  async open(service, options) {
    const { cert, key } = certificate()
    const listener = await listenTls((raw) => listenTcp({}, raw), { cert, key }, httpServer({ onExchange: httpService(service, options) }))
    const connector = tlsConnector(tcpConnector({ port: listener.below.port, host: '127.0.0.1' }), { ca: cert, serverName: 'localhost' })
    return exchangesOver(connector as Connector<StreamTransport>, listener)
  },
}

function exchangesOver(connector: Connector<StreamTransport>, listener: Listener): Place<Transport<Messages> & HalfClosable> {
  const exchanges = httpConnector(connector, jsonRequests)
  const close = async (): Promise<void> => {
    exchanges.closeIdle()
    await listener.closeConnections({ graceMs: 0 })
  }
  return { connect: async () => whole()((await exchanges.connect()) as StreamTransport), close }
}

/** What a client of JSON-RPC says to HTTP. */
export const jsonRequests = { target: '/rpc', headers: [['Content-Type', 'application/json']] as const, mediaType: 'application/json' }
