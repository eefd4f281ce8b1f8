/**
 * Node's parser, llhttp, as `node:http` has it: the `HTTPParser` of `node:_http_common`, strict (no lenient flag), driven without sockets.
 * What its callbacks answer is what node:http's answer.
 */
import { createRequire } from 'node:module'
import type { Input } from './generate.ts'
import { latin1Bytes, type Message, type Outcome } from './outcome.ts'

interface Parser {
  [callback: number]: unknown
  initialize(type: number, resource: object, maxHeaderSize: number, lenientFlags: number): void
  execute(data: Uint8Array, offset: number, length: number): number | (Error & { code: string; reason?: string; bytesParsed: number })
  finish(): (Error & { code: string; reason?: string }) | number | undefined
}
interface ParserClass {
  new (): Parser
  readonly REQUEST: number
  readonly RESPONSE: number
  readonly kOnMessageBegin: number
  readonly kOnHeaders: number
  readonly kOnHeadersComplete: number
  readonly kOnBody: number
  readonly kOnMessageComplete: number
  readonly kLenientNone: number
}

// Its types are not public.
const { HTTPParser, methods } = createRequire(import.meta.url)('node:_http_common') as { HTTPParser: ParserClass; methods: readonly string[] }

/** The methods that it takes; its table has one more than it tells (QUERY). */
export const knownMethods: ReadonlySet<string> = new Set(methods)

const parser = new HTTPParser()
let outcome: Outcome
let asked: string[] | undefined
let flat: string[] = []
let target = ''
let message: { -readonly [part in keyof Message]: Message[part] } | undefined
let isOver = false
let tooMany = false

function pairs(list: readonly string[]): [string, string][] {
  const result: [string, string][] = []
  // Its texts are latin-1 already.
  for (let at = 0; at < list.length; at += 2) result.push([list[at]!.toLowerCase(), list[at + 1]!])
  return result
}

parser[HTTPParser.kOnMessageBegin] = (): void => {
  flat = []
  target = ''
  // An answer to nothing.
  if (asked?.length === 0) tooMany = true
}
parser[HTTPParser.kOnHeaders] = (headers: string[], url: string): void => {
  flat.push(...headers)
  target += url
}
parser[HTTPParser.kOnHeadersComplete] = (
  major: number, minor: number, headers: string[] | undefined, method: number | undefined, url: string | undefined, status: number, reason: string, upgrade: boolean, keep: boolean,
): number => {
  const all = headers === undefined ? flat : [...flat, ...headers]
  const fields = { version: `${major}.${minor}`, headers: pairs(all), body: '', trailers: [], keep }
  flat = []
  if (asked === undefined) {
    message = { kind: upgrade ? 'switch' : 'request', method: methods[method!] ?? 'QUERY', target: target + (url ?? ''), ...fields }
    return 0
  }
  const isConnect = asked[0] === 'CONNECT' && status >= 200 && status <= 299
  const kind = upgrade || isConnect ? 'switch' : status >= 100 && status < 200 ? 'informational' : 'response'
  message = { kind, method: String(status), target: reason, ...fields }
  if (kind === 'switch') return 2
  return kind === 'informational' || asked[0] === 'HEAD' ? 1 : 0
}
parser[HTTPParser.kOnBody] = (body: Uint8Array): void => {
  message!.body += Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1')
}
parser[HTTPParser.kOnMessageComplete] = (): void => {
  if (message === undefined || isOver || tooMany) return
  const isSwitch = message.kind === 'switch'
  if (isSwitch && asked === undefined) message.kind = 'request'
  if (isSwitch || message.kind === 'informational') message.keep = true
  message.trailers = pairs(flat)
  outcome.messages.push(message)
  if (isSwitch) outcome.end = 'switched'
  if (message.kind === 'response') asked!.shift()
  if (isSwitch || !message.keep) isOver = true
  message = undefined
}

/** What Node's parser makes of `input` and the end behind it. */
export function llhttp(input: Input): Outcome {
  outcome = { messages: [], end: 'clean', why: '', leftover: '' }
  asked = input.asked === undefined ? undefined : [...input.asked]
  isOver = false
  tooMany = false
  message = undefined
  flat = []
  parser.initialize(asked === undefined ? HTTPParser.REQUEST : HTTPParser.RESPONSE, {}, 0, HTTPParser.kLenientNone)
  const data = latin1Bytes(input.text)
  let result = data.length === 0 ? 0 : parser.execute(data, 0, data.length)
  if (outcome.end === 'switched') {
    if (typeof result === 'number') outcome.leftover = input.text.slice(result)
    return outcome
  }
  if (isOver) return outcome
  if (typeof result === 'number') result = (parser.finish() as typeof result | undefined) ?? 0
  if (tooMany) refuse('unexpected', 'a response to no request')
  else if (typeof result === 'object' && !isOver) refuse(result.code, result.reason ?? result.message)
  else if (message !== undefined) refuse('cut off', '')
  return outcome
}

function refuse(code: string, reason: string): void {
  outcome.end = 'refused'
  outcome.why = `${code} ${reason}`
}
