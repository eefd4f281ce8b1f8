import { describe, expect, it } from 'vitest'
import { HttpConnection } from './connection.ts'
import type { HeaderList, HttpEvent } from './events.ts'
import type { HttpLimits } from './limits.ts'
import { requester, responder } from './state.ts'

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0))
const text = (output: readonly (Uint8Array | string)[]): string =>
  output.map((item) => (typeof item === 'string' ? item : String.fromCharCode(...item))).join('')

/** A server's machine that was sent `input`, and the events so far. */
function server(input: string, limits?: Partial<HttpLimits>): [machine: HttpConnection, events: HttpEvent[]] {
  const machine = new HttpConnection('server', limits)
  machine.receiveData(latin1(input))
  return [machine, drain(machine)]
}

function drain(machine: HttpConnection): HttpEvent[] {
  const events: HttpEvent[] = []
  for (let event = machine.nextEvent(); event !== undefined; event = machine.nextEvent()) events.push(event)
  return events
}

const code = (action: () => unknown): unknown => {
  try {
    action()
  } catch (error) {
    return (error as { code?: unknown }).code
  }
  return 'nothing was thrown'
}

const get = 'GET / HTTP/1.1\r\nHost: h\r\n\r\n'
const host: HeaderList = [['Host', 'h']]

describe('what a server sends', () => {
  const answer = (request: string, ...args: Parameters<HttpConnection['sendResponse']>): string => {
    const [machine] = server(request)
    machine.sendResponse(...args)
    return text(machine.takeOutput())
  }

  it('has the length, nothing, or HTTP chunks', () => {
    expect(answer(get, { status: 200, bodyBytes: 3 })).toBe('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n')
    expect(answer(get, { status: 404 })).toBe('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n')
    expect(answer(get, { status: 200, bodyBytes: 'unknown' })).toBe('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
    expect(answer(get, { status: 200, headers: [['content-length', '7']], bodyBytes: 'unknown' })).toBe('HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n')
  })

  it('has no length where there is no body', () => {
    expect(answer(get, { status: 204 })).toBe('HTTP/1.1 204 No Content\r\n\r\n')
    expect(answer(get, { status: 304 })).toBe('HTTP/1.1 304 Not Modified\r\n\r\n')
    expect(answer('HEAD / HTTP/1.1\r\nHost: h\r\n\r\n', { status: 200, bodyBytes: 5 })).toBe('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n')
    expect(answer('HEAD / HTTP/1.1\r\nHost: h\r\n\r\n', { status: 200, bodyBytes: 'unknown' })).toBe('HTTP/1.1 200 OK\r\n\r\n')
  })

  it('says whether the connection lives on', () => {
    expect(answer('GET / HTTP/1.0\r\n\r\n', { status: 200 })).toBe('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    expect(answer('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', { status: 200 })).toBe('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n')
    expect(answer('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', { status: 200, bodyBytes: 'unknown' })).toBe('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n')
    expect(answer('GET / HTTP/1.1\r\nHost: h\r\nConnection: Close\r\n\r\n', { status: 200 })).toBe('HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
  })

  it('is one string with its body, or bytes in between', () => {
    const [machine] = server(get)
    machine.sendResponse({ status: 200, bodyBytes: 'unknown' })
    machine.sendData('hé')
    machine.sendData(latin1('ab'), 'c')
    machine.sendEnd()
    expect(machine.takeOutput()).toEqual([
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhé\r\n3\r\n', latin1('ab'), 'c\r\n0\r\n\r\n',
    ])
    expect(machine.takeOutput()).toEqual([])
  })

  it('does not make one character of two halves that were written apart', () => {
    const [machine] = server(get)
    machine.sendResponse({ status: 200, bodyBytes: 6 })
    machine.sendData('\ud83c', '\udf0d')
    machine.sendEnd()
    expect(machine.takeOutput().slice(1)).toEqual(['\udf0d'])
  })

  it('keeps obs-text in a field as the bytes that came', () => {
    const [machine] = server(get)
    machine.sendResponse({ status: 204, headers: [['X', '\xe4']] })
    expect(machine.takeOutput()).toEqual([latin1('HTTP/1.1 204 No Content\r\nX: \xe4\r\n\r\n')])
  })

  it('gives a head that is not ASCII away, though the next one is the same', () => {
    const output = (): (Uint8Array | string)[] => {
      const machine = new HttpConnection('client')
      machine.sendRequest({ target: '/', headers: [['Host', 'a'], ['X', '\xe4']] })
      return machine.takeOutput()
    }
    const [first] = output() as [Uint8Array]
    structuredClone(first, { transfer: [first.buffer as ArrayBuffer] })
    expect(output()).toEqual([latin1('GET / HTTP/1.1\r\nHost: a\r\nX: \xe4\r\n\r\n')])
  })

  it('cannot be made to carry a header, a body or a response that was not meant', () => {
    const refused = (headers: HeaderList, status = 200, reason?: string): unknown =>
      code(() => server(get)[0].sendResponse(reason === undefined ? { status, headers } : { status, headers, reason }))
    expect(refused([['X', 'a\r\nY: b']])).toBe('ERR_HTTP_BAD_HEADER')
    expect(refused([['X', 'a\nY: b']])).toBe('ERR_HTTP_BAD_HEADER')
    expect(refused([['X', 'a\0']])).toBe('ERR_HTTP_BAD_HEADER')
    expect(refused([['X', '\u0141']])).toBe('ERR_HTTP_BAD_HEADER')
    expect(refused([['X', ' a']])).toBe('ERR_HTTP_BAD_HEADER')
    expect(refused([['X: y\r\nZ', 'a']])).toBe('ERR_HTTP_BAD_HEADER')
    expect(refused([['', 'a']])).toBe('ERR_HTTP_BAD_HEADER')
    expect(refused([['X ', 'a']])).toBe('ERR_HTTP_BAD_HEADER')
    expect(refused([['Transfer-Encoding', 'chunked']])).toBe('ERR_HTTP_BAD_HEADER')
    expect(refused([['UPGRADE', 'x']])).toBe('ERR_HTTP_BAD_HEADER')
    expect(refused([['Content-Length', '1'], ['Content-Length', '2']])).toBe('ERR_HTTP_BAD_CONTENT_LENGTH')
    expect(refused([['Content-Length', '-1']])).toBe('ERR_HTTP_BAD_CONTENT_LENGTH')
    expect(refused([['Content-Length', '0']], 204)).toBe('ERR_HTTP_BAD_HEADER')
    expect(refused([], 200, 'OK\r\nX: y')).toBe('ERR_HTTP_BAD_STATUS_LINE')
    expect(refused([], 99)).toBe('ERR_HTTP_BAD_STATUS_LINE')
    expect(refused([], 101)).toBe('ERR_HTTP_BAD_STATUS_LINE')
    expect(refused([], 103)).toBe('ERR_INVALID_ARGUMENT')
    const [machine] = server(get)
    expect(code(() => machine.sendResponse({ status: 200, headers: [['X', 'a\r\nb']] }))).toBe('ERR_HTTP_BAD_HEADER')
    machine.sendResponse({ status: 204 })
    expect(text(machine.takeOutput())).toBe('HTTP/1.1 204 No Content\r\n\r\n')
  })

  it('is held against its length', () => {
    const [machine] = server(get)
    machine.sendResponse({ status: 200, bodyBytes: 3 })
    machine.sendData('ab')
    expect(code(() => machine.sendData('cd'))).toBe('ERR_HTTP_BODY_LENGTH')
    expect(code(() => machine.sendEnd())).toBe('ERR_HTTP_BODY_LENGTH')
    machine.sendData('c')
    machine.sendEnd()
    expect(text(machine.takeOutput())).toBe('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc')
    const [bodiless] = server(get)
    bodiless.sendResponse({ status: 304, headers: [['Content-Length', '3']] })
    expect(code(() => bodiless.sendData('abc'))).toBe('ERR_HTTP_BODY_LENGTH')
  })

  it('comes in the order of the states', () => {
    const machine = new HttpConnection('server')
    expect(code(() => machine.sendRequest({ target: '/', headers: host }))).toBe('ERR_HTTP_STATE')
    expect(code(() => machine.sendData('x'))).toBe('ERR_HTTP_STATE')
    expect(code(() => machine.sendEnd())).toBe('ERR_HTTP_STATE')
    expect(code(() => machine.sendInformational({ status: 103 }))).toBe('ERR_HTTP_STATE')
    machine.receiveData(latin1(get))
    drain(machine)
    machine.sendInformational({ status: 103, headers: [['Link', 'x']] })
    machine.sendResponse({ status: 204 })
    expect(code(() => machine.sendResponse({ status: 204 }))).toBe('ERR_HTTP_STATE')
    expect(code(() => machine.sendInformational({ status: 103 }))).toBe('ERR_HTTP_STATE')
    expect(code(() => machine.startNextCycle())).toBe('ERR_HTTP_STATE')
    machine.sendEnd()
    expect(text(machine.takeOutput())).toBe('HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n')
    machine.startNextCycle()
    expect([machine.ourState, machine.theirState]).toEqual(['idle', 'idle'])
  })
})

describe('what a client sends', () => {
  const ask = (...args: Parameters<HttpConnection['sendRequest']>): string => {
    const machine = new HttpConnection('client')
    machine.sendRequest(...args)
    return text(machine.takeOutput())
  }

  it('has the length where a body has a meaning', () => {
    expect(ask({ target: '/', headers: host })).toBe('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    expect(ask({ method: 'POST', target: '/', headers: host })).toBe('POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n')
    expect(ask({ method: 'PUT', target: '/a?b', headers: host, bodyBytes: 9 })).toBe('PUT /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n')
    expect(ask({ method: 'POST', target: '/', headers: host, bodyBytes: 'unknown' })).toBe('POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n')
  })

  it('is a request, and one', () => {
    expect(code(() => ask({ target: '/ HTTP/1.1\r\nX: y', headers: host }))).toBe('ERR_HTTP_BAD_REQUEST_LINE')
    expect(code(() => ask({ target: '', headers: host }))).toBe('ERR_HTTP_BAD_REQUEST_LINE')
    expect(code(() => ask({ method: 'GET /x', target: '/', headers: host }))).toBe('ERR_HTTP_BAD_REQUEST_LINE')
    expect(code(() => ask({ method: 'CONNECT', target: '/', headers: host }))).toBe('ERR_HTTP_BAD_REQUEST_LINE')
    expect(code(() => ask({ method: 'CONNECT', target: 'h', headers: host }))).toBe('ERR_HTTP_BAD_REQUEST_LINE')
    expect(code(() => ask({ method: 'CONNECT', target: 'h:1', headers: host, bodyBytes: 1 }))).toBe('ERR_HTTP_BAD_HEADER')
    expect(code(() => ask({ target: 'http://a/', headers: host }))).toBe('ERR_HTTP_BAD_HOST')
    expect(code(() => ask({ target: '/', headers: [...host, ['Upgrade', 'x']] }))).toBe('ERR_HTTP_BAD_HEADER')
    expect(code(() => ask({ target: '/', headers: [...host, ['Upgrade', 'x y'], ['Connection', 'upgrade']] }))).toBe('ERR_HTTP_BAD_HEADER')
    expect(code(() => ask({ target: '/', headers: [...host, ['Expect', 'x']], bodyBytes: 1 }))).toBe('ERR_HTTP_BAD_HEADER')
    expect(code(() => ask({ target: '/', headers: [...host, ['Content-Length', '1'], ['Content-Length', '1']] }))).toBe('ERR_HTTP_BAD_CONTENT_LENGTH')
    expect(code(() => ask({ target: '/', headers: [] }))).toBe('ERR_HTTP_BAD_HOST')
    expect(code(() => ask({ target: '/', headers: [['Host', 'a b']] }))).toBe('ERR_HTTP_BAD_HOST')
    expect(code(() => ask({ target: '/', headers: [...host, ...host] }))).toBe('ERR_HTTP_BAD_HOST')
    expect(code(() => ask({ target: '/', headers: [...host, ['Expect', '100-continue']] }))).toBe('ERR_HTTP_BAD_HEADER')
  })
})

describe('limits', () => {
  const limits: Partial<HttpLimits> = {
    maxStartLineBytes: 20, maxHeaderBytes: 40, maxHeaderCount: 3, maxBodyBytes: 10, maxChunkExtensionBytes: 8, maxTrailerBytes: 12,
  }
  /** Runs whole and byte by byte: the same outcome, `[code, status, limit, allowed]` or the number of events. */
  const outcome = (input: string): unknown => {
    const results = [[input], [...input]].map((pieces) => {
      const machine = new HttpConnection('server', limits)
      const ends: number[] = []
      try {
        for (const piece of pieces) {
          machine.receiveData(latin1(piece))
          for (const event of drain(machine)) if (event.type === 'end') ends.push(1)
        }
      } catch (error) {
        const { code, status, limit, allowed } = error as Record<string, unknown>
        return [code, status, limit, allowed]
      }
      return ends.length
    })
    expect(results[1]).toEqual(results[0])
    return results[0]
  }
  const chunked = (body: string): string => `POST / HTTP/1.1\r\nHost: h\r\ntransfer-encoding:chunked\r\n\r\n${body}`

  it('each holds at its value and bites one above', () => {
    expect(outcome('GET /234567 HTTP/1.1\r\nHost: h\r\n\r\n')).toBe(1)
    expect(outcome('GET /2345678 HTTP/1.1\r\n')).toEqual(['ERR_HTTP_START_LINE_TOO_LONG', 414, 'maxStartLineBytes', 20])
    expect(outcome(`GET / HTTP/1.1\r\nHost: h\r\nX: ${'y'.repeat(26)}\r\n\r\n`)).toBe(1)
    expect(outcome(`GET / HTTP/1.1\r\nHost: h\r\nX: ${'y'.repeat(27)}\r\n\r\n`)).toEqual(['ERR_HTTP_HEADER_TOO_LARGE', 431, 'maxHeaderBytes', 40])
    expect(outcome('GET / HTTP/1.1\r\nHost: h\r\nA:1\r\nB:2\r\n\r\n')).toBe(1)
    expect(outcome('GET / HTTP/1.1\r\nHost: h\r\nA:1\r\nB:2\r\nC:3\r\n\r\n')).toEqual(['ERR_HTTP_TOO_MANY_HEADERS', 431, 'maxHeaderCount', 3])
    expect(outcome('PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n0123456789')).toBe(1)
    expect(outcome('PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 11\r\n\r\n')).toEqual(['ERR_HTTP_BODY_TOO_LARGE', 413, 'maxBodyBytes', 10])
    expect(outcome(chunked('5\r\n01234\r\n5\r\n01234\r\n0\r\n\r\n'))).toBe(1)
    expect(outcome(chunked('5\r\n01234\r\n6\r\n'))).toEqual(['ERR_HTTP_BODY_TOO_LARGE', 413, 'maxBodyBytes', 10])
    expect(outcome(chunked('1;abc\r\nx\r\n0;def\r\n\r\n'))).toBe(1)
    expect(outcome(chunked('1;abc\r\nx\r\n0;defg\r\n\r\n'))).toEqual(['ERR_HTTP_CHUNK_EXTENSION_TOO_LARGE', 413, 'maxChunkExtensionBytes', 8])
    expect(outcome(chunked(`1;${'a'.repeat(99)}`))).toEqual(['ERR_HTTP_CHUNK_EXTENSION_TOO_LARGE', 413, 'maxChunkExtensionBytes', 8])
    expect(outcome(chunked(`${'0'.repeat(99)}`))).toEqual(['ERR_HTTP_BAD_CHUNK_SIZE', 400, undefined, undefined])
    expect(outcome(chunked('0\r\nX: 1234567\r\n\r\n'))).toBe(1)
    expect(outcome(chunked('0\r\nX: 12345678\r\n\r\n'))).toEqual(['ERR_HTTP_TRAILER_TOO_LARGE', 431, 'maxTrailerBytes', 12])
  })

  it('a line without an end is refused at the limit, not when it ends', () => {
    const machine = new HttpConnection('server')
    machine.receiveData(latin1('G'.repeat(8193)))
    expect(machine.nextEvent()).toBe(undefined)
    machine.receiveData(latin1('G'))
    expect(code(() => machine.nextEvent())).toBe('ERR_HTTP_START_LINE_TOO_LONG')
  })

  it('refuses limits that are none', () => {
    expect(code(() => new HttpConnection('server', { maxBodyBytes: -1 }))).toBe('ERR_INVALID_ARGUMENT')
    expect(code(() => new HttpConnection('server', { maxBodyBytes: Number.NaN }))).toBe('ERR_INVALID_ARGUMENT')
  })
})

describe('receiving', () => {
  it('once it has thrown it throws the same, and the server may still answer', () => {
    const [machine] = server('')
    machine.receiveData(latin1('GET /\n'))
    const errors = [1, 2].map(() => {
      try {
        machine.nextEvent()
      } catch (error) {
        return error
      }
      return undefined
    })
    expect(errors[0]).toBe(errors[1])
    expect(errors[0]).toMatchObject({ name: 'ProtocolError', code: 'ERR_HTTP_BAD_LINE_ENDING', status: 400, side: 'remote' })
    machine.receiveData(latin1(get))
    expect(machine.heldBytes).toBe(0)
    machine.sendResponse({ status: 400 })
    machine.sendEnd()
    expect(text(machine.takeOutput())).toBe('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    expect(machine.ourState).toBe('mustClose')
  })

  it('holds what is pipelined until the next cycle', () => {
    const [machine, events] = server(get + get)
    expect(events.map((event) => event.type)).toEqual(['request', 'end'])
    expect(machine.heldBytes).toBe(get.length)
    machine.sendResponse({ status: 204 })
    machine.sendEnd()
    machine.startNextCycle()
    expect(drain(machine).map((event) => event.type)).toEqual(['request', 'end'])
    expect(machine.heldBytes).toBe(0)
  })

  it('hands bodies on as views, without a copy', () => {
    const machine = new HttpConnection('server')
    const bytes = latin1('PUT / HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc')
    machine.receiveData(bytes)
    const [, first] = drain(machine)
    expect(first).toMatchObject({ type: 'data', data: latin1('abc') })
    expect((first as { data: Uint8Array }).data.buffer).toBe(bytes.buffer)
    const rest = latin1('def')
    machine.receiveData(rest)
    expect((drain(machine)[0] as { data: Uint8Array }).data).toBe(rest)
  })

  it('gathers small pieces that wait, so that single bytes cost no object each', () => {
    const machine = new HttpConnection('server')
    machine.receiveData(latin1(get))
    drain(machine)
    for (const character of get.repeat(500)) machine.receiveData(latin1(character))
    expect(machine.heldBytes).toBe(get.length * 500)
    let requests = 0
    for (let i = 0; i < 500; i++) {
      machine.sendResponse({ status: 204 })
      machine.sendEnd()
      machine.startNextCycle()
      requests += drain(machine).filter((event) => event.type === 'request').length
    }
    expect(requests).toBe(500)
    expect(machine.heldBytes).toBe(0)
  })
})

it('every state has a row, and error leads nowhere', () => {
  for (const table of [requester, responder]) {
    expect(Object.keys(table).sort()).toEqual(['body', 'closed', 'done', 'error', 'head', 'idle', 'mustClose', 'switched'])
    expect(new Set(Object.values(table.error))).toEqual(new Set(['error']))
    expect(Object.isFrozen(table) && Object.values(table).every(Object.isFrozen)).toBe(true)
  }
})

describe('outputBytes', () => {
  it.each(['unknown', 17] as const)('is what takeOutput gives, to the byte, for a body of %s bytes of text and of bytes', (bodyBytes) => {
    const machine = new HttpConnection('server')
    machine.receiveData(Buffer.from('GET / HTTP/1.1\r\nHost: h\r\n\r\n'))
    while (machine.nextEvent() !== undefined);
    machine.sendResponse({ status: 200, headers: [['X-One', '1']], bodyBytes })
    machine.sendData('é€', new Uint8Array(3))
    machine.sendData('😀')
    machine.sendData('hello')
    machine.sendEnd()
    const { outputBytes } = machine
    const output = machine.takeOutput().map((data) => Buffer.from(data as string))
    expect([outputBytes, machine.outputBytes]).toEqual([Buffer.concat(output).length, 0])
  })
})
