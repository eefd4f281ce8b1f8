import type { X509Certificate } from 'node:crypto'
import type { TransportOptions } from '@async/core/base'
import type { CredentialsOptions, TlsCredentials } from './credentials.ts'
import type { TlsSessionCache } from './session-cache.ts'

/** What both sides can be told. Certificates and versions are given here, or as `credentials` that can be replaced later. */
export interface TlsCommonOptions extends TransportOptions, CredentialsOptions {
  /** Certificates, keys and versions in one object, which several layers share, and whose content can be replaced. Instead of `cert`, `key`, `ca`, … */
  readonly credentials?: TlsCredentials
  /** Application protocols, in the order of preference (RFC 7301): what was agreed on is `info.alpnProtocol`. Default: none is asked for. */
  readonly alpnProtocols?: readonly string[]
  /** Milliseconds that the handshake may take, then kind `timeout`, code `ERR_TLS_HANDSHAKE_TIMEOUT`. Default 10,000. */
  readonly handshakeTimeoutMs?: number
  /**
   * Takes an end of the connection without close_notify for a clean end, as many programs do. Over a socket of Node's it also lets Node's
   * own TLS use that socket directly. Default false: such an end is kind `truncated`.
   */
  readonly allowTruncation?: boolean
  /** Gets each line of the key log (NSS format): whoever has it can decrypt the connection. For debugging. */
  readonly onKeyLog?: (line: Uint8Array) => void
}

/** Options of `tls`, `tlsConnector` and `startTls`. */
export interface TlsOptions extends TlsCommonOptions {
  /**
   * The name that the server's certificate has to be valid for, and that is sent to it (SNI); or its IP address, which is not sent.
   * Needed unless `dangerouslyAcceptAnyCertificate`.
   */
  readonly serverName?: string
  /** Takes any certificate, of anybody: no protection against an attacker in the network. `info.authorized` tells what would have been. Default false. */
  readonly dangerouslyAcceptAnyCertificate?: boolean
  /** Looks at the server's certificate after all else was checked; what it throws ends the handshake, with code `ERR_TLS_PEER_REFUSED`. */
  readonly checkPeer?: (certificate: X509Certificate) => void
  /** Sessions to resume, and where those of this connection go. Share one among the connections to the same servers. Default: every handshake is a full one. */
  readonly sessions?: TlsSessionCache
}

/** Options of `tlsServer` and `tlsListener`. */
export interface TlsServerOptions extends TlsCommonOptions {
  /** Whether a client is asked for a certificate, and whether it needs one that a `ca` has signed. Default `none`. */
  readonly clientCertificates?: 'none' | 'request' | 'require'
  /** Looks at the client's certificate after all else was checked; what it throws ends the handshake, with code `ERR_TLS_PEER_REFUSED`. */
  readonly checkPeer?: (certificate: X509Certificate) => void
  /**
   * Certificates for the name that a client asks for (SNI). `undefined`: those of this layer. What it throws, or rejects with, ends the
   * handshake. The name comes from outside: look it up in a Map, never in a path.
   */
  readonly selectCredentials?: (serverName: string) => TlsCredentials | undefined | Promise<TlsCredentials | undefined>
  /** Handshakes in progress at once, over all connections of this layer; more are refused, kind `limit`. Default 1,000. */
  readonly maxHandshakes?: number
}
