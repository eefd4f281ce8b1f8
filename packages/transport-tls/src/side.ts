/**
 * The two sides of a handshake: how Node is asked for one over a given stream, and what has to hold when it is over. One object per `tls()` or
 * `tlsServer()`, shared by all its connections.
 */
import type { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { checkServerIdentity, connect, type ConnectionOptions, type SecureContext, TLSSocket } from 'node:tls'
import { ConnectionError, LimitError, UsageError } from '@async/core'
import { checkNumbers, type TransportPolicy, transportPolicy } from '@async/core/base'
import { type CredentialsOptions, TlsCredentials } from './credentials.ts'
import type { LayerInfo } from './info.ts'
import type { TlsCommonOptions, TlsOptions, TlsServerOptions } from './options.ts'
import type { SocketOwner } from './socket-owner.ts'

/** Milliseconds that a closing layer waits for the peer's close_notify, where only that tells that the peer has ended. Netty flushes for 3 s. */
const closeNotifyMs = 3_000

/** Node's streams hold this much before they stop reading. Its own default is 16 KiB, one record. */
const readAheadBytes = 64 * 1024

/** One side. */
export abstract class Side {
  readonly policy: TransportPolicy
  readonly handshakeTimeoutMs: number
  readonly allowTruncation: boolean
  readonly onKeyLog: ((line: Uint8Array) => void) | undefined
  /** Whether the user said where reports go; else they go to what is below. */
  readonly hasOnError: boolean
  protected readonly credentials: TlsCredentials
  protected readonly alpnProtocols: string[] | undefined

  constructor(options: TlsCommonOptions) {
    checkNumbers(options, ['handshakeTimeoutMs'])
    this.policy = transportPolicy({ ...options, lingerMs: options.lingerMs ?? closeNotifyMs })
    this.hasOnError = options.onError !== undefined
    this.handshakeTimeoutMs = options.handshakeTimeoutMs ?? 10_000
    this.allowTruncation = options.allowTruncation ?? false
    this.onKeyLog = options.onKeyLog
    this.alpnProtocols = options.alpnProtocols === undefined ? undefined : checkAlpn(options.alpnProtocols)
    if (options.credentials !== undefined) {
      const both = credentialNames.find((name) => options[name] !== undefined)
      if (both !== undefined) throw new UsageError('ERR_INVALID_ARGUMENT', `${both} stands beside credentials: it belongs in there`)
    }
    this.credentials = options.credentials ?? new TlsCredentials(options)
  }

  /** A handshake is about to begin. What is thrown refuses it. */
  enter(): void {}

  /** A handshake is over, one way or the other. */
  leave(): void {}

  /** The event of Node's that says that the peers agree. */
  abstract readonly agreed: 'secure' | 'secureConnect'

  /** Begins the handshake over `stream`. What becomes of it comes through the socket's events; what refuses a server name, through `owner` as well. */
  abstract begin(stream: Duplex, owner: SocketOwner): TLSSocket

  /** Learns and checks what the handshake gave. Throws what refuses the peer. */
  abstract verify(socket: TLSSocket, info: LayerInfo): void
}

/** The side that connects. */
export class ClientSide extends Side {
  readonly agreed = 'secureConnect'
  private readonly options: TlsOptions
  private readonly serverName: string

  constructor(options: TlsOptions) {
    super(options)
    this.options = options
    const { serverName = '', dangerouslyAcceptAnyCertificate } = options
    if (serverName === '' && dangerouslyAcceptAnyCertificate !== true) {
      throw new UsageError('ERR_INVALID_ARGUMENT', 'serverName is needed: the name, or IP address, that the server’s certificate has to be valid for')
    }
    // What goes into the handshake: no name has such characters.
    if (/[^\x21-\x7e]/.test(serverName)) throw new UsageError('ERR_INVALID_ARGUMENT', `serverName is ${JSON.stringify(serverName)}; it takes a host name in ASCII`)
    this.serverName = serverName
  }

  begin(stream: Duplex): TLSSocket {
    const { serverName, options } = this
    const session = options.sessions?.get(serverName)
    const socket = connect({
      socket: stream,
      secureContext: this.credentials.context,
      // An IP address is checked, and not sent (RFC 6066 §3).
      host: serverName,
      servername: isIP(serverName) === 0 ? serverName : '',
      rejectUnauthorized: options.dangerouslyAcceptAnyCertificate !== true,
      checkServerIdentity: serverName === '' ? () => undefined : checkServerIdentity,
      highWaterMark: readAheadBytes,
      ...(this.alpnProtocols === undefined ? {} : { ALPNProtocols: this.alpnProtocols }),
      ...(session === undefined ? {} : { session }),
    } as ConnectionOptions)
    const { sessions } = options
    // A session of a server that was not verified would be resumed without being verified.
    if (sessions !== undefined) socket.on('session', (made: Buffer) => void (socket.authorized && sessions.set(serverName, made)))
    return socket
  }

  verify(socket: TLSSocket, info: LayerInfo): void {
    info.learn(socket, this.serverName === '' ? undefined : this.serverName, true)
    info.authorized = socket.authorized && this.serverName !== ''
    if (!socket.authorized) info.authorizationError = String(socket.authorizationError)
    checkPeer(this.options.checkPeer, info)
  }
}

/** The side that is connected to. */
export class ServerSide extends Side {
  readonly agreed = 'secure'
  /** Handshakes in progress. */
  handshakeCount = 0
  private readonly options: TlsServerOptions
  private readonly maxHandshakes: number
  /** What Node is given for every connection, which it copies: made anew when the credentials were replaced. */
  private nodes: { readonly secureContext: SecureContext } | undefined

  constructor(options: TlsServerOptions) {
    super(options)
    checkNumbers(options, ['maxHandshakes'])
    if (options.credentials === undefined && options.cert === undefined && options.selectCredentials === undefined) {
      throw new UsageError('ERR_INVALID_ARGUMENT', 'a server needs cert and key, or credentials')
    }
    this.options = options
    this.maxHandshakes = options.maxHandshakes ?? 1_000
  }

  override enter(): void {
    if (this.handshakeCount >= this.maxHandshakes) {
      throw new LimitError('ERR_TLS_TOO_MANY_HANDSHAKES', { limit: 'maxHandshakes', allowed: this.maxHandshakes, actual: this.handshakeCount + 1, unit: 'handshakes' })
    }
    this.handshakeCount++
  }

  override leave(): void {
    this.handshakeCount--
  }

  begin(stream: Duplex, owner: SocketOwner): TLSSocket {
    const { selectCredentials } = this.options
    const options = this.nodeOptions()
    return new TLSSocket(stream, selectCredentials === undefined
      ? options
      : { ...options, SNICallback: (name: string, done: Selected) => select(selectCredentials, name, done, owner) })
  }

  private nodeOptions(): ConstructorParameters<typeof TLSSocket>[1] {
    const { clientCertificates = 'none' } = this.options
    const { context } = this.credentials
    if (this.nodes?.secureContext !== context) {
      this.nodes = {
        isServer: true,
        secureContext: context,
        requestCert: clientCertificates !== 'none',
        rejectUnauthorized: clientCertificates === 'require',
        highWaterMark: readAheadBytes,
        ...(this.alpnProtocols === undefined ? {} : { ALPNProtocols: this.alpnProtocols }),
      } as { readonly secureContext: SecureContext }
    }
    return this.nodes
  }

  verify(socket: TLSSocket, info: LayerInfo): void {
    const { clientCertificates = 'none' } = this.options
    info.learn(socket, undefined, clientCertificates !== 'none')
    if (clientCertificates === 'none') return
    const error = clientCertificateError(socket, info)
    info.authorized = error === undefined
    if (error !== undefined) info.authorizationError = error.code
    if (error !== undefined && clientCertificates === 'require') throw error
    checkPeer(this.options.checkPeer, info)
  }
}

type Selected = (error: Error | null, context?: SecureContext) => void

/** Node calls back at once, or later: both are taken. */
function select(choose: NonNullable<TlsServerOptions['selectCredentials']>, name: string, done: Selected, owner: SocketOwner): void {
  const refuse = (cause: unknown): void => {
    owner.failed(new ConnectionError('ERR_TLS_SERVER_NAME', `TLS handshake: no certificate for ${JSON.stringify(name.slice(0, 255))}`, { cause, phase: 'handshake' }))
    done(new Error('no certificate for that name'))
  }
  const chosen = (credentials: TlsCredentials | undefined): void => {
    if (credentials === undefined) return done(null)
    // Without one Node would show the default certificate, and say nothing.
    if (credentials.context === undefined) return refuse(new TypeError('selectCredentials gave something else than TlsCredentials'))
    done(null, credentials.context)
  }
  try {
    const credentials = choose(name)
    if (credentials instanceof Promise) credentials.then(chosen).catch(refuse)
    else chosen(credentials)
  } catch (error) {
    refuse(error)
  }
}

/**
 * What OpenSSL found wrong with the client's certificate. Node tells tls.Server alone, through a method of the socket's handle that has no
 * documented name; where a runtime has no such method nobody is let in.
 */
function clientCertificateError(socket: TLSSocket, info: LayerInfo): { readonly code: string; readonly message: string } | undefined {
  if (info.peerCertificate === undefined && !info.resumed) return { code: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE', message: 'no certificate' }
  const { ssl } = socket as { readonly ssl?: { verifyError?(): { readonly code: string; readonly message: string } | null } }
  if (typeof ssl?.verifyError !== 'function') return { code: 'UNABLE_TO_VERIFY', message: 'this runtime does not say whether the certificate is valid' }
  return ssl.verifyError() ?? undefined
}

function checkPeer(check: ((certificate: X509Certificate) => void) | undefined, info: LayerInfo): void {
  if (check === undefined) return
  try {
    const certificate = info.peerCertificate
    if (certificate === undefined) throw new Error('the peer has no certificate')
    check(certificate)
  } catch (cause) {
    throw new ConnectionError('ERR_TLS_PEER_REFUSED', 'TLS handshake: checkPeer refused the peer', { cause, phase: 'handshake' })
  }
}

function checkAlpn(names: readonly string[]): string[] {
  for (const name of names) {
    const bytes = Buffer.byteLength(name)
    if (bytes < 1 || bytes > 255) throw new UsageError('ERR_INVALID_ARGUMENT', `an application protocol has ${bytes} bytes; it takes 1 to 255`)
  }
  return [...names]
}

const credentialNames: readonly (keyof CredentialsOptions)[] = ['cert', 'key', 'passphrase', 'ca', 'crl', 'minVersion', 'maxVersion', 'ciphers', 'ticketKeys']
