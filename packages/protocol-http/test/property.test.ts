import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HttpConnection } from '../src/connection.ts'
import type { HeaderList } from '../src/events.ts'
import { asServer } from './run.ts'

const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,12}$/)
const reserved = /^(content-length|transfer-encoding|host|connection|expect|upgrade)$/i
const value = fc.stringMatching(/^([\x21-\x7e\x80-\xff]([\t\x20-\x7e\x80-\xff]{0,20}[\x21-\x7e\x80-\xff])?)?$/)
const headers: fc.Arbitrary<HeaderList> = fc.array(fc.tuple(token.filter((name) => !reserved.test(name)), value), { maxLength: 8 })
const body = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 5 })
const target = fc.stringMatching(/^\/[!$-~]{0,30}$/)

/** Feeds bytes in pieces of these lengths, again and again. */
function feed(machine: HttpConnection, bytes: Uint8Array, lengths: readonly number[]): unknown[] {
  const seen: unknown[] = []
  let data: number[] = []
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const length = lengths[i % lengths.length]!
    machine.receiveData(bytes.slice(at, at + length))
    at += length
    for (let event = machine.nextEvent(); event !== undefined; event = machine.nextEvent()) {
      if (event.type === 'data') data.push(...event.data)
      else {
        if (data.length > 0) seen.push(data)
        data = []
        seen.push('head' in event ? event.head : event.type)
      }
    }
  }
  return seen
}

function bytesOf(machine: HttpConnection): Uint8Array {
  const pieces = machine.takeOutput().map((item) => (typeof item === 'string' ? new TextEncoder().encode(item) : item))
  return Uint8Array.from(pieces.flatMap((piece) => [...piece]))
}

const lower = (list: HeaderList): unknown => list.map(([name, text]) => [name.toLowerCase(), text])
const lengths = fc.array(fc.integer({ min: 1, max: 80 }), { minLength: 1, maxLength: 6 })

describe('parse(serialize(x)) = x, however it is cut', () => {
  it('requests', () => {
    fc.assert(
      fc.property(token.filter((method) => method !== 'CONNECT'), target, headers, body, fc.boolean(), lengths, (method, path, list, parts, chunked, cut) => {
        const client = new HttpConnection('client')
        const total = parts.flatMap((part) => [...part])
        client.sendRequest({ method, target: path, headers: [['Host', 'h'], ...list], bodyBytes: chunked ? 'unknown' : total.length })
        for (const part of parts) client.sendData(part)
        client.sendEnd()
        const server = new HttpConnection('server')
        const framing = chunked ? [['transfer-encoding', 'chunked']] : total.length > 0 || /^(POST|PUT|PATCH)$/.test(method) ? [['content-length', String(total.length)]] : []
        expect(feed(server, bytesOf(client), cut)).toEqual([
          { method, target: path, version: '1.1', headers: [['host', 'h'], ...(lower(list) as []), ...framing] }, ...(total.length > 0 ? [total] : []), 'end',
        ])
      }),
      { numRuns: 300 },
    )
  })

  it('responses', () => {
    fc.assert(
      fc.property(fc.integer({ min: 200, max: 999 }).filter((status) => status !== 204 && status !== 205 && status !== 304), headers, body, fc.boolean(), lengths, (status, list, parts, chunked, cut) => {
        const server = new HttpConnection('server')
        server.receiveData(new TextEncoder().encode('GET / HTTP/1.1\r\nHost: h\r\n\r\n'))
        while (server.nextEvent() !== undefined);
        const total = parts.flatMap((part) => [...part])
        server.sendResponse({ status, reason: 'x', headers: list, bodyBytes: chunked ? 'unknown' : total.length })
        for (const part of parts) server.sendData(part)
        server.sendEnd()
        const client = new HttpConnection('client')
        client.sendRequest({ target: '/', headers: [['Host', 'h']] })
        client.sendEnd()
        const framing = chunked ? [['transfer-encoding', 'chunked']] : [['content-length', String(total.length)]]
        expect(feed(client, bytesOf(server), cut)).toEqual([
          { status, reason: 'x', version: '1.1', headers: [...(lower(list) as []), ...framing] }, ...(total.length > 0 ? [total] : []), 'end',
        ])
      }),
      { numRuns: 300 },
    )
  })
})

/** Fragments that hit the edges of the grammar much more often than noise does. */
const fragment = fc.constantFrom(
  'GET / HTTP/1.1\r\n', 'POST / HTTP/1.1\r\n', 'HTTP/1.0', 'Host: h\r\n', 'Content-Length: 3\r\n', 'Transfer-Encoding: chunked\r\n', 'Connection: close\r\n',
  '\r\n', '\n', '\r', ' ', '\t', ':', ';', '"', '0\r\n', '3\r\n', 'abc', 'ffffffff', 'x: y\r\n', ',', '\0', '\xff', 'a;b=c\r\n', '\r\n\r\n',
)

it('any cut of any bytes gives the same events, or the same error', () => {
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 14 }), fc.array(fc.nat(40), { maxLength: 5 }), fc.boolean(), (fragments, at, valid) => {
      const input = (valid ? 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n' : '') + fragments.join('')
      const pieces: string[] = []
      let rest = input
      for (const length of at) {
        pieces.push(rest.slice(0, length + 1))
        rest = rest.slice(length + 1)
      }
      pieces.push(rest)
      const limits = { maxStartLineBytes: 40, maxHeaderBytes: 60, maxHeaderCount: 4, maxChunkExtensionBytes: 10, maxTrailerBytes: 30, maxBodyBytes: 100 }
      const whole = asServer([input], { limits, eof: true })
      expect(asServer([...input], { limits, eof: true })).toEqual(whole)
      expect(asServer(pieces.filter((piece) => piece !== ''), { limits, eof: true })).toEqual(whole)
    }),
    { numRuns: 3000 },
  )
})
