import { describe, expect, it, vi } from 'vitest'
import { AsyncError, ConnectionError, isAsyncError, LimitError, ProtocolError, UsageError } from './errors.ts'

describe('isAsyncError', () => {
  it('knows every class, and the code', () => {
    const errors = [
      new UsageError('ERR_CLOSED', 'x'), new ProtocolError('ERR_CLOSED', 'x'), new ConnectionError('ERR_CLOSED', 'x'),
      new LimitError('ERR_CLOSED', { limit: 'l', allowed: 1, actual: 2, unit: 'bytes' }),
    ]
    for (const error of errors) {
      expect(isAsyncError(error)).toBe(true)
      expect(isAsyncError(error, 'ERR_CLOSED')).toBe(true)
      expect(isAsyncError(error, 'ERR_OTHER')).toBe(false)
      expect(error).toBeInstanceOf(AsyncError)
    }
  })

  it('knows those of another copy of core', async () => {
    vi.resetModules()
    const other = await import('./errors.ts')
    const error = new other.UsageError('ERR_CLOSED', 'x')
    expect(error).not.toBeInstanceOf(UsageError)
    expect(isAsyncError(error, 'ERR_CLOSED')).toBe(true)
  })

  it.each([undefined, null, 'ERR_CLOSED', 1, {}, { code: 'ERR_CLOSED' }, new Error('x'), Object.assign(new Error('x'), { code: 'ERR_CLOSED' })])('does not take %s for one', (value) => {
    expect(isAsyncError(value)).toBe(false)
    expect(isAsyncError(value, 'ERR_CLOSED')).toBe(false)
  })
})

describe('the classes', () => {
  it('carry name, code, cause and their own facts', () => {
    const cause = new Error('why')
    expect({ ...new ProtocolError('ERR_X', 'words', { side: 'local' }) }).toEqual({ code: 'ERR_X', name: 'ProtocolError', side: 'local' })
    expect(new ConnectionError('ERR_X', 'words', { phase: 'connect', cause })).toMatchObject({ phase: 'connect', cause, message: 'words' })
    expect(new LimitError('ERR_X', { limit: 'maxBytes', allowed: 10, actual: 11, unit: 'bytes' })).toMatchObject({
      limit: 'maxBytes', allowed: 10, actual: 11, unit: 'bytes', message: 'maxBytes: 11 bytes, allowed are 10',
    })
  })
})
