import { UsageError } from '../errors.ts'
import type { StackDescription, StackLayer, StackParams, StackTransport } from './description.ts'
import { isIPv6, maxStackLength, pathSchemes, shortForms, targetPattern, targetTaker } from './grammar.ts'

/**
 * Writes a stack as one string, in the long form: `parseStack` gives an equal description back (with `allowExec` for an `exec`).
 * @throws UsageError `ERR_INVALID_ARGUMENT` for what can't be written: a scheme or parameter that is no name, a lone surrogate, a
 * location that the scheme has no place for.
 */
export function formatStack(stack: StackDescription): string {
  const { transport } = stack
  const parts: string[] = []
  const taker = transport.scheme === 'tcp' ? targetTaker(stack.layers) : undefined
  const written = taker?.params['path']
  const target = written !== undefined && targetPattern.test(written) ? written : undefined
  for (const layer of stack.layers) {
    parts.push(segment(layer, layer === taker && target !== undefined ? 'path' : undefined))
  }
  checkTransport(transport)
  if (transport.words !== undefined) {
    parts.push(`${segment(transport)}:${transport.words.map(word).join(' ')}`)
  } else if (transport.scheme === 'tcp') {
    parts.push(`${segment(transport)}:${authority(transport)}${target ?? ''}`)
  } else {
    parts.push(`${name(/^[a-z][a-z0-9-]*$/, transport.scheme)}:${location(transport)}${query(transport.params)}`)
  }
  const text = parts.join('+')
  if (text.length > maxStackLength) refuse(`it is ${text.length} characters long, and ${maxStackLength} are allowed`)
  return text
}

/** What the grammar has no place for, or reads as something else. */
function checkTransport({ scheme, host, port, path, words }: StackTransport): void {
  if (shortForms.has(scheme)) refuse(`${scheme} stands for a layer over tcp`)
  if ((scheme === 'exec') !== (words !== undefined) || words?.length === 0 || words?.[0] === '') refuse('words are of exec, and not empty')
  const hasPlace = host !== undefined || port !== undefined
  if (scheme === 'exec' && (hasPlace || path !== undefined)) refuse('exec has neither host nor path')
  if (scheme === 'tcp' && (path !== undefined || port === undefined)) refuse('tcp has a port and no path')
  if (pathSchemes.has(scheme) && (hasPlace || path === undefined)) refuse(`${scheme} has a path and no host`)
  if (path === '') refuse('a path is not empty')
  if (port !== undefined && !(Number.isInteger(port) && port >= 0 && port <= 65535)) refuse(`${port} is no port`)
}

function segment({ scheme, params }: StackLayer, without?: string): string {
  let text = name(/^[a-z][a-z0-9-]*$/, scheme)
  for (const [key, value] of Object.entries(params)) {
    if (key !== without) text += `;${paramName(key)}=${escape(value, /[^A-Za-z0-9._~/!$'()*,@=&?-]/gu)}`
  }
  return text
}

function query(params: StackParams): string {
  const pairs = Object.entries(params).map(([key, value]) => `${paramName(key)}=${escape(value, /[^A-Za-z0-9._~/!$'()*,@=:;+?\\-]/gu)}`)
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`
}

function authority(at: { readonly host?: string; readonly port?: number }): string {
  const { host, port } = at
  return `//${host === undefined ? '' : hostText(host)}${port === undefined ? '' : `:${port}`}`
}

function hostText(host: string): string {
  const [address = '', zone, ...rest] = host.split('%')
  if (!isIPv6(address)) return name(/^[A-Za-z0-9._-]+$/, host)
  if (zone === undefined) return `[${address}]`
  return `[${address}%25${rest.length === 0 ? name(/^[A-Za-z0-9._-]+$/, zone) : refuse('a host has one zone')}]`
}

function location(at: { readonly host?: string; readonly port?: number; readonly path?: string }): string {
  const path = escape(at.path ?? '', /[^A-Za-z0-9._~/!$'()*,@=&:;+\\-]/gu)
  if (path.includes('%00')) refuse('a path has no NUL')
  if (at.host === undefined && at.port === undefined) return path.startsWith('//') ? `//${path}` : path
  if (path !== '' && !path.startsWith('/')) refuse('a path behind a host starts with "/"')
  return authority(at) + path
}

function word(text: string): string {
  if (text.includes('\0')) refuse('a word has no NUL')
  return text === '' ? '""' : escape(text, /[^A-Za-z0-9._~/!$()*,@=&:;+?#\\|<>{}[\]^`-]/gu)
}

function escape(text: string, unsafe: RegExp): string {
  try {
    return text.replace(unsafe, escapeOne)
  } catch (cause) {
    throw new UsageError('ERR_INVALID_ARGUMENT', 'a stack string has no lone surrogate', { cause })
  }
}

/** `encodeURIComponent` leaves `'` and others alone; here whatever is unsafe is escaped. */
function escapeOne(character: string): string {
  const encoded = encodeURIComponent(character)
  return encoded === character ? `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}` : encoded
}

function paramName(text: string): string {
  return name(/^[A-Za-z0-9._-]+$/, text)
}

function name(pattern: RegExp, text: string): string {
  if (!pattern.test(text)) refuse(`${JSON.stringify(text.slice(0, 32))} is no name`)
  return text
}

function refuse(why: string): never {
  throw new UsageError('ERR_INVALID_ARGUMENT', `this stack can't be written as a string: ${why}`)
}
