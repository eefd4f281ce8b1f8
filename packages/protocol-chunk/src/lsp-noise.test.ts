import { describe, expect, it } from 'vitest'
import { lspSettings } from './lsp-options.ts'
import { LspSplitter } from './lsp-splitter.ts'

/** Units as strings, noise as `[bytes, start]`. */
function split(text: string, size: number): unknown[] {
  const splitter = new LspSplitter<string>(lspSettings({ mode: 'text', maxHeaderBytes: 64, onSkipped() {} }))
  const bytes = new TextEncoder().encode(text)
  const found: unknown[] = []
  const drain = (): void => {
    for (;;) {
      const unit = splitter.next()
      const skipped = unit === undefined ? splitter.takeOverlong() : undefined
      if (unit !== undefined) found.push(unit)
      else if (skipped !== undefined) found.push([skipped.bytes, skipped.start])
      else return
    }
  }
  for (let at = 0; at < bytes.length; at += size) {
    splitter.receiveData(bytes.slice(at, at + size))
    drain()
  }
  splitter.receiveEof()
  drain()
  return found
}

const one = 'Content-Length: 3\r\n\r\none'
const two = 'content-length: 3\r\nContent-Type: x\r\n\r\ntwo'

describe('LspSplitter that skips noise', () => {
  it.each<[string, string, unknown[]]>([
    ['nothing, where there is none', one + two, ['one', 'two']],
    ['a printed line', `Server started\n${one}`, [[15, 'Server started'], 'one']],
    ['lines between two messages', `${one}a\nb: c\nd\r\n${two}`, ['one', [2, 'a'], [5, 'b: c'], [3, 'd'], 'two']],
    ['a print without an end of line', `debug ${one}`, [[6, 'debug'], 'one']],
    ['one that looks like a field', `debug: x ${one}${two}`, [[9, 'debug: x'], 'one', 'two']],
    ['what is not ASCII', `größe ✓\n${one}`, [[12, 'größe ✓'], 'one']],
    ['a CR in the midst of a line', `50%\r100%\n${one}`, [[9, '50%\r100%'], 'one']],
    ['a header that has no length', `a: b\r\n\r\n${one}`, [[8, 'a: b'], 'one']],
    ['a length that is none', `Content-Length: x\r\n${one}`, [[19, 'Content-Length: x'], 'one']],
    ['a header that was cut', `Content-Length: 3\r\n${one}`, [[19, 'Content-Length: 3'], 'one']],
    ['a line that is longer than a header', `${'x'.repeat(200)}\n${one}`, [[201, 'x'.repeat(64)], 'one']],
    // What could still have become a header is no noise: the end cuts it.
    ['no print at the end', `${one}bye`, ['one']],
  ])('leaves out %s', (_name, text, found) => {
    for (const size of [1000, 1, 7]) expect(split(text, size)).toEqual(found)
  })

  it('is strict without being asked to skip', () => {
    const splitter = new LspSplitter<string>(lspSettings({}))
    splitter.receiveData(new TextEncoder().encode('Server started\n'))
    expect(() => splitter.next()).toThrow(expect.objectContaining({ code: 'ERR_CHUNK_BAD_HEADER' }))
  })
})
