import { describe, expect, it } from 'vitest'
import { lookupError } from './lookup-error.ts'

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
