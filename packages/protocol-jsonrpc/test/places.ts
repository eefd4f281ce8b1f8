/** Where the tests listen beside TCP and memory: files, ttys and certificates, made when asked for and removed at the end. */
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const folder = mkdtempSync(join(tmpdir(), 'async-jsonrpc-'))
process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
let count = 0

/** The name of a file that does not exist yet. */
export function freshName(ending = ''): string {
  return join(folder, `${++count}${ending}`)
}

/** A certificate for 127.0.0.1 that has signed itself, by the openssl command. */
export function certificate(): { readonly cert: string; readonly key: string } {
  const [cert, key] = [freshName('.crt'), freshName('.key')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '3650', '-keyout', key, '-out', cert, ...subject], { stdio: 'ignore' })
  return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
}

/** Two ttys of the kernel that socat ties together. */
export async function ttys(): Promise<{ readonly a: string; readonly b: string; dispose(): Promise<void> }> {
  const [a, b] = [freshName('.tty'), freshName('.tty')]
  const socat = spawn('socat', [`pty,raw,echo=0,link=${a}`, `pty,raw,echo=0,link=${b}`], { stdio: 'ignore' })
  const over = once(socat, 'exit')
  while (!existsSync(a) || !existsSync(b)) {
    if (socat.exitCode !== null) throw new Error('socat ended at once')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  return {
    a,
    b,
    dispose: async () => {
      socat.kill('SIGKILL')
      await over
    },
  }
}
