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

  it('are known as whole heads with a short request line, each told for what it is', () => {
    const limits = pickLimits({})
    const block = 'Host: a.test\r\nX-One: 1\r\n\r\n'
    const lines = ['GET /a HTTP/1.1', 'GET /a HTTP/1.1', 'GET /b HTTP/1.1', 'GET /a HTTP/1.0', 'PUT /a HTTP/1.1', `GET /${'a'.repeat(40)} HTTP/1.1`, 'GET /a HTTP/1.1']
    const seen = [...lines, ...lines].map((line) => {
      const machine = new HttpConnection('server', limits)
      machine.receiveData(Uint8Array.from(`${line}\r\n${block}`, (character) => character.charCodeAt(0)))
      const event = machine.nextEvent()
      return event?.type === 'request' ? `${event.head.method} ${event.head.target} HTTP/${event.head.version}` : event
    })
    expect(seen).toEqual([...lines, ...lines])
  })

  it('are known among others of the same read, and not where a read cuts them', () => {
    const limits = pickLimits({})
    const one = 'GET /a HTTP/1.1\r\nHost: a.test\r\n\r\n'
    const other = 'GET /b HTTP/1.1\r\nHost: b.test\r\n\r\n'
    const text = one + one + other + one + one
    for (let cut = 0; cut <= text.length; cut++) {
      const machine = new HttpConnection('server', limits)
      const targets: unknown[] = []
      for (const part of [text.slice(0, cut), text.slice(cut)]) {
        machine.receiveData(Uint8Array.from(part, (character) => character.charCodeAt(0)))
        for (let event = machine.nextEvent(); event !== undefined; event = machine.nextEvent()) {
          if (event.type === 'request') targets.push([event.head.target, event.head.headers])
          if (event.type !== 'end') continue
          machine.sendResponse({ status: 204 })
          machine.sendEnd()
          machine.startNextCycle()
        }
      }
      const a = ['/a', [['host', 'a.test']]]
      expect(targets).toEqual([a, a, ['/b', [['host', 'b.test']]], a, a])
    }
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
