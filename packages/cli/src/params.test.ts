import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { parseParams, readAll, readParams } from './params.ts'

describe('parseParams', () => {
  it.each<[string, unknown]>([
    ['[]', []],
    ['{}', {}],
    [' [1, {"a": null}] ', [1, { a: null }]],
    ['{"a": 1}', { a: 1 }],
  ])('reads %j', (text, value) => {
    expect(parseParams(text, 'PARAMS')).toEqual(value)
  })

  it.each<[string, string]>([
    ['', 'PARAMS is no JSON: nothing'],
    ['[1,', 'PARAMS is no JSON: [1,'],
    ['{a: 1}', `PARAMS is no JSON: {a: 1} (quote it for the shell: '["like", "this"]')`],
    ['7', 'PARAMS must be a JSON array (by position) or object (by name), not 7: write [7]'],
    ['"a"', 'PARAMS must be a JSON array (by position) or object (by name), not "a": write ["a"]'],
    ['null', 'PARAMS must be a JSON array (by position) or object (by name), not null: write [null]'],
  ])('refuses %j', (text, message) => {
    expect(() => parseParams(text, 'PARAMS')).toThrow(expect.objectContaining({ message, exitCode: 2 }))
  })

  it('keeps __proto__ a name', () => {
    expect(Object.keys(parseParams('{"__proto__": 1}', 'PARAMS') as object)).toEqual(['__proto__'])
  })
})

describe('readParams', () => {
  it('reads standard input for -', async () => {
    expect(await readParams('-', async () => '[1]')).toEqual([1])
    await expect(readParams('-', async () => '1')).rejects.toMatchObject({
      message: 'standard input must be a JSON array (by position) or object (by name), not 1: write [1]',
    })
  })

  it('reads nothing without PARAMS', async () => {
    expect(await readParams(undefined, () => Promise.reject(new Error('read')))).toBe(undefined)
  })
})

describe('readAll', () => {
  it('joins what comes in pieces, inside a character too', async () => {
    expect(await readAll(Readable.from([Buffer.from([0x5b, 0x22, 0xc3]), Buffer.from([0xa9, 0x22, 0x5d])]))).toBe('["é"]')
  })

  it('refuses too much', async () => {
    await expect(readAll(Readable.from([Buffer.alloc(3), Buffer.alloc(3)]), 5)).rejects.toMatchObject({ exitCode: 2, message: 'standard input is longer than 5 bytes' })
  })

  it('refuses what is not UTF-8', async () => {
    await expect(readAll(Readable.from([Buffer.from([0xff])]))).rejects.toMatchObject({ exitCode: 2, message: 'standard input is not UTF-8' })
  })
})
