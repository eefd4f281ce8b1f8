import { ConnectionError, ProtocolError, UsageError } from '@async/core'
import { describe, expect, it } from 'vitest'
import { CommandError, explain, oneLine, printable } from './exit.ts'

describe('explain', () => {
  it.each<[unknown, number, string]>([
    [new CommandError(6, 'no function'), 6, 'no function'],
    [new UsageError('ERR_STACK_SYNTAX', 'expected x'), 2, 'expected x (ERR_STACK_SYNTAX)'],
    [new UsageError('ERR_WRITE_BROKEN', 'broken'), 3, 'broken (ERR_WRITE_BROKEN)'],
    [new ConnectionError('ERR_REFUSED', 'refused'), 3, 'refused (ERR_REFUSED)'],
    [new ConnectionError('ERR_TIMEOUT', 'late'), 5, 'late (ERR_TIMEOUT)'],
    [new ConnectionError('ERR_CONNECT_TIMEOUT', 'late'), 5, 'late (ERR_CONNECT_TIMEOUT)'],
    [new ProtocolError('ERR_HTTP_BAD', 'bad'), 3, 'bad (ERR_HTTP_BAD)'],
    [new TypeError('x is not a function'), 70, 'unexpected: TypeError: x is not a function'],
    ['thrown', 70, 'unexpected: thrown'],
  ])('%s ends with %i', (error, exitCode, line) => {
    expect(explain(error)).toEqual({ exitCode, line })
  })
})

describe('oneLine', () => {
  it('joins lines and escapes what a terminal would obey', () => {
    expect(oneLine('a\n  b\r\nc\u001b[2J\u009b1m')).toBe('a; b; c\\u001b[2J\\u009b1m')
  })
})

describe('printable', () => {
  it('is JSON, with the controls escaped that JSON leaves', () => {
    expect(printable({ a: 'é\u009b\u007f\u001b' })).toBe('{"a":"é\\u009b\\u007f\\u001b"}')
    expect(printable(undefined)).toBe('null')
  })
})
