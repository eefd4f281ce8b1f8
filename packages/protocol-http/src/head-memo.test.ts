import { describe, expect, it } from 'vitest'
import { HttpConnection } from './connection.ts'
import { type HttpLimits, pickLimits } from './limits.ts'

const request = Uint8Array.from('GET / HTTP/1.1\r\nHost: a.test\r\nX-One: 1\r\n\r\n', (character) => character.charCodeAt(0))

/** What a new connection of a server with `limits` reads. */
function headersOf(limits: Partial<HttpLimits>): unknown {
  const machine = new HttpConnection('server', limits)
  machine.receiveData(request.slice())
  const event = machine.nextEvent()
  if (event?.type !== 'request') throw new Error(`no request but ${event?.type}`)
  return event.head.headers
}

describe('remembered header blocks', () => {
  it('are shared by the connections of a server', () => {
    const limits = pickLimits({})
    const first = headersOf(limits)
    expect(first).toEqual([['host', 'a.test'], ['x-one', '1']])
    expect(headersOf(limits)).toBe(first)
  })

  it('are not shared by servers', () => {
    expect(headersOf(pickLimits({}))).not.toBe(headersOf(pickLimits({})))
    expect(() => headersOf(pickLimits({ maxHeaderCount: 1 }))).toThrow(expect.objectContaining({ code: 'ERR_HTTP_TOO_MANY_HEADERS' }))
  })

  it('do not outlive a change of limits that are the caller\'s', () => {
    const limits = { ...pickLimits({}) } as { maxHeaderCount: number }
    headersOf(limits)
    limits.maxHeaderCount = 1
    expect(() => headersOf(limits)).toThrow(expect.objectContaining({ code: 'ERR_HTTP_TOO_MANY_HEADERS' }))
  })
})
