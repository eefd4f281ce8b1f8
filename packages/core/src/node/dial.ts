import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { ReadSlab } from './read-slab.ts'
import type { SocketTransport } from './socket-transport.ts'

/** A socket on its way, and how a transport gets what it reads. */
export interface Dialled {
  /** Paused, half-open; emits 'connect' or 'error'. */
  readonly socket: Socket
  /** What is read from now on is this transport's. Call it in the turn of 'connect'. */
  adopt(transport: SocketTransport): void
}

/**
 * Begins to connect a socket that reads into a slab of ours, for a `SocketTransport` without an owner. Nothing is read while it is paused.
 * @throws what Node's `connect` throws for options that are none.
 */
export function dial(options: NetConnectOpts): Dialled {
  const slab = new ReadSlab()
  let transport: SocketTransport | undefined
  const socket = connect({
    ...options,
    allowHalfOpen: true,
    onread: {
      buffer: () => slab.next(),
      // Always true: to stop is `pause()`'s business, which is strict also in here.
      callback: (bytes) => {
        if (transport?.dataRead(slab.taken(bytes)) === 'given back') slab.giveBack(bytes)
        return true
      },
    },
  })
  socket.pause()
  return {
    socket,
    adopt(its) {
      transport = its
    },
  }
}
