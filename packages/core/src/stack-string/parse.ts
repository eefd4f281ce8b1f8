/**
 * Theory of operation. The segments are read up to the first ":"; what follows is read by the kind of the lowest scheme: a command
 * (`exec`), or an authority, a path and a query. Then what was written is given to its owner: a short form is expanded, and over tcp
 * the path and query become the target of the nearest `http` or `ws`. One pass; the grammar is docs/stack-strings.md.
 */
import { UsageError } from '../errors.ts'
import type { StackDescription, StackLayer, StackTransport } from './description.ts'
import { isIPv6, maxStackLength, pathSchemes, shortForms, targetPattern, targetTaker } from './grammar.ts'
import { Reader } from './reader.ts'

/** Options of `parseStack`. */
export interface ParseStackOptions {
  /** Whether `exec:`, which starts a program, is allowed. Default false: a string from a file or from outside must not run commands. */
  readonly allowExec?: boolean
}

interface Segment {
  readonly scheme: string
  readonly params: Record<string, string>
  /** Where it begins: for errors that concern the whole of it. */
  readonly at: number
}

interface Location {
  readonly host?: string
  readonly port?: number
  readonly path?: string
}

const schemePattern = /[a-z][a-z0-9-]*/y
const namePattern = /[A-Za-z0-9._-]+/y
const hostPattern = /[A-Za-z0-9._-]+/y
const addressPattern = /\[([^%\]]*)(?:%25([A-Za-z0-9._-]+))?\]/y
const portPattern = /[0-9]{1,5}/y
const valueEnd = /[ +:;]/g
const pathEnd = /[ ?#]/g
const queryEnd = /[ &#]/g

/**
 * Reads a stack string into plain data, top first, with the short forms expanded. Nothing is imported, connected or looked up.
 * @throws StackSyntaxError (a UsageError) `ERR_STACK_SYNTAX`, with `offset` and `expected`; UsageError `ERR_STACK_EXEC` for an `exec:`
 * that `allowExec` does not allow, `ERR_INVALID_ARGUMENT` if `text` is no string.
 */
export function parseStack(text: string, options?: ParseStackOptions): StackDescription {
  if (typeof text !== 'string') throw new UsageError('ERR_INVALID_ARGUMENT', `a stack string is a string, not ${typeof text}`)
  const reader = new Reader(text)
  if (text.length > maxStackLength) reader.fail(`at most ${maxStackLength} characters`, maxStackLength)
  // oxlint-disable-next-line no-control-regex -- to refuse them is the point
  const bad = text.search(/[\u0000-\u001f\u007f-\u009f]|\p{Surrogate}/u)
  if (bad >= 0) reader.fail('no control character and no lone surrogate', bad)

  const segments = readSegments(reader)
  const lowest = segments.pop() as Segment
  if (lowest.scheme === 'exec') {
    if (options?.allowExec !== true) {
      throw new UsageError('ERR_STACK_EXEC', 'stack string: exec: starts a program, which is not allowed here')
    }
    return { layers: segments.map(layer), transport: { ...layer(lowest), words: readWords(reader) } }
  }
  const short = shortForms.get(lowest.scheme)
  if (short !== undefined) {
    for (const [index, scheme] of short.entries()) segments.push(index === 0 ? { ...lowest, scheme } : bareSegment(scheme, lowest.at))
    return overTcp(reader, segments, bareSegment('tcp', lowest.at))
  }
  if (lowest.scheme === 'tcp') return overTcp(reader, segments, lowest)
  return { layers: segments.map(layer), transport: readTransport(reader, lowest) }
}

function readSegments(reader: Reader): Segment[] {
  const segments: Segment[] = []
  for (;;) {
    const segment = bareSegment('', reader.at)
    const scheme = reader.match(schemePattern, 'a scheme (a-z, then a-z, 0-9 or "-")')
    while (reader.take(';')) {
      const name = readName(reader, segment.params)
      segment.params[name] = reader.decoded(valueEnd, 'nul')
    }
    segments.push({ ...segment, scheme })
    if (reader.take(':')) return segments
    if (!reader.take('+')) reader.fail(reader.here === ' ' ? 'no space (write %20)' : '"+", ";" or ":"')
  }
}

function bareSegment(scheme: string, at: number): Segment {
  return { scheme, params: Object.create(null) as Record<string, string>, at }
}

function layer({ scheme, params }: Segment): StackLayer {
  return { scheme, params }
}

/** Reads a parameter's name and the "=" behind it. */
function readName(reader: Reader, params: Readonly<Record<string, string>>): string {
  const at = reader.at
  const name = reader.match(namePattern, "a parameter's name")
  if (name in params) reader.fail(`no second ${JSON.stringify(name)}`, at)
  if (!reader.take('=')) reader.fail('"="')
  return name
}

/** tcp: host and port are its own, the rest is the target of the nearest layer that takes one. */
function overTcp(reader: Reader, segments: readonly Segment[], tcp: Segment): StackDescription {
  if (!reader.take('//')) reader.fail('"//" and a host')
  const { host, port } = readAuthority(reader)
  const from = reader.at
  const taker = targetTaker(segments)
  if (from < reader.text.length) {
    if (taker === undefined) reader.fail('the end: neither http nor ws is here to take a path')
    if ('path' in taker.params) reader.fail(`the end: ${taker.scheme};path= is given already`)
    const rest = reader.text.slice(from)
    const target = rest.startsWith('/') ? rest : `/${rest}`
    if (!targetPattern.test(target)) reader.fail('a target in ASCII with valid escapes', badTarget(reader, from))
    taker.params['path'] = target
  }
  const implied = port ?? impliedPort(segments, taker)
  if (implied === undefined) reader.fail('a port (":" and 0 to 65535)', from)
  return { layers: segments.map(layer), transport: { ...layer(tcp), ...(host === undefined ? {} : { host }), port: implied } }
}

function impliedPort(segments: readonly Segment[], taker: Segment | undefined): number | undefined {
  if (taker === undefined) return undefined
  return segments.slice(segments.indexOf(taker)).some(({ scheme }) => scheme === 'tls') ? 443 : 80
}

/** The first place, from `from` on, that no target has. */
function badTarget(reader: Reader, from: number): number {
  const good = /(?:[!$&-;=?-Z[\]_a-z~]|%[0-9A-Fa-f]{2})*/y
  good.lastIndex = from
  good.exec(reader.text)
  return good.lastIndex
}

/** Any lowest scheme but tcp and exec. */
function readTransport(reader: Reader, segment: Segment): StackTransport {
  const example = pathSchemes.get(segment.scheme)
  const start = reader.at
  const location: { -readonly [K in keyof Location]: Location[K] } = reader.take('//') ? readAuthority(reader) : {}
  if (example !== undefined && (location.host !== undefined || location.port !== undefined)) reader.fail(`a path, as in ${example}`, start)
  const path = reader.decoded(pathEnd, 'no nul')
  if (path !== '') location.path = path
  else if (example !== undefined) reader.fail(`a path, as in ${example}`)
  if (reader.take('?')) {
    do {
      const name = readName(reader, segment.params)
      segment.params[name] = reader.decoded(queryEnd, 'nul')
    } while (reader.take('&'))
  }
  if (reader.here !== '') reader.fail(reader.here === ' ' ? 'no space (write %20)' : 'the end (a "#" or "?" of a name is %23 or %3F)')
  return { ...layer(segment), ...location }
}

/** Reads `[host][:port]`; what follows is the end, "/" or "?". */
function readAuthority(reader: Reader): { host?: string; port?: number } {
  const authority: { host?: string; port?: number } = {}
  if (reader.here === '[') authority.host = readAddress(reader)
  else if (/[A-Za-z0-9._-]/.test(reader.here)) authority.host = reader.match(hostPattern, 'a host')
  if (reader.take(':')) {
    const at = reader.at
    authority.port = Number(reader.match(portPattern, 'a port (0 to 65535)'))
    if (authority.port > 65535 || /[0-9]/.test(reader.here)) reader.fail('a port (0 to 65535)', at)
  }
  if (!/^[/?]?$/.test(reader.here)) {
    const host = 'a host (ASCII, or an IPv6 address in brackets), ":", "/", "?" or the end'
    reader.fail(reader.here === '@' ? 'no user name or password' : host)
  }
  return authority
}

function readAddress(reader: Reader): string {
  addressPattern.lastIndex = reader.at
  const found = addressPattern.exec(reader.text)
  const [all = '', address = '', zone] = found ?? []
  if (!isIPv6(address)) reader.fail('an IPv6 address in brackets')
  reader.at += all.length
  return zone === undefined ? address : `${address}%${zone}`
}

/** Splits a command: at spaces, without a shell; quotes of either kind group. */
function readWords(reader: Reader): string[] {
  const words: string[] = []
  const skip = / */y
  for (;;) {
    skip.lastIndex = reader.at
    skip.exec(reader.text)
    reader.at = skip.lastIndex
    if (reader.here === '') break
    let word = ''
    while (reader.here !== ' ' && reader.here !== '') {
      const quote = reader.here
      if (quote === '"' || quote === "'") {
        const open = reader.at++
        word += reader.decoded(quote === '"' ? /"/g : /'/g, 'no nul')
        if (!reader.take(quote)) reader.fail(`a closing ${quote} for the one at ${open}`)
      } else {
        word += reader.decoded(/[ "']/g, 'no nul')
      }
    }
    words.push(word)
  }
  if (words.length === 0 || words[0] === '') reader.fail('a command')
  return words
}
