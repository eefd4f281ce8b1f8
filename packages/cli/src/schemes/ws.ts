import type { StreamTransport } from '@async/core'
import type * as Http from '@async/protocol-http'
import type * as WebSocket from '@async/transport-websocket'
import { tell } from '../io.ts'
import { messageOf } from '../exit.ts'
import { layerOptions } from '../layer-options.ts'
import { hostField, target } from './http.ts'
import type { LayerScheme } from './scheme.ts'

const both = { path: 'text', maxMessageBytes: 'count', heartbeatMs: 'count', heartbeatTimeoutMs: 'count', handshakeTimeoutMs: 'count', deflate: 'boolean' } as const

/** `ws://host:port/path` */
export const ws: LayerScheme = {
  needs: 'stream',
  gives: 'message',
  async connects(layer, { load, description }) {
    const { path: _, protocols, origin, ...options } = layerOptions(layer, { ...both, protocols: 'text', origin: 'text' })
    const { webSocketConnector } = await load<typeof WebSocket>('@async/transport-websocket', 'ws')
    const offered = protocols === undefined ? {} : { protocols: String(protocols).split(',') }
    const from = origin === undefined ? {} : { origin: String(origin) }
    return (connector) => webSocketConnector({ connector, host: hostField(description), target: target(layer), ...offered, ...from, ...options })
  },
  /** A WebSocket begins as a request, which our own HTTP server reads. */
  async accepts(layer, { load, io }) {
    const { path, ...options } = layerOptions(layer, both)
    const [{ acceptWebSocket }, { httpServer }] = await Promise.all([
      load<typeof WebSocket>('@async/transport-websocket', 'ws'),
      load<typeof Http>('@async/protocol-http', 'ws'),
    ])
    const only = path === undefined ? {} : { path: target(layer).split('?', 1)[0]! }
    return (above) => {
      const serve = httpServer({
        onExchange(exchange) {
          exchange.respond({ status: 426, headers: [['Upgrade', 'websocket'], ['Connection', 'upgrade']] })
          exchange.start({ dataReceived() {} })
          exchange.close()
        },
        async onUpgrade(request) {
          try {
            above(await acceptWebSocket(request, { ...only, ...options }))
          } catch (error) {
            tell(io, `refused: ${messageOf(error)}`)
          }
        },
      })
      return (transport) => serve(transport as StreamTransport)
    }
  },
}
