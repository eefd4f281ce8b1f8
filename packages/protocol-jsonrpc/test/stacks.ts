/**
 * Every stack that JSON-RPC is tried on. A stack gives transports of messages: those of framings over what carries streams, and those
 * that carry messages themselves. One line more here, and every suite that goes over `stacks` has it.
 */
import { whole } from '@async/core'
import type { HalfClosable, Messages, Stream, StreamTransport, Transport } from '@async/core'
import { memoryMessagePair, memoryPair } from '@async/core/testing'
import { messagePort } from '@async/core/web'
import { lengthPrefix, line, lsp, nul } from '@async/protocol-chunk'
import { httpConnector, httpServer } from '@async/protocol-http'
import { httpService, jsonText } from '@async/protocol-jsonrpc'
import type { HttpServiceOptions, Service } from '@async/protocol-jsonrpc'
import { connectTcp, listenTcp, tcpConnector } from '@async/transport-tcp'

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

/** Every framing over every carrier of streams, and every carrier of messages. */
export const stacks: readonly Carrier<Transport<Messages>>[] = [
  ...messageCarriers,
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
      const exchanges = httpConnector(tcpConnector({ port: listener.port, host: '127.0.0.1' }), jsonRequests)
      const close = async (): Promise<void> => {
        exchanges.closeIdle()
        await listener.closeConnections({ graceMs: 0 })
      }
      return { connect: async () => whole()((await exchanges.connect()) as StreamTransport), close }
    },
  },
]

/** What a client of JSON-RPC says to HTTP. */
export const jsonRequests = { target: '/rpc', headers: [['Content-Type', 'application/json']] as const, mediaType: 'application/json' }
