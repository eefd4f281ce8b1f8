/**
 * The server in a process of its own, under what strangers do to servers: thousands of slow connections, bodies of a GiB from who writes and
 * to who reads slowly, floods, too few file descriptors. Prints the figures that docs/http-under-fire.md has.
 */
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'

const script = fileURLToPath(new URL('fire/server.mjs', import.meta.url))
const gib = 1024 * 1024 * 1024

class Server {
  readonly child: ChildProcess
  port = 0
  private errors = ''

  constructor(env: Readonly<Record<string, string>> = {}, before = '') {
    this.child = spawn('sh', ['-c', `${before} exec "$0" --expose-gc "$1"`, process.execPath, script], { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
    this.child.stderr!.on('data', (data) => (this.errors += data))
  }

  async listening(): Promise<this> {
    const [line] = (await Promise.race([once(this.child.stdout!, 'data'), once(this.child, 'exit').then(() => Promise.reject(new Error(this.errors)))])) as [Buffer]
    this.port = Number(line)
    return this
  }

  async ask(path: string): Promise<string> {
    const socket = await this.dial()
    socket.end(`GET ${path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`)
    let text = ''
    for await (const data of socket) text += String(data)
    return text.slice(text.indexOf('\r\n\r\n') + 4)
  }

  async memory(): Promise<{ rss: number; connections: number }> {
    await this.ask('/memory')
    return JSON.parse(await this.ask('/memory')) as { rss: number; connections: number }
  }

  async dial(): Promise<Socket> {
    const socket = connect({ port: this.port, host: '127.0.0.1' })
    await once(socket, 'connect')
    return socket.on('error', () => {})
  }

  async stop(): Promise<string> {
    this.child.kill()
    await once(this.child, 'exit')
    return this.errors
  }
}

let server: Server | undefined
afterEach(async () => {
  const errors = await server?.stop()
  server = undefined
  expect(errors ?? '').toBe('')
})
const start = async (env?: Readonly<Record<string, string>>, before?: string): Promise<Server> => (server = await new Server(env, before).listening())
const say = (text: string): void => console.log(`under fire: ${text}`)
const kib = (bytes: number): string => `${(bytes / 1024).toFixed(1)} KiB`
const mib = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(0)} MiB`

describe('slow connections', () => {
  it('10,000 of them, each in the middle of a head, cost no more than 10 KiB each, and the next client is answered', async () => {
    // Both ends have a descriptor for each; Node raises its own limit to the hard one.
    expect(Number(execFileSync('sh', ['-c', 'ulimit -Hn | sed s/unlimited/1000000/'], { encoding: 'utf8' })), 'ulimit -Hn').toBeGreaterThan(10_600)
    const fire = await start({}, 'ulimit -n 10600 || exit 1;')
    const warm: Socket[] = []
    for (let i = 0; i < 500; i++) warm.push(await fire.dial())
    for (const socket of warm) socket.write('GET / HTTP/1.1\r\nHost: h\r\n\r\n')
    for (const socket of warm) socket.destroy()
    const before = await fire.memory()
    const sockets: Socket[] = []
    while (sockets.length < 10_000) sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => fire.dial()))))
    for (const piece of ['GET /slow HTTP/1.1\r\nHost: h\r\nUser-Agent: loris\r\n', 'X', '-', 'A', ':', ' ', 'a', 'b']) {
      for (const socket of sockets) socket.write(piece)
      await fire.memory()
    }
    const after = await fire.memory()
    const each = (after.rss - before.rss) / 10_000
    say(`10,000 slow heads: ${kib(each)} of RSS each (${mib(before.rss)} before, ${mib(after.rss)} with ${after.connections} connections)`)
    const asked = performance.now()
    expect(await fire.ask('/')).toBe('well')
    say(`the 10,001st client is answered after ${(performance.now() - asked).toFixed(1)} ms`)
    expect(after.connections).toBe(10_001)
    for (const socket of sockets) socket.destroy()
    expect(each).toBeLessThanOrEqual(10 * 1024)
  })

  it('are ended by the time-out, all of them', async () => {
    const fire = await start({ HEAD_TIMEOUT_MS: '2000' })
    const sockets: Socket[] = []
    while (sockets.length < 2000) sockets.push(...(await Promise.all(Array.from({ length: 100 }, () => fire.dial()))))
    const answers = sockets.map(async (socket) => {
      socket.write('GET / HTTP/1.1\r\nX: ')
      let text = ''
      for await (const data of socket) text += String(data)
      return text.slice(0, 12)
    })
    expect(new Set(await Promise.all(answers))).toEqual(new Set(['HTTP/1.1 408']))
    expect((await fire.memory()).connections).toBe(1)
  })
})

describe('a GiB', () => {
  it('from curl, out of a pipe, with HTTP chunks, counted as it comes', async () => {
    const fire = await start()
    const before = await fire.memory()
    const begun = performance.now()
    const output = await new Promise<string>((resolve, reject) => {
      execFile('sh', ['-c', `head -c ${gib} /dev/zero | curl -sS -T - -H 'Expect: 100-continue' http://127.0.0.1:${fire.port}/count`], (error, stdout) => (error === null ? resolve(stdout) : reject(error)))
    })
    const { rss } = await fire.memory()
    say(`1 GiB up from curl in ${((performance.now() - begun) / 1000).toFixed(1)} s: ${mib(before.rss)} before, ${mib(rss)} after`)
    expect(output).toBe(String(gib))
    expect(rss - before.rss).toBeLessThan(64 * 1024 * 1024)
  })

  it('to clients that read slowly, or not at all: memory stays flat', async () => {
    const fire = await start()
    const before = await fire.memory()
    const sockets = await Promise.all(Array.from({ length: 100 }, () => fire.dial()))
    for (const [index, socket] of sockets.entries()) {
      socket.pause()
      socket.write(`GET /dots/${gib} HTTP/1.1\r\nHost: h\r\n\r\n`)
      if (index % 2 === 0) continue
      // Half of them read now and then.
      const timer = setInterval(() => void socket.read(16_384), 50)
      socket.once('close', () => clearInterval(timer))
    }
    let peak = 0
    for (let i = 0; i < 50; i++) {
      peak = Math.max(peak, (await fire.memory()).rss)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    say(`100 slow readers of 1 GiB each: ${mib(before.rss)} before, ${mib(peak)} at most (${kib((peak - before.rss) / 100)} each)`)
    for (const socket of sockets) socket.destroy()
    expect(peak - before.rss).toBeLessThan(100 * 1024 * 1024)
  })

  it('to one that reads all of it', async () => {
    const fire = await start()
    const before = await fire.memory()
    const begun = performance.now()
    const output = await new Promise<string>((resolve, reject) => {
      execFile('sh', ['-c', `curl -sS http://127.0.0.1:${fire.port}/dots/${gib} | wc -c`], (error, stdout) => (error === null ? resolve(stdout) : reject(error)))
    })
    const { rss } = await fire.memory()
    say(`1 GiB down to curl in ${((performance.now() - begun) / 1000).toFixed(1)} s: ${mib(before.rss)} before, ${mib(rss)} after`)
    expect(output.trim()).toBe(String(gib))
    expect(rss - before.rss).toBeLessThan(64 * 1024 * 1024)
  })

  it('that nobody wants: the answer comes early, and the upload ends', async () => {
    const fire = await start()
    const output = await new Promise<string>((resolve) => {
      execFile('sh', ['-c', `head -c ${gib} /dev/zero | curl -sS -T - -H 'Expect:' -w ' %{http_code}' http://127.0.0.1:${fire.port}/refuse`], (_error, stdout) => resolve(stdout))
    })
    expect(output).toBe('refused 403')
  })
})

it('a hundred thousand malformed requests, on connections of their own, cost no memory', async () => {
  const fire = await start()
  const inputs = ['\0', 'GET / HTTP/1.1\n\n', 'GET / HTTP/9.9\r\n\r\n', 'GET / HTTP/1.1\r\n\r\n', `GET /${'a'.repeat(9000)}`, 'POST /count HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n']
  const once100 = async (round: number): Promise<void> => {
    await Promise.all(Array.from({ length: 100 }, async (_, i) => {
      const socket = await fire.dial()
      socket.end(inputs[(round + i) % inputs.length]!)
      let text = ''
      for await (const data of socket) text += String(data)
      if (!/^HTTP\/1\.1 (400|414|505) [^]*\r\n\r\n$/.test(text)) throw new Error(`answered with ${JSON.stringify(text)}`)
    }))
  }
  for (let round = 0; round < 100; round++) await once100(round)
  const before = await fire.memory()
  for (let round = 0; round < 1000; round++) await once100(round)
  const after = await fire.memory()
  say(`100,000 malformed requests: ${mib(before.rss)} before, ${mib(after.rss)} after`)
  expect(after.connections).toBe(1)
  expect(after.rss - before.rss).toBeLessThan(32 * 1024 * 1024)
})

it('too few file descriptors are survived', async () => {
  const fire = await start({}, 'ulimit -n 64;')
  const sockets = await Promise.all(Array.from({ length: 200 }, () => fire.dial()))
  for (const socket of sockets) socket.destroy()
  expect(await fire.ask('/')).toBe('well')
})
