/** HTTP in a stack: exchanges for who connects, and what JSON-RPC needs of HTTP for who serves. */
import type { Connector, StreamTransport, Transport } from '@async/core'
import type { HttpServerExchange } from '@async/protocol-http'
import { usage } from './exit.ts'
import { layerOptions } from './layer-options.ts'
import type { Plan, PlannedLayer } from './plan.ts'
import type { Siblings } from './siblings.ts'

type Any = Transport<any>

const json = 'application/json'

/** The exchanges of a client. */
export function httpExchanges(layer: PlannedLayer, plan: Plan, { http }: Siblings, below: Connector<Any>): Connector<StreamTransport> {
  const { method = 'POST' } = layerOptions(layer, { path: 'text', method: 'text' })
  const forCalls = plan.gives === 'calls' ? { mediaType: json, headers: [['Content-Type', json], ['Accept', json]] as const } : {}
  return http.httpConnector(below as Connector<StreamTransport>, { target: target(layer), method: String(method), host: hostField(plan), ...forCalls })
}

/** What takes a transport and serves the exchanges on it. */
export function httpServes(layer: PlannedLayer, { http }: Siblings, above: (transport: Any) => void): (transport: Any) => void {
  layerOptions(layer, { path: 'text' })
  const path = layer.params['path'] === undefined ? undefined : target(layer)
  const serve = http.httpServer({
    onExchange: (exchange) => {
      const status = refusal(exchange, path)
      if (status !== undefined) return refuse(exchange, status)
      // Without a body the answer is a 204, whatever this says.
      exchange.respond({ headers: [['Content-Type', json]] })
      above(exchange)
    },
  })
  return (transport) => serve(transport as StreamTransport)
}

/** Why a request is not for us, as a status. */
function refusal({ request }: HttpServerExchange, path: string | undefined): number | undefined {
  // A web page of whatever origin can post to a server on this machine; what sends this field is a browser.
  if (request.headers.some(([name]) => name.toLowerCase() === 'origin')) return 403
  if (path !== undefined && request.target !== path && request.target.split('?', 1)[0] !== path) return 404
  return request.method === 'POST' ? undefined : 405
}

function refuse(exchange: HttpServerExchange, status: number): void {
  exchange.respond({ status, headers: status === 405 ? [['Allow', 'POST']] : [] })
  exchange.start({ dataReceived() {} })
  exchange.close()
}

function target({ params }: PlannedLayer): string {
  const { path = '/' } = params
  if (!/^\/[!-~]*$/.test(path)) throw usage(`http;path starts with "/" and is visible ASCII, not ${JSON.stringify(path.slice(0, 32))}`)
  return path
}

/** Host, as RFC 9112 §3.2 has it: without the port where that is HTTP's own. */
function hostField({ transport }: Plan): string {
  const { host = '127.0.0.1', port = 80 } = transport
  const name = host.includes(':') ? `[${host.split('%', 1)[0]}]` : host
  return port === 80 ? name : `${name}:${port}`
}
