/**
 * The stack of PEP 3153's early draft, five layers: the application, JSON-RPC, the HTTP-based transport, HTTP, TCP.
 * Nothing above the connector knows that there is a network.
 */
import assert from 'node:assert/strict'
import { over, stack, whole } from '@async/core'
import { httpConnector, httpServer } from '@async/protocol-http'
import { createService, jsonRpc, jsonRpcClient } from '@async/protocol-jsonrpc'
import { listenTcp, tcpConnector } from '@async/transport-tcp'

// #region stack
const service = createService({ add: ([a, b]: [number, number]) => a + b })
const http = httpServer({ onExchange: (exchange) => void stack(exchange, whole(), jsonRpc(service)) })
const listener = await listenTcp({}, (transport) => void stack(transport, http))

const exchanges = httpConnector(tcpConnector({ port: listener.port }), { target: '/rpc', host: 'localhost' })
const client = jsonRpcClient(over(exchanges, whole()))
// #endregion

const sum = await client.call('add', [1, 2])
const response = await fetch(`http://127.0.0.1:${listener.port}/rpc`, {
  method: 'POST',
  body: '{"jsonrpc":"2.0","method":"add","params":[20,22],"id":"from elsewhere"}',
})
const answer = await response.text()

console.log(sum, response.status, answer)
assert.equal(sum, 3)
assert.equal(answer, '{"jsonrpc":"2.0","result":42,"id":"from elsewhere"}')

client.close()
await listener.closeConnections()
