/** Programs that we did not write, on the other side. */
import { existsSync, openSync, readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { join } from 'node:path'
import { isAsyncError, stack, type StreamTransport } from '@async/core'
import { nul } from '@async/protocol-chunk'
import { httpServer } from '@async/protocol-http'
import { describe, expect, it } from 'vitest'
import { connectExec, connectUnix, listenUnix, openFd, type UnixListenOptions } from '../src/index.ts'
import { cleanup, deferred, folder, itNeeds, pattern, Recorder, run, until } from './support.ts'

async function listen(options: UnixListenOptions, onTransport: (transport: StreamTransport) => void): Promise<void> {
  const listener = await listenUnix(options, onTransport)
  cleanup(() => {
    listener.abortConnections()
    return listener.closed
  })
}

/** Connects to a program as soon as it listens: that its socket's file is there says only that it is about to. */
async function connectOnceThere(path: string, child: { readonly exitCode: number | null }): ReturnType<typeof connectUnix> {
  for (;;) {
    await until(() => existsSync(path) || child.exitCode !== null)
    try {
      return await connectUnix({ path })
    } catch (error) {
      if (!isAsyncError(error, 'ERR_REFUSED') || child.exitCode !== null) throw error
    }
  }
}

const upper = (transport: StreamTransport): void => {
  transport.start({ dataReceived: (data) => transport.write(Buffer.from(data).toString().toUpperCase()) })
}

describe('clients', () => {
  itNeeds('socat', 'socat is answered, and its half-close obeyed', async () => {
    const path = join(folder(), 's')
    await listen({ path }, upper)
    const { child, exit } = run('socat', ['-t', '10', '-', `UNIX-CONNECT:${path}`])
    child.stdin.end('hello')
    expect(await exit).toEqual({ code: 0, output: 'HELLO' })
  })

  itNeeds('nc', 'nc -U is answered', async () => {
    const path = join(folder(), 's')
    await listen({ path }, upper)
    const { child, exit } = run('nc', ['-U', '-N', path])
    child.stdin.end('hello')
    expect(await exit).toEqual({ code: 0, output: 'HELLO' })
  })

  itNeeds('curl', 'curl --unix-socket speaks HTTP with our server', async () => {
    const path = join(folder(), 'http.sock')
    const body = pattern(200_000)
    await listen({ path }, httpServer({
      onExchange(exchange) {
        const { method, target } = exchange.request
        exchange.start({
          dataReceived: (data) => exchange.write(data),
          eofReceived() {
            if (method === 'GET') exchange.write(`${method} ${target}`)
            exchange.close()
          },
        })
      },
    }))
    const get = run('curl', ['-sS', '--unix-socket', path, 'http://localhost/one', 'http://localhost/two'])
    expect((await get.exit).output).toBe('GET /oneGET /two')
    const out = join(folder(), 'out')
    const post = run('curl', ['-sS', '--unix-socket', path, '--data-binary', '@-', '-H', 'Expect:', '-o', out, 'http://localhost/echo'])
    post.child.stdin.end(body)
    expect((await post.exit).code).toBe(0)
    expect(readFileSync(out).equals(body)).toBe(true)
  })
})

/** What a descriptor of ours is, or undefined if it was closed meanwhile. */
function linkOf(fd: string): string | undefined {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`)
  } catch {
    return undefined
  }
}

describe('servers', () => {
  itNeeds('socat', 'socat echoes 3 MB', async () => {
    const path = join(folder(), 's')
    const { child } = run('socat', [`UNIX-LISTEN:${path}`, 'EXEC:cat'])
    const transport = await connectOnceThere(path, child)
    const protocol = new Recorder()
    transport.start(protocol)
    const sent = pattern(3_000_000)
    transport.write(sent)
    await protocol.received(sent.length)
    transport.close()
    expect((await protocol.lost).kind).toBe('closed')
    expect(protocol.data.equals(sent)).toBe(true)
  })

  itNeeds('socat', 'a terminal is let go of whole: libuv opens it anew, and what it was given is closed as well', async () => {
    const [one, other] = [join(folder(), 'one'), join(folder(), 'other')]
    run('socat', [`pty,raw,echo=0,link=${one}`, `pty,raw,echo=0,link=${other}`])
    await until(() => existsSync(one) && existsSync(other))
    const device = realpathSync(one)
    const opened = (): number => readdirSync('/proc/self/fd').filter((fd) => linkOf(fd) === device).length
    for (const way of ['both', 'each'] as const) {
      const fd = openSync(one, 'r+')
      const transport = openFd(way === 'both' ? { fd } : { fd, writeFd: openSync(one, 'r+') })
      transport.start(new Recorder())
      expect(opened()).toBeGreaterThan(0)
      transport.abort()
      await transport.closed
      await until(() => opened() === 0)
    }
  })

  itNeeds('socat', 'one that is killed with much unread is a reset', async () => {
    const path = join(folder(), 's')
    const { child } = run('socat', ['-u', `UNIX-LISTEN:${path}`, '-'])
    const transport = await connectOnceThere(path, child)
    const protocol = new Recorder()
    transport.start(protocol)
    child.kill('SIGSTOP')
    transport.write(pattern(3_000_000))
    await until(() => transport.queuedBytes > 0)
    for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve))
    child.kill('SIGKILL')
    const reason = await protocol.lost
    expect(reason.kind).toBe('reset')
    expect(reason.unsentBytes).toBeGreaterThan(0)
  })
})

describe('programs', () => {
  it('a pipeline of a shell is a connection', async () => {
    const transport = await connectExec({ command: 'sh', args: ['-c', 'tr a-z A-Z | rev | sort'], stderr: 'ignore' })
    const protocol = new Recorder()
    transport.start(protocol)
    transport.write('world\nhello\n')
    transport.halfClose()
    expect((await protocol.lost).kind).toBe('closed')
    expect(protocol.data.toString()).toBe('DLROW\nOLLEH\n')
  })

  itNeeds('chromium', 'Chromium is driven through --remote-debugging-pipe', async () => {
    const home = folder()
    const browser = await connectExec({
      command: 'chromium',
      args: ['--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', `--user-data-dir=${home}`, '--remote-debugging-pipe', 'about:blank'],
      env: { HOME: home },
      channels: { debugging: { write: 3, read: 4 } },
      stderr: 'ignore',
      lingerMs: 2_000,
    })
    cleanup(() => browser.abort())
    const over = new Recorder()
    browser.start(over)
    // oxlint-disable-next-line typescript/no-explicit-any -- the protocol's own shapes
    const answers = new Map<number, (answer: any) => void>()
    const messages = stack(browser.channels['debugging']!, nul({ mode: 'text', maxChunkBytes: 16_777_216 }))
    messages.start({
      dataReceived(text) {
        const message = JSON.parse(text) as { readonly id?: number; readonly result?: unknown; readonly error?: unknown }
        if (message.id !== undefined) answers.get(message.id)?.(message.result ?? message.error)
      },
    })
    let id = 0
    // oxlint-disable-next-line typescript/no-explicit-any -- the protocol's own shapes
    const call = (method: string, params = {}, sessionId?: string): Promise<any> => {
      const { promise, resolve } = deferred<unknown>()
      answers.set(++id, resolve)
      messages.write(JSON.stringify({ id, method, params, sessionId }))
      return promise
    }
    expect((await call('Browser.getVersion')).product).toMatch(/Chrome/)
    const { targetId } = await call('Target.createTarget', { url: 'data:text/html,<title>ours</title>' })
    const { sessionId } = await call('Target.attachToTarget', { targetId, flatten: true })
    const evaluate = (expression: string): Promise<{ result: { value: unknown } }> => call('Runtime.evaluate', { expression }, sessionId)
    expect((await evaluate('6 * 7')).result.value).toBe(42)
    // Half a megabyte each way, in one message.
    expect((await evaluate(`'x'.repeat(500000) + ${JSON.stringify('y'.repeat(500_000))}.length`)).result.value).toBe(`${'x'.repeat(500_000)}500000`)
    void call('Browser.close')
    expect(await over.lost).toMatchObject({ kind: 'closed', by: 'peer', exit: { code: 0, signal: null } })
    expect((await messages.closed).kind).toBe('closed')
  }, 60_000)
})
