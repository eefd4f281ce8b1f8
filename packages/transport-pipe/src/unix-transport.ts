import type { Socket } from 'node:net'
import type { Info } from '@async/core'
import type { Owner, TransportPolicy } from '@async/core/base'
import { SocketTransport } from '@async/core/node'

/** A Unix socket, or a Windows named pipe. */
export class UnixTransport extends SocketTransport {
  readonly info: Info

  /** It has an `owner` if its reads are Node's: accepted, inherited, or a child's. */
  constructor(policy: TransportPolicy, socket: Socket, owner: Owner | undefined, names: { readonly local?: string; readonly remote?: string }) {
    super(policy, socket, owner)
    // No reset: the peer of an abort sees one only if it had sent what we have not read; else it sees an end.
    this.info = { pausable: true, resets: false, halfCloses: true, readsAfterWriteError: owner === undefined, ...names }
  }
}

/** For sockets whose reads are Node's, and which no listener counts. */
export const nobody: Owner = { released() {} }
