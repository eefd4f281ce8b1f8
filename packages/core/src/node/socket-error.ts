import { ConnectionError } from '../errors.ts'

/** What Node calls it, and what we do. Everything else is `ERR_CONNECTION`, with Node's error as the cause. */
const codes: ReadonlyMap<string, readonly [code: string, words: string]> = new Map([
  ['ECONNREFUSED', ['ERR_REFUSED', 'nobody listens there']],
  ['ECONNRESET', ['ERR_RESET', 'the peer dropped the connection']],
  ['EPIPE', ['ERR_RESET', 'the peer takes no more data']],
  ['ETIMEDOUT', ['ERR_TIMEOUT', 'the network gave up waiting for the peer']],
  ['EHOSTUNREACH', ['ERR_UNREACHABLE', 'no way to that host']],
  ['ENETUNREACH', ['ERR_UNREACHABLE', 'no way to that network']],
  ['ENOTFOUND', ['ERR_HOST_NOT_FOUND', 'no such host name']],
  ['EAI_AGAIN', ['ERR_HOST_NOT_FOUND', 'the name service does not answer']],
  ['EADDRINUSE', ['ERR_ADDRESS_IN_USE', 'the address is in use']],
  ['EADDRNOTAVAIL', ['ERR_ADDRESS_NOT_AVAILABLE', 'this machine does not have that address']],
  ['EACCES', ['ERR_ACCESS', 'the system does not allow it']],
  ['EPERM', ['ERR_ACCESS', 'the system does not allow it']],
  ['ENOENT', ['ERR_NOT_FOUND', 'there is no such path']],
  ['EMFILE', ['ERR_TOO_MANY_FILES', 'no file descriptor is left']],
  ['ENFILE', ['ERR_TOO_MANY_FILES', 'no file descriptor is left']],
])

/** Node's error as one of ours. `where` is an address, or what was tried. */
export function socketError(error: unknown, phase: 'connect' | 'open' | 'close', where: string): ConnectionError {
  const { code: errno, message } = (typeof error === 'object' && error !== null ? error : {}) as { readonly code?: unknown; readonly message?: unknown }
  const [code, words] = codes.get(String(errno)) ?? ['ERR_CONNECTION', String(message ?? error)]
  return new ConnectionError(code, `${where}: ${words}`, { cause: error, phase })
}
