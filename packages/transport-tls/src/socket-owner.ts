/**
 * Who is told what Node's TLSSocket has to say. The socket knows its owner, and all sockets share the functions that are called: a closure for
 * each event, and a shape of its own for each socket, cost a short connection more than what they do.
 */
import type { TLSSocket } from 'node:tls'

/** What a layer hears of its socket. */
export interface SocketOwner {
  /** The peers agree: the handshake is over. */
  secured(): void
  /** Node, TLS or the operating system says that something failed. */
  failed(error: unknown): void
  /** Node emitted 'end'. */
  peerEnded(): void
  /** Decrypted bytes. */
  dataCame(data: Uint8Array): void
}

const owner = Symbol('owner')

type Owned = TLSSocket & { [owner]: SocketOwner }

/** From now on `layer` is told, and it alone destroys `socket`. */
export function own(socket: TLSSocket, layer: SocketOwner, agreed: 'secure' | 'secureConnect'): void {
  ;(socket as Owned)[owner] = layer
  socket.on('error', ignore)
  // What is wrong in a handshake is said in this way to both sides, and on the server all that follows.
  socket.on('_tlsError', onFailure)
  socket.on('end', onEnd)
  socket.on(agreed, onAgreed)
  // Node's own calls carry its errors, and throw away what was decrypted and not read.
  socket.destroy = onDestroy
}

/** Begins to take data. */
export function listenToData(socket: TLSSocket): void {
  socket.on('data', onData)
}

/** Who owns it. */
export function ownerOf(socket: TLSSocket): SocketOwner {
  return (socket as Owned)[owner]
}

/** Node's method again. To `delete` ours would turn the socket into a dictionary, on which all that Node still does is slow. */
export function giveBackDestroy(socket: { destroy: unknown }): void {
  socket.destroy = (Object.getPrototypeOf(socket) as { readonly destroy: unknown }).destroy
}

function onFailure(this: Owned, error: Error): void {
  this[owner].failed(error)
}

function onEnd(this: Owned): void {
  this[owner].peerEnded()
}

function onAgreed(this: Owned): void {
  this[owner].secured()
}

function onData(this: Owned, data: Uint8Array): void {
  this[owner].dataCame(data)
}

function onDestroy(this: TLSSocket, error?: Error): TLSSocket {
  if (error !== undefined) (this as Owned)[owner].failed(error)
  return this
}

function ignore(): void {}
