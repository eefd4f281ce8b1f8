import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { build, Command, peer, run } from './process.ts'

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url))
let server: Server | undefined

beforeAll(build, 60_000)
afterEach(() => server?.close())

/** A server of our own, half-open; resolves with its stack string. */
async function listen(accept: (socket: Socket) => void): Promise<string> {
  server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {})
    accept(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Every byte value, in no order that repeats with a power of two. */
function bytes(length: number): Buffer {
  return Buffer.from(Uint8Array.from({ length }, (_, index) => (index * 7 + (index >> 8) * 13) & 255))
}

describe('async connect', () => {
  it('passes 1 MiB each way, byte for byte, and ends when the peer ends', async () => {
    const stack = await listen((socket) => socket.pipe(socket))
    const input = bytes(1024 * 1024)
    const { code, stdout, stderr } = await run(['connect', stack], { input })
    expect({ code, stderr, equal: stdout.equals(input) }).toEqual({ code: 0, stderr: '', equal: true })
  })

  it('half-closes at the end of input, and prints what comes after', async () => {
    const stack = await listen((socket) => {
      socket.resume()
      socket.on('end', () => socket.end('after your end\n'))
    })
    const { code, stdout } = await run(['connect', stack], { input: 'x' })
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 0, stdout: 'after your end\n' })
  })

  it('ends when the peer ends, while input is still open', async () => {
    const stack = await listen((socket) => socket.resume().end('bye\n'))
    const command = new Command(['connect', stack])
    const { code, stdout } = await command.ended
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 0, stdout: 'bye\n' })
  })

  it('takes lines for messages where the stack carries messages', async () => {
    const stack = await listen((socket) => socket.pipe(socket))
    const { code, stdout } = await run(['connect', `line+${stack}`], { input: 'one\n\ntwo' })
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 0, stdout: 'one\n\ntwo\n' })
  })

  it('ends messages with NUL on --null', async () => {
    const stack = await listen((socket) => socket.pipe(socket))
    const { code, stdout } = await run(['connect', '--null', `length-prefix+${stack}`], { input: 'one\nand\0two\0' })
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 0, stdout: 'one\nand\0two\0' })
  })

  it('ends quietly with 141 when the reader of its output leaves', async () => {
    const stack = await listen((socket) => {
      const more = (): void => {
        while (socket.writable && socket.write(bytes(65536)));
      }
      socket.on('drain', more)
      more()
    })
    const script = `node ${JSON.stringify(main)} connect ${stack} </dev/null | head -c 10 | wc -c; echo "\${PIPESTATUS[0]}"`
    const { stdout, stderr } = await peer('bash', ['-c', script])
    expect({ stdout: stdout.toString().replaceAll(' ', ''), stderr }).toEqual({ stdout: '10\n141\n', stderr: '' })
  })

  it('ends with 130 on Ctrl-C, and resets the connection', async () => {
    let reset: Promise<unknown> | undefined
    const stack = await listen((socket) => {
      reset = new Promise((resolve) => socket.on('error', resolve))
      socket.write('hello\n')
    })
    const command = new Command(['connect', stack])
    await command.firstLine()
    command.child.kill('SIGINT')
    const { code, stderr } = await command.ended
    expect({ code, stderr }).toEqual({ code: 130, stderr: '' })
    expect(await reset).toMatchObject({ code: 'ECONNRESET' })
  })

  it('takes input for the body of a request, and prints the body of the response', async () => {
    const http = createHttpServer((request, response) => {
      response.writeHead(request.url === '/echo?a=b' ? 200 : 404)
      request.pipe(response)
    })
    http.listen(0, '127.0.0.1')
    await once(http, 'listening')
    const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
    const input = bytes(300_000)
    const { code, stdout, stderr } = await run(['connect', `${url}/echo?a=b`], { input })
    expect({ code, stderr, equal: stdout.equals(input) }).toEqual({ code: 0, stderr: '', equal: true })
    const refused = await run(['connect', `${url}/other`], { input: 'x' })
    expect(refused.code).toBe(3)
    expect(refused.stderr).toMatch(/^async: .*404.*\(ERR_HTTP_STATUS\)\n$/)
    http.close()
  })

  it('tells a reset with one line and 3', async () => {
    const stack = await listen((socket) => socket.resetAndDestroy())
    const { code, stderr } = await new Command(['connect', stack]).ended
    expect(code).toBe(3)
    expect(stderr).toMatch(/^async: .*\(ERR_RESET\)\n$/)
  })

  it('refuses a line that is too long', async () => {
    const stack = await listen((socket) => socket.resume())
    const { code, stderr } = await run(['connect', `line+${stack}`], { input: Buffer.alloc(1024 * 1024 + 1, 'x') })
    expect({ code, stderr }).toEqual({ code: 2, stderr: 'async: a message on standard input is longer than 1048576 bytes\n' })
  })
})
