import type * as Tcp from '@async/transport-tcp'
import { usage } from '../exit.ts'
import { layerOptions } from '../layer-options.ts'
import type { TransportScheme } from './scheme.ts'

const localhost = '127.0.0.1'
const both = { noDelay: 'boolean', keepAliveMs: 'count' } as const
const connecting = { ...both, connectTimeoutMs: 'count', attemptDelayMs: 'count', localAddress: 'text' } as const
const listening = { ...both, maxConnections: 'count', backlog: 'count', ipv6Only: 'boolean' } as const

/** `tcp://host:port` */
export const tcp: TransportScheme = {
  gives: 'stream',
  async connector(transport, { load }) {
    const { host = localhost, port = 0 } = transport
    if (port === 0) throw usage('port 0 is for serve: a call needs the port that it got')
    const { tcpConnector } = await load<typeof Tcp>('@async/transport-tcp', 'tcp')
    return tcpConnector({ host, port, ...layerOptions(transport, connecting) })
  },
  async listen(transport, { load }, accept) {
    const { host = localhost, port = 0 } = transport
    const { listenTcp } = await load<typeof Tcp>('@async/transport-tcp', 'tcp')
    const listener = await listenTcp({ host, port, ...layerOptions(transport, listening) }, (accepted) => accept(accepted))
    return { listener, where: { host, port: listener.port } }
  },
}
