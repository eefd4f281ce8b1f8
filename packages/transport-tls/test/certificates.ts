/** Certificates, made once per run by the openssl command: an authority, and what it signed. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

/** A certificate and its key, as text and as files. */
export interface Made {
  readonly cert: string
  readonly key: string
  readonly certFile: string
  readonly keyFile: string
}

const folder = mkdtempSync(join(tmpdir(), 'async-tls-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] })
}

function made(name: string): Made {
  const [certFile, keyFile] = [join(folder, `${name}.crt`), join(folder, `${name}.key`)]
  return { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8'), certFile, keyFile }
}

function makeKey(name: string): void {
  openssl('ecparam', '-name', 'prime256v1', '-genkey', '-noout', '-out', `${name}.key`)
}

/** An authority, and (with `by`) one that another has signed. */
export function makeAuthority(name: string): Made {
  makeKey(name)
  openssl('req', '-x509', '-new', '-key', `${name}.key`, '-subj', `/CN=${name}`, '-days', '3650', '-out', `${name}.crt`,
    '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign')
  return made(name)
}

/** What a certificate is made of. */
export interface Wanted {
  /** Names and addresses: `DNS:localhost,IP:127.0.0.1`. */
  readonly names?: string
  /** First and last second, as `20200101000000Z`. Default: from now, ten years. */
  readonly valid?: readonly [from: string, to: string]
  /** Who signs. Default: itself. */
  readonly by?: string
}

/** A certificate that `by` has signed, or itself. Dates in the past need the `ca` command, which keeps books. */
export function makeCertificate(name: string, { names = 'DNS:localhost,IP:127.0.0.1', valid, by }: Wanted = {}): Made {
  makeKey(name)
  writeFileSync(join(folder, `${name}.ext`), `subjectAltName=${names}\nbasicConstraints=CA:FALSE\n`)
  openssl('req', '-new', '-key', `${name}.key`, '-subj', `/CN=${name}`, '-out', `${name}.csr`)
  if (by === undefined) openssl('x509', '-req', '-in', `${name}.csr`, '-signkey', `${name}.key`, '-days', '3650', '-extfile', `${name}.ext`, '-out', `${name}.crt`)
  else {
    const [from, to] = valid ?? ['20200101000000Z', '20991231235959Z']
    writeFileSync(join(folder, `${name}.books`), '')
    writeFileSync(join(folder, `${name}.serial`), `${Buffer.from(name).toString('hex')}\n`)
    writeFileSync(join(folder, `${name}.cnf`), `[ca]\ndefault_ca=x\n[x]\ndatabase=${name}.books\nserial=${name}.serial\nnew_certs_dir=.\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n`)
    openssl('ca', '-batch', '-notext', '-config', `${name}.cnf`, '-cert', `${by}.crt`, '-keyfile', `${by}.key`, '-in', `${name}.csr`,
      '-startdate', from, '-enddate', to, '-extfile', `${name}.ext`, '-out', `${name}.crt`)
  }
  return made(name)
}

/** Trusted in the tests. */
export const authority: Made = makeAuthority('authority')
/** Valid for localhost and 127.0.0.1. */
export const server: Made = makeCertificate('server', { by: 'authority' })
