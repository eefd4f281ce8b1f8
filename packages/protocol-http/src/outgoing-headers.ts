import { isAsyncError, UsageError } from '@async/core'
import { printable } from './errors.ts'
import type { HeaderList } from './events.ts'
import { type Fields, gatherFields, mayTrail, noFields } from './framing.ts'
import { isFieldValue, isToken } from './grammar.ts'
import { secret } from './head-memo.ts'

/** Fields that are to be sent, checked: what they say, and their lines as they go out. */
export interface OutgoingHeaders {
  /** A copy of them, for the list that was given is its caller's, who may change it. */
  readonly list: HeaderList
  readonly fields: Fields
  /** The field lines, each with its CRLF. */
  readonly text: string
  /** Whether they are ASCII: else a character is a byte, not UTF-8. RFC 9110 §5.5 */
  readonly isAscii: boolean
}

/** What most responses have of them. */
export const noHeaders: OutgoingHeaders = Object.freeze({ list: [], fields: noFields, text: '', isAscii: true })

/** Longer lists are not remembered, nor those with a secret: it would stay when its connection has gone. */
const maxRememberedBytes = 1024
const rememberedCount = 4

/** The lists that came last: an application sends the same few again and again, and to compare them costs a tenth of checking. */
const remembered: OutgoingHeaders[] = []
let next = 0

/**
 * Checks fields that are to be sent, and gathers those that concern the connection.
 * @throws UsageError `ERR_HTTP_BAD_HEADER` for a name that is no token, a value with control characters or white space around it,
 * Transfer-Encoding (the machine's business), Upgrade without `Connection: upgrade` (RFC 9110 §7.8); `ERR_HTTP_BAD_CONTENT_LENGTH`
 * also for two that are equal; `ERR_HTTP_BAD_HOST`.
 */
export function checkHeaders(headers: HeaderList): OutgoingHeaders {
  for (const each of remembered) if (isSame(each, headers)) return each
  const list: (readonly [string, string])[] = []
  let text = ''
  let lengths = 0
  // Each is read once: what is checked is what is sent, whatever the list is.
  for (const [name, value] of headers) {
    checkField(name, value, 'ERR_HTTP_BAD_HEADER')
    if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') throw new UsageError('ERR_HTTP_BAD_HEADER', `${name} is not the caller's to set`)
    if (name.length === 14 && name.toLowerCase() === 'content-length' && ++lengths > 1) throw new UsageError('ERR_HTTP_BAD_CONTENT_LENGTH', 'More than one Content-Length')
    list.push([name, value])
    text += `${name}: ${value}\r\n`
  }
  if (list.length === 0) return noHeaders
  let fields: Fields
  try {
    fields = gatherFields(list)
  } catch (error) {
    if (isAsyncError(error)) throw new UsageError(error.code, error.message)
    throw error
  }
  if (fields.upgrade !== undefined && !fields.connectionUpgrade) throw new UsageError('ERR_HTTP_BAD_HEADER', 'Upgrade without Connection: upgrade')
  const made: OutgoingHeaders = { list, fields, text, isAscii: !obsText.test(text) }
  if (text.length <= maxRememberedBytes && !list.some(([name]) => secret.has(name.toLowerCase()))) {
    remembered[next] = made
    next = (next + 1) % rememberedCount
  }
  return made
}

function isSame({ list }: OutgoingHeaders, headers: HeaderList): boolean {
  if (headers.length !== list.length) return false
  for (let at = 0; at < list.length; at++) {
    const known = list[at]!
    const field = headers[at]!
    if (field[0] !== known[0] || field[1] !== known[1]) return false
  }
  return true
}

/** Checks trailers that are to be sent. @throws UsageError `ERR_HTTP_BAD_TRAILER` for what is no field, or may not be a trailer. */
export function checkTrailers(trailers: HeaderList): void {
  for (const [name, value] of trailers) {
    checkField(name, value, 'ERR_HTTP_BAD_TRAILER')
    if (!mayTrail(name.toLowerCase())) throw new UsageError('ERR_HTTP_BAD_TRAILER', `${name} may not be a trailer`)
  }
}

function checkField(name: string, value: string, code: string): void {
  if (typeof name !== 'string' || !isToken(name)) throw new UsageError(code, `No field name: "${printable(String(name))}"`)
  if (typeof value !== 'string' || !isFieldValue(value) || /^[\t ]|[\t ]$/.test(value)) {
    throw new UsageError(code, `The value of ${printable(name)} has characters that a field may not have there`)
  }
}

/** In a field or reason it is one byte a character, not UTF-8. RFC 9110 §5.5 */
export const obsText: RegExp = /[\x80-\xff]/
