import { type Cause, ConnectionError, isAsyncError, ProtocolError } from '@async/core'

/** What Node and OpenSSL call it, and what we do. */
const codes: ReadonlyMap<string, readonly [code: string, words: string]> = new Map([
  ['CERT_HAS_EXPIRED', ['ERR_TLS_CERT_EXPIRED', "the peer's certificate has expired"]],
  ['CERT_NOT_YET_VALID', ['ERR_TLS_CERT_NOT_YET_VALID', "the peer's certificate is not valid yet"]],
  ['CERT_REVOKED', ['ERR_TLS_CERT_REVOKED', "the peer's certificate was revoked"]],
  ['DEPTH_ZERO_SELF_SIGNED_CERT', ['ERR_TLS_SELF_SIGNED', "the peer's certificate is signed by itself, and not trusted"]],
  ['SELF_SIGNED_CERT_IN_CHAIN', ['ERR_TLS_UNKNOWN_AUTHORITY', "the authority behind the peer's certificate is not trusted"]],
  ['UNABLE_TO_GET_ISSUER_CERT', ['ERR_TLS_UNKNOWN_AUTHORITY', "an authority behind the peer's certificate is not known"]],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', ['ERR_TLS_UNKNOWN_AUTHORITY', "the authority behind the peer's certificate is not known"]],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', ['ERR_TLS_UNKNOWN_AUTHORITY', "the authority of the peer's certificate is not known"]],
  [
    'ERR_TLS_CERT_ALTNAME_INVALID', // Node's, not ours
    ['ERR_TLS_WRONG_HOST', "the peer's certificate is for another name"],
  ],
  ['INVALID_PURPOSE', ['ERR_TLS_CERT_INVALID', "the peer's certificate is for another purpose"]],
  ['ERR_SSL_UNSUPPORTED_PROTOCOL', ['ERR_TLS_VERSION', 'the peer speaks no version of TLS that is allowed here']],
  ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', ['ERR_TLS_VERSION', 'the peer allows no version of TLS that is spoken here']],
  ['ERR_SSL_VERSION_TOO_LOW', ['ERR_TLS_VERSION', 'the peer speaks no version of TLS that is allowed here']],
  ['ERR_SSL_NO_PROTOCOLS_AVAILABLE', ['ERR_TLS_VERSION', 'no version of TLS is allowed here']],
  ['ERR_SSL_WRONG_VERSION_NUMBER', ['ERR_TLS_NOT_TLS', 'what the peer sent is not TLS']],
  ['ERR_SSL_HTTP_REQUEST', ['ERR_TLS_NOT_TLS', 'the peer sent HTTP, not TLS']],
  ['ERR_SSL_PACKET_LENGTH_TOO_LONG', ['ERR_TLS_NOT_TLS', 'what the peer sent is not TLS']],
  ['ERR_SSL_NO_APPLICATION_PROTOCOL', ['ERR_TLS_ALPN', 'no application protocol in common']],
  ['ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL', ['ERR_TLS_ALPN', 'the peer knows none of the application protocols']],
  ['ERR_SSL_NO_SHARED_CIPHER', ['ERR_TLS_CIPHER', 'no cipher in common']],
  ['ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE', ['ERR_TLS_REFUSED', 'the peer found nothing in common']],
  ['ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE', ['ERR_TLS_REFUSED', 'the peer found nothing in common']],
  ['ERR_SSL_TLSV1_UNRECOGNIZED_NAME', ['ERR_TLS_REFUSED', 'the peer does not know the server name']],
  ['ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE', ['ERR_TLS_CERT_REQUIRED', 'the peer has no certificate']],
  ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', ['ERR_TLS_CERT_REFUSED', 'the peer wants a certificate of ours']],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', ['ERR_TLS_CERT_REFUSED', 'the peer does not know the authority of our certificate']],
  ['ERR_SSL_TLSV1_ALERT_ACCESS_DENIED', ['ERR_TLS_CERT_REFUSED', 'the peer denies access to our certificate']],
  ['ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE', ['ERR_TLS_CERT_REFUSED', 'the peer refused our certificate']],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN', ['ERR_TLS_CERT_REFUSED', 'the peer refused our certificate']],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', ['ERR_TLS_CERT_REFUSED', 'the peer says that our certificate has expired']],
  ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED', ['ERR_TLS_CERT_REFUSED', 'the peer says that our certificate was revoked']],
])

/** OpenSSL's names of what it may find in a certificate, of which Node passes some on without a prefix. */
const isCertificateError = /^(CERT_|CRL_|INVALID_|PATH_LENGTH|UNABLE_TO_|ERROR_IN_CERT|HOSTNAME_MISMATCH)/

/** What was thrown, or emitted, during the handshake, as one of ours. */
export function handshakeError(error: unknown): Error {
  if (isAsyncError(error)) return error
  const { code: nodes = '', message = String(error) } = (typeof error === 'object' && error !== null ? error : {}) as { code?: string; message?: string }
  // Some carry their name in the message alone.
  const [code, words] = codes.get(nodes) ?? codes.get(message) ?? [isCertificateError.test(nodes) ? 'ERR_TLS_CERT_INVALID' : 'ERR_TLS_HANDSHAKE', message]
  return new ConnectionError(code, `TLS handshake: ${words}`, { cause: error, phase: 'handshake' })
}

/** What OpenSSL reports on an open connection: a record that was tampered with, or an alert of the peer's. */
export function openError(error: unknown): Error {
  if (isAsyncError(error)) return error
  const known = handshakeError(error) as ConnectionError
  if (known.code === 'ERR_TLS_CERT_REFUSED') return known
  return new ProtocolError('ERR_TLS_PROTOCOL', `TLS: ${String((error as { message?: unknown } | null)?.message ?? error)}`, { cause: error })
}

/** Why a handshake failed. An end of the connection in it is, for Node's client, an error with the code of a reset, and without a system call. */
export function failedHandshake(error: unknown): Cause {
  return (error as NodeJS.ErrnoException).code === 'ECONNRESET' ? endedInHandshake() : { kind: 'protocol', error: handshakeError(error) }
}

/** The connection ended where a handshake was going on. */
export function endedInHandshake(): Cause {
  return { kind: 'truncated', error: new ConnectionError('ERR_TRUNCATED', 'the connection ended during the TLS handshake', { phase: 'handshake' }) }
}

/** The connection ended without close_notify. */
export function truncated(): Cause {
  return { kind: 'truncated', error: new ConnectionError('ERR_TRUNCATED', 'the connection ended without close_notify: what came may not be all that was sent') }
}
