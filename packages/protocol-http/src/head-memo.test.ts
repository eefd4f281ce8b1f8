import { describe, expect, it } from 'vitest'
import { HttpConnection } from './connection.ts'
import { type HttpLimits, pickLimits } from './limits.ts'

/** What a new connection of a server with `limits` reads. */
function headersOf(limits: Partial<HttpLimits>, request = 'GET / HTTP/1.1\r\nHost: a.test\r\nX-One: 1\r\n\r\n'): unknown {
  const machine = new HttpConnection('server', limits)
  machine.receiveData(Uint8Array.from(request, (character) => character.charCodeAt(0)))
  const event = machine.nextEvent()
  if (event?.type !== 'request') throw new Error(`no request but ${event?.type}`)
  return event.head.headers
}

describe('remembered header blocks', () => {
  it('are shared by the connections of a server', () => {
    const limits = pickLimits({})
    expect(headersOf(limits)).toEqual([['host', 'a.test'], ['x-one', '1']])
    const second = headersOf(limits)
    expect(second).toEqual([['host', 'a.test'], ['x-one', '1']])
    expect(headersOf(limits)).toBe(second)
    expect(Object.isFrozen(second)).toBe(true)
  })

  it.each(['Cookie', 'Authorization', 'Proxy-Authorization'])('are none with %s: a comparison is a measure of what another client sent', (name) => {
    const limits = pickLimits({})
    const headers = [0, 1, 2].map(() => headersOf(limits, `GET / HTTP/1.1\r\nHost: a.test\r\n${name}: secret\r\n\r\n`))
    expect(headers[2]).toEqual([['host', 'a.test'], [name.toLowerCase(), 'secret']])
    expect(headers[2]).not.toBe(headers[1])
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
