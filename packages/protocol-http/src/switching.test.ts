/** What is new beside one message each way: trailers, expectations, CONNECT, Upgrade, requests that are pipelined. */
import { describe, expect, it } from 'vitest'
import { HttpConnection } from './connection.ts'
import type { HeaderList, HttpEvent } from './events.ts'

const latin1 = (text: string): Uint8Array => Uint8Array.from(text, (character) => character.charCodeAt(0))
const text = (output: readonly (Uint8Array | string)[]): string =>
  output.map((item) => (typeof item === 'string' ? item : String.fromCharCode(...item))).join('')
const host: HeaderList = [['Host', 'h']]

function drain(machine: HttpConnection): HttpEvent[] {
  const events: HttpEvent[] = []
  for (let event = machine.nextEvent(); event !== undefined; event = machine.nextEvent()) events.push(event)
  return events
}

function server(input: string): [machine: HttpConnection, events: HttpEvent[]] {
  const machine = new HttpConnection('server')
  machine.receiveData(latin1(input))
  return [machine, drain(machine)]
}

/** A client that sent this, and was sent `input`. */
function client(request: Parameters<HttpConnection['sendRequest']>[0], input: string): [machine: HttpConnection, events: HttpEvent[]] {
  const machine = new HttpConnection('client')
  machine.sendRequest(request)
  machine.sendEnd()
  machine.receiveData(latin1(input))
  return [machine, drain(machine)]
}

const code = (action: () => unknown): unknown => {
  try {
    action()
  } catch (error) {
    return (error as { code?: unknown }).code
  }
  return 'nothing was thrown'
}

describe('trailers', () => {
  it('are told with the end', () => {
    const [, events] = server('POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 1\r\nETag: "a"\r\n\r\n')
    expect(events.at(-1)).toEqual({ type: 'end', trailers: [['x-sum', '1'], ['etag', '"a"']] })
  })

  it('are none where none came', () => {
    const [, events] = server('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    expect(events.at(-1)).toEqual({ type: 'end', trailers: [] })
  })

  it('are sent behind HTTP chunks', () => {
    const machine = new HttpConnection('client')
    machine.sendRequest({ method: 'POST', target: '/', headers: host, bodyBytes: 'unknown' })
    machine.sendData('hi')
    machine.sendEnd([['X-Sum', '1']])
    expect(text(machine.takeOutput())).toBe('POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 1\r\n\r\n')
  })

  it('cannot be what they must not be, and follow no body of known length', () => {
    const machine = new HttpConnection('client')
    machine.sendRequest({ method: 'POST', target: '/', headers: host, bodyBytes: 'unknown' })
    for (const trailer of [['Content-Length', '1'], ['transfer-encoding', 'x'], ['Set-Cookie', 'a=b'], ['X', 'a\r\nb'], ['X y', 'a'], ['', 'a']] as const) {
      expect(code(() => machine.sendEnd([trailer]))).toBe('ERR_HTTP_BAD_TRAILER')
    }
    machine.sendEnd([['X', 'y']])
    machine.takeOutput()
    const [known] = server('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    known.sendResponse({ status: 200, bodyBytes: 0 })
    expect(code(() => known.sendEnd([['X', 'y']]))).toBe('ERR_HTTP_BAD_TRAILER')
    known.sendEnd()
  })

  it('are left out where nobody can take them', () => {
    for (const request of ['GET / HTTP/1.0\r\n\r\n', 'HEAD / HTTP/1.1\r\nHost: h\r\n\r\n']) {
      const [machine] = server(request)
      machine.sendResponse({ status: 200, bodyBytes: 'unknown' })
      machine.takeOutput()
      machine.sendEnd([['X', 'y']])
      expect(machine.takeOutput()).toEqual([])
    }
  })
})

describe('100 (Continue)', () => {
  const request = 'POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n'

  it('a server that sends it gets the body, and the connection lives on', () => {
    const [machine, events] = server(request)
    expect(events).toMatchObject([{ type: 'request', expectsContinue: true }])
    expect(machine.awaitsContinue).toBe(true)
    machine.sendInformational({ status: 100 })
    expect(machine.awaitsContinue).toBe(false)
    machine.receiveData(latin1('hi'))
    drain(machine)
    machine.sendResponse({ status: 200 })
    machine.sendEnd()
    expect(text(machine.takeOutput())).toBe('HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    machine.startNextCycle()
  })

  it('a server that answers without it cannot know whether a body comes, and says close', () => {
    const [machine] = server(request)
    machine.sendResponse({ status: 413 })
    expect(text(machine.takeOutput())).toBe('HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    expect(machine.canPersist).toBe(false)
  })

  it('a client that did not wait needs none', () => {
    const [machine] = server(`${request}hi`)
    expect(machine.awaitsContinue).toBe(false)
    machine.sendResponse({ status: 200 })
    expect(text(machine.takeOutput())).toBe('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  })

  it('a client waits until the 100, the response, or its own patience ends it', () => {
    const waiting = (): HttpConnection => {
      const machine = new HttpConnection('client')
      machine.sendRequest({ method: 'POST', target: '/', headers: [...host, ['Expect', '100-continue']], bodyBytes: 2 })
      expect(machine.awaitsContinue).toBe(true)
      return machine
    }
    const told = waiting()
    told.receiveData(latin1('HTTP/1.1 103 Early Hints\r\n\r\n'))
    drain(told)
    expect(told.awaitsContinue).toBe(true)
    told.receiveData(latin1('HTTP/1.1 100 Continue\r\n\r\n'))
    drain(told)
    expect(told.awaitsContinue).toBe(false)
    const refused = waiting()
    refused.receiveData(latin1('HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n'))
    drain(refused)
    expect([refused.awaitsContinue, refused.ourState, refused.theirState]).toEqual([false, 'body', 'done'])
    const impatient = waiting()
    impatient.sendData('hi')
    expect(impatient.awaitsContinue).toBe(false)
  })
})

describe('a server that switches', () => {
  const upgrade = 'GET /chat HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n'
  const switching: HeaderList = [['Connection', 'Upgrade'], ['Upgrade', 'websocket']]

  it('is offered that by Upgrade, and by CONNECT', () => {
    const offered = (input: string): unknown => (server(input)[1][0] as { upgrade: boolean }).upgrade
    expect(offered(upgrade)).toBe(true)
    expect(offered('CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n')).toBe(true)
    expect(offered('GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n')).toBe(false)
    expect(offered('GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\n\r\n')).toBe(false)
    expect(offered(upgrade.replace('HTTP/1.1', 'HTTP/1.0'))).toBe(false)
  })

  it('sends a 101, and gives up what came behind the request', () => {
    const [machine] = server(`${upgrade}\x81\0`)
    expect(machine.switchProtocol({ status: 101, headers: switching })).toEqual(Uint8Array.of(0x81, 0))
    expect(text(machine.takeOutput())).toBe('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    expect([machine.ourState, machine.theirState, machine.heldBytes]).toEqual(['switched', 'switched', 0])
    expect(code(() => machine.receiveData(Uint8Array.of(1)))).toBe('ERR_HTTP_STATE')
    expect(code(() => machine.sendResponse({ status: 200 }))).toBe('ERR_HTTP_STATE')
    expect(machine.nextEvent()).toBe(undefined)
  })

  it('leaves the answer to who takes over', () => {
    const [machine] = server('CONNECT h:443 HTTP/1.0\r\n\r\nhello')
    machine.receiveData(latin1(' there'))
    expect(text([machine.switchProtocol()])).toBe('hello there')
    expect(machine.takeOutput()).toEqual([])
  })

  it('answers CONNECT with any 2xx that has no length', () => {
    const connect = 'CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n'
    const [machine] = server(connect)
    expect(machine.switchProtocol({ status: 200 })).toEqual(new Uint8Array(0))
    expect(text(machine.takeOutput())).toBe('HTTP/1.1 200 OK\r\n\r\n')
    expect(code(() => server(connect)[0].switchProtocol({ status: 200, headers: [['Content-Length', '0']] }))).toBe('ERR_HTTP_BAD_HEADER')
    expect(code(() => server(connect)[0].switchProtocol({ status: 101 }))).toBe('ERR_HTTP_BAD_HEADER')
    expect(code(() => server(connect)[0].switchProtocol({ status: 404 }))).toBe('ERR_HTTP_BAD_HEADER')
  })

  it('does so once, when it was asked, to what was asked', () => {
    expect(code(() => server('GET / HTTP/1.1\r\nHost: h\r\n\r\n')[0].switchProtocol())).toBe('ERR_HTTP_STATE')
    expect(code(() => server(upgrade.replace('\r\n\r\n', '\r\nContent-Length: 1\r\n\r\n'))[0].switchProtocol())).toBe('ERR_HTTP_STATE')
    const [machine] = server(upgrade)
    expect(code(() => machine.switchProtocol({ status: 101, headers: [['Connection', 'Upgrade'], ['Upgrade', 'h2c']] }))).toBe('ERR_HTTP_BAD_HEADER')
    expect(code(() => machine.switchProtocol({ status: 101, headers: [['Upgrade', 'websocket']] }))).toBe('ERR_HTTP_BAD_HEADER')
    expect(code(() => machine.switchProtocol({ status: 200, headers: switching }))).toBe('ERR_HTTP_BAD_HEADER')
    machine.switchProtocol({ status: 101, headers: switching })
    expect(code(() => machine.switchProtocol())).toBe('ERR_HTTP_STATE')
  })

  it('may do so before it asked for the next event', () => {
    const machine = new HttpConnection('server')
    machine.receiveData(latin1(`${upgrade}xyz`))
    expect(machine.nextEvent()).toMatchObject({ type: 'request', upgrade: true })
    expect(text([machine.switchProtocol()])).toBe('xyz')
  })

  it('may answer in HTTP instead; CONNECT only with the end of the connection', () => {
    const [plain] = server(`${upgrade}GET /2 HTTP/1.1\r\nHost: h\r\n\r\n`)
    plain.sendResponse({ status: 200 })
    plain.sendEnd()
    plain.startNextCycle()
    expect(drain(plain)).toMatchObject([{ type: 'request', head: { target: '/2' } }, { type: 'end' }])
    const [refused] = server('CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n\r\nGET / HTTP/1.1\r\n')
    refused.sendResponse({ status: 403 })
    refused.sendEnd()
    expect(text(refused.takeOutput())).toBe('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
    expect([refused.ourState, refused.theirState, refused.heldBytes]).toEqual(['mustClose', 'mustClose', 0])
  })
})

describe('a client that is switched', () => {
  const upgrading = { target: '/', headers: [...host, ['Connection', 'upgrade'], ['Upgrade', 'websocket']] as HeaderList }
  const accepted = 'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: WebSocket\r\n\r\n'

  it('gets the head and what came behind it', () => {
    const [machine, events] = client(upgrading, `${accepted}\x81\0`)
    expect(events).toMatchObject([{ type: 'switched', head: { status: 101 }, leftover: Uint8Array.of(0x81, 0) }])
    expect([machine.ourState, machine.theirState]).toEqual(['switched', 'switched'])
  })

  it('by any 2xx to CONNECT, whatever its length says', () => {
    const connect = { method: 'CONNECT', target: 'a.test:443', headers: [['Host', 'a.test:443']] as HeaderList }
    const [, events] = client(connect, 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello')
    expect(events).toMatchObject([{ type: 'switched', leftover: latin1('hello') }])
    const [refused, others] = client(connect, 'HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n')
    expect(others).toMatchObject([{ type: 'response' }, { type: 'end' }])
    expect(refused.ourState).toBe('done')
  })

  it('to what it offered, and after its request', () => {
    const unexpected = (input: string): unknown => code(() => client(upgrading, input))
    expect(unexpected(accepted.replace('WebSocket', 'h2c'))).toBe('ERR_HTTP_UNEXPECTED_RESPONSE')
    expect(unexpected(accepted.replace('Upgrade: WebSocket\r\n', ''))).toBe('ERR_HTTP_UNEXPECTED_RESPONSE')
    expect(unexpected(accepted.replace('Connection: upgrade\r\n', ''))).toBe('ERR_HTTP_UNEXPECTED_RESPONSE')
    expect(code(() => client({ target: '/', headers: host }, accepted))).toBe('ERR_HTTP_UNEXPECTED_RESPONSE')
    const early = new HttpConnection('client')
    early.sendRequest({ method: 'POST', ...upgrading, bodyBytes: 1 })
    early.receiveData(latin1(accepted))
    expect(code(() => drain(early))).toBe('ERR_HTTP_UNEXPECTED_RESPONSE')
  })
})

describe('a client that pipelines', () => {
  const ok = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`

  it('reads the responses in the order of its requests, each for its method', () => {
    const machine = new HttpConnection('client')
    for (const [index, method] of ['GET', 'HEAD', 'GET'].entries()) {
      if (index > 0) machine.startNextRequest()
      machine.sendRequest({ method, target: `/${index}`, headers: host })
      machine.sendEnd()
    }
    machine.receiveData(latin1(`${ok('one')}HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n${ok('three')}`))
    const types: string[] = []
    for (let cycle = 0; cycle < 3; cycle++) {
      if (cycle > 0) machine.startNextCycle()
      for (const event of drain(machine)) types.push(event.type === 'data' ? text([event.data]) : event.type)
    }
    expect(types).toEqual(['response', 'one', 'end', 'response', 'end', 'response', 'three', 'end'])
    expect(code(() => machine.startNextRequest())).toBe('nothing was thrown')
    machine.startNextCycle()
    expect([machine.ourState, machine.theirState]).toEqual(['idle', 'idle'])
  })

  it('not behind an offer to switch, nor with one', () => {
    const machine = new HttpConnection('client')
    machine.sendRequest({ method: 'CONNECT', target: 'h:1', headers: host })
    machine.sendEnd()
    expect(code(() => machine.startNextRequest())).toBe('ERR_HTTP_STATE')
    const other = new HttpConnection('client')
    other.sendRequest({ target: '/', headers: host })
    other.sendEnd()
    other.startNextRequest()
    expect(code(() => other.sendRequest({ method: 'CONNECT', target: 'h:1', headers: host }))).toBe('ERR_HTTP_STATE')
    other.sendRequest({ target: '/', headers: host })
  })
})
