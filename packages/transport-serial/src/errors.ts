import { type AsyncError, ConnectionError, isAsyncError, UsageError } from '@async/core'

/**
 * Bindings tell what happened in words alone: those of strerror, of Windows' table, of `serialport`'s mock, or the name of a DOMException.
 * The first that matches says it.
 */
const codes: readonly (readonly [words: RegExp, code: string, hint: string])[] = [
  [/cannot lock port|resource busy|already open|InvalidStateError|is locked/i, 'ERR_DEVICE_BUSY', 'somebody has it open'],
  [/no such file|no such device|file not found|does not exist|ENOENT|ENODEV|ENXIO|NotFoundError/i, 'ERR_DEVICE_NOT_FOUND', 'there is no such device'],
  // Windows says this of a port that somebody else has open, too.
  [/permission denied|access (is )?denied|not permitted|EACCES|EPERM|SecurityError/i, 'ERR_ACCESS', 'the system does not allow it (on Linux: is the user in the group dialout?)'],
  [/inappropriate ioctl|is a directory|not a (tty|typewriter)|ENOTTY/i, 'ERR_NOT_A_SERIAL_PORT', 'it is no serial port'],
  [/baud|invalid (data|stop) bits|invalid parity|setting|invalid argument|not supported/i, 'ERR_SETTING_REFUSED', 'the device does not take these settings'],
]

/** Why a port could not be opened. */
export function openError(error: unknown, path: string): Error {
  if (isAsyncError(error)) return error
  const words = wordsOf(error)
  const [, code, hint] = codes.find(([pattern]) => pattern.test(words)) ?? [/./, 'ERR_CONNECTION', 'it could not be opened']
  return new ConnectionError(code, `${path}: ${hint}`, { phase: 'connect', cause: error })
}

/** What a read, a write or anything else says when the device is not there any more. */
export function goneError(error: unknown, path: string): ConnectionError {
  return new ConnectionError('ERR_DEVICE_GONE', `${path}: the device is gone`, { cause: error })
}

/** Why the lines could not be read or set. */
export function signalError(error: unknown, path: string): AsyncError {
  if (isAsyncError(error)) return error
  return /inappropriate ioctl|invalid argument|not supported|not implemented|NotSupportedError|ENOTTY/i.test(wordsOf(error))
    ? new UsageError('ERR_UNSUPPORTED', `${path} has no modem lines`, { cause: error })
    : new ConnectionError('ERR_SIGNALS', `${path}: the modem lines could not be read or set`, { cause: error })
}

/** Why the rate could not be changed. */
export function settingError(error: unknown, path: string, baudRate: number): AsyncError {
  return isAsyncError(error) ? error : new ConnectionError('ERR_SETTING_REFUSED', `${path} does not take ${baudRate} baud`, { cause: error })
}

/** Why the ports could not be listed. */
export function listError(error: unknown): Error {
  if (isAsyncError(error)) return error
  const hint = wordsOf(error).includes('udevadm') ? 'the program udevadm is missing or failed (Debian and Ubuntu: apt-get install udev)' : 'the system does not tell'
  return new ConnectionError('ERR_LIST_FAILED', `serial ports can't be listed: ${hint}`, { phase: 'connect', cause: error })
}

function wordsOf(error: unknown): string {
  const { name, code, message } = (error ?? {}) as { readonly name?: unknown; readonly code?: unknown; readonly message?: unknown }
  return `${String(name)} ${String(code)} ${String(message ?? error)}`
}
