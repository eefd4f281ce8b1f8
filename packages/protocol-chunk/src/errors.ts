import { LimitError, ProtocolError, UsageError } from '@async/core'

/** A chunk, message or payload over `maxChunkBytes`: came (the connection ends) or was to be written (the call is refused). */
export function tooLong(allowed: number, actual: number): LimitError {
  return new LimitError('ERR_CHUNK_TOO_LONG', { limit: 'maxChunkBytes', allowed, actual, unit: 'bytes' })
}

/** Bytes that were to be text. */
export function notUtf8(bytes: number): ProtocolError {
  return new ProtocolError('ERR_CHUNK_NOT_UTF8', `a chunk of ${bytes} bytes is not UTF-8`)
}

/** A payload that would be read as something else than what was written. */
export function containsDelimiter(at: number): UsageError {
  return new UsageError('ERR_CHUNK_CONTAINS_DELIMITER', `the chunk, or its end together with the delimiter, holds a delimiter at ${at}`)
}

/** An option or argument that makes no sense. */
export function invalid(message: string): UsageError {
  return new UsageError('ERR_INVALID_ARGUMENT', message)
}

/** `value` if it is a whole number from `least` to `most`. @throws UsageError `ERR_INVALID_ARGUMENT` */
export function wholeNumber(name: string, value: number, least: number, most: number = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw invalid(`${name}: ${value}; a whole number from ${least}${most < Number.MAX_SAFE_INTEGER ? ` to ${most}` : ''} is needed`)
  }
  return value
}
