import { expect, it } from 'vitest'
// #region typed
import { createService, implement, jsonRpc, JsonRpcError, type MethodsOf } from '@async/protocol-jsonrpc'
import { memoryMessagePair } from '@async/core/testing'
import { z } from 'zod'

// Methods as types: those of your own functions …
const plain = createService({
  sum: (numbers: number[]) => numbers.reduce((sum, each) => sum + each, 0),
  buy: ({ count }: { count: number }) => (count > 2 ? new JsonRpcError(1, 'Sold out', { left: 2 }) : 'bought'),
})
type Shop = MethodsOf<typeof plain>

// … or a contract with schemas, that checks params (−32602) and results, and describes itself (`rpc.discover`).
const contract = {
  price: { params: z.object({ item: z.string() }), result: z.number(), summary: 'What it costs' },
} as const
const checked = createService(implement(contract, { price: ({ item }) => item.length }))

async function use(): Promise<unknown[]> {
  const shop = connect(plain, jsonRpc<Shop>())
  const sum = await shop.call('sum', [1, 2, 3]) // number
  const outcome = await shop.attempt('buy', { count: 3 }) // a result, or an error whose data is typed by its code
  const left = !outcome.ok && outcome.error.code === 1 ? outcome.error.data.left : undefined

  const prices = connect(checked, jsonRpc(undefined, { remote: contract }))
  const price = await prices.call('price', { item: 'tea' }) // number, checked here as well
  const refused = await prices.attempt('price', { item: 7 as never })
  return [sum, left, price, refused.ok || refused.error.code]
}
// #endregion

function connect<P>(service: Parameters<typeof jsonRpc>[0], step: (below: ReturnType<typeof memoryMessagePair>['a']) => P): P {
  const { a, b } = memoryMessagePair()
  jsonRpc(service)(b)
  return step(a)
}

it('does what the README says of types', async () => {
  expect(await use()).toEqual([6, 2, 3, -32602])
})
