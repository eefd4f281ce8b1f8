import { expect, it } from 'vitest'
import { checkHeaders } from './outgoing-headers.ts'

it('a list that came before gives the same object, and one that was changed since does not', () => {
  const headers: [string, string][] = [['Content-Type', 'text/plain'], ['X-A', '1']]
  const first = checkHeaders(headers)
  expect(checkHeaders([['Content-Type', 'text/plain'], ['X-A', '1']])).toBe(first)
  headers[1]![1] = '2'
  const second = checkHeaders(headers)
  expect(second.text).toBe('Content-Type: text/plain\r\nX-A: 2\r\n')
  expect(first.text).toBe('Content-Type: text/plain\r\nX-A: 1\r\n')
})

it.each([['Authorization', 'Basic eA=='], ['cookie', 'a=b'], ['Set-Cookie', 'a=b']])('a list with %s is not remembered', (name, value) => {
  expect(checkHeaders([[name, value]])).not.toBe(checkHeaders([[name, value]]))
})

it('what is refused is refused again', () => {
  for (let i = 0; i < 2; i++) expect(() => checkHeaders([['X', 'a\r\nY: b']])).toThrow(expect.objectContaining({ code: 'ERR_HTTP_BAD_HEADER' }))
})
