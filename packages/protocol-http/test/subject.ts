import type { Connector, StreamTransport } from '@async/core'
import type { TransportOptions } from '@async/core/base'
import { httpConnector, httpServer } from '../src/index.ts'

export interface ExchangePair {
  readonly a: StreamTransport
  readonly b: StreamTransport
}

/** One exchange, both ends of it: `a` is the client's, `b` the server's. `below` makes a connector and hands the other ends to `accept`. */
export async function exchangePair(
  below: (accept: (transport: StreamTransport) => void, options: TransportOptions) => Promise<Connector<StreamTransport>> | Connector<StreamTransport>,
  options: TransportOptions = {},
): Promise<ExchangePair> {
  let offered!: (exchange: StreamTransport) => void
  const b = new Promise<StreamTransport>((resolve) => {
    offered = resolve
  })
  const accept = httpServer({ ...options, onExchange: (exchange) => offered(exchange) })
  const a = await httpConnector(await below(accept, options), options).connect()
  return { a, b: await b }
}
