import { HttpProtocolError, printable } from './errors.ts'
import type { HttpVersion } from './events.ts'

/** Pieces of the grammar. Each is a regular expression without backtracking, so that time is linear, or a comparison. */

const tokenText = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
/** HTAB, SP, VCHAR, obs-text: no control characters, and so no bare CR or LF. */
const badInValue = /[^\t\x20-\x7e\x80-\xff]/
const visible = /^[\x21\x22\x24-\x7e]+$/
const hostText = /^(?:\[([0-9A-Fa-f:.]+)\]|(?:[A-Za-z0-9\-._~!$&'()*+;=]|%[0-9A-Fa-f]{2})+)(?::([0-9]{1,5}))?$/
const absoluteText = /^([A-Za-z][A-Za-z0-9+\-.]*):\/\/([^/?]+)/
const ipv4Text = /^(?:(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(?:\.(?!$)|$)){4}$/
const digitsText = /^[0-9]+$/
const extensionsText = /^(?:;[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:=(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"))?)*$/
const commonMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH'])

/** token. RFC 9110 §5.6.2 */
export function isToken(text: string): boolean {
  return tokenText.test(text)
}

const tokenBytes: Uint8Array = Uint8Array.from({ length: 256 }, (_, byte) => (tokenText.test(String.fromCharCode(byte)) ? 1 : 0))

/** tchar, as a byte. RFC 9110 §5.6.2 */
export function isTokenByte(byte: number): boolean {
  return tokenBytes[byte] === 1
}

/** field-value, already without the white space around it. RFC 9110 §5.5 */
export function isFieldValue(text: string): boolean {
  return !badInValue.test(text)
}

/** Host = uri-host [ ":" port ], not empty (no http URI has an empty host, RFC 9110 §4.2.1), no list. RFC 9110 §7.2 */
export function isHost(text: string): boolean {
  // A server has few names, and is asked for them again and again.
  if (text === lastHost) return true
  const isOne = matchesHost(text)
  if (isOne) lastHost = text
  return isOne
}

let lastHost: string | undefined

function matchesHost(text: string): boolean {
  const match = hostText.exec(text)
  if (match === null) return false
  const [, address, port] = match
  return (port === undefined || Number(port) <= 65535) && (address === undefined || isIpv6(address))
}

/** IPv6address. RFC 3986 §3.2.2 */
function isIpv6(text: string): boolean {
  const halves = text.split('::')
  if (halves.length > 2) return false
  let groups = 0
  for (const [index, half] of halves.entries()) {
    if (half === '') continue
    const parts = half.split(':')
    for (const [at, part] of parts.entries()) {
      if (/^[0-9A-Fa-f]{1,4}$/.test(part)) groups++
      else if (index === halves.length - 1 && at === parts.length - 1 && ipv4Text.test(part)) groups += 2
      else return false
    }
  }
  return halves.length === 2 ? groups < 8 : groups === 8
}

/** method. RFC 9110 §9.1 */
export function isMethod(text: string): boolean {
  return commonMethods.has(text) || tokenText.test(text)
}

/** The method that `line` begins with, up to `end`; undefined if it is none. The two that most requests have are not cut out of it. */
export function methodOf(line: string, end: number): string | undefined {
  if (end === 3 && line.startsWith('GET')) return 'GET'
  if (end === 4 && line.startsWith('POST')) return 'POST'
  const method = line.slice(0, end)
  return isMethod(method) ? method : undefined
}

/** 1*DIGIT, the value of Content-Length. RFC 9110 §8.6 */
export function isDigits(text: string): boolean {
  return digitsText.test(text)
}

/** request-target: visible ASCII without a fragment, in one of the forms that `method` may use. RFC 9112 §3.2 */
export function isTarget(target: string, method: string): boolean {
  if (!visible.test(target)) return false
  if (method === 'CONNECT') return isHost(target) && /:[0-9]+$/.test(target)
  if (target.charCodeAt(0) === 0x2f) return true
  if (target === '*') return method === 'OPTIONS'
  const authority = absoluteText.exec(target)?.[2]
  return authority !== undefined && isHost(authority)
}

/**
 * Whether `host` is what an absolute `target` names, in any case and with or without the scheme's own port; true for targets of other
 * forms. RFC 9112 §3.2.2 lets the target win; two readers of which one does not know that are led to different hosts.
 */
export function isHostOfTarget(host: string, target: string): boolean {
  if (target.charCodeAt(0) === 0x2f) return true
  const match = absoluteText.exec(target)
  if (match === null) return true
  const [, scheme = '', authority = ''] = match
  const plain = (text: string): string => withoutDefaultPort(text.toLowerCase(), scheme.toLowerCase())
  return plain(host) === plain(authority)
}

function withoutDefaultPort(authority: string, scheme: string): string {
  const port = scheme === 'http' ? ':80' : scheme === 'https' ? ':443' : '\0'
  return authority.endsWith(port) ? authority.slice(0, -port.length) : authority
}

/** Upgrade = #protocol, protocol = token [ "/" token ], at least one. RFC 9110 §7.8 */
export function isUpgrade(text: string): boolean {
  const members = parseList(text)
  return members.length > 0 && members.every((member) => /^[^/]+(?:\/[^/]+)?$/.test(member) && member.split('/').every(isToken))
}

/** chunk-ext without bad white space: removing it (RFC 9112 §7.1.1 would) is where parsers have differed. */
export function isChunkExtensions(text: string): boolean {
  return extensionsText.test(text)
}

/**
 * HTTP-version. RFC 9112 §2.3
 * @throws HttpProtocolError `code` for what is no version; `ERR_HTTP_UNSUPPORTED_VERSION` (505) for another version.
 */
export function parseVersion(text: string, code: string): HttpVersion {
  if (text === 'HTTP/1.1') return '1.1'
  if (text === 'HTTP/1.0') return '1.0'
  if (/^HTTP\/[0-9]\.[0-9]$/.test(text)) throw new HttpProtocolError('ERR_HTTP_UNSUPPORTED_VERSION', `The version is ${text}, not 1.0 or 1.1`, 505)
  throw new HttpProtocolError(code, `No HTTP version: "${printable(text)}"`)
}

/**
 * One field line: name, colon, value. No white space before the name (obs-fold, RFC 9112 §5.2) nor before the colon (§5.1).
 * @throws HttpProtocolError `code`.
 */
export function parseField(line: string, code: string): readonly [name: string, value: string] {
  const colon = line.indexOf(':')
  const raw = line.slice(0, colon < 0 ? 0 : colon)
  let name = lowerNames.get(raw)
  if (name === undefined) {
    if (!tokenText.test(raw)) throw new HttpProtocolError(code, `No field line: "${printable(line)}"`)
    name = raw.toLowerCase()
  }
  const value = trimWhite(line, colon + 1, line.length)
  if (badInValue.test(value)) throw new HttpProtocolError(code, `A control character in the value of ${printable(name)}`)
  return [name, value]
}

/** Without the white space around it. A loop: a regular expression that is anchored at the end alone takes quadratic time. */
function trimWhite(text: string, from: number, to: number): string {
  let start = from
  let end = to
  while (start < end && isWhite(text.charCodeAt(start))) start++
  while (end > start && isWhite(text.charCodeAt(end - 1))) end--
  return text.slice(start, end)
}

function isWhite(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/** The members of a comma-separated list, in lower case, empty ones left out. RFC 9110 §5.6.1 */
export function parseList(value: string): string[] {
  return value.split(',').map((member) => trimWhite(member, 0, member.length).toLowerCase()).filter((member) => member !== '')
}

/** The names that nearly every message has, as written by most: neither checked nor lowered again. */
const lowerNames: ReadonlyMap<string, string> = new Map(
  [
    'Host', 'User-Agent', 'Accept', 'Accept-Encoding', 'Accept-Language', 'Connection', 'Content-Type', 'Content-Length', 'Cookie', 'Date',
    'Server', 'Transfer-Encoding', 'Cache-Control', 'Authorization', 'Origin', 'Referer', 'Keep-Alive', 'Vary', 'ETag', 'Last-Modified',
    'Accept-Ranges', 'Content-Encoding', 'Location', 'Set-Cookie', 'If-None-Match', 'If-Modified-Since', 'Range', 'Pragma', 'Via', 'Upgrade', 'Priority',
    'Upgrade-Insecure-Requests', 'Sec-Fetch-Dest', 'Sec-Fetch-Mode', 'Sec-Fetch-Site', 'Sec-Fetch-User', 'Sec-CH-UA', 'Sec-CH-UA-Mobile', 'Sec-CH-UA-Platform',
    'X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto', 'X-Real-IP', 'X-Request-Id', 'X-Requested-With',
  ].flatMap((name) => [[name, name.toLowerCase()] as const, [name.toLowerCase(), name.toLowerCase()] as const]),
)
