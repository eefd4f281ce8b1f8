import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isAsyncError } from '../errors.ts'
import { formatStack } from './format.ts'
import { parseStack } from './parse.ts'

/** Own data properties, also `__proto__`, on an object without a prototype: what the parser makes. */
function params(pairs: readonly (readonly [string, string])[]): Record<string, string> {
  const result = Object.create(null) as Record<string, string>
  for (const [name, value] of pairs) result[name] = value
  return result
}

const scheme = fc.stringMatching(/^[a-z][a-z0-9-]{0,8}$/)
const name = fc.oneof(fc.constantFrom('__proto__', 'constructor', 'path'), fc.stringMatching(/^[A-Za-z0-9._-]{1,8}$/))
const text = fc.string({ unit: 'binary', maxLength: 12 })
const noNul = text.map((value) => value.replaceAll('\0', '0'))
const someParams = fc.uniqueArray(fc.tuple(name, text), { maxLength: 4, selector: ([key]) => key }).map(params)
const layers = fc.array(fc.record({ scheme: fc.oneof(scheme, fc.constantFrom('http', 'ws', 'tls')), params: someParams }), { maxLength: 4 })
const host = fc.oneof(fc.constantFrom('::1', 'fe80::1%eth0', '127.0.0.1', '__proto__'), fc.stringMatching(/^[A-Za-z0-9._-]{1,8}$/))
const port = fc.integer({ min: 0, max: 65535 })

const own = scheme.filter((value) => !/^(tcp|https?|wss?|exec|unix|pipe|fifo|serial)$/.test(value))
const transport = fc.oneof(
  fc.record({ scheme: fc.constant('tcp'), params: someParams, host, port }),
  fc.record({ scheme: fc.constant('tcp'), params: someParams, port }),
  fc.record({ scheme: fc.constantFrom('unix', 'pipe', 'fifo', 'serial'), params: someParams, path: noNul.filter((value) => value !== '') }),
  fc.record({ scheme: fc.constant('exec'), params: someParams, words: fc.tuple(noNul.filter((value) => value !== ''), noNul, noNul) }),
  fc.record({ scheme: own, params: someParams, host, port, path: noNul.map((value) => `/${value}`) }),
  fc.record({ scheme: own, params: someParams, host }),
  fc.record({ scheme: own, params: someParams }),
)

describe('stack strings', () => {
  it('parseStack(formatStack(x)) is x', () => {
    fc.assert(
      fc.property(fc.record({ layers, transport }), (stack) => {
        const written = formatStack(stack)
        expect(canonical(parseStack(written, { allowExec: true }))).toBe(canonical(stack))
      }),
      { numRuns: 2000 },
    )
  })

  it('writes nothing that is read as something else', () => {
    const often = <T>(usual: readonly T[], rare: fc.Arbitrary<T>): fc.Arbitrary<T> =>
      fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...usual) }, { weight: 1, arbitrary: rare })
    const fields = {
      host: often(['h', '::1', '::1%a'], fc.oneof(fc.constantFrom('', '::1%a%b', 'a:b', 'a%20'), text)),
      port: often([0, 80], fc.constantFrom(-1, 1.5, 65536, NaN)),
      path: often(['/', '//', '//a', 'a', '/a?b#c', 'C:\\a'], text),
      words: fc.array(often(['a', 'b c', '"', ''], text), { maxLength: 2 }),
    }
    const some = fc.constantFrom<(keyof typeof fields)[]>([], ['host', 'port'], ['host'], ['port'], ['path'], ['host', 'path'], ['words'], ['path', 'words'])
    const anyScheme = often(['tcp', 'http', 'wss', 'exec', 'unix', 'serial', 'x'], text)
    const anyTransport = fc
      .tuple(anyScheme, someParams, fc.record(fields), some)
      .map(([name, own, all, keys]) => ({ scheme: name, params: own, ...Object.fromEntries(keys.map((key) => [key, all[key]])) }))
    let written = 0
    fc.assert(
      fc.property(fc.record({ layers, transport: anyTransport }), (stack) => {
        let result: string
        try {
          result = formatStack(stack)
        } catch (error) {
          expect(isAsyncError(error, 'ERR_INVALID_ARGUMENT')).toBe(true)
          return
        }
        written++
        expect(canonical(parseStack(result, { allowExec: true }))).toBe(canonical(stack))
      }),
      { numRuns: 5000, seed: 1 },
    )
    expect(written).toBeGreaterThan(100)
  })

  it('answers anything with a description or one error of its own', () => {
    const piece = fc.oneof(fc.constantFrom('tcp', 'http', 'exec', '+', ';', ':', '//', '/', '?', '=', '&', '%', '%41', '[', ']', '::1', '80', '"', ' '), text)
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        try {
          const stack = parseStack(pieces.join(''), { allowExec: true })
          expect(canonical(parseStack(formatStack(stack), { allowExec: true }))).toBe(canonical(stack))
        } catch (error) {
          expect(isAsyncError(error, 'ERR_STACK_SYNTAX')).toBe(true)
        }
      }),
      { numRuns: 5000 },
    )
  })
})

/** JSON with sorted names, `__proto__` among them. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  return `{${Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}:${canonical(item)}`).sort().join()}}`
}
