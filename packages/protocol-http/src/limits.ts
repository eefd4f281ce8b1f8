import { UsageError } from '@async/core'

/** What a peer may send. Each limit ends the connection when it is passed; a server answers with the status named first. */
export interface HttpLimits {
  /** Bytes of the request line, or of the status line, without its CRLF. 414. Default 8192: RFC 9112 §3 asks for 8000; nginx, Apache: 8 KiB. */
  readonly maxStartLineBytes: number
  /** Bytes of all header lines of a message together, CRLFs included. 431. Default 16384: Node and h11. */
  readonly maxHeaderBytes: number
  /** Header lines of a message. 431. Default 100: Apache. (Twisted: 500.) */
  readonly maxHeaderCount: number
  /** Bytes of a body. 413. Default Infinity: a body is handed on as it comes and never held here; bound it where it is held. Node, Go. */
  readonly maxBodyBytes: number
  /** Bytes of all chunk extensions of a body together. 413. Default 4096: they mean nothing to anybody. (Go: 16 KiB of overhead.) */
  readonly maxChunkExtensionBytes: number
  /** Bytes of all trailer lines of a body together, CRLFs included. 431. Default 8192: half of a header's. */
  readonly maxTrailerBytes: number
  /** Bytes read ahead of a message that is not answered yet; then reading stops. Ends nothing. Default 65536: one read. */
  readonly maxPipelinedBytes: number
}

/** The limits that hold where none is given. */
export const defaultLimits: HttpLimits = Object.freeze({
  maxStartLineBytes: 8192,
  maxHeaderBytes: 16384,
  maxHeaderCount: 100,
  maxBodyBytes: Infinity,
  maxChunkExtensionBytes: 4096,
  maxTrailerBytes: 8192,
  maxPipelinedBytes: 65536,
})

/** What `pickLimits` made: complete and frozen, so that connections may have it in common. */
const picked: WeakSet<object> = new WeakSet([defaultLimits])

/**
 * The limits among `options`, with defaults. Frozen; those that this made already are given back, so that they stay the same object.
 * @throws UsageError `ERR_INVALID_ARGUMENT` for one that is no number from 0.
 */
export function pickLimits(options: Partial<HttpLimits>): HttpLimits {
  if (picked.has(options)) return options as HttpLimits
  const limits: Record<string, number> = {}
  for (const [name, standard] of Object.entries(defaultLimits)) {
    const value: unknown = options[name as keyof HttpLimits] ?? standard
    if (!(typeof value === 'number' && value >= 0)) throw new UsageError('ERR_INVALID_ARGUMENT', `${name} is ${String(value)}; it takes a number from 0`)
    limits[name] = value
  }
  picked.add(Object.freeze(limits))
  return limits as unknown as HttpLimits
}
