import type { StackLayer } from '@async/core'
import { usage } from './exit.ts'

/** How a parameter's text is read: a whole number from 0, a number from 0, true or false, or as it is. */
export type ParameterKind = 'count' | 'number' | 'boolean' | 'text'

/**
 * Reads the parameters of a layer as options. A name that is not known, or a text that is not of its kind, is an error: a misspelt
 * limit must not be no limit.
 */
export function layerOptions(layer: StackLayer, known: Readonly<Record<string, ParameterKind>>): Record<string, unknown> {
  const options: Record<string, unknown> = {}
  for (const [name, text] of Object.entries(layer.params)) {
    const kind = Object.hasOwn(known, name) ? known[name] : undefined
    if (kind === undefined) throw usage(`${layer.scheme} has no parameter ${name}: ${list(Object.keys(known))}`)
    options[name] = read(text, kind, `${layer.scheme};${name}`)
  }
  return options
}

function read(text: string, kind: ParameterKind, where: string): unknown {
  if (kind === 'text') return text
  if (kind === 'boolean') {
    if (text !== 'true' && text !== 'false') throw usage(`${where} is true or false, not ${JSON.stringify(text.slice(0, 32))}`)
    return text === 'true'
  }
  const number = (kind === 'count' ? /^\d{1,15}$/ : /^\d{1,15}(?:\.\d{1,15})?$/).test(text) ? Number(text) : NaN
  if (Number.isNaN(number)) throw usage(`${where} is a ${kind === 'count' ? 'whole ' : ''}number, not ${JSON.stringify(text.slice(0, 32))}`)
  return number
}

function list(names: readonly string[]): string {
  return names.length === 0 ? 'it has none' : `it has ${names.join(', ')}`
}
