import { describe, expect, it } from 'vitest'
import { socketError } from './socket-error.ts'

describe('socketError', () => {
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
    ['ENOENT', 'ERR_NOT_FOUND'],
    ['EMFILE', 'ERR_TOO_MANY_FILES'],
    ['ENFILE', 'ERR_TOO_MANY_FILES'],
    ['EPROTO', 'ERR_CONNECTION'],
    ['__proto__', 'ERR_CONNECTION'],
  ])('makes %s %s', (code, ours) => {
    const cause = Object.assign(new Error('of the system'), { code })
    expect(socketError(cause, 'open', '[::1]:80')).toMatchObject({ name: 'ConnectionError', code: ours, phase: 'open', cause })
  })

  it('has words for what is no Error, and for what it does not know', () => {
    expect(socketError(undefined, 'connect', 'x:1').message).toBe('x:1: undefined')
    expect(socketError('thrown', 'connect', 'x:1').message).toBe('x:1: thrown')
    expect(socketError(new Error('odd'), 'connect', 'x:1').message).toBe('x:1: odd')
  })
})
