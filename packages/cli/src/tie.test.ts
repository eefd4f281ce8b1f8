import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MessageSplitter } from './tie.ts'

function split(pieces: readonly string[]): string[] {
  const splitter = new MessageSplitter(10, 8)
  const messages = pieces.flatMap((piece) => [...splitter.receive(Buffer.from(piece))])
  const rest = splitter.end()
  return [...messages, ...(rest === undefined ? [] : [rest])].map((message) => Buffer.from(message).toString())
}

describe('MessageSplitter', () => {
  it.each<[string[], string[]]>([
    [[], []],
    [['a\n'], ['a']],
    [['a'], ['a']],
    [['\n\n'], ['', '']],
    [['a\nb', 'c\n', '\nd'], ['a', 'bc', '', 'd']],
  ])('splits %j', (pieces, messages) => {
    expect(split(pieces)).toEqual(messages)
  })

  it('refuses a message that is too long', () => {
    expect(() => split(['12345678\n', '1234', '56789'])).toThrow(expect.objectContaining({ exitCode: 2, message: 'a message on standard input is longer than 8 bytes' }))
    expect(split(['12345678\n12345678'])).toEqual(['12345678', '12345678'])
  })

  it('gives the same messages however the input is cut', () => {
    const text = fc.array(fc.constantFrom('a', '\n'), { maxLength: 8 }).map((list) => list.join(''))
    fc.assert(
      fc.property(text, fc.nat(8), (all, at) => {
        expect(split([all.slice(0, at), all.slice(at)])).toEqual(split([all]))
      }),
    )
  })
})
