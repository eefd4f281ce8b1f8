import { constants, randomBytes } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureVersion } from 'node:tls'
import { UsageError } from '@async/core'

/** Text or bytes in PEM format. */
export type Pem = string | Uint8Array

/** What an end has to show, whom it trusts, and what it speaks. */
export interface CredentialsOptions {
  /** Our certificate, with those between it and the root behind it. A server needs one. */
  readonly cert?: Pem
  /** The private key of `cert`. */
  readonly key?: Pem
  /** What `key` is encrypted with. */
  readonly passphrase?: string
  /** The authorities to trust, instead of those that come with the runtime. */
  readonly ca?: Pem | readonly Pem[]
  /** Lists of revoked certificates. */
  readonly crl?: Pem | readonly Pem[]
  /** The oldest version that is spoken. Default `TLSv1.2`. */
  readonly minVersion?: SecureVersion
  /** The newest version that is spoken. Default `TLSv1.3`. */
  readonly maxVersion?: SecureVersion
  /** Ciphers, as OpenSSL writes lists of them. Default: the runtime's. */
  readonly ciphers?: string
  /** 48 secret bytes with which a server encrypts session tickets: the same in several processes, so that each resumes the others' sessions. Default: random. */
  readonly ticketKeys?: Uint8Array
}

/**
 * Certificates, keys and versions, parsed once, for any number of layers and connections. What `replace` gives is used by handshakes
 * that begin afterwards; connections that are open, and handshakes that are under way, keep what they began with.
 */
export class TlsCredentials {
  private current: SecureContext
  // A server that asks for certificates refuses to resume a session without one.
  private readonly sessionIdContext: string = randomBytes(16).toString('hex')

  /** @throws UsageError `ERR_INVALID_ARGUMENT`: a certificate or key can't be read, they don't match, or a version or cipher is unknown. */
  constructor(options: CredentialsOptions) {
    this.current = this.parse(options)
  }

  /**
   * Replaces all of it, for handshakes from now on. Sessions made before are not resumed, unless `ticketKeys` stay the same.
   * @throws UsageError `ERR_INVALID_ARGUMENT`, and nothing is replaced.
   */
  replace(options: CredentialsOptions): void {
    this.current = this.parse(options)
  }

  /** Node's form of it. For the layers of this package. */
  get context(): SecureContext {
    return this.current
  }

  private parse(options: CredentialsOptions): SecureContext {
    const { cert, key, passphrase, ca, crl, ciphers, ticketKeys, minVersion = 'TLSv1.2', maxVersion = 'TLSv1.3' } = options
    if ((cert === undefined) !== (key === undefined)) throw new UsageError('ERR_INVALID_ARGUMENT', 'cert and key come together')
    try {
      return createSecureContext({
        minVersion,
        maxVersion,
        // A peer that asks for another handshake on an open connection is told no: with each it makes us work more than itself.
        secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
        sessionIdContext: this.sessionIdContext,
        ...(cert === undefined ? {} : { cert: pem(cert) }),
        ...(key === undefined ? {} : { key: pem(key) }),
        ...(passphrase === undefined ? {} : { passphrase }),
        ...(ca === undefined ? {} : { ca: pems(ca) }),
        ...(crl === undefined ? {} : { crl: pems(crl) }),
        ...(ciphers === undefined ? {} : { ciphers }),
        ...(ticketKeys === undefined ? {} : { ticketKeys: Buffer.from(ticketKeys) }),
      })
    } catch (error) {
      throw new UsageError('ERR_INVALID_ARGUMENT', `the credentials can't be used: ${(error as Error).message}`, { cause: error })
    }
  }
}

function pem(value: Pem): string | Buffer {
  return typeof value === 'string' ? value : Buffer.from(value)
}

function pems(value: Pem | readonly Pem[]): (string | Buffer)[] {
  return typeof value === 'string' || !Array.isArray(value) ? [pem(value as Pem)] : (value as readonly Pem[]).map(pem)
}
