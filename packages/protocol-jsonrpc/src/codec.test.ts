import { describe, expect, it } from 'vitest'
import { Codec } from './codec.ts'
import { parse, recognise } from './read.ts'

describe('parse', () => {
  const bytes = (...list: number[]) => new Uint8Array(list)

  it.each([
    ['nothing', '', 'an empty message is not JSON'],
    ['no bytes', bytes(), 'an empty message is not JSON'],
    ['half a pair of surrogates in UTF-8', bytes(0x22, 0xed, 0xa0, 0x80, 0x22), 'not UTF-8: 5 bytes'],
    ['an overlong form', bytes(0x22, 0xc0, 0x80, 0x22), 'not UTF-8: 4 bytes'],
    ['a cut sequence', bytes(0x22, 0xe2, 0x82), 'not UTF-8: 3 bytes'],
    ['a BOM in bytes', bytes(0xef, 0xbb, 0xbf, 0x7b, 0x7d), 'not JSON: "\uFEFF{}"'],
    ['a BOM in text', '\uFEFF{}', 'not JSON: "\uFEFF{}"'],
    ['a log line', 'Listening on port 80\u0007', 'not JSON: "Listening on port 80\\u0007"'],
    ['a long line', 'x'.repeat(100), 'not JSON: "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"… (100 characters)'],
    ['a trailing comma', '[1,]', 'not JSON: "[1,]"'],
    ['two values', '{}{}', 'not JSON: "{}{}"'],
    ['a comment', '{}//', 'not JSON: "{}//"'],
    ['NaN', 'NaN', 'not JSON: "NaN"'],
  ])('refuses %s', (_name, data, message) => {
    expect(() => parse(data)).toThrow(expect.objectContaining({ code: 'ERR_JSONRPC_PARSE', message }))
  })

  it('reads bytes as UTF-8', () => {
    expect(parse(bytes(0x22, 0xe2, 0x82, 0xac, 0x22))).toBe('€')
  })

  it('refuses unclosed nesting of any depth', () => {
    expect(() => parse('['.repeat(1_000_000))).toThrow(expect.objectContaining({ code: 'ERR_JSONRPC_PARSE' }))
  })
})

describe('recognise', () => {
  const invalid = (id: string | number | null = null) => ({ kind: 'invalid', id })

  it.each<[string, object]>([
    ['null', invalid()],
    ['true', invalid()],
    ['1', invalid()],
    ['"text"', invalid()],
    ['[]', invalid()],
    ['[{"jsonrpc":"2.0","method":"a","id":1}]', invalid()],
    ['{}', invalid()],
    ['{"foo":"boo"}', invalid()],
    ['{"id":1}', invalid(1)],
    ['{"method":"a","id":1}', invalid(1)],
    ['{"jsonrpc":"1.0","method":"a","id":1}', invalid(1)],
    ['{"jsonrpc":2.0,"method":"a","id":1}', invalid(1)],
    ['{"jsonrpc":["2.0"],"method":"a","id":1}', invalid(1)],
    ['{"jsonrpc":"2.0","id":1}', invalid(1)],
    ['{"jsonrpc":"2.0","method":null,"id":"x"}', invalid('x')],
    ['{"jsonrpc":"2.0","method":{},"id":"x"}', invalid('x')],
    ['{"jsonrpc":"2.0","method":"a","params":null,"id":1}', invalid(1)],
    ['{"jsonrpc":"2.0","method":"a","params":"b","id":1}', invalid(1)],
    ['{"jsonrpc":"2.0","method":"a","params":1}', invalid()],
    ['{"jsonrpc":"2.0","method":"a","id":{}}', invalid()],
    ['{"jsonrpc":"2.0","method":"a","id":[1]}', invalid()],
    ['{"jsonrpc":"2.0","method":"a","id":true}', invalid()],
    ['{"jsonrpc":"2.0","method":"a","id":1e999}', invalid()],
    ['{"__proto__":{"jsonrpc":"2.0","method":"a","id":1}}', invalid()],
    ['{"jsonrpc":"2.0","method":"a"}', { kind: 'notification', id: undefined, method: 'a', params: undefined }],
    ['{"jsonrpc":"2.0","method":"a","id":null}', { kind: 'request', id: null, method: 'a', params: undefined }],
    ['{"jsonrpc":"2.0","method":"","params":[],"id":""}', { kind: 'request', id: '', method: '', params: [] }],
    ['{"jsonrpc":"2.0","method":"a","result":1,"id":0,"more":1}', { kind: 'request', id: 0, method: 'a', params: undefined }],
    ['{"jsonrpc":"2.0","result":null,"id":1}', { kind: 'result', id: 1, result: null }],
    ['{"jsonrpc":"2.0","error":{"code":-1,"message":"m","data":[2]},"id":1}', { kind: 'error', id: 1, error: expect.objectContaining({ code: -1, message: 'm', data: [2] }) }],
    ['{"jsonrpc":"2.0","error":{"code":-1,"message":"m"},"id":null}', { kind: 'error', id: null, error: expect.objectContaining({ code: -1, data: undefined }) }],
    ['{"jsonrpc":"2.0","result":1}', { kind: 'malformed', id: null, problem: 'a response needs an id: a string, a number or null' }],
    ['{"result":1,"error":null,"id":1}', { kind: 'malformed', id: 1, problem: 'a response needs "jsonrpc": "2.0"' }],
    ['{"jsonrpc":"2.0","result":1,"error":null,"id":1}', { kind: 'malformed', id: 1, problem: 'a response has a result or an error, not both' }],
    ['{"jsonrpc":"2.0","error":null,"id":1}', { kind: 'malformed', id: 1, problem: 'the error of a response is an object' }],
    ['{"jsonrpc":"2.0","error":"m","id":1}', { kind: 'malformed', id: 1, problem: 'the error of a response is an object' }],
    ['{"jsonrpc":"2.0","error":{"code":1.5,"message":"m"},"id":1}', { kind: 'malformed', id: 1, problem: 'the error of a response needs an integer code and a message' }],
    ['{"jsonrpc":"2.0","error":{"code":"1","message":"m"},"id":1}', { kind: 'malformed', id: 1, problem: 'the error of a response needs an integer code and a message' }],
    ['{"jsonrpc":"2.0","error":{"code":1},"id":1}', { kind: 'malformed', id: 1, problem: 'the error of a response needs an integer code and a message' }],
  ])('%s', (text, entry) => {
    expect(recognise(JSON.parse(text))).toEqual(entry)
  })

  it('leaves __proto__ in params inert', () => {
    const entry = recognise(parse('{"jsonrpc":"2.0","method":"a","params":{"__proto__":{"admin":true}}}')) as { params: { admin?: boolean } }
    expect(entry.params.admin).toBeUndefined()
    expect(Object.getPrototypeOf(entry.params)).toBe(Object.prototype)
    expect(({} as { admin?: boolean }).admin).toBeUndefined()
  })
})

describe('the texts', () => {
  const codec = new Codec({}, 1000)
  const requestText = codec.requestText.bind(codec)
  const resultText = codec.resultText.bind(codec)
  const errorText = codec.errorText.bind(codec)

  it('are as the specification writes them, without spaces', () => {
    expect(requestText('subtract', [42, 23], 1)).toBe('{"jsonrpc":"2.0","method":"subtract","params":[42,23],"id":1}')
    expect(requestText('update', { a: 1 }, undefined)).toBe('{"jsonrpc":"2.0","method":"update","params":{"a":1}}')
    expect(requestText('a"b', undefined, 2)).toBe('{"jsonrpc":"2.0","method":"a\\"b","id":2}')
    expect(resultText('x', 19)).toBe('{"jsonrpc":"2.0","result":19,"id":"x"}')
    expect(errorText(null, -32700, 'Parse error')).toBe('{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}')
    expect(errorText(1, 7, 'm', { a: null })).toBe('{"jsonrpc":"2.0","error":{"code":7,"message":"m","data":{"a":null}},"id":1}')
  })

  it.each<[string, unknown]>([
    ['a number', 1],
    ['null', null],
    ['a string', 'x'],
    ['a function', () => {}],
    ['a big integer', [1n]],
    ['what toJSON makes a string of', new Date(0)],
  ])('refuse %s as params', (_name, params) => {
    expect(() => requestText('a', params as [], 1)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
  })

  it('refuse a method that is not a string', () => {
    expect(() => requestText(1 as never, [], 1)).toThrow('a method is named by a string, not by number')
  })

  it('refuse a result that JSON cannot carry', () => {
    expect(() => resultText(1, () => {})).toThrow('JSON cannot carry a function')
    expect(() => resultText(1, 1n)).toThrow(TypeError)
  })
})
