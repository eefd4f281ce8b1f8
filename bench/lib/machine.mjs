import { readFileSync } from 'node:fs'
import { cpus, loadavg, release, type } from 'node:os'

/** What a figure depends on beside the code. */
export function machine() {
  const [first] = cpus()
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} × ${first?.model ?? 'unknown processor'}, ${type()} ${release().split('.', 2).join('.')}`,
    versions: `Node ${process.version}, V8 ${process.versions.v8}, libuv ${process.versions.uv}, OpenSSL ${process.versions.openssl}`,
    /** Of all that ran when we began: above 0 others were there. */
    load: Number((loadavg()[0] ?? 0).toFixed(1)),
    peers: peers().join(', '),
  }
}

/** The versions of what we are measured against, as they are installed. */
function peers() {
  return ['@hono/node-server', 'hono', 'jayson', 'split2', 'undici', 'vscode-jsonrpc', 'ws'].map((name) => {
    const { version } = JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8'))
    return `${name} ${version}`
  })
}
