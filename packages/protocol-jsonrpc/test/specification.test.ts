import type { HalfClosable, Messages, Transport } from '@async/core'
import { createService, invalidParams, jsonRpc } from '@async/protocol-jsonrpc'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Wire, wired } from './helpers.ts'
import { describeWith } from '../../core/test/programs.ts'
import { httpsStack, httpStacks, programStacks, stacks } from './stacks.ts'
import type { Place } from './stacks.ts'

/** What the examples of section 7 call. */
const examples = () =>
  createService({
    subtract: (params) => {
      if (Array.isArray(params)) return params[0] - params[1]
      return params.minuend - params.subtrahend
    },
    update: () => {},
    sum: (params) => params.reduce((sum: number, each: number) => sum + each, 0),
    notify_hello: () => {},
    notify_sum: () => {},
    get_data: () => ['hello', 5],
    strict: () => {
      throw invalidParams()
    },
  })

/** The examples of the specification, as it prints them: what is sent, and what is answered (null: nothing). */
const table: readonly (readonly [name: string, sent: string, answer: string | null])[] = [
  [
    'positional parameters',
    '{"jsonrpc": "2.0", "method": "subtract", "params": [42, 23], "id": 1}',
    '{"jsonrpc": "2.0", "result": 19, "id": 1}',
  ],
  [
    'positional parameters, the other way round',
    '{"jsonrpc": "2.0", "method": "subtract", "params": [23, 42], "id": 2}',
    '{"jsonrpc": "2.0", "result": -19, "id": 2}',
  ],
  [
    'named parameters',
    '{"jsonrpc": "2.0", "method": "subtract", "params": {"subtrahend": 23, "minuend": 42}, "id": 3}',
    '{"jsonrpc": "2.0", "result": 19, "id": 3}',
  ],
  [
    'named parameters, the other way round',
    '{"jsonrpc": "2.0", "method": "subtract", "params": {"minuend": 42, "subtrahend": 23}, "id": 4}',
    '{"jsonrpc": "2.0", "result": 19, "id": 4}',
  ],
  ['a notification', '{"jsonrpc": "2.0", "method": "update", "params": [1,2,3,4,5]}', null],
  ['a notification of a method that is not there', '{"jsonrpc": "2.0", "method": "foobar"}', null],
  [
    'a call of a method that is not there',
    '{"jsonrpc": "2.0", "method": "foobar", "id": "1"}',
    '{"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "1"}',
  ],
  [
    'invalid JSON',
    '{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]',
    '{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}',
  ],
  [
    'an invalid request object',
    '{"jsonrpc": "2.0", "method": 1, "params": "bar"}',
    '{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}',
  ],
  [
    'a batch of invalid JSON',
    '[\n  {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},\n  {"jsonrpc": "2.0", "method"\n]',
    '{"jsonrpc": "2.0", "error": {"code": -32700, "message": "Parse error"}, "id": null}',
  ],
  ['an empty array', '[]', '{"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}'],
  [
    'an invalid batch that is not empty',
    '[1]',
    '[\n  {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}\n]',
  ],
  [
    'an invalid batch',
    '[1,2,3]',
    `[
      {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
      {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
      {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null}
    ]`,
  ],
  [
    'a batch',
    `[
      {"jsonrpc": "2.0", "method": "sum", "params": [1,2,4], "id": "1"},
      {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]},
      {"jsonrpc": "2.0", "method": "subtract", "params": [42,23], "id": "2"},
      {"foo": "boo"},
      {"jsonrpc": "2.0", "method": "foo.get", "params": {"name": "myself"}, "id": "5"},
      {"jsonrpc": "2.0", "method": "get_data", "id": "9"}
    ]`,
    `[
      {"jsonrpc": "2.0", "result": 7, "id": "1"},
      {"jsonrpc": "2.0", "result": 19, "id": "2"},
      {"jsonrpc": "2.0", "error": {"code": -32600, "message": "Invalid Request"}, "id": null},
      {"jsonrpc": "2.0", "error": {"code": -32601, "message": "Method not found"}, "id": "5"},
      {"jsonrpc": "2.0", "result": ["hello", 5], "id": "9"}
    ]`,
  ],
  [
    'a batch of notifications',
    `[
      {"jsonrpc": "2.0", "method": "notify_sum", "params": [1,2,4]},
      {"jsonrpc": "2.0", "method": "notify_hello", "params": [7]}
    ]`,
    null,
  ],
]

const after = '{"jsonrpc":"2.0","method":"get_data","id":"after"}'
const afterwards = { jsonrpc: '2.0', result: ['hello', 5], id: 'after' }

const plain = stacks.map((stack) => ['', stack] as const)

for (const [program, { name: stackName, open }] of [...plain, ...programStacks]) {
  const describeStack = describeWith(program)
  describeStack(`the examples of JSON-RPC 2.0, section 7, on ${stackName}`, () => {
    let place: Place<Transport<Messages>>
    beforeAll(async () => {
      place = await open((transport) => void jsonRpc(examples())(transport))
    })
    afterAll(() => place.close())

    // A newline inside a text would end it where lines are messages: the examples are printed with them for the eye.
    for (const [name, sent, answer] of table) {
      const forms = [
        ['text', sent.replaceAll('\n', ' ')],
        ['bytes', new TextEncoder().encode(sent.replaceAll('\n', ' '))],
      ] as const
      // Where each connection is a process of its own, once is enough.
      it.each(/process|serial/.test(stackName) ? forms.slice(1) : forms)(`${name}, as %s`, async (_as, message) => {
        const wire = new Wire((await place.connect()) as Transport<Messages> & HalfClosable)
        // On a bare stream a text that is none is noise, and not answered; the next one is.
        const isNoise = stackName.startsWith('bare JSON') && name.includes('invalid JSON')
        wire.send(message, after)
        const answers = await wire.answers(answer === null || isNoise ? 1 : 2)
        expect(answers).toEqual(answer === null || isNoise ? [afterwards] : [JSON.parse(answer), afterwards])
        wire.transport.abort()
      })
    }
  })
}

for (const { name: stackName, open } of [...httpStacks, httpsStack]) {
  const describeStack = describeWith(stackName === 'HTTPS' ? 'openssl' : '')
  describeStack(`the examples of JSON-RPC 2.0, section 7, on ${stackName}`, () => {
    let place: Place<Transport<Messages>>
    beforeAll(async () => {
      place = await open(examples())
    })
    afterAll(() => place.close())

    it.each(table)('%s', async (_name, sent, answer) => {
      const wire = new Wire((await place.connect()) as Transport<Messages> & HalfClosable)
      wire.send(sent)
      await wire.until(() => wire.ended)
      expect(wire.received.map((text) => JSON.parse(text) as unknown)).toEqual(answer === null ? [] : [JSON.parse(answer)])
      wire.transport.close()
    })
  })
}

describe('predefined errors that the examples leave out', () => {
  it('answers −32602 for a handler that does not take the params', async () => {
    const { wire } = wired(examples())
    wire.send('{"jsonrpc":"2.0","method":"strict","id":7}')
    await wire.answers(1)
    expect(wire.received).toEqual(['{"jsonrpc":"2.0","error":{"code":-32602,"message":"Invalid params"},"id":7}'])
  })

  it('answers −32603 without detail for a handler that fails, and reports it once', async () => {
    const errors: unknown[] = []
    const failure = new Error('the password is 1234')
    const service = createService({ fail: () => Promise.reject(failure) }, { onError: (error, { method }) => errors.push([error, method]) })
    const { wire } = wired(service)
    wire.send('{"jsonrpc":"2.0","method":"fail","id":7}')
    await wire.answers(1)
    expect(wire.received).toEqual(['{"jsonrpc":"2.0","error":{"code":-32603,"message":"Internal error"},"id":7}'])
    expect(errors).toEqual([[failure, 'fail']])
  })
})

describe('the answer', () => {
  it.each(['1', '-1', '0', '1.5', '"1"', '""', 'null', '"\\u0000é"', '1e3'])('has the id %s as it came', async (id) => {
    const { wire } = wired(examples())
    wire.send(`{"jsonrpc":"2.0","method":"get_data","id":${id}}`)
    expect(await wire.answers(1)).toEqual([{ jsonrpc: '2.0', result: ['hello', 5], id: JSON.parse(id) as unknown }])
  })

  it('has null where a handler returned undefined', async () => {
    const { wire } = wired(examples())
    wire.send('{"jsonrpc":"2.0","method":"update","id":1}')
    await wire.answers(1)
    expect(wire.received).toEqual(['{"jsonrpc":"2.0","result":null,"id":1}'])
  })

  it('says "method not found" without a service', async () => {
    const { wire, peer } = wired()
    wire.send('nonsense', '[]', '{"jsonrpc":"2.0","method":"x","id":1}')
    await wire.answers(1)
    expect(wire.received).toEqual(['{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":1}'])
    peer.close()
  })
})

describe('jsonRpc', () => {
  it('refuses limits that are none', () => {
    for (const limit of [0, -1, 1.5, Number.NaN]) {
      expect(() => jsonRpc(undefined, { maxBatchItems: limit })).toThrow(/maxBatchItems: a positive integer/)
    }
  })
})
