import type { CloseReason, Protocol } from '@async/core'
import { memoryPair } from '@async/core/testing'
import { expect, it } from 'vitest'
import { httpConnector } from '../src/index.ts'
import { Recorder } from './recorder.ts'

it('a connection that is lost in the turn in which its unsent exchange is given up is not offered again', async () => {
  const protocols: Protocol[] = []
  const connector = httpConnector({
    connect: () => {
      const { a, b } = memoryPair()
      b.start(new Recorder())
      const { start } = a
      a.start = (protocol: never) => {
        protocols.push(protocol)
        start.call(a, protocol)
      }
      return Promise.resolve(a)
    },
  })
  const exchange = await connector.connect()
  exchange.start(new Recorder())
  exchange.abort()
  protocols[0]!.connectionLost!({ kind: 'closed', by: 'peer' } as CloseReason)
  await new Promise((resolve) => setImmediate(resolve))
  const second = await connector.connect()
  expect(protocols.length).toBe(2)
  second.start(new Recorder())
  second.abort()
})
