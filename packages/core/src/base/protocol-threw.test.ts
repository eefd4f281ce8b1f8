import { expect, it } from 'vitest'
import { memoryPair } from '../testing/memory-pair.ts'

it('a protocol that throws ends the connection, even if whoever is told of it throws as well', async () => {
  const onError = (error: unknown): void => {
    throw error
  }
  const { a, b } = memoryPair({ onError })
  const connectionMade = (): void => {
    throw new Error('mine')
  }
  expect(() => a.start({ connectionMade, dataReceived() {} })).toThrow('mine')
  expect(await a.closed).toMatchObject({ kind: 'protocol', error: { code: 'ERR_CALLBACK_THREW' } })
  b.abort()
})
