import { UsageError } from '../errors.ts'
import type { Data } from '../transport.ts'

/** JavaScript gets here with anything. By a property, not by the class: every realm has its own. @throws UsageError `ERR_INVALID_ARGUMENT`. */
export function checkData(data: Data): void {
  if (typeof data !== 'string' && (data as Uint8Array | null | undefined)?.BYTES_PER_ELEMENT !== 1) {
    throw new UsageError('ERR_INVALID_ARGUMENT', 'data are a string or a Uint8Array')
  }
}
