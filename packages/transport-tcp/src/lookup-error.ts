import { ConnectionError, socketError } from '@async/core/node'

/** What a look-up failed with. Its errno are those of the name service: ECONNREFUSED is not the peer's. */
export function lookupError(error: unknown, where: string): ConnectionError {
  const known = socketError(error, 'connect', where)
  if (known.code === 'ERR_HOST_NOT_FOUND') return known
  return new ConnectionError('ERR_HOST_NOT_FOUND', `${where}: the look-up failed: ${String((error as { readonly message?: unknown } | null)?.message ?? error)}`, {
    cause: error,
    phase: 'connect',
  })
}
