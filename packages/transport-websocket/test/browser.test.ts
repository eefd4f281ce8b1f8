/** A page in headless Chromium that runs our packages, against our server, which shares its port with a server of Node's. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { type CloseReason, limits, type Producer, stack, type Transport } from '@async/core'
import { ConnectionLostError, createService, jsonRpc, type Peer } from '@async/protocol-jsonrpc'
import { rolldown } from 'rolldown'
import { afterAll, beforeAll, describe, expect } from 'vitest'
import { acceptWebSocket, nodeUpgrade, type WebSocketTransport } from '../src/index.ts'
import { deferred, itNeeds } from './support.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const available = spawnSync('sh', ['-c', 'command -v chromium']).status === 0
const packages = fileURLToPath(new URL('../..', import.meta.url))

/** A tab: its peer, what it said when it was ready, and its other WebSockets. */
interface Tab {
  readonly peer: Peer
  readonly ready: { readonly sum: number }
  readonly closed: Promise<CloseReason>
  readonly next: Promise<WebSocketTransport>
  close(): Promise<void>
}

let port = 0
let debug = ''
const cleanups: (() => unknown)[] = []
const waiting = new Map<string, { rpc(transport: WebSocketTransport): void; other(transport: WebSocketTransport): void }>()

beforeAll(async () => {
  if (!available) return
  const bundle = await rolldown({
    input: fileURLToPath(new URL('page/main.ts', import.meta.url)),
    platform: 'browser',
    resolve: { alias: { '@async/core/base': `${packages}core/src/base/index.ts`, '@async/core': `${packages}core/src/index.ts`, '@async/protocol-jsonrpc': `${packages}protocol-jsonrpc/src/index.ts` } },
  })
  const script = (await bundle.generate({ format: 'esm' })).output[0].code
  await bundle.close()
  // Bundled without `ws` and without anything of Node's, for there is nothing to resolve them to.
  expect(script).not.toMatch(/from\s*["'](node:|ws)/)
  const server = createServer((request, response) => {
    const isScript = request.url === '/page.js'
    response.writeHead(200, { 'Content-Type': isScript ? 'text/javascript' : 'text/html' }).end(isScript ? script : '<!doctype html><script type="module" src="/page.js"></script>')
  })
  server.on('upgrade', (request, socket, head) => {
    const upgrade = nodeUpgrade(request, socket, head)
    const [path, id = ''] = upgrade.target.split('?')
    void acceptWebSocket(upgrade, { path: (asked) => ['/rpc', '/bulk', '/flood'].includes(asked), protocols: ['jsonrpc'] }).then((transport) => {
      const tab = waiting.get(id)!
      if (path === '/rpc') tab.rpc(transport)
      else tab.other(transport)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  port = (server.address() as { port: number }).port
  cleanups.push(() => server.close())
  const profile = await mkdtemp(join(tmpdir(), 'chromium-'))
  const child = spawn('chromium', ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', `--user-data-dir=${profile}`, '--remote-debugging-port=0', 'about:blank'], {
    stdio: 'ignore',
    detached: true,
    env: { ...process.env, TMPDIR: profile },
  })
  cleanups.push(async () => {
    const exit = once(child, 'exit')
    // The browser is a family of processes.
    process.kill(-child.pid!, 'SIGKILL')
    await exit
    await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
  })
  for (;;) {
    const lines = await readFile(join(profile, 'DevToolsActivePort'), 'utf8').catch(() => '')
    if (lines.includes('\n')) {
      debug = `http://127.0.0.1:${lines.slice(0, lines.indexOf('\n'))}`
      break
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}, 60_000)

afterAll(async () => {
  for (const task of cleanups.reverse()) await task()
}, 20_000)

let tabs = 0

async function openTab(): Promise<Tab> {
  const id = `tab${++tabs}`
  const rpc = deferred<WebSocketTransport>()
  const other = deferred<WebSocketTransport>()
  waiting.set(id, { rpc: rpc.resolve, other: other.resolve })
  const answer = await fetch(`${debug}/json/new?${encodeURIComponent(`http://127.0.0.1:${port}/?page&${id}`)}`, { method: 'PUT' })
  const { id: target } = (await answer.json()) as { id: string }
  const ready = deferred<{ sum: number }>()
  const transport = await rpc.promise
  const closed = transport.closed
  expect(transport.info.subprotocol).toBe('jsonrpc')
  const peer = stack(transport, jsonRpc(createService({ add: ([a, b]: number[]) => a! + b!, ready: (params) => ready.resolve(params as { sum: number }) })))
  return { peer, ready: await ready.promise, closed, next: other.promise, close: async () => void (await fetch(`${debug}/json/close/${target}`)) }
}

/** Makes bytes for as long as it is let, and notes the most that was queued. */
class Source implements Producer {
  mostQueued = 0
  pauses = 0
  sum = 0
  private readonly transport: Transport
  private left: number
  private paused = false
  private value = 1

  constructor(transport: Transport, bytes: number) {
    this.transport = transport
    this.left = bytes
  }

  halfRegister(): void {}

  pause(): void {
    this.paused = true
    this.pauses++
  }

  resume(): void {
    this.paused = false
    this.run()
  }

  stop(): void {
    this.left = 0
  }

  run(): void {
    while (!this.paused && this.left > 0) {
      const piece = new Uint8Array(Math.min(64 * 1024, this.left))
      for (let i = 0; i < piece.length; i += 997) {
        this.value = (Math.imul(this.value, 1_103_515_245) + 12_345) >>> 0
        piece[i] = this.value >>> 24
        this.sum = (this.sum * 31 + piece[i]!) >>> 0
      }
      this.left -= piece.length
      this.transport.write(piece)
      this.mostQueued = Math.max(this.mostQueued, this.transport.queuedBytes)
    }
  }
}

describe('a page in Chromium', () => {
  itNeeds(available, 'chromium', 'calls, and is called', async () => {
    const tab = await openTab()
    expect(tab.ready.sum).toBe(42)
    expect(await tab.peer.call('multiply', [6, 7])).toBe(42)
    expect(await Promise.all(Array.from({ length: 500 }, (_, i) => tab.peer.call('multiply', [i, 2])))).toEqual(Array.from({ length: 500 }, (_, i) => i * 2))
    await tab.close()
  }, 60_000)

  itNeeds(available, 'chromium', 'is slow, and gets 100 MiB; the server’s memory is bounded', async () => {
    const total = 100 * 1024 * 1024
    const tab = await openTab()
    const result = tab.peer.call('bulk', [total])
    const transport = await tab.next
    const lost = deferred<CloseReason>()
    transport.start({ dataReceived() {}, connectionLost: lost.resolve })
    const source = new Source(transport, total)
    transport.register(source)
    collect()
    const before = process.memoryUsage().arrayBuffers
    let most = 0
    // What is left when garbage is gone: what is held.
    const watch = setInterval(() => {
      collect()
      most = Math.max(most, process.memoryUsage().arrayBuffers)
    }, 500)
    source.run()
    expect(await result).toEqual({ came: total, sum: source.sum, kind: 'closed' })
    clearInterval(watch)
    expect(await lost.promise).toMatchObject({ kind: 'closed', by: 'peer', unsentBytes: 0 })
    expect(source.pauses).toBeGreaterThan(10)
    expect(source.mostQueued).toBeLessThan(limits.maxHighWaterMarkBytes + 64 * 1024)
    expect(most - before).toBeLessThan(32 * 1024 * 1024)
    await tab.close()
  }, 120_000)

  itNeeds(available, 'chromium', 'that takes nothing ends with kind limit, which the server sees as an abort', async () => {
    const tab = await openTab()
    const result = tab.peer.call('hold')
    const transport = await tab.next
    const lost = deferred<CloseReason>()
    transport.start({ dataReceived() {}, connectionLost: lost.resolve })
    const source = new Source(transport, 10_000_000)
    transport.register(source)
    source.run()
    expect(await result).toEqual({ kind: 'limit', code: 'ERR_HELD_TOO_MUCH' })
    expect((await lost.promise).kind).toBe('reset')
    await tab.close()
  }, 60_000)

  itNeeds(available, 'chromium', 'that is closed in mid-call settles the call', async () => {
    const tab = await openTab()
    const call = tab.peer.call('never').catch((error: unknown) => error)
    await tab.close()
    const error = (await call) as ConnectionLostError
    expect(error).toBeInstanceOf(ConnectionLostError)
    expect(['gone', 'truncated', 'reset']).toContain(error.reason.kind)
    expect((await tab.closed).kind).toBe(error.reason.kind)
  }, 60_000)
})
