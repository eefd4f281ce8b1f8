import type { ChildProcess } from 'node:child_process'
import type { Socket } from 'node:net'
import { type StreamTransport, UsageError } from '@async/core'
import type { TransportPolicy } from '@async/core/base'
import { PairTransport } from './pair-transport.ts'
import { nobody, UnixTransport } from './unix-transport.ts'

/** A further connection to a child: one descriptor of the child for both ways, or one for each. From 3 on. */
export type ChannelFds =
  | number
  | {
      /** The child’s descriptor that it reads what we write from. */
      readonly write: number
      /** The child’s descriptor that it writes what we read to. */
      readonly read: number
    }

/** The child’s descriptors above 2, for `stdio` of `spawn`: 'pipe' where a channel is, and 'ignore' between. @throws UsageError `ERR_INVALID_ARGUMENT`. */
export function channelStdio(channels: Readonly<Record<string, ChannelFds>>): ('pipe' | 'ignore')[] {
  const stdio: ('pipe' | 'ignore')[] = []
  for (const [name, fds] of Object.entries(channels)) {
    for (const fd of typeof fds === 'number' ? [fds] : [fds.write, fds.read]) {
      if (!Number.isInteger(fd) || fd < 3 || fd > 255) {
        throw new UsageError('ERR_INVALID_ARGUMENT', `channels.${name}: ${String(fd)} is no descriptor from 3 to 255`)
      }
      if (stdio[fd - 3] === 'pipe') throw new UsageError('ERR_INVALID_ARGUMENT', `channels.${name}: descriptor ${fd} is taken twice`)
      stdio[fd - 3] = 'pipe'
    }
  }
  return Array.from(stdio, (how) => how ?? 'ignore')
}

/** The transports of a child’s channels. */
export function openChannels(
  child: ChildProcess,
  name: string,
  channels: Readonly<Record<string, ChannelFds>>,
  policy: TransportPolicy,
): Readonly<Record<string, StreamTransport>> {
  const made: Record<string, StreamTransport> = Object.create(null)
  const stream = (fd: number): Socket => {
    const socket = child.stdio[fd] as Socket
    // Else Node lets go of both directions when one has ended, also of a descriptor that is used for the other alone.
    socket.allowHalfOpen = true
    return socket
  }
  for (const [key, fds] of Object.entries(channels)) {
    const names = { remote: `${name}[${child.pid}] ${key}` }
    made[key] =
      typeof fds === 'number'
        ? new ChannelTransport(policy, stream(fds), names)
        : new PairTransport(policy, [stream(fds.read)], stream(fds.write), names)
  }
  return Object.freeze(made)
}

/** A socket pair of which the child has the other end. */
class ChannelTransport extends UnixTransport {
  private wanted = false

  constructor(policy: TransportPolicy, socket: Socket, names: { readonly remote: string }) {
    super(policy, socket, nobody, names)
    socket.pause()
    // Node resumes the streams of a child that exits, whoever has paused them; what nobody listens to yet would be lost.
    socket.on('resume', () => {
      if (!this.wanted) socket.pause()
    })
  }

  protected override startReading(): void {
    this.wanted = true
    super.startReading()
  }

  protected override stopReading(): void {
    this.wanted = false
    super.stopReading()
  }
}
