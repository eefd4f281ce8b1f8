/** A protocol of three lines, over TCP. */
import assert from 'node:assert/strict'
import type { Protocol, Stream, StreamTransport } from '@async/core'
import { connectTcp, listenTcp } from '@async/transport-tcp'

// #region echo
/** Sends back whatever comes. Knows nothing of TCP: any stream will do. */
function echo(transport: StreamTransport): Protocol<Stream> {
  return {
    dataReceived: (data) => transport.write(data),
    eofReceived: () => transport.halfClose(),
  }
}

const listener = await listenTcp({}, (transport) => transport.start(echo(transport)))
// #endregion

const transport = await connectTcp({ port: listener.port })
let heard = ''
transport.start({
  connectionMade() {
    transport.write('hello, ')
    transport.write('echo')
    transport.halfClose()
  },
  dataReceived(data) {
    heard += new TextDecoder().decode(data)
  },
})
const reason = await transport.closed

console.log(`heard ${JSON.stringify(heard)}; ended: ${reason.kind}`)
assert.equal(heard, 'hello, echo')
assert.equal(reason.kind, 'closed')

await listener.closeConnections()
