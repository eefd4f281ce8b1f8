// oxlint-disable no-control-regex -- bytes are what this is about
/** Our machine under the fuzzer: drives it, and holds it to what it promises whatever comes. */
import { HttpConnection } from '../../src/connection.ts'
import { HttpLimitError, HttpProtocolError } from '../../src/errors.ts'
import type { HeaderList, HttpEvent } from '../../src/events.ts'
import type { HttpLimits } from '../../src/limits.ts'
import { defaultLimits } from '../../src/limits.ts'
import type { Input } from './generate.ts'
import { latin1Bytes, type Message, type Outcome } from './outcome.ts'

/** Every code that may end a connection, with the statuses that it may be answered with. The oracle: nothing else ever escapes. */
const errors: Readonly<Record<string, readonly number[]>> = {
  ERR_HTTP_BAD_CHUNK_END: [400], ERR_HTTP_BAD_CHUNK_EXTENSION: [400], ERR_HTTP_BAD_CHUNK_SIZE: [400], ERR_HTTP_BAD_CONTENT_LENGTH: [400], ERR_HTTP_BAD_HEADER: [400],
  ERR_HTTP_BAD_HOST: [400], ERR_HTTP_BAD_LINE_ENDING: [400], ERR_HTTP_BAD_REQUEST_LINE: [400], ERR_HTTP_BAD_STATUS_LINE: [400], ERR_HTTP_BAD_TRAILER: [400],
  ERR_HTTP_BAD_TRANSFER_ENCODING: [400], ERR_HTTP_TRUNCATED: [400], ERR_HTTP_UNEXPECTED_RESPONSE: [400], ERR_HTTP_UNSUPPORTED_EXPECTATION: [417],
  ERR_HTTP_UNSUPPORTED_TRANSFER_ENCODING: [501], ERR_HTTP_UNSUPPORTED_VERSION: [505],
}
const limitErrors: Readonly<Record<string, readonly number[]>> = {
  ERR_HTTP_BODY_TOO_LARGE: [413], ERR_HTTP_CHUNK_EXTENSION_TOO_LARGE: [413], ERR_HTTP_HEADER_TOO_LARGE: [431], ERR_HTTP_START_LINE_TOO_LONG: [400, 414],
  ERR_HTTP_TOO_MANY_HEADERS: [431], ERR_HTTP_TRAILER_TOO_LARGE: [431],
}

/** What we make of an input, and what is left of a message that was begun. */
export interface OurOutcome extends Outcome {
  /** The message that was refused or cut off, as far as it was told. */
  partial: { head: string; body: string } | undefined
  /** Where each message begins in the input, and (of the last entry) where what was refused began. */
  readonly starts: number[]
  error: unknown
}

/** Counts the bytes that are made into text: what is examined one by one. A body passes as views. */
let examinedBytes = 0
class CountedBytes extends Uint8Array {
  latin1Slice(start: number, end: number): string {
    examinedBytes += end - start
    return Buffer.from(this.buffer, this.byteOffset, this.byteLength).toString('latin1', start, end)
  }
}

function counted(text: string): Uint8Array {
  const bytes = latin1Bytes(text)
  return new CountedBytes(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.length)
}

export class OracleError extends Error {}

function textOf(bytes: Uint8Array): string {
  if (bytes.length === 1) return String.fromCharCode(bytes[0]!)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

/** Reads of one byte. */
const singles = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte))

/** How the one who drives answers. `switches`: an offer to switch is taken. */
export interface DriveOptions {
  readonly limits?: Partial<HttpLimits>
  readonly switches?: boolean
  /** All is fed before the first event is asked for; a client pipelines its requests. */
  readonly isLazy?: boolean
}

class Drive {
  readonly outcome: OurOutcome = { messages: [], end: 'clean', why: '', leftover: '', partial: undefined, starts: [0], error: undefined }
  readonly machine: HttpConnection
  private readonly asked: string[]
  private readonly switches: boolean
  private readonly isClient: boolean
  private readonly isLazy: boolean
  private aheadCount = 0
  private fedBytes = 0
  private eventCount = 0
  private method = ''
  private head: { readonly kind: Message['kind']; readonly method: string; readonly target: string; readonly version: string; readonly headers: HeaderList } | undefined
  private body = ''
  private offered = false
  /** Nothing is read any more. */
  isOver = false

  constructor({ asked }: Input, { limits, switches = true, isLazy = false }: DriveOptions) {
    this.isLazy = isLazy
    this.isClient = asked !== undefined
    this.machine = new HttpConnection(this.isClient ? 'client' : 'server', limits)
    this.asked = [...(asked ?? [])]
    this.switches = switches
    if (this.isClient) this.ask()
  }

  feed(data: Uint8Array): void {
    const { outcome } = this
    if (this.isOver) {
      if (outcome.end === 'switched') {
        outcome.leftover += textOf(data)
        return
      }
      this.machine.receiveData(data)
      if (this.machine.heldBytes > 0) throw new OracleError('bytes are kept after an error')
      return
    }
    this.fedBytes += data.length
    this.machine.receiveData(data)
    if (!this.isLazy) this.run()
  }

  end(): void {
    if (this.isOver) return
    const { machine, outcome } = this
    if (this.isLazy) this.run()
    if (this.isOver) return
    const { inMessage } = machine
    machine.receiveEof()
    this.run()
    if (!inMessage && outcome.why.startsWith('ERR_HTTP_TRUNCATED')) throw new OracleError('cut off outside a message')
    if (this.isOver) return
    if (this.head !== undefined) throw new OracleError('the end came within a message, and was not refused')
    if (machine.canPersist) throw new OracleError('a connection that has ended goes on')
  }

  private run(): void {
    const { machine } = this
    try {
      for (let event = machine.nextEvent(); event !== undefined; event = machine.nextEvent()) {
        // Each event but a message's two needs a byte of its own.
        if (++this.eventCount > 2 * this.fedBytes + 2) throw new OracleError('more events than bytes')
        this.take(event)
        if (this.isOver) return
      }
    } catch (error) {
      this.refused(error)
      return
    }
    if (machine.theirState === 'mustClose' || machine.theirState === 'closed') return
    if (machine.heldBytes > 0) throw new OracleError(`${machine.heldBytes} bytes are held by a machine that asks for more`)
  }

  private refused(error: unknown): void {
    const { outcome } = this
    const allowed = error instanceof HttpLimitError ? limitErrors : error instanceof HttpProtocolError ? errors : undefined
    const { code, status, message } = error as HttpProtocolError
    if (allowed === undefined || !Object.hasOwn(allowed, code) || !allowed[code]!.includes(status)) throw error
    if (/[^\x20-\x7e…]/.test(message) || message.length > 200) throw new OracleError(`the message is not fit to be printed: ${JSON.stringify(message)}`)
    if (this.machine.theirState !== 'error' || this.machine.heldBytes !== 0) throw new OracleError('bytes are held after an error')
    let again: unknown
    try {
      this.machine.nextEvent()
    } catch (same) {
      again = same
    }
    if (again !== error) throw new OracleError('the error is not thrown again')
    outcome.end = 'refused'
    outcome.why = `${code} ${status} ${message}`
    outcome.error = error
    if (this.head !== undefined) outcome.partial = { head: JSON.stringify(this.head), body: this.body }
    this.isOver = true
  }

  private take(event: HttpEvent): void {
    switch (event.type) {
      case 'request': {
        const { method, target, version, headers } = event.head
        this.head = { kind: 'request', method, target, version, headers }
        this.method = method
        this.offered = event.upgrade
        break
      }
      case 'informational':
      case 'response':
      case 'switched': {
        const { status, reason, version, headers } = event.head
        this.head = { kind: event.type === 'switched' ? 'switch' : event.type, method: String(status), target: reason, version, headers }
        if (event.type === 'response') break
        this.done([], true)
        if (event.type === 'informational') break
        this.outcome.end = 'switched'
        this.outcome.leftover = textOf(event.leftover)
        this.isOver = true
        break
      }
      case 'data':
        if (event.data.length === 0) throw new OracleError('no data')
        this.body += textOf(event.data)
        break
      case 'end':
        if (this.isClient) this.endResponse(event.trailers)
        else this.endRequest(event.trailers)
        break
      case 'closed':
    }
  }

  private done(trailers: HeaderList, keep: boolean): void {
    const { head, outcome } = this
    if (head === undefined) throw new OracleError('an end without a head')
    outcome.messages.push({ ...head, body: this.body, trailers, keep })
    outcome.starts.push(this.fedBytes - this.machine.heldBytes)
    this.head = undefined
    this.body = ''
  }

  private endRequest(trailers: HeaderList): void {
    const { machine } = this
    this.done(trailers, this.offered || machine.theirState === 'done')
    if (this.offered && this.switches) {
      this.outcome.leftover = textOf(machine.switchProtocol())
      this.outcome.end = 'switched'
      this.isOver = true
      return
    }
    machine.sendResponse({ status: this.method === 'CONNECT' ? 403 : 204 })
    machine.sendEnd()
    machine.takeOutput()
    if (machine.theirState === 'done') machine.startNextCycle()
  }

  private endResponse(trailers: HeaderList): void {
    const { machine } = this
    this.done(trailers, machine.theirState === 'done')
    if (machine.theirState !== 'done') return
    machine.startNextCycle()
    this.ask()
  }

  /** Asks for the next response, unless that was done ahead: who is lazy pipelines what may be. */
  private ask(): void {
    if (this.aheadCount > 0) {
      this.aheadCount--
      return
    }
    const method = this.asked.shift()
    if (method === undefined) return
    this.send(method)
    while (this.isLazy && !offers(method) && this.asked.length > 0 && !offers(this.asked[0]!)) {
      this.machine.startNextRequest()
      this.send(this.asked.shift()!)
      this.aheadCount++
    }
  }

  private send(method: string): void {
    if (method === 'upgrade') this.machine.sendRequest({ target: '/', headers: [['Host', 'h'], ['Connection', 'upgrade'], ['Upgrade', 'websocket']] })
    else this.machine.sendRequest({ method, target: method === 'CONNECT' ? 'h:1' : '/', headers: [['Host', 'h']] })
    this.machine.sendEnd()
    this.machine.takeOutput()
  }
}

const offers = (method: string): boolean => method === 'upgrade' || method === 'CONNECT'

/** What our machine makes of `input` in these pieces, and the end behind them. */
export function ours(input: Input, pieces: readonly Uint8Array[], options: DriveOptions = {}): OurOutcome {
  const drive = new Drive(input, options)
  for (const piece of pieces) drive.feed(piece)
  drive.end()
  return drive.outcome
}

const asText = ({ messages, end, why, leftover, partial }: OurOutcome): string => JSON.stringify([messages, end, why, leftover, partial])

/**
 * The outcome of `input`, after it was seen to be the same whole, byte by byte, and in pieces of `cut` lengths; that no byte is examined
 * twice; and that what is told is within the limits. `thorough`: also when all is fed before anything is asked for.
 * @throws OracleError, or what escaped
 */
export function examine(input: Input, cut: readonly number[], options: DriveOptions = {}, thorough: boolean = false): OurOutcome {
  const { text } = input
  examinedBytes = 0
  const whole = ours(input, text.length === 0 ? [] : [counted(text)], options)
  if (examinedBytes > text.length) throw new OracleError(`${examinedBytes} of ${text.length} bytes examined`)
  const expected = asText(whole)
  const bytes = latin1Bytes(text)
  const byBytes = asText(ours(input, Array.from(bytes, (byte) => singles[byte]!), options))
  if (byBytes !== expected) throw new OracleError(`byte by byte: ${byBytes} instead of ${expected}`)
  const pieces: Uint8Array[] = []
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const end = at + cut[index % cut.length]!
    pieces.push(bytes.subarray(at, end))
    at = end
  }
  const split = asText(ours(input, pieces, options))
  if (split !== expected) throw new OracleError(`cut into ${cut.join(', ')}: ${split} instead of ${expected}`)
  if (thorough) {
    const late = asText(ours(input, pieces, { ...options, isLazy: true }))
    if (late !== expected) throw new OracleError(`cut into ${cut.join(', ')} and asked at the end: ${late} instead of ${expected}`)
  }
  within(whole, { ...defaultLimits, ...options.limits })
  return whole
}

/** What no message that is taken may have, whatever other parsers take: written once more, without the machine's own grammar. */
function strict({ kind, method, target, version, headers, trailers }: Message): string | undefined {
  const of = (name: string): string[] => headers.filter(([each]) => each === name).map(([, value]) => value)
  const lengths = of('content-length')
  const codings = of('transfer-encoding')
  const [host] = of('host')
  for (const [name, value] of [...headers, ...trailers]) {
    if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name)) return 'a name that is no token'
    if (/[^\t\x20-\x7e\x80-\xff]|^[ \t]|[ \t]$/.test(value)) return 'a value that is none'
  }
  // Behind a head that switches nothing is framed.
  if (kind !== 'switch') {
    if (lengths.some((value) => !/^\d{1,15}$/.test(value) || value !== lengths[0])) return 'a length that is none'
    if (codings.length > 1 || codings.some((value) => value.toLowerCase() !== 'chunked')) return 'a coding that is none'
    if (codings.length > 0 && (lengths.length > 0 || version === '1.0')) return 'a coding where none may be'
  }
  if (kind !== 'request') return /^[1-9]\d\d$/.test(method) ? undefined : 'a status that is none'
  if (of('host').length > 1 || (host === undefined && version === '1.1') || (host !== undefined && !/^[\w.~!$&'()*+;=%:[\]-]+$/.test(host))) return 'a Host that is none'
  if (!/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/.test(method)) return 'a method that is none'
  if (/[^\x21-\x7e]|#/.test(target)) return 'a target with bytes that none has'
  return target.startsWith('/') || (target === '*' ? method === 'OPTIONS'
    : /^[^/?@]+:\d+$|^[a-z][a-z0-9+.-]*:\/\/[^/?@]+(?:[/?]|$)/i.test(target)) ? undefined : 'a target of no form'
}

/** Whether what was told is within the limits, and strict. */
function within({ messages }: Outcome, limits: HttpLimits): void {
  for (const message of messages) {
    const fault = strict(message)
    if (fault !== undefined) throw new OracleError(`${fault} was taken: ${JSON.stringify(message)}`)
  }
  const size = (list: Message['headers']): number => list.reduce((sum, [name, value]) => sum + name.length + value.length + 3, 0)
  for (const { method, target, headers, trailers, body } of messages) {
    const isWithin = method.length + target.length <= limits.maxStartLineBytes && size(headers) <= limits.maxHeaderBytes && headers.length <= limits.maxHeaderCount
      && size(trailers) <= limits.maxTrailerBytes && trailers.length <= limits.maxHeaderCount && body.length <= limits.maxBodyBytes
    if (!isWithin) throw new OracleError('a message beyond the limits')
  }
}
