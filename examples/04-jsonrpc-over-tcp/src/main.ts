/** Two JSON-RPC peers over TCP, one message a line. Both serve, and the server calls back while it answers. */
import assert from 'node:assert/strict'
import { stack } from '@async/core'
import { line } from '@async/protocol-chunk'
import { createService, jsonRpc } from '@async/protocol-jsonrpc'
import { connectTcp, listenTcp } from '@async/transport-tcp'

// #region service
const service = createService({
  add: ([a, b]: [number, number]) => a + b,
  askBack: async (_, { peer }) => `you said ${String(await peer.call('name'))}`,
})
const listener = await listenTcp({}, (transport) => void stack(transport, line(), jsonRpc(service)))
// #endregion

const ours = createService({ name: () => 'Ada' })
const peer = stack(await connectTcp({ port: listener.port }), line(), jsonRpc(ours))

const sum = await peer.call('add', [1, 2])
const name = await peer.call('askBack')
const error = await peer.call('subtract', [3, 1]).catch((reason: { code: number; message: string }) => `${reason.code} ${reason.message}`)

console.log(sum, name, error)
assert.equal(sum, 3)
assert.equal(name, 'you said Ada')
assert.equal(error, '-32601 Method not found')

peer.close()
await listener.closeConnections()
