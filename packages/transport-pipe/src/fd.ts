import { type Connector, type StreamTransport, UsageError } from '@async/core'
import { type TransportOptions, transportPolicy } from '@async/core/base'
import { inputOf, kindOf, outputOf, socketOf, terminalOf } from './fd-streams.ts'
import { PairTransport } from './pair-transport.ts'
import { nobody, UnixTransport } from './unix-transport.ts'

/** Options of `openFd` and `fdConnector`. */
export interface FdOptions extends TransportOptions {
  /** The descriptor to read from; without `writeFd`, a socket or a terminal, to read from and write to. Above 2: for those below see `stdioTransport`. */
  readonly fd: number
  /** The descriptor to write to. Default: `fd`. */
  readonly writeFd?: number
}

/**
 * A transport over descriptors that this process has: inherited, or opened by itself. They belong to the transport, which closes them. Node
 * makes them non-blocking, also for other processes that have a copy.
 * @throws ConnectionError, of phase `connect`, if nothing is open there; UsageError `ERR_INVALID_ARGUMENT`: no descriptor, one of stdio, or a
 * single one that goes one way.
 */
export function openFd(options: FdOptions): StreamTransport {
  const { fd, writeFd = fd } = options
  const policy = transportPolicy(options)
  for (const each of [fd, writeFd]) if (each <= 2) throw new UsageError('ERR_INVALID_ARGUMENT', `descriptor ${each} is stdio’s: see stdioTransport()`)
  const [kind, writeKind] = [kindOf(fd), kindOf(writeFd)]
  if (fd !== writeFd || kind === 'tty') {
    const { input, output } = fd === writeFd ? terminalOf(fd) : { output: outputOf(writeFd), input: inputOf(fd) }
    return new PairTransport(policy, [input], output, { local: `fd:${fd}`, remote: `fd:${writeFd} (${writeKind})` })
  }
  if (kind !== 'socket') throw new UsageError('ERR_INVALID_ARGUMENT', `descriptor ${fd} is a ${kind}, which goes one way: say where to write with writeFd`)
  return new UnixTransport(policy, socketOf(fd), nobody, { local: `fd:${fd}` })
}

/** A connector that gives the transport of these descriptors, once. @throws UsageError `ERR_INVALID_ARGUMENT`. */
export function fdConnector(options: FdOptions): Connector<StreamTransport> {
  transportPolicy(options)
  return {
    connect: async (how) => {
      how?.signal?.throwIfAborted()
      return openFd(options)
    },
  }
}
