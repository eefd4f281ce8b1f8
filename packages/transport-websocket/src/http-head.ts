/**
 * The little HTTP that a handshake needs: strict, bounded, and no more than RFC 6455 §4 asks for.
 */
import { createHash, randomBytes } from 'node:crypto'
import { ProtocolError, UsageError } from '@async/core'

/** Header names, in lower case, and values, in order. */
export type Headers = readonly (readonly [name: string, value: string])[]

const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
// Visible characters, blanks, and obs-text: no line ends, which would make headers of their own (RFC 9110 §5.5).
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/

/** A new `Sec-WebSocket-Key`. */
export function makeKey(): string {
  return randomBytes(16).toString('base64')
}

/** The `Sec-WebSocket-Accept` of a key (RFC 6455 §4.2.2). */
export function acceptOf(key: string): string {
  return createHash('sha1').update(key + guid).digest('base64')
}

/** The values of one header, joined as a list; undefined if there is none. */
export function listOf(headers: Headers, name: string): string | undefined {
  const values = headers.filter(([key]) => key === name).map(([, value]) => value)
  return values.length === 0 ? undefined : values.join(', ')
}

/** The value of a header that may stand once; undefined if there is none, or more than one. */
export function valueOf(headers: Headers, name: string): string | undefined {
  const values = headers.filter(([key]) => key === name)
  return values.length === 1 ? values[0]![1] : undefined
}

/** Whether a comma-separated list has `word`, in any case. */
export function hasToken(list: string | undefined, word: string): boolean {
  return list?.split(',').some((part) => part.trim().toLowerCase() === word) === true
}

/** Whether `text` is a token (RFC 9110 §5.6.2): a header's name, a subprotocol. */
export function isToken(text: unknown): text is string {
  return typeof text === 'string' && token.test(text)
}

/** Headers as lines. @throws UsageError `ERR_INVALID_ARGUMENT` for a name or a value that would not stay what it is. */
export function headerLines(headers: Readonly<Record<string, string>>): string {
  let lines = ''
  for (const [name, value] of Object.entries(headers)) {
    if (!isToken(name)) throw new UsageError('ERR_INVALID_ARGUMENT', `${JSON.stringify(name)} is no name of a header`)
    if (!fieldValue.test(value)) throw new UsageError('ERR_INVALID_ARGUMENT', `the value of the header ${name} has characters that it may not have`)
    lines += `${name}: ${value}\r\n`
  }
  return lines
}

/** The head of a response, without the empty line. @throws ProtocolError `ERR_WEBSOCKET_HANDSHAKE`. */
export function parseResponse(head: string): { readonly status: number; readonly words: string; readonly headers: Headers } {
  const [first = '', ...lines] = head.split('\r\n')
  const [, status, words = ''] = /^HTTP\/1\.1 (\d{3})(?: (.*))?$/.exec(first) ?? []
  if (status === undefined) throw new ProtocolError('ERR_WEBSOCKET_HANDSHAKE', `${JSON.stringify(first.slice(0, 32))} is no answer of HTTP/1.1`)
  const headers = lines.map((line): readonly [string, string] => {
    const colon = line.indexOf(':')
    const name = line.slice(0, Math.max(0, colon))
    const value = line.slice(colon + 1).trim()
    if (!isToken(name) || !fieldValue.test(value)) throw new ProtocolError('ERR_WEBSOCKET_HANDSHAKE', `${JSON.stringify(line.slice(0, 32))} is no header`)
    return [name.toLowerCase(), value]
  })
  return { status: Number(status), words, headers }
}
