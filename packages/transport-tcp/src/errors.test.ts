import { describe, expect, it } from 'vitest'
import { connectionError, lookupError } from './errors.ts'

describe('connectionError', () => {
  it.each([
    ['ECONNREFUSED', 'ERR_REFUSED'],
    ['ECONNRESET', 'ERR_RESET'],
    ['EPIPE', 'ERR_RESET'],
    ['ETIMEDOUT', 'ERR_TIMEOUT'],
    ['EHOSTUNREACH', 'ERR_UNREACHABLE'],
    ['ENETUNREACH', 'ERR_UNREACHABLE'],
    ['ENOTFOUND', 'ERR_HOST_NOT_FOUND'],
    ['EAI_AGAIN', 'ERR_HOST_NOT_FOUND'],
    ['EADDRINUSE', 'ERR_ADDRESS_IN_USE'],
    ['EADDRNOTAVAIL', 'ERR_ADDRESS_NOT_AVAILABLE'],
    ['EACCES', 'ERR_ACCESS'],
    ['EPERM', 'ERR_ACCESS'],
    ['EMFILE', 'ERR_TOO_MANY_FILES'],
    ['ENFILE', 'ERR_TOO_MANY_FILES'],
    ['EPROTO', 'ERR_CONNECTION'],
    ['__proto__', 'ERR_CONNECTION'],
  ])('makes %s %s', (code, ours) => {
    const cause = Object.assign(new Error('of the system'), { code })
    expect(connectionError(cause, 'open', '[::1]:80')).toMatchObject({ name: 'ConnectionError', code: ours, phase: 'open', cause })
  })

  it('has words for what is no Error, and for what it does not know', () => {
    expect(connectionError(undefined, 'connect', 'x:1').message).toBe('x:1: undefined')
    expect(connectionError('thrown', 'connect', 'x:1').message).toBe('x:1: thrown')
    expect(connectionError(new Error('odd'), 'connect', 'x:1').message).toBe('x:1: odd')
  })
})

describe('lookupError', () => {
  it('is ERR_HOST_NOT_FOUND whatever it was, for the name service has the same errno', () => {
    expect(lookupError(Object.assign(new Error('no'), { code: 'ENOTFOUND' }), 'x:1')).toMatchObject({ code: 'ERR_HOST_NOT_FOUND', message: 'x:1: no such host name' })
    expect(lookupError(Object.assign(new Error('queryA refused'), { code: 'ECONNREFUSED' }), 'x:1')).toMatchObject({
      code: 'ERR_HOST_NOT_FOUND',
      phase: 'connect',
      message: 'x:1: the look-up failed: queryA refused',
    })
    expect(lookupError(null, 'x:1').message).toBe('x:1: the look-up failed: null')
  })
})
