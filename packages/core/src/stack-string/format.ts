import { UsageError } from '../errors.ts'
import type { StackDescription, StackLayer, StackParams } from './description.ts'
import { maxStackLength, targetPattern, targetTaker } from './grammar.ts'

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
  if (transport.words !== undefined) {
    if (transport.scheme !== 'exec' || transport.words.length === 0 || transport.words[0] === '') refuse('words are of exec, and not empty')
    parts.push(`${segment(transport)}:${transport.words.map(word).join(' ')}`)
  } else if (transport.scheme === 'tcp') {
    if (transport.path !== undefined || transport.port === undefined) refuse('tcp has a port and no path')
    parts.push(`${segment(transport)}:${authority(transport)}${target ?? ''}`)
  } else {
    parts.push(`${name(/^[a-z][a-z0-9-]*$/, transport.scheme)}:${location(transport)}${query(transport.params)}`)
  }
  const text = parts.join('+')
  if (text.length > maxStackLength) refuse(`it is ${text.length} characters long, and ${maxStackLength} are allowed`)
  return text
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
  const { host = '', port } = at
  const shown = host.includes(':') ? `[${host.replace('%', '%25')}]` : name(/^[A-Za-z0-9._-]*$/, host)
  return `//${shown}${port === undefined ? '' : `:${port}`}`
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
