import type { Messages, Transport } from '@async/core'
import type { TransportOptions } from '@async/core/base'
import { type Case, memoryPair, type Pair, type Subject, transportSuite } from '@async/core/testing'
import { describe, it } from 'vitest'
import { httpConnector, httpDuplexConnector, type HttpDuplexOptions, httpDuplexServer, httpServer } from '../src/index.ts'

/** The kit waits for minutes of virtual time, and its peers stand still meanwhile: no signs of life, no time-outs below. */
const patient = { headTimeoutMs: Infinity, bodyIdleTimeoutMs: Infinity }

async function session(options: TransportOptions = {}, more: HttpDuplexOptions = {}): Promise<{ client: Transport<Messages>; server: Transport<Messages> }> {
  let offered!: (transport: Transport<Messages>) => void
  const server = new Promise<Transport<Messages>>((resolve) => {
    offered = resolve
  })
  const limits = { maxMessageBytes: 64 * 1024 * 1024 }
  const duplex = httpDuplexServer({ ...options, ...limits, heartbeatMs: Infinity, resumeWindowMs: Infinity, onTransport: (transport) => offered(transport) })
  const serve = httpServer({ ...(options.clock === undefined ? {} : { clock: options.clock }), onExchange: duplex, headTimeoutMs: Infinity, keepAliveTimeoutMs: Infinity, bodyIdleTimeoutMs: Infinity, requestTimeoutMs: Infinity })
  const http = httpConnector({
    connect: () => {
      const { a, b } = memoryPair(options.clock === undefined ? {} : { clock: options.clock })
      serve(b)
      return Promise.resolve(a)
    },
  }, { ...(options.clock === undefined ? {} : { clock: options.clock }), ...patient, connectTimeoutMs: Infinity })
  const client = await httpDuplexConnector(http, { ...options, ...limits, ...more }).connect()
  void client.closed.then(() => http.closeIdle())
  return { client, server: await server }
}

function subject(name: string, first: 'client' | 'server', more: HttpDuplexOptions = {}): Subject {
  return {
    name,
    carries: 'message',
    skip: { 'R6 no timer is left after any end': 'the connections below outlive the session, with timers of their own' },
    makePair: async (options): Promise<Pair> => {
      const { client, server } = await session(options, more)
      return first === 'client' ? { a: client, b: server } : { a: server, b: client }
    },
  }
}

const counts = { pass: 124, notApplicable: 80, skipped: 1, fail: 0 }
transportSuite({ describe, it }, subject('a duplex session over HTTP, client to server', 'client'), { counts })
/** A thousand connections one way are enough. */
const once = { filter: (tested: Case) => tested.clause !== 'R6', counts: { pass: 123, notApplicable: 80, skipped: 0, fail: 0 } }
transportSuite({ describe, it }, subject('a duplex session over HTTP, server to client', 'server'), once)
const few = { filter: (tested: Case) => /^[CTP]/.test(tested.clause), counts: { pass: 53, notApplicable: 24, skipped: 0, fail: 0 } }
transportSuite({ describe, it }, subject('a duplex session by polling, client to server', 'client', { mode: 'poll' }), few)
transportSuite({ describe, it }, subject('a duplex session by polling, server to client', 'server', { mode: 'poll' }), few)
