import { describe, expect, it } from 'vitest'
import { bytes, everyFeeding, feed } from '../test/feeding.ts'
import type { LspOptions } from './lsp-options.ts'
import { lspSplitter } from './splitters.ts'

interface Row {
  readonly id: string
  readonly options?: LspOptions
  readonly input: string
  readonly events: readonly string[]
}

const bad = ['ERR_CHUNK_BAD_HEADER']
const rows: readonly Row[] = [
  { id: 'nothing at all', input: '', events: ['end'] },
  { id: 'one message', input: 'Content-Length: 2\r\n\r\n{}', events: ['text:{}', 'end'] },
  {
    id: 'two messages, the first empty',
    input: 'Content-Length: 0\r\n\r\nContent-Length: 4\r\n\r\n"\xc3\xa9"', events: ['text:', 'text:"é"', 'end'],
  },
  { id: 'bytes', options: { mode: 'bytes' }, input: 'Content-Length: 2\r\n\r\n\xff\n', events: ['\xff\n', 'end'] },
  { id: 'a name in another case, and no space', input: 'CONTENT-length:2\r\n\r\n{}', events: ['text:{}', 'end'] },
  { id: 'space around the value', input: 'Content-Length: \t 2 \t\r\n\r\n{}', events: ['text:{}', 'end'] },
  { id: 'zeros in front', input: 'Content-Length: 002\r\n\r\n{}', events: ['text:{}', 'end'] },
  {
    id: 'a content type, before and after', input:
      'Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: 2\r\n\r\n{}' +
      'Content-Length: 2\r\nContent-Type: x; charset="utf8"\r\n\r\n[]',
    events: ['text:{}', 'text:[]', 'end'],
  },
  { id: 'unknown fields', input: 'X: y\r\n__proto__: z\r\nContent-Length: 2\r\nEmpty:\r\n\r\n{}', events: ['text:{}', 'end'] },
  { id: 'another charset', input: 'Content-Type: x; charset=utf-16\r\n', events: bad },
  { id: 'no length', input: 'X: y\r\n\r\n', events: bad },
  { id: 'no field at all', input: '\r\n', events: bad },
  { id: 'two lengths, equal', input: 'Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}', events: bad },
  { id: 'two lengths, different', input: 'Content-Length: 2\r\ncontent-length: 3\r\n\r\n{}', events: bad },
  { id: 'a length with a sign', input: 'Content-Length: +2\r\n', events: bad },
  { id: 'a negative length', input: 'Content-Length: -2\r\n', events: bad },
  { id: 'a length with a tail', input: 'Content-Length: 2abc\r\n', events: bad },
  { id: 'a length in hexadecimal', input: 'Content-Length: 0x2\r\n', events: bad },
  { id: 'a length as a float', input: 'Content-Length: 2.0\r\n', events: bad },
  { id: 'a list of lengths', input: 'Content-Length: 2, 2\r\n', events: bad },
  { id: 'an empty length', input: 'Content-Length:\r\n', events: bad },
  { id: 'a space before the colon', input: 'Content-Length : 2\r\n', events: bad },
  { id: 'a space before the name', input: ' Content-Length: 2\r\n', events: bad },
  { id: 'a folded line', input: 'X: y\r\n  z\r\n', events: bad },
  { id: 'bare LF', input: 'Content-Length: 2\n\n{}', events: bad },
  { id: 'bare CR', input: 'Content-Length: 2\r\rx', events: bad },
  { id: 'CR in the middle', input: 'X: a\rb\r\n', events: bad },
  { id: 'a byte beyond ASCII', input: 'X: \xc3\xa9\r\n', events: bad },
  { id: 'a control character', input: 'X: a\0b\r\n', events: bad },
  { id: 'a stray line', input: 'Content-Length: 2\r\n\r\n{}Server started\n', events: ['text:{}', 'ERR_CHUNK_BAD_HEADER'] },
  { id: 'as long as allowed', options: { maxChunkBytes: 2 }, input: 'Content-Length: 2\r\n\r\n{}', events: ['text:{}', 'end'] },
  { id: 'one byte too long', options: { maxChunkBytes: 2 }, input: 'Content-Length: 3\r\n\r\n', events: ['ERR_CHUNK_TOO_LONG'] },
  { id: 'a length beyond all numbers', input: `Content-Length: ${'9'.repeat(400)}\r\n\r\n`, events: ['ERR_CHUNK_TOO_LONG'] },
  {
    id: 'a header as long as allowed', options: { maxHeaderBytes: 32 },
    input: 'X:123456\r\nContent-Length: 2\r\n\r\n{}', events: ['text:{}', 'end'],
  },
  {
    id: 'a header too long', options: { maxHeaderBytes: 32 },
    input: `X:1234567890\r\nContent-Length: 2\r\n\r\n{}`, events: ['ERR_HEADER_TOO_LARGE'],
  },
  { id: 'a header without an end', input: `X: ${'a'.repeat(5000)}`, events: ['ERR_HEADER_TOO_LARGE'] },
  { id: 'cut in the header', input: 'Content-Length: 2\r\n\r\n{}Content', events: ['text:{}', 'truncated 7'] },
  { id: 'cut behind the header', input: 'Content-Length: 2\r\n\r\n', events: ['truncated 21'] },
  { id: 'cut in the message', input: 'Content-Length: 2\r\n\r\n{', events: ['truncated 22'] },
  { id: 'text that is none', input: 'Content-Length: 1\r\n\r\n\xff', events: ['ERR_CHUNK_NOT_UTF8'] },
]

describe('lspSplitter', () => {
  for (const { id, options, input, events } of rows) {
    it(`${id}: the same events however it is cut`, () => {
      const ways = input.length > 1000 ? everyFeeding(bytes(input)).slice(0, 4) : everyFeeding(bytes(input))
      for (const [way, reads] of ways) expect(feed(lspSplitter(options), reads), way).toEqual(events)
    })
  }

  it('says what was read instead of a header, escaped, 32 characters at most', () => {
    const splitter = lspSplitter()
    splitter.receiveData(bytes(`\tlistening on "${'x'.repeat(100)}\r\n`))
    let message = ''
    try {
      splitter.next()
    } catch (error) {
      message = (error as Error).message
    }
    expect(message).toBe(`not a header field: "\\tlistening on \\"${'x'.repeat(17)}"`)
  })

  it('gives back the header, too, of a message that is not complete', () => {
    for (const input of ['Content-Length: 02\r\n\r\n{', 'X: y\r\nContent-Length: 2\r\n\r\n', 'Content-Le']) {
      const splitter = lspSplitter()
      splitter.receiveData(bytes(input))
      expect([splitter.next(), splitter.heldBytes]).toEqual([undefined, input.length])
      expect(splitter.takeLeftover()).toEqual(bytes(input))
      splitter.receiveData(bytes(input))
      expect([splitter.next(), splitter.heldBytes]).toEqual([undefined, input.length])
    }
  })

  it('refuses options that make no sense', () => {
    for (const options of [{ maxHeaderBytes: 31 }, { maxChunkBytes: -1 }, { mode: 'json' }] as unknown as LspOptions[]) {
      expect(() => lspSplitter(options)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    }
  })
})
