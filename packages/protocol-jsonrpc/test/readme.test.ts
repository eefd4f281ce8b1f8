import { expect, it } from 'vitest'
// #region example
import { stack } from '@async/core'
import { line } from '@async/protocol-chunk'
import { createService, invalidParams, jsonRpc } from '@async/protocol-jsonrpc'
import { connectTcp, listenTcp } from '@async/transport-tcp'

const service = createService({
  add([a, b]: number[]) {
    if (typeof a !== 'number' || typeof b !== 'number') throw invalidParams('two numbers, please')
    return a + b
  },
  greet: async (_params, { peer }) => `Hello, ${await peer.call('name')}!`,
})
const listener = await listenTcp({}, (transport) => void stack(transport, line(), jsonRpc(service)))

const transport = await connectTcp({ port: listener.port, host: '127.0.0.1' })
const peer = stack(transport, line(), jsonRpc(createService({ name: () => 'Ada' })))
const sum = await peer.call('add', [19, 23]) // 42
const greeting = await peer.call('greet') // both sides serve and call: 'Hello, Ada!'
const [one, two] = peer.batch([{ method: 'add', params: [1, 2] }, { method: 'add', params: ['1', 2] }])
// #endregion

it('does what its README says', async () => {
  expect([sum, greeting, await one]).toEqual([42, 'Hello, Ada!', 3])

  await expect(two).rejects.toMatchObject({ code: -32602, data: 'two numbers, please' })
  peer.close()
  await listener.closeConnections()
})
