import type { X509Certificate } from 'node:crypto'
import type { TLSSocket } from 'node:tls'
import type { Info } from '@async/core'

/** Facts about a TLS transport: those of what is below, and those of the handshake, which are `undefined` until it is over. */
export interface TlsInfo extends Info {
  /** The facts of the transport below. */
  readonly below: Info
  /** `TLSv1.2`, `TLSv1.3`. */
  readonly protocol: string | undefined
  /** The cipher, by its IANA name. */
  readonly cipher: string | undefined
  /** The application protocol that was agreed on; `undefined` if none was. */
  readonly alpnProtocol: string | undefined
  /** The server's name: as the client has it, or (server) as it was asked for. */
  readonly serverName: string | undefined
  /** Whether the peer showed a certificate that a trusted authority has signed, and (client) that is valid for `serverName`. */
  readonly authorized: boolean
  /** Why not, where `authorized` is false and the connection was made nevertheless: OpenSSL's name of it. */
  readonly authorizationError: string | undefined
  /** Whether a session was resumed: no certificate was exchanged. */
  readonly resumed: boolean
  /** The peer's certificate, if it showed one. */
  readonly peerCertificate: X509Certificate | undefined
}

/** The facts, looked up where they are: below, and at Node's socket, when somebody asks; what Node forgets is noted before. */
export class LayerInfo implements TlsInfo {
  readonly below: Info
  /** Whether a half-close can be said to the peer: close_notify always can, whatever is below. */
  readonly halfCloses = true
  protocol: string | undefined
  cipher: string | undefined
  alpnProtocol: string | undefined
  serverName: string | undefined
  authorized = false
  authorizationError: string | undefined
  resumed = false
  /** While it can be asked for the peer's certificate. */
  private socket: TLSSocket | undefined
  private certificate: X509Certificate | undefined

  readsAfterWriteError: boolean

  constructor(below: Info) {
    this.below = below
    this.readsAfterWriteError = below.readsAfterWriteError
  }

  get pausable(): boolean {
    return this.below.pausable
  }

  get resets(): boolean {
    return this.below.resets
  }

  get local(): string {
    return this.below.local ?? ''
  }

  get remote(): string {
    return this.below.remote ?? ''
  }

  get peerCertificate(): X509Certificate | undefined {
    this.certificate ??= this.socket?.getPeerX509Certificate()
    return this.certificate
  }

  /** The handshake is over; `certified`: the peer may have shown a certificate. */
  learn(socket: TLSSocket, serverName: string | undefined, certified: boolean): void {
    if (certified) this.socket = socket
    this.protocol = socket.getProtocol() ?? undefined
    this.cipher = socket.getCipher().standardName
    this.alpnProtocol = typeof socket.alpnProtocol === 'string' ? socket.alpnProtocol : undefined
    this.serverName = serverName ?? (typeof (socket as { servername?: unknown }).servername === 'string' ? (socket as { servername?: string }).servername : undefined)
    this.resumed = socket.isSessionReused()
  }

  /** The socket is about to go. */
  forget(): void {
    void this.peerCertificate
    this.socket = undefined
  }
}
