/** The command over every scheme, between real processes: what `serve` serves, `call` reaches, and so do programs that we did not write. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { build, Command, needs, peer, run } from './process.ts'

const module = './test/fixtures/methods.mjs'
const fetchModule = './test/fixtures/fetch.mjs'
const folder = mkdtempSync(join(tmpdir(), 'async-cli-stacks-'))
const server = 'tls;cert=server.pem;key=server.key'
const client = 'tls;ca=server.pem'

beforeAll(() => {
  build()
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1']
  const made = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-keyout', 'server.key', '-out', 'server.pem']
  spawnSync('openssl', [...made, ...subject], { cwd: folder })
}, 60_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs `use` while `async serve` serves; it is given the stack string that was printed. In the folder of the certificates. */
async function whileServing(stack: string, what: string, use: (stack: string) => Promise<void>): Promise<void> {
  const command = new Command(['serve', stack, join(import.meta.dirname, '..', what)], { cwd: folder })
  try {
    await use(await command.firstLine())
  } finally {
    command.child.kill('SIGKILL')
    await command.ended
  }
}

const five = { code: 0, stdout: '5\n', stderr: '' }

async function call(stack: string): Promise<unknown> {
  const { code, stdout, stderr } = await run(['call', stack, 'add', '[2, 3]'], { cwd: folder })
  return { code, stdout: stdout.toString(), stderr }
}

describe('async serve and async call', () => {
  it.each([
    `jsonrpc+line+unix:${folder}/a.sock`,
    `jsonrpc+http;path=/rpc+unix:${folder}/b.sock`,
    'jsonrpc+line+unix:async-cli-test?abstract=true',
    'jsonrpc+ws+tcp://127.0.0.1:0/rpc',
    `jsonrpc+ws;path=/rpc+unix:${folder}/c.sock`,
  ])('over %s', async (stack) => {
    await whileServing(stack, module, async (reached) => expect(await call(reached)).toEqual(five))
  })

  it.each([
    `jsonrpc+line+${server}+tcp://127.0.0.1:0`,
    `jsonrpc+http+${server}+tcp://127.0.0.1:0/rpc`,
    `jsonrpc+ws+${server}+tcp://127.0.0.1:0/rpc`,
    `jsonrpc+line+${server}+unix:${folder}/d.sock`,
    `jsonrpc+line+${server}+${server}+tcp://127.0.0.1:0`,
  ])('over %s', async (stack) => {
    await whileServing(stack, module, async (reached) => expect(await call(reached.replaceAll(server, client))).toEqual(five))
  })

  it('to a server that it does not trust: says so', async () => {
    await whileServing(`jsonrpc+line+${server}+tcp://127.0.0.1:0`, module, async (reached) => {
      const { code, stderr } = await run(['call', reached.replace(server, 'tls'), 'add', '[2, 3]'])
      expect(code).toBe(3)
      expect(stderr).toContain('(ERR_TLS_')
    })
  })

  it('to a program that it starts', async () => {
    expect(await call(`jsonrpc+lsp+exec:${process.execPath} ${join(import.meta.dirname, 'fixtures/lsp-add.mjs')}`)).toEqual(five)
  })

  it('to itself, as a language server is started', async () => {
    const self = join(import.meta.dirname, '../dist/main.js')
    expect(await call(`jsonrpc+lsp+exec:${process.execPath} ${self} serve jsonrpc+lsp+stdio: ${join(import.meta.dirname, 'fixtures/methods.mjs')}`)).toMatchObject({ code: 0, stdout: '5\n' })
  })

  it('over a serial line', async (test) => {
    needs('socat')(test)
    const [one, other] = [join(folder, 'tty-one'), join(folder, 'tty-other')]
    const line = spawn('socat', [`PTY,raw,echo=0,link=${one}`, `PTY,raw,echo=0,link=${other}`], { stdio: 'ignore' })
    try {
      while (!(existsSync(one) && existsSync(other))) await new Promise((resolve) => setTimeout(resolve, 20))
      await whileServing(`jsonrpc+line+serial:${readlinkSync(one)}?baudRate=115200`, module, async () => {
        expect(await call(`jsonrpc+line+serial:${readlinkSync(other)}?baudRate=115200`)).toEqual(five)
      })
    } finally {
      line.kill()
    }
  })

  it('over a pair of FIFOs', async (test) => {
    needs('mkfifo')(test)
    const [one, other] = [join(folder, 'one'), join(folder, 'other')]
    spawnSync('mkfifo', [one, other])
    const serving = new Command(['serve', `jsonrpc+line+fifo:${one}?writePath=${other}`, module])
    try {
      expect(await call(`jsonrpc+line+fifo:${other}?writePath=${one}`)).toEqual(five)
      // Its only connection is over: it ends by itself.
      expect((await serving.ended).code).toBe(0)
    } finally {
      serving.child.kill('SIGKILL')
    }
  })
})

describe('async serve with a module that has a fetch', () => {
  it('answers curl over TCP', async (test) => {
    needs('curl')(test)
    await whileServing('http+tcp://127.0.0.1:0', fetchModule, async (stack) => {
      const { stdout } = await peer('curl', ['-s', '-d', 'body', stack.replace('http+tcp:', 'http:') + '/path?query'])
      expect(stdout.toString()).toBe('POST /path?query body')
    })
  })

  it('answers curl over TLS', async (test) => {
    needs('curl')(test)
    await whileServing(`http+${server}+tcp://127.0.0.1:0`, fetchModule, async (stack) => {
      const url = stack.replace(`http+${server}+tcp:`, 'https:')
      const { stdout } = await peer('curl', ['-s', '--cacert', join(folder, 'server.pem'), `${url}/`])
      expect(stdout.toString()).toBe('GET / ')
    })
  })

  it('answers curl over a Unix socket', async (test) => {
    needs('curl')(test)
    const path = join(folder, 'fetch.sock')
    await whileServing(`http+unix:${path}`, fetchModule, async () => {
      const { stdout } = await peer('curl', ['-s', '--unix-socket', path, 'http://localhost/x'])
      expect(stdout.toString()).toBe('GET /x ')
    })
  })

  it('needs one', async () => {
    const { code, stderr } = await run(['serve', 'http+tcp://127.0.0.1:0', module])
    expect(code).toBe(6)
    expect(stderr).toContain('has no default export with a function fetch(request)')
  })
})

describe('async connect', () => {
  it('ties a program to standard input and output, without a shell', async () => {
    const { code, stdout } = await run(['connect', "exec:sh -c 'tr a-z A-Z; exit 0'"], { input: 'hello $HOME' })
    expect({ code, stdout: stdout.toString() }).toEqual({ code: 0, stdout: 'HELLO $HOME' })
  })

  it.each([
    ['tls+tcp;x=1://h:1', 'tcp has no parameter x'],
    ['tls;cert=none.pem+tcp://127.0.0.1:1', 'tls;cert: '],
    ['fifo:/x', 'a FIFO goes one way'],
    ['fd:three', 'fd needs a number'],
    ['serial:/dev/x?baudRate=fast', 'serial;baudRate is a whole number'],
  ])('refuses %s', async (stack, message) => {
    const { code, stderr } = await run(['connect', stack])
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })

  it.each([
    [`unix:${folder}/none.sock`, '(ERR_NOT_FOUND)'],
    [`serial:${folder}/none`, '(ERR_DEVICE_NOT_FOUND)'],
    ['exec:no-such-program-anywhere', '(ERR_NOT_FOUND)'],
  ])('to %s: says what is missing', async (stack, code) => {
    const ended = await run(['connect', stack])
    expect(ended.code).toBe(3)
    expect(ended.stderr).toContain(code)
  })
})
