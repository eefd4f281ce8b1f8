import { expect, it } from 'vitest'
import { summary } from './corpus.ts'
import { examine } from './ours.ts'

// In a file of its own: before any other Host was seen, and could be remembered.
it('an empty Host is refused when it is the first that comes', () => {
  expect(summary(examine({ text: 'GET / HTTP/1.1\r\nHost:\r\n\r\n', asked: undefined }, [5]))).toBe('ERR_HTTP_BAD_HOST 400')
})
