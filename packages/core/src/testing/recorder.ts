/**
 * A live conversation, written down, becomes a test: `record` sees what crosses a transport, `replay` plays the other end's part of it later.
 * Transcripts are plain JSON, readable where the bytes are text.
 */
import { toBytes } from '../base/byte-length.ts'
import type { CloseReason } from '../reason.ts'
import { type SameAs, tap } from '../tap.ts'
import { canHalfClose, type Data, type Transport } from '../transport.ts'

/** One thing that crossed the recorded place. `in`: from the peer; `out`: to it. */
export interface TranscriptEntry {
  /** Which way it went. */
  readonly way: 'in' | 'out'
  /** Data as text, where they are UTF-8. */
  readonly text?: string
  /** Data in base64, where they are not. */
  readonly base64?: string
  /** Or the end of that direction. */
  readonly end?: true
}

/** What crossed, in order; in the end why it was over. */
export interface Transcript {
  /** The conversation. */
  readonly entries: readonly TranscriptEntry[]
  /** The kind of the close reason, once there is one. */
  readonly ended?: string
}

/** A layer that writes down, and what it has written. */
export interface Recorder {
  /** Put it into the stack at the place that is to be recorded. One recorder, one connection. */
  readonly layer: <T extends Transport>(below: T) => SameAs<T>
  /** What has crossed so far. */
  transcript(): Transcript
}

const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Makes a recorder. */
export function recordTranscript(): Recorder {
  const entries: TranscriptEntry[] = []
  let ended: string | undefined
  const end = (way: 'in' | 'out') => {
    if (!entries.some((entry) => entry.way === way && entry.end)) entries.push({ way, end: true })
  }
  return {
    layer: tap({
      onWrite: (data) => void entries.push(entryOf('out', data)),
      onData: (data) => void entries.push(entryOf('in', data)),
      onEnd: (call) => call !== 'abort' && end('out'),
      onEof: () => end('in'),
      onLost: (reason: CloseReason) => void (ended = reason.kind),
    }),
    transcript: () => (ended === undefined ? { entries: [...entries] } : { entries: [...entries], ended }),
  }
}

function entryOf(way: 'in' | 'out', data: Data): TranscriptEntry {
  if (typeof data === 'string') return { way, text: data }
  try {
    return { way, text: strict.decode(data) }
  } catch {
    return { way, base64: toBase64(data) }
  }
}

/**
 * Plays the peer of the recorded end on `transport`: sends what came `in`, each piece once what went `out` before it has arrived, byte by byte
 * as recorded. Starts `transport`. Resolves when the transcript is over.
 * @throws (rejects) Error that says at which byte what arrived differs, or that the connection ended before.
 */
export function replay(transcript: Transcript, transport: Transport): Promise<void> {
  const steps = transcript.entries
  let at = 0
  let wanted: Uint8Array = new Uint8Array(0)
  let offset = 0
  let eof = false
  return new Promise((resolve, reject) => {
    const fail = (why: string): void => {
      const error = new Error(`${why} (entry ${at} of ${steps.length})`)
      transport.abort(error)
      reject(error)
    }
    const goOn = (): void => {
      while (wanted.length === 0) {
        const step = steps[at]
        if (step === undefined) return resolve()
        if (step.way === 'in') {
          at++
          if (step.end !== true) transport.write(dataOf(step))
          else if (canHalfClose(transport)) transport.halfClose()
          else transport.close()
        } else if (step.end === true) {
          if (!eof) return
          at++
        } else {
          at++
          wanted = toBytes(dataOf(step))
          if (wanted.length > 0) return
        }
      }
    }
    transport.start({
      connectionMade: () => goOn(),
      dataReceived(data) {
        for (const byte of toBytes(data)) {
          if (wanted.length === 0) goOn()
          if (byte !== wanted[0]) return fail(`byte ${offset} is ${byte}, and ${wanted.length === 0 ? 'none' : wanted[0]} was recorded`)
          wanted = wanted.subarray(1)
          offset++
        }
        goOn()
      },
      eofReceived() {
        eof = true
        if (wanted.length > 0) return fail(`the end came at byte ${offset}, and ${wanted.length} more were recorded`)
        goOn()
      },
      connectionLost(reason) {
        if (at < steps.length || wanted.length > 0) reject(new Error(`the connection ended (${reason.kind}) before the transcript did (entry ${at} of ${steps.length})`))
        else resolve()
      },
    })
  })
}

function dataOf(entry: TranscriptEntry): Data {
  return entry.base64 === undefined ? toBytes(entry.text ?? '') : fromBase64(entry.base64)
}

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

function toBase64(bytes: Uint8Array): string {
  let text = ''
  for (let i = 0; i < bytes.length; i += 3) {
    const word = (bytes[i]! << 16) | ((bytes[i + 1] ?? 0) << 8) | (bytes[i + 2] ?? 0)
    const group = [18, 12, 6, 0].map((shift) => digits[(word >> shift) & 63]!)
    text += bytes.length - i >= 3 ? group.join('') : `${group.slice(0, bytes.length - i + 1).join('')}${'='.repeat(3 - (bytes.length - i))}`
  }
  return text
}

function fromBase64(text: string): Uint8Array {
  const values = text.replace(/=+$/, '')
  const bytes = new Uint8Array(Math.floor((values.length * 3) / 4))
  let word = 0
  let bits = 0
  let at = 0
  for (const digit of values) {
    word = (word << 6) | digits.indexOf(digit)
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes[at++] = (word >> bits) & 255
    }
  }
  return bytes
}
