/** HTTP in a stack: exchanges for who connects, and what JSON-RPC needs of HTTP for who serves. */
import type { Connector, StackDescription, StackLayer, StreamTransport } from '@async/core'
import type * as Http from '@async/protocol-http'
import { usage } from '../exit.ts'
import { layerOptions } from '../layer-options.ts'
import type { LayerScheme } from './scheme.ts'

const json = 'application/json'

/** `http://host:port/path` */
export const http: LayerScheme = {
  needs: 'stream',
  gives: 'stream',
  async connects(layer, { load, description, gives }) {
    const { method = 'POST' } = layerOptions(layer, { path: 'text', method: 'text' })
    const forCalls = gives === 'calls' ? { mediaType: json, headers: [['Content-Type', json], ['Accept', json]] as const } : {}
    const options = { target: target(layer), method: String(method), host: hostField(description), ...forCalls }
    const { httpConnector } = await load<typeof Http>('@async/protocol-http', 'http')
    return (below) => httpConnector(below as Connector<StreamTransport>, options)
  },
  async accepts(layer, { load }) {
    layerOptions(layer, { path: 'text' })
    const path = layer.params['path'] === undefined ? undefined : target(layer)
    const { httpServer } = await load<typeof Http>('@async/protocol-http', 'http')
    return (above) => {
      const serve = httpServer({
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
  },
}

/** Why a request is not for us, as a status. */
function refusal({ request }: Http.HttpServerExchange, path: string | undefined): number | undefined {
  // A web page of whatever origin can post to a server on this machine; what sends this field is a browser.
  if (request.headers.some(([name]) => name.toLowerCase() === 'origin')) return 403
  if (path !== undefined && request.target !== path && request.target.split('?', 1)[0] !== path) return 404
  return request.method === 'POST' ? undefined : 405
}

function refuse(exchange: Http.HttpServerExchange, status: number): void {
  exchange.respond({ status, headers: status === 405 ? [['Allow', 'POST']] : [] })
  exchange.start({ dataReceived() {} })
  exchange.close()
}

/** What the request asks for: the path of the URL, or `;path`. */
export function target({ scheme, params }: StackLayer): string {
  const { path = '/' } = params
  if (!/^\/[!-~]*$/.test(path)) throw usage(`${scheme};path starts with "/" and is visible ASCII, not ${JSON.stringify(path.slice(0, 32))}`)
  return path
}

/** Host, as RFC 9112 §3.2 has it: without the port where that is HTTP's own. */
export function hostField({ transport }: StackDescription): string {
  const { host = '127.0.0.1', port = 80 } = transport
  const name = host.includes(':') ? `[${host.split('%', 1)[0]}]` : host
  return port === 80 ? name : `${name}:${port}`
}
