import type { StreamTransport } from '@async/core'
import type { TransportOptions } from '@async/core/base'
import { type Case, memoryPair, type Pair, type Subject, transportSuite } from '@async/core/testing'
import { listenTcp, tcpConnector } from '@async/transport-tcp'
import { describe, it } from 'vitest'
import { type HeaderList, httpConnector, httpServer } from '../src/index.ts'

/** One exchange: the client's end and the server's. */
interface Ends {
  readonly client: StreamTransport
  readonly server: StreamTransport
  dispose?(): void
}

/** `accept` serves a connection; `server` is the first exchange on it. */
function server(options: TransportOptions): { accept: (transport: StreamTransport) => void; exchange: Promise<StreamTransport> } {
  let offered!: (exchange: StreamTransport) => void
  const exchange = new Promise<StreamTransport>((resolve) => {
    offered = resolve
  })
  // How long a server waits for a client is its policy, and ends what the transport would not.
  const patient = { bodyIdleTimeoutMs: Infinity, requestTimeoutMs: Infinity }
  return { accept: httpServer({ ...options, ...patient, onExchange: (each) => offered(each) }), exchange }
}

/** The kit waits for minutes of virtual time. */
const patient = { headTimeoutMs: Infinity, bodyIdleTimeoutMs: Infinity }

async function overMemory(options: TransportOptions = {}, headers: HeaderList = []): Promise<Ends> {
  const { accept, exchange } = server(options)
  const { a, b } = memoryPair(options)
  accept(b)
  const client = await httpConnector({ connect: () => Promise.resolve(a) }, { ...options, headers, ...patient }).connect()
  return { client, server: await exchange }
}

/** The client's end was behind another exchange on its connection, and is the first now. */
async function behindAnother(options: TransportOptions = {}): Promise<Ends> {
  const offered: StreamTransport[] = []
  const { a, b } = memoryPair(options)
  httpServer({ ...options, ...patient, requestTimeoutMs: Infinity, onExchange: (each) => void offered.push(each) })(b)
  const connector = httpConnector({ connect: () => Promise.resolve(a) }, { ...options, ...patient, method: 'GET', maxConnectionCount: 1, maxPipelinedCount: 4 })
  const ask = async (): Promise<StreamTransport> => {
    const exchange = await connector.connect()
    exchange.start({ dataReceived: () => {} })
    exchange.halfClose()
    return exchange
  }
  const answer = async (exchange: StreamTransport): Promise<void> => {
    while (offered.length === 0) await new Promise((resolve) => setImmediate(resolve))
    offered.shift()!.close()
    await exchange.closed
  }
  await answer(await ask())
  const before = await ask()
  const client = await connector.connect()
  await answer(before)
  while (offered.length === 0) await new Promise((resolve) => setImmediate(resolve))
  return { client, server: offered[0]! }
}

async function overTcp(options: TransportOptions = {}): Promise<Ends> {
  const { accept, exchange } = server(options)
  const listener = await listenTcp({ ...options, port: 0 }, accept)
  const client = await httpConnector(tcpConnector({ ...options, host: '127.0.0.1', port: listener.port }), { ...options, ...patient }).connect()
  return { client, server: await exchange, dispose: () => listener.abortConnections() }
}

function subject(name: string, make: (options?: TransportOptions) => Promise<Ends>, first: 'client' | 'server'): Subject {
  return {
    name,
    carries: 'stream',
    makePair: async (options): Promise<Pair> => {
      const { client, server, ...rest } = await make(options)
      return first === 'client' ? { a: client, b: server, ...rest } : { a: server, b: client, ...rest }
    },
  }
}

/** Where the connection lives on, it waits for the next exchange. */
const skip = { 'R6 no timer is left after any end': 'the connection outlives the exchange, with a timer of its own' }
const counts = { pass: 158, notApplicable: 46, skipped: 1, fail: 0 }
/** Data that came before the write half broke are promised by the dialling side of TCP alone. */
const accepted = { pass: 152, notApplicable: 52, skipped: 1, fail: 0 }

transportSuite({ describe, it }, { ...subject('an HTTP exchange over memory, client to server', overMemory, 'client'), skip }, { counts })
transportSuite({ describe, it }, { ...subject('an HTTP exchange over memory, server to client', overMemory, 'server'), skip }, { counts })
transportSuite({ describe, it }, { ...subject('an HTTP exchange over TCP, client to server', overTcp, 'client'), skip }, { counts })
transportSuite({ describe, it }, { ...subject('an HTTP exchange over TCP, server to client', overTcp, 'server'), skip }, { counts: accepted })

transportSuite({ describe, it }, { ...subject('an HTTP exchange that was pipelined, client to server', behindAnother, 'client'), skip }, { counts })
transportSuite({ describe, it }, { ...subject('an HTTP exchange that was pipelined, server to client', behindAnother, 'server'), skip }, { counts })

const last = (options: TransportOptions = {}): Promise<Ends> => overMemory(options, [['Connection', 'close']])
const ends = { filter: (tested: Case) => /^[CRH]/.test(tested.clause), counts: { pass: 54, notApplicable: 3, skipped: 0, fail: 0 } }
transportSuite({ describe, it }, subject('the last HTTP exchange of a connection, client to server', last, 'client'), ends)
transportSuite({ describe, it }, subject('the last HTTP exchange of a connection, server to client', last, 'server'), ends)
