import { Socket } from 'node:net'
import type { Info } from '../transport.ts'

/** What a `SocketInfo` can't ask a socket. */
export interface SocketFacts {
  /** See `Info`. */
  readonly resets: boolean
  /** See `Info`. */
  readonly readsAfterWriteError: boolean
  /** Whom we dialled. Default: whom the OS names. */
  readonly remote?: string | undefined
  /** Our address, where whoever accepted the socket knows it. Default: what the OS says. */
  readonly local?: string | undefined
}

/**
 * The facts of a socket with IP addresses. The peer's is asked for at once, for a reset makes the OS forget it; our own when somebody wants it, or at
 * the end: its owner calls `remember` before it lets the socket go.
 */
export class SocketInfo implements Info {
  readonly pausable = true
  readonly resets: boolean
  readonly halfCloses = true
  readonly readsAfterWriteError: boolean
  readonly remote: string
  private readonly socket: Socket
  private ours: string | undefined

  constructor(socket: Socket, facts: SocketFacts) {
    this.socket = socket
    this.resets = facts.resets
    this.readsAfterWriteError = facts.readsAfterWriteError
    this.remote = facts.remote ?? peerAddress(socket) ?? ''
    this.ours = facts.local
  }

  /** Our address; empty if the socket was lost before anybody could ask. */
  get local(): string {
    this.remember()
    return this.ours ?? ''
  }

  /** Asks the OS for our address while it can still be asked. */
  remember(): void {
    if (this.ours !== undefined) return
    const { localAddress, localPort } = this.socket
    if (localAddress !== undefined && localPort !== undefined) this.ours = formatAddress(localAddress, localPort)
  }
}

/** The socket that is asked through `view`, and what Node notes meanwhile, which is one thing at most. */
let asked: Socket | undefined
let noted: PropertyKey | undefined
let note: unknown

/**
 * One view for all sockets: a proxy made for each question, with a map of notes behind `Reflect`, takes as long as asking the OS does. A
 * property is read from the socket itself; only the getter has to be called on the view.
 */
const view: Socket = new Proxy({} as Socket, {
  get: (_, name) => (name === noted ? note : (asked as unknown as Record<PropertyKey, unknown>)[name]),
  set(_, name, value) {
    noted = name
    note = value
    return true
  },
})

/**
 * Who the OS says the peer of a socket is, asked anew; undefined if it knows none any more, as behind a reset (C11). Through a view of the socket,
 * for Node notes the answer on the object that is asked. (`Object.create(socket)` would do, and make every use of the socket slower: measured.)
 */
export function peerAddress(socket: Socket): string | undefined {
  asked = socket
  const host = remoteAddress(view)
  const port = host === undefined ? undefined : remotePort(view)
  asked = noted = note = undefined
  return host === undefined || port === undefined ? undefined : formatAddress(host, port)
}

function remoteAddress(on: Socket): string | undefined {
  return Reflect.get(Socket.prototype, 'remoteAddress', on) as string | undefined
}

function remotePort(on: Socket): number | undefined {
  return Reflect.get(Socket.prototype, 'remotePort', on) as number | undefined
}

/**
 * An address and a port as text: `127.0.0.1:80`, `[::1]:80`. Joined, for `+` makes a tree of strings, which takes three times the memory for as long as
 * the connection lives.
 */
export function formatAddress(host: string, port: number): string {
  return [host.includes(':') ? `[${host}]` : host, port].join(':')
}
