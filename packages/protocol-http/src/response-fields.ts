import type { HeaderList } from './events.ts'
import type { HeadersSource } from './light-response.ts'

/** The fields of a Response that are sent. */
export type ResponseFields = HeaderList

/** Fields that concern the connection to somebody else: a Response that was fetched has them. RFC 9110 §7.6.1 */
const hopByHop: ReadonlySet<string> = new Set(['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding', 'upgrade'])
const textType = ['content-type', 'text/plain;charset=UTF-8'] as const
const onlyTextType: HeaderList = [textType]
const noFields: HeaderList = []

/**
 * The fields that are sent of what a Response was given: each value without the white space around it, none that concern another connection, and
 * the type of a text that has none (`addsType`). There is no length where that has no place (`dropsLength`): beside trailers, and in a 204, which a proxy may have got with one.
 */
export function responseFields(given: HeadersSource, addsType: boolean, dropsLength: boolean): ResponseFields {
  if (given === undefined) return addsType ? onlyTextType : noFields
  const fields: (readonly [string, string])[] = []
  let hasType = false
  const add = (name: string, value: string): void => {
    const lower = name.toLowerCase()
    if (lower === 'content-type') hasType = true
    else if (hopByHop.has(lower) && !(lower === 'connection' && value.toLowerCase() === 'close')) return
    else if (lower === 'content-length' && dropsLength) return
    fields.push([name, value])
  }
  // Pairs, in whatever gives one after the other: the platform takes a Map, too, which the type does not have.
  const pairs = given as unknown as Partial<Iterable<[string, string]>>
  if (typeof (given as Headers).getSetCookie === 'function') for (const [name, value] of given as Headers) add(name, value)
  else if (pairs[Symbol.iterator] !== undefined) for (const [name, value] of pairs as Iterable<[string, string]>) add(name, String(value).trim())
  else for (const name of Object.keys(given)) add(name, String((given as Record<string, string>)[name]).trim())
  if (addsType && !hasType) fields.push(textType)
  return fields
}
