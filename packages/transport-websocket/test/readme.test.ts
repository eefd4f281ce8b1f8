import { expect, it } from 'vitest'
import { log } from './quiet.ts'
// #region example
import { connectWebSocket, listenWebSocket } from '@async/transport-websocket'

const listener = await listenWebSocket({ port: 0, path: '/echo', maxConnections: 1000 }, (transport) => {
  transport.start({ dataReceived: (data) => transport.write(data) })
})

const url = `ws://127.0.0.1:${listener.port}/echo`
const transport = await connectWebSocket({ url, signal: AbortSignal.timeout(5000) })
const reason = await new Promise((resolve) => {
  transport.start({
    dataReceived(data) {
      console.log(data) // 'hello': strings are text messages, a Uint8Array is a binary one
      transport.close()
    },
    connectionLost: resolve, // { kind: 'closed', by: 'local', unsentBytes: 0, unreadBytes: 0, … }
  })
  transport.write('hello')
})
await listener.closeConnections({ graceMs: 1000 })
// #endregion

it('does what its README says', () => {
  expect(reason).toMatchObject({ kind: 'closed', by: 'local', unsentBytes: 0, unreadBytes: 0 })
  expect(log.mock.calls).toEqual([['hello']])
})
