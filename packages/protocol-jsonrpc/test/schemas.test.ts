import { createService, implement, JsonRpcError, jsonRpc, method } from '@async/protocol-jsonrpc'
import type { ApiOf, InputOf, MethodsOf, OpenRpcDocument, OutputOf, Peer, StandardSchema } from '@async/protocol-jsonrpc'
import { type } from 'arktype'
import * as v from 'valibot'
import { describe, expect, expectTypeOf, it } from 'vitest'
import { z } from 'zod'
import { memoryMessagePair, peers, rejection, wired } from './helpers.ts'

/** The same schema three times: `{ name: string, count?: number }`. */
const libraries = [
  ['zod', z.object({ name: z.string(), count: z.number().optional() })],
  ['valibot', v.object({ name: v.string(), count: v.optional(v.number()) })],
  ['arktype', type({ name: 'string', 'count?': 'number' })],
] as const

/** A schema that takes its time. */
const slow: StandardSchema<{ id: string }, { id: number }> = {
  '~standard': {
    version: 1,
    vendor: 'here',
    validate: async (value) => {
      const id = Number((value as { id?: unknown } | undefined)?.id)
      return Number.isNaN(id) ? { issues: [{ message: 'no number', path: [{ key: 'id' }, Symbol('s')] }] } : { value: { id } }
    },
  },
}

describe.each(libraries)('params checked by %s', (_name, schema) => {
  const service = createService({ greet: method({ params: schema as StandardSchema<{ name: string; count?: number }> }, ({ name, count = 1 }) => `Hello ${name}! `.repeat(count)) })

  it('reach the handler if they are right', async () => {
    const { a } = peers(service)
    expect(await a.call('greet', { name: 'Ada' })).toBe('Hello Ada! ')
    expect(await a.call('greet', { name: 'Ada', count: 2 })).toBe('Hello Ada! Hello Ada! ')
  })

  it.each([
    ['a wrong member', { name: 1 }, ['name']],
    ['a missing member', {}, ['name']],
    ['an array', ['Ada'], undefined],
    ['nothing', undefined, undefined],
    ['__proto__', JSON.parse('{"__proto__":{"name":"Ada"}}') as object, undefined],
  ])('are −32602 with the issues as data: %s', async (_what, params, path) => {
    const error = await rejection(peers(service).a.call('greet', params as {}))
    expect(error).toMatchObject({ code: -32602, message: 'Invalid params' })
    expect(error.data.length).toBeGreaterThan(0)
    for (const issue of error.data) {
      expect(Object.keys(issue)).toEqual(['message', 'path'])
      expect(issue.message).toMatch(/\S/)
    }
    if (path !== undefined) expect(error.data[0].path).toEqual(path)
  })
})

describe('method', () => {
  it('gives handlers what the schema gives, also one that takes its time', async () => {
    const service = createService({
      id: method({ params: slow }, ({ id }) => id + 1),
      trimmed: method({ params: z.tuple([z.string().trim(), z.number().default(7)]) }, ([text, count]) => [text, count]),
    })
    const { a } = peers(service)
    expect(await a.call('id', { id: '41' })).toBe(42)
    expect((await rejection(a.call('id', { id: 'x' }))).data).toEqual([{ message: 'no number', path: ['id', 'Symbol(s)'] }])
    expect(await a.call('trimmed', [' x '])).toEqual(['x', 7])
  })

  it('makes −32603 of a result that the schema refuses, and reports it once', async () => {
    const errors: any[] = []
    const service = createService(
      {
        wrong: method({ result: z.object({ id: z.number() }) }, (() => ({ id: 'x' })) as never),
        later: method({ result: slow }, (async () => ({})) as never),
        coerced: method({ result: z.number().transform((value) => `no. ${value}`) }, async () => 5),
      },
      { onError: (error) => errors.push(error) },
    )
    const { a } = peers(service)
    expect(await rejection(a.call('wrong'))).toMatchObject({ code: -32603, data: undefined })
    expect(await rejection(a.call('later'))).toMatchObject({ code: -32603, data: undefined })
    expect(await a.call('coerced')).toBe('no. 5')
    expect(errors.map(({ code, side }) => [code, side])).toEqual([['ERR_JSONRPC_INVALID_RESULT', 'local'], ['ERR_JSONRPC_INVALID_RESULT', 'local']])
    expect(errors[0].message).toMatch(/^the handler's result: at id: /)
  })

  it('lets errors through, thrown or returned, without a look at them', async () => {
    const service = createService({
      thrown: method({ result: z.number() }, () => {
        throw new JsonRpcError(1, 'thrown')
      }),
      returned: method({ result: z.number(), errors: { out: { code: 2, message: 'out' } } }, async () => new JsonRpcError(2, 'returned') as JsonRpcError<undefined, 2>),
    })
    const { a } = peers(service)
    expect(await rejection(a.call('thrown'))).toMatchObject({ code: 1, message: 'thrown' })
    expect(await rejection(a.call('returned'))).toMatchObject({ code: 2, message: 'returned' })
  })
})

const shop = {
  price: { params: z.object({ item: z.string() }), result: z.number(), summary: 'What it costs' },
  buy: {
    params: z.tuple([z.string(), z.number()]),
    result: z.object({ receipt: z.string() }),
    errors: { soldOut: { code: 1, message: 'Sold out', data: z.object({ left: z.number() }) } },
  },
  ping: { result: z.literal('pong') },
} as const

describe('what is no definition', () => {
  it('is refused when it is made, not when it is called', () => {
    const refused = expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' })
    expect(() => method({ params: { type: 'string' } as never }, () => 1)).toThrow(refused)
    expect(() => method({ result: z as never }, (() => 1) as never)).toThrow(refused)
    expect(() => implement({ there: {}, missing: {} }, { there: () => 1 } as never)).toThrow(refused)
  })
})

describe('a contract, shared by both sides', () => {
  const service = createService(
    implement(shop, {
      price: ({ item }) => item.length,
      buy: async ([item, count]) => (count > 2 ? new JsonRpcError(1, 'Sold out', { left: 2 }) : { receipt: `${count} ${item}` }),
      ping: () => 'pong' as const,
    }),
  )
  const client = (): Peer<ApiOf<typeof shop>> => {
    const { a, b } = memoryMessagePair()
    jsonRpc(service)(b)
    return jsonRpc(undefined, { remote: shop })(a)
  }

  it('types calls and handlers, and says errors as values', async () => {
    const peer = client()
    const price = await peer.call('price', { item: 'tea' })
    expectTypeOf(price).toEqualTypeOf<number>()
    expect(price).toBe(3)
    expect(await peer.attempt('buy', ['tea', 1])).toEqual({ ok: true, result: { receipt: '1 tea' } })
    const outcome = await peer.attempt('buy', ['tea', 3])
    if (outcome.ok || outcome.error.code !== 1) throw new Error('it was sold')
    expectTypeOf(outcome.error.data).toEqualTypeOf<{ left: number }>()
    expect(outcome.error.data).toEqual({ left: 2 })
    expect(await peer.attempt('buy', ['tea', 'many' as never])).toMatchObject({ ok: false, error: { code: -32602 } })
  })

  it('checks results of the other side: in calls, and in batches', async () => {
    const { a, b } = memoryMessagePair()
    jsonRpc(createService({ price: () => 'free', ping: () => 'pong' as const, buy: () => null }))(b)
    const peer = jsonRpc(undefined, { remote: shop })(a)
    expect(await rejection(peer.call('price', { item: 'tea' }))).toMatchObject({ code: 'ERR_JSONRPC_INVALID_RESULT', side: 'remote' })
    const [pong, receipt] = peer.batch([{ method: 'ping' }, { method: 'buy', params: ['x', 1] }])
    expect(await pong).toBe('pong')
    expect(await rejection(receipt)).toMatchObject({ code: 'ERR_JSONRPC_INVALID_RESULT' })
    // Names are looked up among the contract's own.
    expect(await rejection((peer as unknown as Peer).call('toString'))).toMatchObject({ code: -32601 })
    await expect(peer.attempt('price', { item: 'x' })).rejects.toMatchObject({ code: 'ERR_JSONRPC_INVALID_RESULT' })
  })
})

describe('rpc.discover', () => {
  it('gives an OpenRPC document', async () => {
    const service = createService({ ...implement(shop, { price: () => 1, buy: () => ({ receipt: '' }), ping: () => 'pong' as const }), plain: () => 1 }, { discover: { title: 'Shop', version: '1.2.3', description: 'Sells' } })
    const document = (await peers(service).a.call('rpc.discover')) as OpenRpcDocument
    expect(document).toMatchObject({
      openrpc: '1.3.2',
      info: { title: 'Shop', version: '1.2.3', description: 'Sells' },
      methods: [
        {
          name: 'price',
          summary: 'What it costs',
          paramStructure: 'by-name',
          params: [{ name: 'item', required: true, schema: { type: 'string' } }],
          result: { name: 'result', schema: { type: 'number' } },
        },
        {
          name: 'buy',
          paramStructure: 'by-position',
          params: [{ name: 'param1', required: true, schema: { type: 'string' } }, { name: 'param2', required: true, schema: { type: 'number' } }],
          errors: [{ code: 1, message: 'Sold out', data: { type: 'object', properties: { left: { type: 'number' } } } }],
        },
        { name: 'ping', params: [], result: { schema: { const: 'pong' } } },
        { name: 'plain', params: [], result: { name: 'result', schema: true } },
      ],
    })
    expect(document.methods.length).toBe(4)
  })

  it('asks a function of yours for schemas that do not describe themselves, and survives one that throws', async () => {
    const described = { type: 'object', properties: { name: { type: 'string' } } }
    const schema = v.object({ name: v.string() })
    const by = (toJsonSchema: () => object | undefined) => peers(createService({ x: method({ params: schema }, () => 1) }, { discover: { toJsonSchema: toJsonSchema as never } })).a.call('rpc.discover')
    expect(await by(() => described)).toMatchObject({ methods: [{ params: [{ name: 'name', required: false, schema: { type: 'string' } }] }] })
    expect(await by(() => { throw new Error('cannot') })).toMatchObject({ methods: [{ name: 'x', params: [] }] }) // prettier-ignore
    expect(await by(() => undefined)).toMatchObject({ info: { title: 'JSON-RPC service', version: '0.0.0' }, methods: [{ name: 'x', params: [] }] })
  })

  it('is not there without a definition, nor when it is not to be; the name stays reserved', async () => {
    expect(await rejection(peers(createService({ x: () => 1 })).a.call('rpc.discover'))).toMatchObject({ code: -32601 })
    expect(await rejection(peers(createService({ x: method({}, () => 1) }, { discover: false })).a.call('rpc.discover'))).toMatchObject({ code: -32601 })
    expect(await peers(createService({ x: () => 1 }, { discover: {} })).a.call('rpc.discover')).toMatchObject({ methods: [{ name: 'x' }] })
    expect(() => createService({ 'rpc.discover': () => 1 })).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })
})

describe('types of schemas', () => {
  it('are those of the libraries', async () => {
    const coerced = z.string().transform(Number)
    expectTypeOf<InputOf<typeof coerced>>().toEqualTypeOf<string>()
    expectTypeOf<OutputOf<typeof coerced>>().toEqualTypeOf<number>()
    const own = method({ params: z.tuple([coerced]), result: coerced }, ([value]) => {
      expectTypeOf(value).toEqualTypeOf<number>()
      return String(value)
    })
    const service = createService({ own })
    type Api = MethodsOf<typeof service>
    const { wire, peer } = wired(service)
    const typed = peer as Peer<Api>
    const call = typed.call('own', ['1'])
    expectTypeOf(call).toEqualTypeOf<Promise<number>>()
    // @ts-expect-error A number is not what goes in.
    void typed.call('own', [1]).catch(() => {})
    // @ts-expect-error Params are needed.
    void typed.call('own').catch(() => {})
    await wire.answers(3)
    peer.close()
    await rejection(call)
  })
})
