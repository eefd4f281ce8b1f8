// Prints two stack traces of one call over JSON-RPC over HTTP over TCP: where the server's method is called, and where a socket is written to.
// Run by 06-how-a-byte-travels.sh, from a folder in which the packages can be imported.
import { Socket } from 'node:net'
import { over, stack, whole } from '@async/core'
import { httpConnector, httpServer } from '@async/protocol-http'
import { createService, jsonRpc, jsonRpcClient } from '@async/protocol-jsonrpc'
import { listenTcp, tcpConnector } from '@async/transport-tcp'

Error.stackTraceLimit = 50

/** Our own functions on the stack, innermost first. */
function trace(name) {
  const lines = new Error(name).stack.split('\n').filter((line) => line.includes('/packages/'))
  console.log(name)
  for (const line of lines) console.log(`  ${/at (?:async )?(\S+) \(.*\/packages\/(\S+?):\d+:\d+\)/.exec(line)?.slice(1).join('  ') ?? line.trim()}`)
}

const write = Socket.prototype.write
Socket.prototype.write = function (...arguments_) {
  trace('out: socket.write')
  return write.apply(this, arguments_)
}

const service = createService({
  add: ([a, b]) => {
    trace('in: the method')
    return a + b
  },
})
const http = httpServer({ onExchange: (exchange) => void stack(exchange, whole(), jsonRpc(service)) })
const listener = await listenTcp({}, (transport) => void stack(transport, http))
const client = jsonRpcClient(over(httpConnector(tcpConnector({ port: listener.port }), { target: '/', host: 'localhost' }), whole()))
console.log(`answer: ${await client.call('add', [1, 2])}`)
client.close()
await listener.closeConnections()
