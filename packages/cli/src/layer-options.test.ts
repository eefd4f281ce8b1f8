import { parseStack } from '@async/core'
import { describe, expect, it } from 'vitest'
import { layerOptions } from './layer-options.ts'

const known = { noDelay: 'boolean', keepAliveMs: 'count', name: 'text' } as const

function read(text: string): Record<string, unknown> {
  return layerOptions(parseStack(text).transport, known)
}

describe('layerOptions', () => {
  it('reads each by its kind', () => {
    expect(read('tcp;noDelay=false;keepAliveMs=1000;name=a%3Ab://h:1')).toEqual({ noDelay: false, keepAliveMs: 1000, name: 'a:b' })
    expect(read('tcp://h:1')).toEqual({})
  })

  it.each<[string, string]>([
    ['tcp;nodelay=false://h:1', 'tcp has no parameter nodelay: it has noDelay, keepAliveMs, name'],
    ['tcp;constructor=1://h:1', 'tcp has no parameter constructor: it has noDelay, keepAliveMs, name'],
    ['tcp;__proto__=1://h:1', 'tcp has no parameter __proto__: it has noDelay, keepAliveMs, name'],
    ['tcp;noDelay=1://h:1', 'tcp;noDelay is true or false, not "1"'],
    ['tcp;keepAliveMs=1s://h:1', 'tcp;keepAliveMs is a whole number, not "1s"'],
    ['tcp;keepAliveMs=-1://h:1', 'tcp;keepAliveMs is a whole number, not "-1"'],
    ['tcp;keepAliveMs=://h:1', 'tcp;keepAliveMs is a whole number, not ""'],
  ])('refuses %s', (text, message) => {
    expect(() => read(text)).toThrow(expect.objectContaining({ exitCode: 2, message }))
  })

  it('says when there are none', () => {
    expect(() => layerOptions(parseStack('x;a=1:').transport, {})).toThrow('x has no parameter a: it has none')
  })
})
