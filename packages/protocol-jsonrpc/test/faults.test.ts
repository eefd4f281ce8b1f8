import type { StreamTransport } from '@async/core'
import { memoryPair } from '@async/core/testing'
import { lengthPrefix, line, lsp } from '@async/protocol-chunk'
import { createService, jsonRpc, jsonText, lspConventions } from '@async/protocol-jsonrpc'
import type { Diagnostic, Service } from '@async/protocol-jsonrpc'
import { describe, expect, it } from 'vitest'
import { rejection, turns, VirtualClock, wired } from './helpers.ts'

const call = '{"jsonrpc":"2.0","method":"add","params":[1,2],"id":1}'
const answer = '{"jsonrpc":"2.0","result":3,"id":1}'

/** The framings, and what each makes of a message on the wire. */
const framings = [
  ['newline', line(), (text: string) => `${text}\n`],
  ['LSP headers', lsp(), (text: string) => `Content-Length: ${text.length}\r\n\r\n${text}`],
  ['length prefix', lengthPrefix(), (text: string) => `\0\0\0${String.fromCharCode(text.length)}${text}`],
  ['bare JSON', jsonText(), (text: string) => `${text}\n`],
] as const

/** The far end of a stream, by hand. */
class Raw {
  text = ''
  private readonly transport: StreamTransport

  constructor(transport: StreamTransport) {
    this.transport = transport
    transport.start({ dataReceived: (data) => void (this.text += new TextDecoder().decode(data)), eofReceived() {} })
  }

  write(text: string): void {
    if (text !== '') this.transport.write(text)
  }

  end(how: 'end' | 'reset'): void {
    if (how === 'end') this.transport.close()
    else this.transport.abort()
  }
}

const clean = (service: Service) => {
  const { peers, running, queued } = service.counters
  return { peers, running, queued }
}

describe.each(framings)('a connection that is cut, over %s', (_name, frame, wire) => {
  const framedCall = wire(call)
  const framedAnswer = wire(answer)

  it.each(['end', 'reset'] as const)('at every byte of a call (%s): it runs when it is whole, and nothing is left', async (how) => {
    for (let cut = 0; cut <= framedCall.length; cut++) {
      let ran = 0
      const service = createService({ add: ([a, b]: [number, number]) => (ran++, a + b) }, { onError: (error) => { throw error } }) // prettier-ignore
      const { a, b } = memoryPair()
      const raw = new Raw(a)
      const peer = jsonRpc(service)(frame(b))
      raw.write(framedCall.slice(0, cut))
      await turns(2)
      raw.end(how)
      const { kind } = await peer.closed
      // A bare text needs no newline behind it.
      const isWhole = cut === framedCall.length || (cut === framedCall.length - 1 && frame === framings[3][1])
      expect([cut, ran]).toEqual([cut, isWhole ? 1 : 0])
      if (how === 'end') expect([cut, kind]).toEqual([cut, cut === 0 || isWhole ? 'closed' : 'truncated'])
      else expect(kind).toBe('reset')
      expect(clean(service)).toEqual({ peers: 0, running: 0, queued: 0 })
    }
  })

  it.each(['end', 'reset'] as const)('at every byte of an answer (%s): the call settles once, by the answer or the loss', async (how) => {
    for (let cut = 0; cut <= framedAnswer.length; cut++) {
      const clock = new VirtualClock()
      const { a, b } = memoryPair()
      const raw = new Raw(a)
      const peer = jsonRpc(undefined, { clock, callTimeoutMs: 1000, conventions: lspConventions })(frame(b))
      const outcomes: unknown[] = []
      peer.call('add', [1, 2]).then((result) => outcomes.push(result), (error) => outcomes.push(error.code))
      await turns(2)
      expect(raw.text).toBe(framedCall)
      raw.write(framedAnswer.slice(0, cut))
      await turns(2)
      raw.end(how)
      await peer.closed
      await turns(1)
      const isWhole = cut === framedAnswer.length || (cut === framedAnswer.length - 1 && frame === framings[3][1])
      expect([cut, outcomes]).toEqual([cut, [isWhole ? 3 : how === 'end' && cut === 0 ? 'ERR_CONNECTION_CLOSED' : 'ERR_CONNECTION_LOST']])
      expect([peer.pendingCalls, clock.pendingCount]).toEqual([0, 0])
    }
  })
})

describe('a peer that answers as it likes', () => {
  it('never: the time-out settles the call, and what comes after is late', async () => {
    const clock = new VirtualClock()
    const diagnostics: Diagnostic[] = []
    const { wire, peer } = wired(undefined, { clock, callTimeoutMs: 10, onDiagnostic: (each) => diagnostics.push(each) })
    const calls = Array.from({ length: 5 }, () => peer.call('x'))
    clock.advance(10)
    for (const each of calls) expect(await rejection(each)).toMatchObject({ code: 'ERR_TIMEOUT' })
    for (let id = 1; id <= 5; id++) wire.send(`{"jsonrpc":"2.0","result":1,"id":${id}}`)
    await turns()
    expect([peer.pendingCalls, clock.pendingCount, diagnostics.length]).toEqual([0, 0, 0])
  })

  it('twice, and to ids that nobody has: the first counts, the others are told of or ignored', async () => {
    const diagnostics: Diagnostic[] = []
    const { wire, peer } = wired(undefined, { onDiagnostic: (each) => diagnostics.push(each) })
    const [a, b] = [peer.call('a'), peer.call('b')]
    wire.send('{"jsonrpc":"2.0","result":"A","id":1}', '{"jsonrpc":"2.0","error":{"code":1,"message":"again"},"id":1}', '{"jsonrpc":"2.0","result":"?","id":7}', '{"jsonrpc":"2.0","result":"?","id":"2"}')
    wire.send('{"jsonrpc":"2.0","result":"B","id":2}')
    expect(await Promise.all([a, b])).toEqual(['A', 'B'])
    expect(diagnostics).toMatchObject([{ kind: 'unknownResponse', response: { id: 7 } }, { kind: 'unknownResponse', response: { id: '2' } }])
  })

  it('a batch out of order, in part, in parts, and twice', async () => {
    const { wire, peer } = wired()
    const entries = [1, 2, 3, 4].map((at) => ({ method: 'x', params: [at] }))
    const calls = peer.batch(entries)
    wire.send('[{"jsonrpc":"2.0","result":3,"id":3},{"jsonrpc":"2.0","result":1,"id":1},{"jsonrpc":"2.0","result":"again","id":3}]')
    expect([await calls[0], await calls[2]]).toEqual([1, 3])
    expect(peer.pendingCalls).toBe(2)
    wire.send('{"jsonrpc":"2.0","result":4,"id":4}')
    expect(await calls[3]).toBe(4)
    wire.transport.abort()
    expect(await rejection(calls[1]!)).toMatchObject({ code: 'ERR_CONNECTION_LOST', reason: { kind: 'reset' } })
    expect(peer.pendingCalls).toBe(0)
  })
})

describe('noise on a stack that resynchronises', () => {
  it('is skipped and said, and the calls around it are answered', async () => {
    const { a, b } = memoryPair()
    const skipped: unknown[] = []
    jsonRpc(createService({ add: ([x, y]: [number, number]) => x + y }))(jsonText({ onSkipped: (noise) => skipped.push(noise) })(b))
    const raw = new Raw(a)
    raw.write(`${call}\nServer listening on port 80\n${call}[warn] oops ${call}`)
    await turns()
    expect(raw.text).toBe(`${answer}\n`.repeat(3))
    expect(skipped).toEqual([{ bytes: 27, start: 'Server listening on port 80' }, { bytes: 12, start: '[warn] oops' }])
  })

  it('is skipped and said between LSP headers, too, where it would end the connection', async () => {
    const { a, b } = memoryPair()
    const skipped: unknown[] = []
    jsonRpc(createService({ add: ([x, y]: [number, number]) => x + y }))(lsp({ onSkipped: (noise) => skipped.push(noise) })(b))
    const raw = new Raw(a)
    const framed = framings[1][2](call)
    raw.write(`Server listening\n${framed}oops ${framed}`)
    await turns()
    expect(raw.text).toBe(framings[1][2](answer).repeat(2))
    expect(skipped).toEqual([{ bytes: 17, deliveredBytes: 0, start: 'Server listening' }, { bytes: 5, deliveredBytes: 0, start: 'oops' }])
  })
})
