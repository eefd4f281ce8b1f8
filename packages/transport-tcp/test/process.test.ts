import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { cleanup, itNeeds, listen, Recorder, run } from './support.ts'

const built = new URL('../bundle/index.js', import.meta.url)

/** A Node process that runs `script` with this package's exports in scope. It is the built one: Node 20 runs no TypeScript. */
function node(script: string, ...args: string[]): ReturnType<typeof run> {
  return run(process.execPath, ['--input-type=module', '-e', program(script), ...args])
}

function program(script: string): string {
  return `import { connectTcp, listenTcp } from ${JSON.stringify(built.href)}\n${script}`
}

beforeAll(() => {
  // A clear word, if the build is missing.
  readFileSync(built)
})

describe('a process that imports the package', () => {
  it('loads three files, and no resolver before a name is looked up', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'async-tcp-'))
    cleanup(() => rmSync(folder, { recursive: true }))
    // Node's coverage names every file that was loaded.
    const { exit } = run('env', [`NODE_V8_COVERAGE=${folder}`, process.execPath, '--input-type=module', '-e', program(`
const hasResolver = () => process.moduleLoadList.includes('NativeModule dns')
console.log(hasResolver())
await connectTcp({ host: 'localhost', port: 1 }).catch(() => {})
console.log(hasResolver())
`)])
    expect(await exit).toEqual({ code: 0, output: 'false\ntrue\n' })
    const coverage = readdirSync(folder).map((file) => readFileSync(join(folder, file), 'utf8')).join('\n')
    const loaded = [...coverage.matchAll(/"url":"file:[^"]*\/packages\/([^"[]*)"/g)].map(([, file]) => file)
    expect(loaded.sort()).toEqual(['core/bundle/node/index.js', 'core/bundle/shared.js', 'transport-tcp/bundle/index.js'])
  })
})

describe('a process', () => {
  it('ends by itself once its connection and its listener are closed', async () => {
    const { exit } = node(`
const listener = await listenTcp({}, (transport) => transport.start({ dataReceived: (data) => transport.write(data) }))
const transport = await connectTcp({ host: '127.0.0.1', port: listener.port })
transport.start({ dataReceived: () => transport.close() })
transport.write('x')
const reason = await transport.closed
listener.close()
await listener.closed
for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve))
console.log(reason.kind, process.getActiveResourcesInfo().filter((name) => /TCP|Timeout/.test(name)).length)
`)
    expect(await exit).toEqual({ code: 0, output: 'closed 0\n' })
  })

  it('ends by itself after an abort, also one while our end is announced', async () => {
    const { exit } = node(`
const listener = await listenTcp({}, (transport) => transport.start({ dataReceived() {} }))
for (const half of [false, true]) {
  const transport = await connectTcp({ host: '127.0.0.1', port: listener.port })
  transport.start({ dataReceived() {} })
  if (half) transport.halfClose()
  transport.abort()
  console.log((await transport.closed).kind)
}
listener.close()
`)
    expect(await exit).toEqual({ code: 0, output: 'aborted\naborted\n' })
  })

  it('is not kept alive by a failed connect, nor by an aborted one', async () => {
    const { exit } = node(`
const listener = await listenTcp({}, () => {})
const port = listener.port
listener.close()
await listener.closed
console.log(await connectTcp({ host: '127.0.0.1', port }).catch((error) => error.code))
const controller = new AbortController()
const failure = connectTcp({ host: '127.0.0.1', port, signal: controller.signal }).catch((error) => error.name)
controller.abort()
console.log(await failure)
`)
    expect(await exit).toEqual({ code: 0, output: 'ERR_REFUSED\nAbortError\n' })
  })

  it('is kept alive by an open connection, and not by one with ref: false', async () => {
    const listener = await listen({}, (transport) => transport.start(new Recorder()))
    const script = `
const transport = await connectTcp({ host: '127.0.0.1', port: Number(process.argv[1]), ref: process.argv[2] === 'true' })
transport.start({ dataReceived() {}, connectionLost: (reason) => console.log(reason.kind) })
console.log('connected')
process.on('exit', () => console.log('exit'))
`
    const unreferenced = node(script, String(listener.port), 'false')
    expect(await unreferenced.exit).toEqual({ code: 0, output: 'connected\nexit\n' })
    const referenced = node(script, String(listener.port), 'true')
    expect(await referenced.line()).toBe('connected')
    listener.abortConnections()
    expect(await referenced.exit).toEqual({ code: 0, output: 'connected\nreset\nexit\n' })
  })

  it('is not kept alive by a listener with ref: false, nor by what it accepted', async () => {
    const { line, exit, child } = node(`
let count = 0
const listener = await listenTcp({ ref: false, startTimeoutMs: Infinity }, (transport) => {
  // The second one is never started.
  if (++count === 1) transport.start({ dataReceived() {} })
  else console.log('both')
})
console.log(listener.port)
process.stdin.once('data', () => process.stdin.destroy())
`)
    const port = Number(await line())
    for (let i = 0; i < 2; i++) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      cleanup(() => socket.destroy())
    }
    expect(await line()).toBe('both')
    child.stdin.write('go')
    expect((await exit).code).toBe(0)
  })
})

describe('without a file descriptor', () => {
  it('a listener lives on, and connecting says ERR_TOO_MANY_FILES', async () => {
    const script = program(`
import { openSync } from 'node:fs'
const listener = await listenTcp({}, (transport) => transport.start({ dataReceived: (data) => transport.write(data), eofReceived: () => transport.close() }))
console.log(listener.port)
process.stdin.on('data', async () => {
  const files = []
  try {
    for (;;) files.push(openSync('/dev/null'))
  } catch {}
  console.log(listener.connectionCount, await connectTcp({ host: '127.0.0.1', port: 9 }).catch((error) => error.code))
})
`)
    const { child, line } = run('sh', ['-c', 'ulimit -n 64; exec "$0" --input-type=module -e "$1"', process.execPath, script])
    const port = Number(await line())
    const sockets: Socket[] = []
    const open = async (): Promise<Socket> => {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      cleanup(() => socket.destroy())
      await once(socket, 'connect').catch(() => {})
      return socket
    }
    for (let i = 0; i < 90; i++) sockets.push(await open())
    child.stdin.write('?')
    const [count, code] = (await line()).split(' ')
    expect(Number(count)).toBeLessThan(64)
    expect(code).toBe('ERR_TOO_MANY_FILES')
    // The first ones were accepted: when they go, others are served.
    const closed = sockets.slice(0, 10).map((socket) => once(socket.resume(), 'close'))
    for (const socket of sockets.slice(0, 10)) socket.end()
    await Promise.all(closed)
    const late = await open()
    late.write('again')
    const [data] = (await once(late, 'data')) as [Buffer]
    expect(data.toString()).toBe('again')
  })
})

describe('system calls', () => {
  itNeeds('strace', 'what is written in a delivery is one of them, what asynchronous handlers write in its turn another', async () => {
    const script = program(`
const listener = await listenTcp({}, (transport) => {
  const answer = async (i) => {
    for (let k = 0; k < i % 8; k++) await undefined
    transport.write('answer' + i + ';')
  }
  transport.start({
    dataReceived() {
      for (let i = 0; i < 64; i++) void answer(i)
      transport.writeSequence(['sequence;', Buffer.from('of '), 'three;'])
    },
  })
})
console.log(listener.port)
process.stdin.on('data', () => process.exit())
`)
    const folder = mkdtempSync(join(tmpdir(), 'async-tcp-'))
    cleanup(() => rmSync(folder, { recursive: true }))
    const calls = join(folder, 'calls')
    const trace = run('strace', ['-f', '-o', calls, '-e', 'trace=write,writev,sendto,sendmsg', process.execPath, '--input-type=module', '-e', script])
    const socket = connect(Number(await trace.line()), '127.0.0.1')
    cleanup(() => socket.destroy())
    let text = ''
    socket.on('data', (data: Buffer) => (text += data.toString()))
    socket.write('go')
    while (text.split(';').length < 67) await once(socket, 'data')
    trace.child.stdin.write('over')
    await trace.exit
    expect(readFileSync(calls, 'utf8').split('\n').filter((line) => line.includes('answer'))).toHaveLength(2)
  })
})
