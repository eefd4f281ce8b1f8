/**
 * Raw requests and responses, each with its RFC section and the one outcome (test/corpus/). Each runs whole, byte by byte, in two at every
 * place, the short ones in three at every two places; and cut off at every place, where an end must never look like the message's own.
 */
import { describe, expect, it } from 'vitest'
import type { Case, CaseOptions } from './corpus/case.ts'
import { bodies } from './corpus/request-bodies.ts'
import { heads } from './corpus/request-heads.ts'
import { responses } from './corpus/responses.ts'
import { asClient, asServer, cuts, type Seen } from './run.ts'

type Run = (pieces: readonly string[], options?: CaseOptions) => Seen[]

/** Whether `seen`, of an input that was cut off, says no more than `expected`, and not that a message was whole that was not. */
function isCut(seen: readonly Seen[], expected: readonly Seen[]): boolean {
  for (const [index, each] of seen.entries()) {
    const wanted = expected[index]
    const isLast = index === seen.length - 1
    if (each[0] === 'error' && each[1] === 'ERR_HTTP_TRUNCATED') return isLast
    if (each[0] === 'closed') return isLast && (index === 0 || seen[index - 1]![0] === 'end' || seen[index - 1]![0] === 'informational')
    if (each[0] === 'data' && wanted?.[0] === 'data' && wanted[1].startsWith(each[1])) continue
    if (each[0] === 'switched' && wanted?.[0] === 'switched' && each[1] === wanted[1] && wanted[2].startsWith(each[2])) continue
    if (JSON.stringify(each) !== JSON.stringify(wanted)) return false
  }
  return true
}

function examine(cases: readonly Case[], run: Run): void {
  for (const [name, section, input, expected, options = {}] of cases) {
    it(`${name} (${section})`, () => {
      const wanted = JSON.stringify(expected)
      for (const pieces of cuts(input)) {
        const seen = run(pieces, options)
        if (JSON.stringify(seen) !== wanted) expect(seen, JSON.stringify(pieces)).toEqual(expected)
      }
      // What ends with the connection is as long as that.
      if (options.eof === true) return
      for (let at = 0; at < input.length; at++) {
        const seen = run([input.slice(0, at)], { ...options, eof: true })
        if (!isCut(seen, expected)) expect(seen, `cut at ${at}`).toEqual('a part of what is expected')
      }
    })
  }
}

describe('heads of requests', () => {
  examine(heads, asServer)
})
describe('bodies of requests', () => {
  examine(bodies, asServer)
})
describe('responses', () => {
  examine(responses, asClient)
})

it('has no case twice', () => {
  const inputs = [...heads, ...bodies].map(([, , input]) => input)
  expect(inputs.filter((input, at) => inputs.indexOf(input) !== at)).toEqual([])
})

it('an end between two requests is no error', () => {
  expect(asServer([], { eof: true })).toEqual([['closed']])
  expect(asServer(['POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'], { eof: true }).at(-1)).toEqual(['closed'])
})

it('an end at any place inside a message is truncation, and never the message\'s end (RFC 9112 §8)', () => {
  const request = 'POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n'
  for (let at = 1; at < request.length; at++) {
    const seen = asServer([request.slice(0, at)], { eof: true })
    expect(seen.at(-1), `${at}`).toEqual(['error', 'ERR_HTTP_TRUNCATED', 400])
    expect(seen.map(([type]) => type)).not.toContain('end')
  }
  for (const response of ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n']) {
    for (let at = 1; at < response.length; at++) expect(asClient([response.slice(0, at)], { eof: true }).at(-1)).toEqual(['error', 'ERR_HTTP_TRUNCATED', 400])
  }
})
