/** The server process: the seed's own stack, recorded; and the same protocol code over every other stack, a port each. */
import { stack, whole } from '@async/core'
import { httpServer } from '@async/protocol-http'
import { jsonRpc } from '@async/protocol-jsonrpc'
import { listenTcp, type TcpListener } from '@async/transport-tcp'
import { Recorder } from './crossings.ts'
import { framings } from './framings.ts'
import { makeService } from './service.ts'

const recorder = new Recorder()
const service = makeService((direction, what) => recorder.add('calls', direction === 'in' ? 'up' : 'down', what))

const http = httpServer({
  onExchange: (exchange) => {
    exchange.respond({ headers: [['Content-Type', 'application/json']] })
    stack(exchange, recorder.tap('body'), whole(), recorder.tap('messages'), jsonRpc(service))
  },
})
const listeners: TcpListener[] = [await listenTcp({}, (transport) => void stack(transport, recorder.tap('bytes'), http))]
for (const { layer } of framings) {
  const own = makeService()
  listeners.push(await listenTcp({}, (transport) => void stack(transport, layer(), jsonRpc(own))))
}

process.on('message', (message) => {
  if (message === 'take') process.send?.(recorder.take())
  if (message === 'end') void end()
})
// Ctrl-C reaches both processes; the client ends this one.
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit())
process.send?.(listeners.map(({ port }) => port))

async function end(): Promise<void> {
  await Promise.all(listeners.map((listener) => listener.closeConnections({ graceMs: 1000 })))
  process.disconnect()
}
