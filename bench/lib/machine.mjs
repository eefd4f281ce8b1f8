import { cpus, release, type } from 'node:os'

/** What a figure depends on beside the code. */
export function machine() {
  const [first] = cpus()
  return {
    date: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} × ${first?.model ?? 'unknown processor'}, ${type()} ${release()}`,
    versions: `Node ${process.version}, V8 ${process.versions.v8}, libuv ${process.versions.uv}, OpenSSL ${process.versions.openssl}`,
  }
}
