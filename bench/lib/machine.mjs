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
    costs: costs(),
    peers: peers().join(', '),
  }
}

/**
 * What the system takes, in µs, for what all sides ask of it alike: a call, and the first touch of a page of memory. Virtual machines differ in them by an order of
 * magnitude, and where they are dear they weigh more than anything in which sides differ. @returns {{ call: number, page: number } | undefined}
 */
function costs() {
  const { getuid } = process
  if (getuid === undefined) return undefined
  const calls = 100_000
  const bytes = 64 * 2 ** 20
  const least = (/** @type {() => void} */ work) => Math.min(...Array.from({ length: 5 }, () => {
    const start = performance.now()
    work()
    return (performance.now() - start) * 1000
  }))
  const call = least(() => {
    for (let i = 0; i < calls; i++) getuid()
  })
  const page = least(() => {
    const memory = Buffer.allocUnsafeSlow(bytes)
    for (let at = 0; at < bytes; at += 4096) memory[at] = 1
  })
  const short = (/** @type {number} */ micros) => Number(micros.toPrecision(2))
  return { call: short(call / calls), page: short(page / (bytes / 4096)) }
}

/** The versions of what we are measured against, as they are installed. */
function peers() {
  return ['@hono/node-server', 'hono', 'jayson', 'split2', 'undici', 'vscode-jsonrpc', 'ws'].map((name) => {
    const { version } = JSON.parse(readFileSync(new URL(`../node_modules/${name}/package.json`, import.meta.url), 'utf8'))
    return `${name} ${version}`
  })
}
