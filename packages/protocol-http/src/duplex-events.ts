/**
 * The lines of a duplex session, the same in both directions: an event stream (HTML §9.2) with UTF-8 and LF.
 *
 *   id: 7          number of the message, from 1, without gaps
 *   event: binary  absent: `data` is the text, a line each. `binary`: bytes in base64. `text`: text in base64, for one with a CR. `end`: none
 *   data: …
 *
 * An empty line ends an event; a line that begins with a colon is a sign of life. The wire format is docs/http-duplex.md.
 */
import { LimitError, ProtocolError } from '@async/core'
import type { Data } from '@async/core'
import { toBytes } from '@async/core/base'
import { latin1, latin1Bytes } from './text.ts'

/** One numbered message, or the end of the sender's. */
export interface DuplexEvent {
  readonly id: number
  /** Undefined: the end. */
  readonly data: Data | undefined
  /** Characters that it took: what its sender counts. */
  readonly length: number
}

/** The media type of both bodies. */
export const eventStream = 'text/event-stream'
/** What is sent when there is nothing to say. */
export const signOfLife = ':\n\n'
/** What the lines around a message take at most, for limits on what is not whole yet. */
const lineBytes = 64

/** An event as it is sent. */
export function encodeEvent(id: number, data: Data | undefined): string {
  if (data === undefined) return `id: ${id}\nevent: end\n\n`
  if (typeof data !== 'string') return `id: ${id}\nevent: binary\ndata: ${base64(data)}\n\n`
  if (data.includes('\r')) return `id: ${id}\nevent: text\ndata: ${base64(toBytes(data))}\n\n`
  return `id: ${id}\ndata: ${data.includes('\n') ? data.replaceAll('\n', '\ndata: ') : data}\n\n`
}

/** Reads events out of a body, whatever its pieces are. A message is held until it is whole, and bounded. */
export class EventReader {
  private readonly decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
  private readonly maxMessageBytes: number
  /** What came and is not read, from `at` on. */
  private text = ''
  private at = 0
  /** A line that is begun. */
  private pieces: string[] = []
  private id = 0
  private event = ''
  private lines: string[] = []
  /** Characters of the event that is begun, as the limit counts them, and as they were sent. */
  private length = 0
  private sentLength = 0

  constructor(maxMessageBytes: number) {
    this.maxMessageBytes = maxMessageBytes
  }

  /** Takes what came. @throws ProtocolError `ERR_HTTP_BAD_EVENT` for what is no UTF-8. */
  push(data: Uint8Array): void {
    try {
      this.text = this.text.slice(this.at) + this.decoder.decode(data, { stream: true })
      this.at = 0
    } catch (error) {
      throw new ProtocolError('ERR_HTTP_BAD_EVENT', 'an event stream that is not UTF-8', { cause: error })
    }
  }

  /** The next event, or undefined until there is more. @throws ProtocolError `ERR_HTTP_BAD_EVENT`; LimitError `ERR_MESSAGE_TOO_LONG`. */
  next(): DuplexEvent | undefined {
    for (;;) {
      const end = this.text.indexOf('\n', this.at)
      if (end < 0) {
        if (this.at < this.text.length) this.keep(this.text.slice(this.at))
        this.text = ''
        this.at = 0
        return undefined
      }
      this.keep(this.text.slice(this.at, end))
      this.at = end + 1
      const line = this.pieces.length === 1 ? this.pieces[0]! : this.pieces.join('')
      this.pieces = []
      this.sentLength += line.length + 1
      const event = this.line(line)
      if (event !== undefined) return event
    }
  }

  private keep(piece: string): void {
    this.pieces.push(piece)
    this.length += piece.length
    // Base64 is four characters for three bytes, text at least one character for each three.
    const allowed = Math.ceil(this.maxMessageBytes / 3) * 4 + lineBytes
    if (this.length > allowed) throw this.tooLong(this.length)
  }

  private line(line: string): DuplexEvent | undefined {
    if (line === '') return this.complete()
    if (line.startsWith(':')) this.length -= line.length
    else if (line.startsWith('data: ')) {
      this.lines.push(line.slice(6))
      // The LF counts, or a message of empty lines would count nothing.
      this.length -= 5
    } else if (line.startsWith('id: ') && /^[1-9][0-9]{0,15}$/.test(line.slice(4))) this.id = Number(line.slice(4))
    else if (line.startsWith('event: ')) this.event = line.slice(7)
    else throw new ProtocolError('ERR_HTTP_BAD_EVENT', 'a line that has no meaning in an event stream of ours')
    return undefined
  }

  private complete(): DuplexEvent | undefined {
    const { id, event, lines, sentLength: length } = this
    this.sentLength = 0
    this.id = 0
    this.event = ''
    this.lines = []
    this.length = 0
    if (id === 0) {
      if (lines.length === 0 && event === '') return undefined
      throw new ProtocolError('ERR_HTTP_BAD_EVENT', 'an event without a number')
    }
    if (event === 'end') return { id, data: undefined, length }
    const text = lines.length === 1 ? lines[0]! : lines.join('\n')
    if (lines.length === 0) throw new ProtocolError('ERR_HTTP_BAD_EVENT', 'an event without data')
    if (event !== '' && event !== 'binary' && event !== 'text') throw new ProtocolError('ERR_HTTP_BAD_EVENT', 'an event of a kind that is not known')
    const data = event === '' ? text : unbase64(text)
    const bytes = typeof data === 'string' && data.length * 3 > this.maxMessageBytes ? toBytes(data).length : data.length
    if (bytes > this.maxMessageBytes) throw this.tooLong(bytes)
    if (event !== 'text') return { id, data, length }
    return { id, data: new TextDecoder('utf-8', { ignoreBOM: true }).decode(data as Uint8Array), length }
  }

  private tooLong(actual: number): LimitError {
    return new LimitError('ERR_MESSAGE_TOO_LONG', { limit: 'maxMessageBytes', allowed: this.maxMessageBytes, actual, unit: 'bytes' })
  }
}

function base64(bytes: Uint8Array): string {
  return btoa(latin1(bytes, 0, bytes.length))
}

function unbase64(text: string): Uint8Array {
  try {
    return latin1Bytes(atob(text))
  } catch (error) {
    throw new ProtocolError('ERR_HTTP_BAD_EVENT', 'what should be base64 is not', { cause: error })
  }
}
