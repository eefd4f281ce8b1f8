import { layerSubject, memoryPair, protocolSuite } from '@async/core/testing'
import type { ProtocolSubject } from '@async/core/testing'
import { jsonText } from '@async/protocol-jsonrpc'
import { describe, expect, it } from 'vitest'
import { turns } from './helpers.ts'

const rest: Omit<ProtocolSubject, 'name' | 'attach'> = {
  maxHeldBytes: 70_000,
  conversations: [
    { name: 'texts', input: '{"a":1}[2,{"b":"}"}]{}', events: ['{"a":1}', '[2,{"b":"}"}]', '{}'], boundaries: [0, 7, 20, 22] },
  ],
  endings: [
    { name: 'texts with white space between', input: '{}\r\n [ 1 ]\n\t{"x":null}\n', events: ['{}', '[ 1 ]', '{"x":null}'], kind: 'closed' },
    { name: 'an end in mid-text', input: '{}{"a":[1', events: ['{}'], kind: 'truncated', error: { code: 'ERR_TRUNCATED', message: 'the end came 7 bytes into a message' } },
    { name: 'noise at the end', input: '{}oops\n', events: ['{}'], kind: 'closed' },
  ],
  refused: [
    { name: 'a text that is too long', input: `{}["${'x'.repeat(200)}"]`, events: ['{}'], kind: 'limit', error: { code: 'ERR_JSON_TEXT_TOO_LONG' } },
  ],
}

protocolSuite({ describe, it }, layerSubject('jsonText', jsonText({ maxTextBytes: 100 }), rest))

const strict = { ...rest, endings: [], refused: [{ name: 'noise', input: '{}Listening\n{}', events: ['{}'], kind: 'protocol' as const, error: { code: 'ERR_JSON_NOISE' } }] }
protocolSuite({ describe, it }, layerSubject('jsonText that takes no noise', jsonText({ noise: 'abort' }), strict))

describe('jsonText', () => {
  it.each([
    ['\n', '{"a":1}\n[2]\n[3]\n'],
    ['\r\n', '{"a":1}\r\n[2]\r\n[3]\r\n'],
    ['', '{"a":1}[2][3]'],
  ] as const)('writes texts with %j behind each', async (separator, written) => {
    const { a, b } = memoryPair()
    let got = ''
    b.start({ dataReceived: (data) => void (got += new TextDecoder().decode(data)) })
    const transport = jsonText({ separator })(a)
    transport.start({ dataReceived() {} })
    transport.write('{"a":1}')
    transport.writeSequence(['[2]', new TextEncoder().encode('[3]')])
    expect(() => transport.write('')).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    await turns(2)
    expect(got).toBe(written)
    transport.abort()
  })

  it('refuses options that are none', () => {
    for (const options of [{ maxTextBytes: 1 }, { maxTextBytes: NaN }, { noise: 'report' }, { separator: ',' }]) {
      expect(() => jsonText(options as never)).toThrow(expect.objectContaining({ code: 'ERR_INVALID_ARGUMENT' }))
    }
  })
})
